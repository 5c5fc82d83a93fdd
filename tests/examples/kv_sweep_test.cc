// kv_server in this program, stopped and failed at every point.
#include <eddy/io/read_exactly.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/with_stop.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "examples/kv_server/server.h"
#include "tests/examples/resp.h"
#include "tests/io/io_test_util.h"
#include "tests/sweeps.h"

namespace eddy::testing_examples {
namespace {

using io_test::Bytes;
using io_test::TempDir;
using kv_server::Core;

// All that a session does: commands, a subscription, messages to itself.
std::string Requests() {
  return RespRequest({"HELLO", "3"}) + "SET a 1\r\nINCR a\r\nDBSIZE\r\n" +
         RespRequest({"SUBSCRIBE", "news"}) +
         RespRequest({"PUBLISH", "news", "hello"}) + "FLUSHALL\r\n" +
         RespRequest({"QUIT"});
}

Task<Result<void>> Talk(net::SocketAddress address) {
  EDDY_CO_TRY(net::TcpStream stream, co_await net::TcpStream::Connect(address));
  const std::string requests = Requests();
  // In two parts, the second in the middle of a request.
  EDDY_CO_CHECK(co_await stream.Write(Bytes(requests.substr(0, 60))));
  EDDY_CO_CHECK(co_await stream.Write(Bytes(requests.substr(60))));
  std::string replies;
  std::string buffer(4096, '\0');
  while (true) {
    EDDY_CO_TRY(const std::size_t n,
                co_await stream.Read(std::as_writable_bytes(
                    std::span(buffer.data(), buffer.size()))));
    if (n == 0) break;
    replies.append(buffer, 0, n);
  }
  // Where something has failed, only a part of it came, or an error.
  const bool right = replies.find("+OK\r\n:2\r\n:1\r\n") != replies.npos &&
                     replies.find("$5\r\nhello\r\n") != replies.npos &&
                     replies.ends_with(":1\r\n+OK\r\n+OK\r\n");
  if (!right) co_return Unexpected(std::errc::bad_message);
  co_return Result<void>();
}

void Sweep(const kv_server::Options& options, const TempDir& dir,
           test::AtLeast points) {
  const auto address =
      net::SocketAddress::Parse("unix:" + dir / "socket").value();
  const auto scenario = [&]() -> Task<Result<void>> {
    unlink((dir / "socket").c_str());
    if (!options.log.empty()) {
      std::filesystem::remove(options.log + "/core-0.log");
    }
    Core core(options, /*index=*/0, /*cores=*/1, /*seed=*/1);
    EDDY_CO_CHECK(co_await core.Recover(1));
    EDDY_CO_TRY(net::TcpListener listener, net::TcpListener::Bind(address));
    std::atomic<std::size_t> clients = 0;
    StopSource done;
    const auto serve = [&]() -> Task<Result<void>> {
      const Result<void> served = co_await WithStop(
          done.token(),
          kv_server::ServeClients(listener, kv_server::Place(core, clients)));
      if (!served && served.error() != kCanceled) co_return served;
      co_return Result<void>();
    };
    const auto both = [&](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn([&]() -> Task<> {
        static_cast<void>(
            co_await WithStop(done.token(), core.RunBackground()));
      });
      scope.Spawn(serve);
      const Result<void> talked = co_await Talk(address);
      done.RequestStop();
      co_return talked;
    };
    const Result<void> ended = co_await WithScope(both);
    EXPECT_EQ(clients, 0U);
    EXPECT_EQ(core.clients().size(), 0U);
    EXPECT_EQ(core.channels().size(kv_server::Channels::Kind::kChannel), 0U);
    co_return ended;
  };
  test::ExpectCleanSweeps(scenario, points);
}

TEST(KvSweepTest, EndsCleanlyAtEveryPoint) {
  const TempDir dir;
  kv_server::Options options;
  options.drain = {};
  Sweep(options, dir, {.stops = 8, .failures = 6});
}

TEST(KvSweepTest, EndsCleanlyAtEveryPointWithALog) {
  const TempDir dir("/dev/shm");
  kv_server::Options options;
  options.drain = {};
  options.log = dir.path();
  Sweep(options, dir, {.stops = 15, .failures = 10});
}

}  // namespace
}  // namespace eddy::testing_examples
