// UDP echo servers as a user of eddy would write them.

#include <eddy/net/udp.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "bench/lib/eddy_server.h"
#include "bench/network/eddy.h"
#include "bench/network/protocol.h"

namespace eddy::bench::subject {
namespace {

Result<net::UdpSocket> BindUdp(std::uint16_t port, bool gro) {
  net::UdpOptions options;
  options.send_buffer = kSocketBuffer;
  options.receive_buffer = kSocketBuffer;
  options.gro = gro;
  Result<net::UdpSocket> socket =
      net::UdpSocket::Bind(net::SocketAddress::LoopbackV4(port), options);
  if (!socket) return socket;
  const Result<net::SocketAddress> address = socket->local_address();
  if (!address) return Unexpected(address.error());
  Announce(*address);
  return socket;
}

Task<Result<void>> EchoOneByOne(std::uint16_t port) {
  EDDY_CO_TRY(net::UdpSocket socket, BindUdp(port, /*gro=*/false));
  const auto memory = std::make_unique<std::array<std::byte, kDatagram>>();
  while (true) {
    EDDY_CO_TRY(const net::ReceivedDatagram one,
                co_await socket.ReceiveFrom(*memory));
    EDDY_CO_CHECK(
        co_await socket.SendTo(one.from, std::span(*memory).first(one.size)));
  }
}

Task<void> Answer(net::UdpSocket& socket, net::Datagram one) {
  // What fails concerns this peer.
  const Result<std::size_t> sent =
      co_await socket.SendTo(one.from(), one.data());
  static_cast<void>(sent);
}

// A task for each datagram, so that many answers go with one system call.
Task<Result<void>> AnswerAll(net::UdpSocket& socket, TaskScope& scope) {
  net::DatagramStreamOptions options;
  EDDY_CO_TRY(options.pool,
              io::BufferPool::Create(net::DatagramPoolOptions(kDatagram)));
  EDDY_CO_TRY(net::DatagramStream datagrams, socket.Incoming(options));
  while (true) {
    EDDY_CO_TRY(net::Datagram one, co_await datagrams.Next());
    scope.Spawn(Answer(socket, std::move(one)));
  }
}

Task<Result<void>> EchoStream(std::uint16_t port) {
  EDDY_CO_TRY(net::UdpSocket socket, BindUdp(port, /*gro=*/false));
  co_return co_await WithScope(
      [&](TaskScope& scope) { return AnswerAll(socket, scope); });
}

Task<Result<void>> EchoBulk(std::uint16_t port) {
  EDDY_CO_TRY(net::UdpSocket socket, BindUdp(port, /*gro=*/true));
  const auto memory = std::make_unique<std::array<std::byte, kBulk>>();
  while (true) {
    EDDY_CO_TRY(const net::ReceivedDatagram some,
                co_await socket.ReceiveFrom(*memory));
    const std::span<const std::byte> data = std::span(*memory).first(some.size);
    if (some.segment_size == 0) {
      EDDY_CO_CHECK(co_await socket.SendTo(some.from, data));
    } else {
      EDDY_CO_CHECK(
          co_await socket.SendSegments(some.from, data, some.segment_size));
    }
  }
}

}  // namespace

int Udp(int argc, char** argv) {
  return RunUntilSignal(argc, argv, EchoOneByOne);
}
int UdpStream(int argc, char** argv) {
  return RunUntilSignal(argc, argv, EchoStream);
}
int UdpBulk(int argc, char** argv) {
  return RunUntilSignal(argc, argv, EchoBulk);
}

}  // namespace eddy::bench::subject
