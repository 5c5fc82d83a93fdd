// eddy's service around SQLite in this program, stopped and failed at every
// point.
#include <eddy/io/buffered_reader.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/with_stop.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "examples/sqlite_service/server.h"
#include "tests/io/io_test_util.h"
#include "tests/sweeps.h"

namespace eddy::testing_examples {
namespace {

using io_test::Bytes;
using io_test::TempDir;

TEST(SqliteServiceSweepTest, EndsCleanlyAtEveryPoint) {
  const TempDir dir;
  const auto address =
      net::SocketAddress::Parse("unix:" + dir / "socket").value();
  sqlite_service::StoreOptions store;
  store.path = dir / "notes.db";
  store.survives_power_failure = false;
  sqlite_service::StorePool stores(store, 1);

  const auto talk = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(net::TcpStream stream,
                co_await net::TcpStream::Connect(address));
    EDDY_CO_CHECK(
        co_await stream.Write(Bytes("PUT a b\nGET a\nADD n 1\nQUIT\n")));
    io::BufferedReader reader(stream);
    for (const std::string_view expected : {"OK", "VALUE b"}) {
      EDDY_CO_TRY(const std::string_view line, co_await reader.ReadLine());
      EXPECT_EQ(line, expected);
    }
    EDDY_CO_TRY(const std::string_view sum, co_await reader.ReadLine());
    EXPECT_TRUE(sum.starts_with("VALUE ")) << sum;
    const auto end = co_await reader.ReadLine();
    EXPECT_FALSE(end);
    co_return Result<void>();
  };
  const auto scenario = [&]() -> Task<Result<void>> {
    unlink((dir / "socket").c_str());
    EDDY_CO_TRY(net::TcpListener listener, net::TcpListener::Bind(address));
    sqlite_service::Options options;
    StopSource done;
    const auto serve = [&]() -> Task<Result<void>> {
      const Result<void> served = co_await WithStop(
          done.token(), sqlite_service::Serve(listener, stores, options));
      if (!served && served.error() != kCanceled) co_return served;
      co_return Result<void>();
    };
    const auto both = [&](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn(serve);
      const Result<void> talked = co_await talk();
      done.RequestStop();
      co_return talked;
    };
    co_return co_await WithScope(both);
  };
  test::ExpectCleanSweeps(scenario, {.stops = 10, .failures = 8});
}

}  // namespace
}  // namespace eddy::testing_examples
