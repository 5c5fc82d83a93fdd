// The proxy, a client and a server in one program, stopped and failed at every
// point.
#include <eddy/net/tcp.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/virtual_clock.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "tests/examples/silent_sweeps.h"
#include "tests/io/io_test_util.h"

// Of examples/tcp_proxy.cc.
struct TcpProxyOptions {
  const char* listen = "127.0.0.1:7001";
  const char* target = "127.0.0.1:7000";
  std::size_t most_connections = 1000;
  std::chrono::seconds idle_timeout{300};
};
eddy::Task<eddy::Result<void>> ServeTcpProxy(const TcpProxyOptions& options);

namespace eddy::testing_examples {
namespace {

using io_test::Bytes;
using io_test::TempDir;
using io_test::Text;

Task<Result<std::string>> ReadAll(net::TcpStream& stream) {
  std::string all;
  std::array<std::byte, 64> part;
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await stream.Read(part));
    if (n == 0) co_return all;
    all += Text(std::span(part).first(n));
  }
}

// Answers when the question has ended.
Task<Result<void>> Answer(net::TcpListener& target) {
  EDDY_CO_TRY(net::TcpStream stream, co_await target.Accept());
  EDDY_CO_TRY(const std::string question, co_await ReadAll(stream));
  EDDY_CO_CHECK(co_await stream.Write(Bytes("you said ")));
  EDDY_CO_CHECK(co_await stream.Write(Bytes(question)));
  co_return co_await stream.Close();
}

Task<Result<void>> Ask(net::SocketAddress proxy) {
  EDDY_CO_TRY(net::TcpStream stream, co_await net::TcpStream::Connect(proxy));
  EDDY_CO_CHECK(co_await stream.Write(Bytes("hello")));
  EDDY_CO_CHECK(co_await stream.Shutdown());
  EDDY_CO_TRY(const std::string answer, co_await ReadAll(stream));
  if (answer != "you said hello") co_return Unexpected(kWrong);
  co_return co_await stream.Close();
}

// The proxy is stopped, as by a signal, when the client has its answer.
Task<Result<void>> CarriesAQuestion(const TempDir& dir) {
  const VirtualClock clock;
  const std::string listen = "unix:" + dir / "proxy";
  const std::string target = "unix:" + dir / "target";
  unlink((dir / "proxy").c_str());
  unlink((dir / "target").c_str());
  TcpProxyOptions options;
  options.listen = listen.c_str();
  options.target = target.c_str();
  EDDY_CO_TRY(const net::SocketAddress where,
              net::SocketAddress::Parse(target));
  EDDY_CO_TRY(const net::SocketAddress proxy,
              net::SocketAddress::Parse(listen));
  EDDY_CO_TRY(net::TcpListener listener, net::TcpListener::Bind(where));
  bool asked = false;
  const auto asks = [&](TaskScope& scope) -> Task<Result<void>> {
    JoinHandle<Result<void>> answered = scope.Spawn(Answer(listener));
    EDDY_CO_CHECK(co_await Ask(proxy));
    EDDY_CO_CHECK(co_await answered);
    asked = true;
    scope.RequestStop();
    co_return Result<void>();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(asks, std::ref(scope));
    co_return co_await ServeTcpProxy(options);
  };
  const Result<void> served = co_await WithScope(body);
  if (asked && !served && served.error() == kCanceled) {
    co_return Result<void>();
  }
  co_return served;
}

TEST(TcpProxySweepTest, EndsCleanlyAtEveryPoint) {
  const TempDir dir;
  const auto scenario = [&] { return CarriesAQuestion(dir); };
  ExpectCleanWhenStopped(scenario, 40);
  ExpectCleanWhenFailed(scenario, 12);
}

}  // namespace
}  // namespace eddy::testing_examples
