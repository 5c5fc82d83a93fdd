// A client and a server in one scenario, stopped and failed at every point.
#include "tests/io/io_test_util.h"

#include <eddy/net/tcp.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/with_stop.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "tests/sweeps.h"

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::TempDir;
using io_test::Text;
using test::ExpectCleanSweeps;

// What a client answers that got something else than it should.
constexpr std::errc kWrong = std::errc::bad_message;

// Sends back what it reads, until the end.
Task<Result<void>> Echo(TcpStream stream) {
  std::array<std::byte, 64> buffer;
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await stream.Read(buffer));
    if (n == 0) co_return co_await stream.Shutdown();
    EDDY_CO_CHECK(co_await stream.Write(std::span(buffer).first(n)));
  }
}

// A connection that fails brings no other down.
Task<void> EchoAlone(TcpStream stream) {
  static_cast<void>(co_await Echo(std::move(stream)));
}

// Until it is stopped, or one of its accepts fails.
Task<Result<void>> Serve(TcpListener& listener) {
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    while (true) {
      EDDY_CO_TRY(TcpStream stream, co_await listener.Accept());
      scope.Spawn(EchoAlone(std::move(stream)));
    }
  };
  co_return co_await WithScope(body);
}

// Writes, ends its half, and reads the answer to its end.
Task<Result<void>> Ask(SocketAddress server, std::string_view question) {
  EDDY_CO_TRY(TcpStream stream,
              co_await WithTimeout(5s, TcpStream::Connect(server)));
  EDDY_CO_CHECK(co_await stream.Write(Bytes(question)));
  EDDY_CO_CHECK(co_await stream.Shutdown());
  std::string answer;
  std::array<std::byte, 32> buffer;
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await stream.Read(buffer));
    if (n == 0) break;
    answer += Text(std::span(buffer).first(n));
  }
  if (answer != question) co_return Unexpected(kWrong);
  co_return co_await stream.Close();
}

// The server is stopped when the clients have their answers.
Task<Result<void>> AskAtOnce(SocketAddress where, int clients) {
  EDDY_CO_TRY(TcpListener listener, TcpListener::Bind(where));
  EDDY_CO_TRY(const SocketAddress server, listener.local_address());
  const auto serve = [&]() -> Task<Result<void>> {
    const Result<void> served = co_await Serve(listener);
    // Not an error, and not the end of the clients.
    if (!served && served.error() == kCanceled) co_return Result<void>();
    co_return served;
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(serve);
    std::vector<Task<Result<void>>> asks;
    for (int i = 0; i < clients; ++i) asks.push_back(Ask(server, "question"));
    const std::vector<Result<void>> answers = co_await WhenAll(std::move(asks));
    for (const Result<void>& answer : answers) EDDY_CO_CHECK(answer);
    scope.RequestStop();
    co_return Result<void>();
  };
  co_return co_await WithScope(body);
}

TEST(TcpSweepTest, SeveralClientsAndAServer) {
  const auto scenario = [] {
    return AskAtOnce(SocketAddress::LoopbackV4(0), 3);
  };
  ExpectCleanSweeps(scenario, {.stops = 60, .failures = 30});
}

TEST(TcpSweepTest, AUnixSocket) {
  const TempDir dir;
  const std::string path = dir / "socket";
  const auto scenario = [&]() -> Task<Result<void>> {
    unlink(path.c_str());
    EDDY_CO_TRY(const SocketAddress where,
                SocketAddress::Parse("unix:" + path));
    co_return co_await AskAtOnce(where, 1);
  };
  ExpectCleanSweeps(scenario, {.stops = 25, .failures = 10});
}

// More than the sockets take: both directions wait for each other.
Task<Result<void>> MuchBothWays() {
  EDDY_CO_TRY(TcpListener listener,
              TcpListener::Bind(SocketAddress::LoopbackV4(0)));
  EDDY_CO_TRY(const SocketAddress server, listener.local_address());
  EDDY_CO_TRY(TcpStream near, co_await TcpStream::Connect(server));
  EDDY_CO_TRY(TcpStream far, co_await listener.Accept());
  for (TcpStream* stream : {&near, &far}) {
    const int size = 64 * 1024;
    for (const int option : {SO_SNDBUF, SO_RCVBUF}) {
      IO_TEST_CHECK(setsockopt(stream->fd().get(), SOL_SOCKET, option, &size,
                               sizeof size));
    }
  }
  const std::vector<std::byte> data = io_test::Pattern(400'000);
  const auto sends = [&](TcpStream& stream) -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await stream.Write(data));
    co_return co_await stream.Shutdown();
  };
  const auto receives = [&](TcpStream& stream) -> Task<Result<void>> {
    std::vector<std::byte> got(data.size());
    for (std::size_t done = 0; done < got.size();) {
      EDDY_CO_TRY(const std::size_t n,
                  co_await stream.Read(std::span(got).subspan(done)));
      if (n == 0) co_return Unexpected(kEndOfStream);
      done += n;
    }
    co_return got == data ? Result<void>() : Unexpected(kWrong);
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (TcpStream* stream : {&near, &far}) {
      scope.Spawn(sends, std::ref(*stream));
      scope.Spawn(receives, std::ref(*stream));
    }
    co_return;
  };
  co_return co_await WithScope(body);
}

TEST(TcpSweepTest, BothDirectionsFull) {
  ExpectCleanSweeps(MuchBothWays, {.stops = 15, .failures = 8});
}

// A peer that says nothing, one that ends its half and reads on, and one that
// has gone.
Task<Result<void>> SilentPeers() {
  EDDY_CO_TRY(TcpListener listener,
              TcpListener::Bind(SocketAddress::LoopbackV4(0)));
  EDDY_CO_TRY(const SocketAddress server, listener.local_address());
  const auto accepts = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(TcpStream silent, co_await listener.Accept());
    std::array<std::byte, 8> buffer;
    const Result<std::size_t> nothing =
        co_await WithTimeout(20ms, silent.Read(buffer));
    if (nothing) co_return Unexpected(kWrong);
    if (nothing.error() != kTimedOut) co_return Unexpected(nothing.error());
    EDDY_CO_CHECK(co_await silent.Write(Bytes("bye")));
    EDDY_CO_CHECK(co_await Shield(WithTimeout(1s, silent.Shutdown())));
    // It reads, and closes.
    EDDY_CO_TRY(const std::size_t n,
                co_await WithTimeout(1h, silent.Read(buffer)));
    co_return n == 0 ? Result<void>() : Unexpected(kWrong);
  };
  const auto connects = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(TcpStream stream,
                co_await WithTimeout(1h, TcpStream::Connect(server)));
    std::string got;
    std::array<std::byte, 8> buffer;
    while (true) {
      EDDY_CO_TRY(const std::size_t n, co_await stream.Read(buffer));
      if (n == 0) break;
      got += Text(std::span(buffer).first(n));
    }
    if (got != "bye") co_return Unexpected(kWrong);
    co_return co_await stream.Close();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(accepts);
    co_return co_await connects();
  };
  EDDY_CO_CHECK(co_await WithScope(body));
  EDDY_CO_CHECK(co_await listener.Close());
  const Result<TcpStream> refused = co_await TcpStream::Connect(server);
  if (refused) co_return Unexpected(kWrong);
  if (refused.error() == kCanceled) co_return Unexpected(kCanceled);
  co_return Result<void>();
}

TEST(TcpSweepTest, PeersThatSayNothing) {
  ExpectCleanSweeps(SilentPeers, {.stops = 20, .failures = 9});
}

}  // namespace
}  // namespace eddy::net
