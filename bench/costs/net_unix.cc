// Unix sockets, and what goes over them: descriptors, connections to other
// cores.
#include <eddy/net/hand_over.h>
#include <eddy/net/unix.h>
#include <eddy/net/unix_credentials.h>
#include <eddy/net/unix_datagram.h>
#include <eddy/net/unix_listener.h>
#include <eddy/net/unix_seq_packet.h>

#include <unistd.h>

#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "bench/costs/cores.h"
#include "bench/costs/costs.h"
#include "bench/costs/sockets.h"

namespace costs {
namespace {

namespace net = eddy::net;
using net::SocketAddress;
using net::UnixDatagram;
using net::UnixListener;
using net::UnixSeqPacket;
using net::UnixStream;

// Of this process, without a file.
Result<SocketAddress> Name() {
  return SocketAddress::Parse("unix:@eddy_costs_" + std::to_string(getpid()));
}

// --- Streams -----------------------------------------------------------------

Task<Result<void>> BindListener(State& state) {
  EDDY_CO_TRY(const SocketAddress name, Name());
  for (auto _ : state) {
    EDDY_CO_TRY(auto listener, UnixListener::Bind(name));
    EDDY_CO_CHECK(co_await listener.Close());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(BindListener)->Name("net/UnixListener::Bind, and Close");
Task<Result<void>> Connect(State& state) {
  EDDY_CO_TRY(const SocketAddress name, Name());
  EDDY_CO_TRY(auto listener, UnixListener::Bind(name));
  const auto connect = [&] { return UnixStream::Connect(name); };
  co_return co_await ConnectInBatches(state, listener, connect);
}
EDDY_BENCHMARK(Connect)->Name("net/UnixStream::Connect");
Task<Result<void>> Accept(State& state) {
  EDDY_CO_TRY(const SocketAddress name, Name());
  EDDY_CO_TRY(auto listener, UnixListener::Bind(name));
  const auto accept = [&] { return listener.Accept(); };
  co_return co_await AcceptInBatches<UnixListener, UnixStream>(state, name,
                                                               accept);
}
EDDY_BENCHMARK(Accept)->Name("net/UnixListener::Accept, ready");
Task<Result<void>> MakePair(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(UnixStream::Pair());
  co_return Result<void>();
}
EDDY_BENCHMARK(MakePair)->Name("net/UnixStream::Pair, and the ends of both");
Task<Result<void>> Read(State& state) {
  EDDY_CO_TRY(auto ends, UnixStream::Pair());
  Byte byte{};
  const auto read = [&] { return ends.second.Read(byte); };
  co_return co_await ReadInBatches(state, ends.first, read);
}
EDDY_BENCHMARK(Read)->Name("net/UnixStream::Read, ready");
Task<Result<void>> Write(State& state) {
  EDDY_CO_TRY(auto ends, UnixStream::Pair());
  const Byte byte{};
  const auto write = [&] { return ends.first.Write(byte); };
  co_return co_await WriteInBatches(state, ends.first, ends.second, write);
}
EDDY_BENCHMARK(Write)->Name("net/UnixStream::Write, with room");
Task<Result<void>> WriteAndReadBack(State& state) {
  EDDY_CO_TRY(auto ends, UnixStream::Pair());
  co_return co_await PingPong(state, ends.first, ends.first, ends.second,
                              ends.second);
}
EDDY_BENCHMARK(WriteAndReadBack)
    ->Name("net/UnixStream::Read, waits, and the Write that ends it");
Task<Result<void>> GetCredentials(State& state) {
  EDDY_CO_TRY(auto ends, UnixStream::Pair());
  for (auto _ : state) EDDY_CO_CHECK(ends.first.peer_credentials());
  co_return Result<void>();
}
EDDY_BENCHMARK(GetCredentials)->Name("net/UnixStream::peer_credentials");
Task<Result<void>> GetProcess(State& state) {
  EDDY_CO_TRY(auto ends, UnixStream::Pair());
  for (auto _ : state) EDDY_CO_CHECK(net::PeerProcess(ends.first.fd().get()));
  co_return Result<void>();
}
EDDY_BENCHMARK(GetProcess)
    ->Name("net/PeerProcess, and the end of what it gave");

Task<Result<void>> SendDescriptor(State& state) {
  EDDY_CO_TRY(auto ends, UnixStream::Pair());
  Byte byte{};
  const std::array<int, 1> descriptors{ends.first.fd().get()};
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await ends.first.SendDescriptors(descriptors, byte));
    EDDY_CO_CHECK(co_await ends.second.ReceiveDescriptors(1, byte));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SendDescriptor)
    ->Name(
        "net/UnixStream::SendDescriptors, ReceiveDescriptors, and the end "
        "of one");

Task<Result<void>> HandOver(State& state) {
  const auto nothing = [](UnixStream&) -> Task<> { co_return; };
  for (auto _ : state) {
    EDDY_CO_TRY(auto ends, UnixStream::Pair());
    EDDY_CO_CHECK(co_await net::HandOver(1, std::move(ends.first), nothing));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(OnTwoCores<HandOver>)
    ->Name(
        "net/HandOver to another core, with UnixStream::Pair and the end of "
        "the other")
    ->UseRealTime();

// --- Packets and datagrams ---------------------------------------------------

// A packet goes there, and is received.
template <class Socket>
Task<Result<void>> SendAndReceive(State& state) {
  EDDY_CO_TRY(auto ends, Socket::Pair());
  Byte byte{};
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await ends.first.Send(byte));
    EDDY_CO_CHECK(co_await ends.second.Receive(byte));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SendAndReceive<UnixSeqPacket>)
    ->Name("net/UnixSeqPacket::Send, and Receive");
EDDY_BENCHMARK(SendAndReceive<UnixDatagram>)
    ->Name("net/UnixDatagram::Send, and Receive");
Task<Result<void>> MakePacketPair(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(UnixSeqPacket::Pair());
  co_return Result<void>();
}
EDDY_BENCHMARK(MakePacketPair)
    ->Name("net/UnixSeqPacket::Pair, and the ends of both");
Task<Result<void>> ConnectPackets(State& state) {
  EDDY_CO_TRY(const SocketAddress name, Name());
  EDDY_CO_TRY(auto listener, net::UnixSeqPacketListener::Bind(name));
  const auto connect = [&] { return UnixSeqPacket::Connect(name); };
  co_return co_await ConnectInBatches(state, listener, connect);
}
EDDY_BENCHMARK(ConnectPackets)->Name("net/UnixSeqPacket::Connect");
Task<Result<void>> BindDatagram(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(UnixDatagram::BindToAnyName());
  co_return Result<void>();
}
EDDY_BENCHMARK(BindDatagram)
    ->Name("net/UnixDatagram::BindToAnyName, and its end");
Task<Result<void>> ConnectDatagram(State& state) {
  EDDY_CO_TRY(auto sender, UnixDatagram::Open());
  EDDY_CO_TRY(auto receiver, UnixDatagram::BindToAnyName());
  EDDY_CO_TRY(const SocketAddress name, receiver.local_address());
  for (auto _ : state) EDDY_CO_CHECK(sender.Connect(name));
  co_return Result<void>();
}
EDDY_BENCHMARK(ConnectDatagram)->Name("net/UnixDatagram::Connect");
Task<Result<void>> SendToName(State& state) {
  EDDY_CO_TRY(auto sender, UnixDatagram::Open());
  EDDY_CO_TRY(auto receiver, UnixDatagram::BindToAnyName());
  EDDY_CO_TRY(const SocketAddress name, receiver.local_address());
  Byte byte{};
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await sender.SendTo(name, byte));
    EDDY_CO_CHECK(co_await receiver.Receive(byte));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SendToName)->Name("net/UnixDatagram::SendTo, and Receive");

}  // namespace
}  // namespace costs
