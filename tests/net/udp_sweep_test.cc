// UDP scenarios, stopped and failed at every point.
#include "tests/io/io_test_util.h"

#include <eddy/net/udp.h>
#include <eddy/runtime/task_scope.h>

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "tests/sweeps.h"

namespace eddy::net {
namespace {

using io_test::Bytes;
using io_test::Pattern;
using io_test::Text;
using test::ExpectCleanSweeps;

// What a client answers that got something else than it should.
constexpr std::errc kWrong = std::errc::bad_message;

// Sends back what comes, from a small pool, until it is stopped.
Task<Result<void>> Echo(UdpSocket& socket, bool kernel_picks) {
  io::BufferPoolOptions pool_options = DatagramPoolOptions(2000);
  pool_options.most_buffers = 4;
  pool_options.kernel_picks = kernel_picks;
  DatagramStreamOptions options;
  EDDY_CO_TRY(options.pool, io::BufferPool::Create(pool_options));
  EDDY_CO_TRY(DatagramStream datagrams, socket.Incoming(options));
  while (true) {
    EDDY_CO_TRY(const Datagram one, co_await datagrams.Next());
    EDDY_CO_CHECK(co_await socket.SendTo(one.from(), one.data()));
  }
}

Task<Result<void>> Ask(UdpSocket& socket, std::string_view question) {
  EDDY_CO_CHECK(co_await socket.Send(Bytes(question)));
  std::array<std::byte, 64> buffer;
  EDDY_CO_TRY(const auto answer, co_await socket.ReceiveFrom(buffer));
  if (Text(std::span(buffer).first(answer.size)) != question) {
    co_return Unexpected(kWrong);
  }
  co_return Result<void>();
}

// The server is stopped when the client has its answers.
Task<Result<void>> AskSome(bool kernel_picks) {
  EDDY_CO_TRY(UdpSocket server, UdpSocket::Bind(SocketAddress::LoopbackV4(0)));
  EDDY_CO_TRY(const SocketAddress address, server.local_address());
  EDDY_CO_TRY(UdpSocket client, UdpSocket::Connect(address));
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    JoinHandle<Result<void>> echo = scope.Spawn(Echo(server, kernel_picks));
    for (const char* question : {"first", "", "third"}) {
      EDDY_CO_CHECK(co_await Ask(client, question));
    }
    echo.RequestStop();
    const Result<void> ended = co_await echo;
    if (!ended && ended.error() != kCanceled) co_return ended;
    EDDY_CO_CHECK(co_await server.Close());
    co_return co_await client.Close();
  };
  co_return co_await WithScope(body);
}

TEST(UdpSweepTest, AskingAnEchoServer) {
  const auto scenario = [] { return AskSome(true); };
  ExpectCleanSweeps(scenario, {.stops = 20, .failures = 8});
}

TEST(UdpSweepTest, AskingAnEchoServerWhereTheKernelPicksNoBuffer) {
  const auto scenario = [] { return AskSome(false); };
  ExpectCleanSweeps(scenario, {.stops = 20, .failures = 10});
}

// Segments and a batch, to a socket that fetches them.
Task<Result<void>> SendMany(internal::Segmentation segmentation) {
  UdpOptions options;
  options.receive_buffer = 1 << 20;
  EDDY_CO_TRY(UdpSocket receiver,
              UdpSocket::Bind(SocketAddress::LoopbackV4(0), options));
  EDDY_CO_TRY(const SocketAddress address, receiver.local_address());
  EDDY_CO_TRY(UdpSocket sender, UdpSocket::Connect(address));
  const std::vector<std::byte> data = Pattern(500);
  std::size_t transferred = 0;
  const Result<void> segments = co_await SendSegments(
      sender.fd(), segmentation, nullptr, data, 100, &transferred);
  SendBatch batch;
  for (std::size_t i = 0; i < 3; ++i) batch.Add(std::span(data).first(100));
  const Result<void> sent = co_await sender.Send(batch);
  std::size_t expected = transferred / 100;
  for (std::size_t i = 0; i < 3; ++i) expected += batch.result(i) ? 1 : 0;
  // What was told is what is there.
  std::array<std::byte, 128> buffer;
  std::size_t received = 0;
  while (recv(receiver.fd().get(), buffer.data(), buffer.size(),
              MSG_DONTWAIT) == 100) {
    ++received;
  }
  if (received != expected) co_return Unexpected(kWrong);
  EDDY_CO_CHECK(segments);
  co_return sent;
}

TEST(UdpSweepTest, SendingMany) {
  const auto cut = [] { return SendMany(internal::Segmentation::kUnknown); };
  ExpectCleanSweeps(cut, {.stops = 3, .failures = 4});
  const auto one_by_one = [] {
    return SendMany(internal::Segmentation::kNone);
  };
  ExpectCleanSweeps(one_by_one, {.stops = 6, .failures = 8});
}

}  // namespace
}  // namespace eddy::net
