// UDP over the loopback device.
#include <eddy/net/datagram_stream.h>
#include <eddy/net/send_batch.h>
#include <eddy/net/socket_address.h>
#include <eddy/net/udp.h>

#include <net/if.h>

#include <array>
#include <cstddef>
#include <utility>

#include "bench/costs/costs.h"
#include "bench/costs/sockets.h"

namespace costs {
namespace {

namespace net = eddy::net;
using net::SocketAddress;
using net::UdpSocket;

// Two sockets, each of which sends to the other one.
using Ends = std::pair<UdpSocket, UdpSocket>;
Result<Ends> Connected() {
  Result<UdpSocket> one = UdpSocket::Bind(AnyPort());
  if (!one) return eddy::Unexpected(one.error());
  Result<UdpSocket> other = UdpSocket::Connect(*one->local_address());
  if (!other) return eddy::Unexpected(other.error());
  const Result<void> back = one->ConnectTo(*other->local_address());
  if (!back) return eddy::Unexpected(back.error());
  return Ends(*std::move(one), *std::move(other));
}

// Reads what datagrams there are.
Task<Result<void>> Drain(UdpSocket& socket, std::size_t count) {
  Byte byte{};
  for (; count != 0; --count) EDDY_CO_CHECK(co_await socket.Receive(byte));
  co_return Result<void>();
}

// Receives with `receive`, what was sent before.
template <class Receive>
Task<Result<void>> ReceiveInBatches(State& state, UdpSocket& sender,
                                    Receive receive) {
  const Byte byte{};
  const auto fill = [&]() -> Task<Result<void>> {
    for (std::size_t i = 0; i < kBatch; ++i) {
      EDDY_CO_CHECK(co_await sender.Send(byte));
    }
    co_return Result<void>();
  };
  co_return co_await InBatches(state, fill, receive);
}
// Sends with `send`, of which each makes `datagrams`, received meanwhile.
template <class Send>
Task<Result<void>> SendInBatches(State& state, UdpSocket& receiver,
                                 std::size_t datagrams, Send send) {
  std::size_t sent = 0;
  const auto drain = [&]() -> Task<Result<void>> {
    return Drain(receiver, std::exchange(sent, kBatch * datagrams));
  };
  co_return co_await InBatches(state, drain, send);
}

Task<Result<void>> Bind(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(UdpSocket::Bind(AnyPort()));
  co_return Result<void>();
}
EDDY_BENCHMARK(Bind)->Name("net/UdpSocket::Bind, and its end");
Task<Result<void>> Connect(State& state) {
  EDDY_CO_TRY(const UdpSocket peer, UdpSocket::Bind(AnyPort()));
  EDDY_CO_TRY(const SocketAddress address, peer.local_address());
  for (auto _ : state) EDDY_CO_CHECK(UdpSocket::Connect(address));
  co_return Result<void>();
}
EDDY_BENCHMARK(Connect)->Name("net/UdpSocket::Connect, and its end");

Task<Result<void>> Send(State& state) {
  EDDY_CO_TRY(Ends ends, Connected());
  const Byte byte{};
  const auto send = [&] { return ends.first.Send(byte); };
  co_return co_await SendInBatches(state, ends.second, 1, send);
}
EDDY_BENCHMARK(Send)->Name("net/UdpSocket::Send");
Task<Result<void>> SendTo(State& state) {
  EDDY_CO_TRY(UdpSocket sender, UdpSocket::Bind(AnyPort()));
  EDDY_CO_TRY(UdpSocket receiver, UdpSocket::Bind(AnyPort()));
  EDDY_CO_TRY(const SocketAddress address, receiver.local_address());
  const Byte byte{};
  const auto send = [&] { return sender.SendTo(address, byte); };
  co_return co_await SendInBatches(state, receiver, 1, send);
}
EDDY_BENCHMARK(SendTo)->Name("net/UdpSocket::SendTo");
Task<Result<void>> SendFrom(State& state) {
  EDDY_CO_TRY(UdpSocket sender, UdpSocket::Bind(AnyPort()));
  EDDY_CO_TRY(UdpSocket receiver, UdpSocket::Bind(AnyPort()));
  EDDY_CO_TRY(const SocketAddress address, receiver.local_address());
  const SocketAddress source = AnyPort();
  const Byte byte{};
  const auto send = [&] { return sender.SendFrom(source, address, byte); };
  co_return co_await SendInBatches(state, receiver, 1, send);
}
EDDY_BENCHMARK(SendFrom)->Name("net/UdpSocket::SendFrom");

constexpr std::size_t kSeveral = 8;
Task<Result<void>> SendSeveral(State& state) {
  EDDY_CO_TRY(Ends ends, Connected());
  const Byte byte{};
  net::SendBatch batch;
  for (std::size_t i = 0; i < kSeveral; ++i) batch.Add(byte);
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await ends.first.Send(batch));
    state.PauseTiming();
    EDDY_CO_CHECK(co_await Drain(ends.second, kSeveral));
    state.ResumeTiming();
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SendSeveral)->Name("net/UdpSocket::Send of a batch of 8");
Task<Result<void>> SendSegments(State& state) {
  EDDY_CO_TRY(Ends ends, Connected());
  const std::array<std::byte, kSeveral> bytes{};
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await ends.first.SendSegments(bytes, 1));
    state.PauseTiming();
    EDDY_CO_CHECK(co_await Drain(ends.second, kSeveral));
    state.ResumeTiming();
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SendSegments)->Name("net/UdpSocket::SendSegments, 8 datagrams");

Task<Result<void>> Receive(State& state) {
  EDDY_CO_TRY(Ends ends, Connected());
  Byte byte{};
  const auto receive = [&] { return ends.second.Receive(byte); };
  co_return co_await ReceiveInBatches(state, ends.first, receive);
}
EDDY_BENCHMARK(Receive)->Name("net/UdpSocket::Receive, ready");
Task<Result<void>> ReceiveFrom(State& state) {
  EDDY_CO_TRY(Ends ends, Connected());
  Byte byte{};
  const auto receive = [&] { return ends.second.ReceiveFrom(byte); };
  co_return co_await ReceiveInBatches(state, ends.first, receive);
}
EDDY_BENCHMARK(ReceiveFrom)->Name("net/UdpSocket::ReceiveFrom, ready");
Task<Result<void>> NextOfIncoming(State& state) {
  EDDY_CO_TRY(Ends ends, Connected());
  EDDY_CO_TRY(auto incoming, ends.second.Incoming());
  const Byte byte{};
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await ends.first.Send(byte));
    EDDY_CO_CHECK(co_await incoming.Next());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(NextOfIncoming)
    ->Name("net/DatagramStream::Next, and the Send before it");

Task<Result<void>> BeginIncoming(State& state) {
  EDDY_CO_TRY(UdpSocket socket, UdpSocket::Bind(AnyPort()));
  for (auto _ : state) EDDY_CO_CHECK(socket.Incoming());
  co_return Result<void>();
}
EDDY_BENCHMARK(BeginIncoming)->Name("net/UdpSocket::Incoming, and its end");

Task<Result<void>> SetOptions(State& state) {
  EDDY_CO_TRY(UdpSocket socket, UdpSocket::Bind(AnyPort()));
  net::UdpOptions options;
  options.ttl = 60;
  for (auto _ : state) EDDY_CO_CHECK(socket.SetOptions(options));
  co_return Result<void>();
}
EDDY_BENCHMARK(SetOptions)->Name("net/UdpSocket::SetOptions, one of them");
Task<Result<void>> ConnectAgain(State& state) {
  EDDY_CO_TRY(UdpSocket socket, UdpSocket::Bind(AnyPort()));
  EDDY_CO_TRY(const UdpSocket peer, UdpSocket::Bind(AnyPort()));
  EDDY_CO_TRY(const SocketAddress address, peer.local_address());
  for (auto _ : state) {
    EDDY_CO_CHECK(socket.ConnectTo(address));
    EDDY_CO_CHECK(socket.Disconnect());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(ConnectAgain)->Name("net/UdpSocket::ConnectTo, and Disconnect");
Task<Result<void>> JoinGroup(State& state) {
  EDDY_CO_TRY(UdpSocket socket, UdpSocket::Bind(SocketAddress::AnyV4(0)));
  EDDY_CO_TRY(const SocketAddress group, SocketAddress::Parse("239.1.2.3:0"));
  const unsigned loopback = if_nametoindex("lo");
  for (auto _ : state) {
    EDDY_CO_CHECK(socket.Join(group, loopback));
    EDDY_CO_CHECK(socket.Leave(group, loopback));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(JoinGroup)->Name("net/UdpSocket::Join, and Leave");
Task<Result<void>> GetDropped(State& state) {
  EDDY_CO_TRY(const UdpSocket socket, UdpSocket::Bind(AnyPort()));
  for (auto _ : state) EDDY_CO_CHECK(socket.dropped());
  co_return Result<void>();
}
EDDY_BENCHMARK(GetDropped)->Name("net/UdpSocket::dropped");

}  // namespace
}  // namespace costs
