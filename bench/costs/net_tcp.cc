// TCP over the loopback device, and names of hosts.
#include <eddy/io/accept_stream.h>
#include <eddy/io/fd.h>
#include <eddy/io/send_zero_copy.h>
#include <eddy/net/connect.h>
#include <eddy/net/idle_timeout.h>
#include <eddy/net/incoming.h>
#include <eddy/net/resolve.h>
#include <eddy/net/serve.h>
#include <eddy/net/socket_address.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/semaphore.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/costs/costs.h"
#include "bench/costs/sockets.h"

using namespace std::chrono_literals;

namespace costs {
namespace {

namespace io = eddy::io;
namespace net = eddy::net;
using net::SocketAddress;
using net::TcpListener;
using net::TcpStream;

using Ends = std::pair<TcpStream, TcpStream>;
Task<Result<Ends>> Connected() {
  EDDY_CO_TRY(auto listener, TcpListener::Bind(AnyPort()));
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  EDDY_CO_TRY(TcpStream client, co_await TcpStream::Connect(address));
  EDDY_CO_TRY(TcpStream server, co_await listener.Accept());
  co_return Ends(std::move(client), std::move(server));
}

// --- Connections -------------------------------------------------------------

Task<Result<void>> BindListener(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(TcpListener::Bind(AnyPort()));
  co_return Result<void>();
}
EDDY_BENCHMARK(BindListener)->Name("net/TcpListener::Bind, and its end");
Task<Result<void>> Connect(State& state) {
  EDDY_CO_TRY(auto listener, TcpListener::Bind(AnyPort()));
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  const auto connect = [&] { return TcpStream::Connect(address); };
  co_return co_await ConnectInBatches(state, listener, connect);
}
EDDY_BENCHMARK(Connect)->Name("net/TcpStream::Connect");
Task<Result<void>> ConnectOneOfAny(State& state) {
  EDDY_CO_TRY(auto listener, TcpListener::Bind(AnyPort()));
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  const auto connect = [&] {
    return net::ConnectAny(std::vector<SocketAddress>{address});
  };
  co_return co_await ConnectInBatches(state, listener, connect);
}
EDDY_BENCHMARK(ConnectOneOfAny)->Name("net/ConnectAny, of one address");
Task<Result<void>> ConnectByText(State& state) {
  EDDY_CO_TRY(auto listener, TcpListener::Bind(AnyPort()));
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  const auto connect = [&] {
    return net::Connect("127.0.0.1", address.port());
  };
  co_return co_await ConnectInBatches(state, listener, connect);
}
EDDY_BENCHMARK(ConnectByText)->Name("net/Connect, the host is an address");

Task<Result<void>> Accept(State& state) {
  EDDY_CO_TRY(auto listener, TcpListener::Bind(AnyPort()));
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  const auto accept = [&] { return listener.Accept(); };
  co_return co_await AcceptInBatches<TcpListener, TcpStream>(state, address,
                                                             accept);
}
EDDY_BENCHMARK(Accept)->Name("net/TcpListener::Accept, ready");
Task<Result<void>> NextOfIncoming(State& state) {
  EDDY_CO_TRY(auto listener, TcpListener::Bind(AnyPort()));
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  auto incoming = listener.Incoming();
  const auto accept = [&] { return incoming.Next(); };
  co_return co_await AcceptInBatches<TcpListener, TcpStream>(state, address,
                                                             accept);
}
EDDY_BENCHMARK(NextOfIncoming)->Name("net/Incoming::Next, ready");
Task<Result<void>> NextOfAcceptStream(State& state) {
  EDDY_CO_TRY(auto listener, TcpListener::Bind(AnyPort()));
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  io::AcceptStream sockets;
  const auto accept = [&] { return sockets.Next(listener.fd()); };
  co_return co_await AcceptInBatches<TcpListener, io::Fd>(state, address,
                                                          accept);
}
EDDY_BENCHMARK(NextOfAcceptStream)->Name("io/AcceptStream::Next, ready");

// Connects and closes again and again, until it is stopped.
void ConnectOften(const std::stop_token& stop, const SocketAddress& address) {
  while (!stop.stop_requested()) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    const linger reset{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    static_cast<void>(connect(fd, address.native(), address.size()));
    close(fd);
  }
}
Task<Result<void>> ServeConnections(State& state) {
  EDDY_CO_TRY(auto listener, TcpListener::Bind(AnyPort()));
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  eddy::Semaphore served(0);
  const std::jthread client(
      [&](const std::stop_token& stop) { ConnectOften(stop, address); });
  const auto handle = [&](TcpStream&) -> Task<> {
    served.Release();
    co_return;
  };
  const auto serve = [&] { return net::Serve(listener, handle); };
  const auto count = [&]() -> Task<Result<void>> {
    for (auto _ : state) {
      EDDY_CO_TRY(auto permit, co_await served.Acquire());
      permit.Forget();
    }
    co_return Result<void>();
  };
  co_return co_await Beside(serve, count);
}
EDDY_BENCHMARK(ServeConnections)
    ->Name("net/Serve, a connection of another thread")
    ->UseRealTime();

// --- Transfers ---------------------------------------------------------------

Task<Result<void>> Read(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  Byte byte{};
  const auto read = [&] { return ends.second.Read(byte); };
  co_return co_await ReadInBatches(state, ends.first, read);
}
EDDY_BENCHMARK(Read)->Name("net/TcpStream::Read, ready");
Task<Result<void>> ReadSeveral(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  Byte byte{};
  const std::array<iovec, 2> buffers{iovec{byte.data(), 1},
                                     iovec{byte.data(), 0}};
  const auto read = [&] { return ends.second.Read(buffers); };
  co_return co_await ReadInBatches(state, ends.first, read);
}
EDDY_BENCHMARK(ReadSeveral)->Name("net/TcpStream::Read, 2 buffers, ready");
Task<Result<void>> ReadIdle(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  Byte byte{};
  const auto read = [&] {
    return net::WithIdleTimeout(1min, ends.second, ends.second.Read(byte));
  };
  co_return co_await ReadInBatches(state, ends.first, read);
}
EDDY_BENCHMARK(ReadIdle)->Name(
    "net/WithIdleTimeout of a TcpStream::Read, ready");
Task<Result<void>> Write(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  const Byte byte{};
  const auto write = [&] { return ends.first.Write(byte); };
  co_return co_await WriteInBatches(state, ends.first, ends.second, write);
}
EDDY_BENCHMARK(Write)->Name("net/TcpStream::Write, with room");
Task<Result<void>> WriteSeveral(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  Byte byte{};
  const std::array<iovec, 2> buffers{iovec{byte.data(), 1},
                                     iovec{byte.data(), 0}};
  const auto write = [&] { return ends.first.Write(buffers); };
  co_return co_await WriteInBatches(state, ends.first, ends.second, write);
}
EDDY_BENCHMARK(WriteSeveral)
    ->Name("net/TcpStream::Write, 2 buffers, with room");
Task<Result<void>> WriteSome(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  const Byte byte{};
  const auto write = [&] { return ends.first.WriteSome(byte); };
  co_return co_await WriteInBatches(state, ends.first, ends.second, write);
}
EDDY_BENCHMARK(WriteSome)->Name("net/TcpStream::WriteSome, with room");
Task<Result<void>> Receive(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  const Byte byte{};
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await ends.first.Write(byte));
    EDDY_CO_CHECK(co_await ends.second.Receive());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(Receive)->Name(
    "net/TcpStream::Receive, and the Write before it");
Task<Result<void>> EndReceive(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  const Byte byte{};
  std::vector<std::byte> received;
  for (auto _ : state) {
    state.PauseTiming();
    EDDY_CO_CHECK(co_await ends.first.Write(byte));
    EDDY_CO_CHECK(co_await ends.second.Receive());
    state.ResumeTiming();
    EDDY_CO_CHECK(co_await ends.second.EndReceive(received));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(EndReceive)->Name("net/TcpStream::EndReceive");
Task<Result<void>> WriteAndReadBack(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  co_return co_await PingPong(state, ends.first, ends.first, ends.second,
                              ends.second);
}
EDDY_BENCHMARK(WriteAndReadBack)
    ->Name("net/TcpStream::Read, waits, and the Write that ends it");

// Writes of 64 KiB, each of which is read whole.
constexpr std::size_t kLarge = 65536;
template <class Send>
Task<Result<void>> WriteLarge(State& state, Send send) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  const auto read = [&]() -> Task<Result<void>> {
    std::vector<std::byte> buffer(kLarge);
    while (true) EDDY_CO_CHECK(co_await ends.second.Read(buffer));
  };
  const auto write = [&]() -> Task<Result<void>> {
    for (auto _ : state) EDDY_CO_CHECK(co_await send(ends.first));
    co_return Result<void>();
  };
  co_return co_await Beside(read, write);
}
Task<Result<void>> WriteCopied(State& state) {
  const std::vector<std::byte> data(kLarge);
  const auto send = [&](TcpStream& stream) { return stream.Write(data); };
  co_return co_await WriteLarge(state, send);
}
EDDY_BENCHMARK(WriteCopied)
    ->Name("net/TcpStream::Write, 64 KiB, and what Read takes of it")
    ->UseRealTime();
Task<Result<void>> WriteZeroCopy(State& state) {
  const auto data = std::make_shared<const std::vector<std::byte>>(kLarge);
  const auto send = [&](TcpStream& stream) {
    return stream.WriteZeroCopy(*data, data);
  };
  co_return co_await WriteLarge(state, send);
}
EDDY_BENCHMARK(WriteZeroCopy)
    ->Name("net/TcpStream::WriteZeroCopy, 64 KiB, and what Read takes of it")
    ->UseRealTime();

Task<Result<void>> SendZeroCopy(State& state) {
  const std::vector<std::byte> data(kLarge);
  const auto send = [&](TcpStream& stream) {
    return io::SendZeroCopy(stream.fd(), data, MSG_WAITALL);
  };
  co_return co_await WriteLarge(state, send);
}
EDDY_BENCHMARK(SendZeroCopy)
    ->Name("io/SendZeroCopy, 64 KiB, and what Read takes of it")
    ->UseRealTime();
Task<Result<void>> SendZeroCopyOwned(State& state) {
  const auto data = std::make_shared<const std::vector<std::byte>>(kLarge);
  const auto send = [&](TcpStream& stream) {
    return io::SendZeroCopyOwned(stream.fd(), *data, data, MSG_WAITALL);
  };
  co_return co_await WriteLarge(state, send);
}
EDDY_BENCHMARK(SendZeroCopyOwned)
    ->Name("io/SendZeroCopyOwned, 64 KiB, and what Read takes of it")
    ->UseRealTime();

// --- What a socket is asked and told -----------------------------------------

Task<Result<void>> ShutDown(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  for (auto _ : state) EDDY_CO_CHECK(co_await ends.first.Shutdown());
  co_return Result<void>();
}
EDDY_BENCHMARK(ShutDown)->Name("net/TcpStream::Shutdown")->UseRealTime();
Task<Result<void>> ResetOnClose(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  for (auto _ : state) EDDY_CO_CHECK(ends.first.ResetOnClose());
  co_return Result<void>();
}
EDDY_BENCHMARK(ResetOnClose)->Name("net/TcpStream::ResetOnClose");
Task<Result<void>> SetOptions(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  net::TcpOptions options;
  options.no_delay = true;
  for (auto _ : state) EDDY_CO_CHECK(ends.first.SetOptions(options));
  co_return Result<void>();
}
EDDY_BENCHMARK(SetOptions)->Name("net/TcpStream::SetOptions, one of them");
Task<Result<void>> GetOptions(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  for (auto _ : state) EDDY_CO_CHECK(ends.first.options());
  co_return Result<void>();
}
EDDY_BENCHMARK(GetOptions)->Name("net/TcpStream::options");
Task<Result<void>> GetInfo(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  for (auto _ : state) EDDY_CO_CHECK(ends.first.info());
  co_return Result<void>();
}
EDDY_BENCHMARK(GetInfo)->Name("net/TcpStream::info");
Task<Result<void>> GetPeer(State& state) {
  EDDY_CO_TRY(Ends ends, co_await Connected());
  for (auto _ : state) EDDY_CO_CHECK(ends.first.peer_address());
  co_return Result<void>();
}
EDDY_BENCHMARK(GetPeer)->Name("net/TcpStream::peer_address");

// --- Names -------------------------------------------------------------------

Task<Result<void>> ParseAddress(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(SocketAddress::Parse("127.0.0.1:80"));
  co_return Result<void>();
}
EDDY_BENCHMARK(ParseAddress)->Name("net/SocketAddress::Parse");
Task<> PrintAddress(State& state) {
  const SocketAddress address = SocketAddress::LoopbackV4(80);
  for (auto _ : state) DoNotOptimize(address.ToString());
  co_return;
}
EDDY_BENCHMARK(PrintAddress)->Name("net/SocketAddress::ToString");
Task<Result<void>> ResolveAddress(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(co_await net::Resolve("127.0.0.1", 80));
  co_return Result<void>();
}
EDDY_BENCHMARK(ResolveAddress)->Name("net/Resolve of an address");
Task<Result<void>> ResolveName(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(co_await net::Resolve("localhost", 80));
  co_return Result<void>();
}
EDDY_BENCHMARK(ResolveName)->Name("net/Resolve of localhost")->UseRealTime();

}  // namespace
}  // namespace costs
