// The echo server and its clients in one program, stopped and failed at every
// point.
#include <eddy/net/tcp.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/virtual_clock.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "tests/examples/silent_sweeps.h"
#include "tests/io/io_test_util.h"

// Of examples/echo_server.cc.
eddy::Task<eddy::Result<void>> Serve(const char* where);

namespace eddy::testing_examples {
namespace {

using io_test::Bytes;
using io_test::TempDir;
using io_test::Text;

// Sends something, reads it back, and goes.
Task<Result<void>> GetsItsEcho(net::SocketAddress server,
                               std::string_view text) {
  EDDY_CO_TRY(net::TcpStream stream, co_await net::TcpStream::Connect(server));
  EDDY_CO_CHECK(co_await stream.Write(Bytes(text)));
  std::string got;
  while (got.size() < text.size()) {
    std::array<std::byte, 64> part;
    EDDY_CO_TRY(const std::size_t n, co_await stream.Read(part));
    if (n == 0) co_return Unexpected(kEndOfStream);
    got += Text(std::span(part).first(n));
  }
  if (got != text) co_return Unexpected(kWrong);
  co_return co_await stream.Close();
}

// The server is stopped, as by a signal, when its clients have gone. One that
// fails to accept rests, and goes on.
Task<Result<void>> ServesTwoClients(const std::string& path) {
  const VirtualClock clock;
  unlink(path.c_str());
  const std::string where = "unix:" + path;
  EDDY_CO_TRY(const net::SocketAddress server,
              net::SocketAddress::Parse(where));
  bool asked = false;
  const auto asks = [&](TaskScope& scope) -> Task<Result<void>> {
    JoinHandle<Result<void>> other = scope.Spawn(GetsItsEcho(server, "other"));
    EDDY_CO_CHECK(co_await GetsItsEcho(server, "hello"));
    EDDY_CO_CHECK(co_await other);
    asked = true;
    scope.RequestStop();
    co_return Result<void>();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(asks, std::ref(scope));
    co_return co_await Serve(where.c_str());
  };
  const Result<void> served = co_await WithScope(body);
  // Serve ends with the kCanceled of its stop.
  if (asked && !served && served.error() == kCanceled) {
    co_return Result<void>();
  }
  co_return served;
}

TEST(EchoServerSweepTest, EndsCleanlyAtEveryPoint) {
  const TempDir dir;
  const std::string path = dir / "socket";
  const auto scenario = [&] { return ServesTwoClients(path); };
  ExpectCleanWhenStopped(scenario, 40);
  ExpectCleanWhenFailed(scenario, 12);
}

}  // namespace
}  // namespace eddy::testing_examples
