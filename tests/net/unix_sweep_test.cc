// Unix sockets of each type, stopped and failed at every point.
#include "tests/io/io_test_util.h"
#include "tests/net/abstract_name.h"

#include <eddy/net/unix.h>
#include <eddy/net/unix_datagram.h>
#include <eddy/net/unix_seq_packet.h>
#include <eddy/runtime/task_scope.h>

#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/sweeps.h"

namespace eddy::net {
namespace {

using io_test::Bytes;
using io_test::Pipe;
using io_test::TempDir;
using io_test::Text;
using test::ExpectCleanSweeps;

// What a scenario gives that got something else than it should.
constexpr std::errc kWrong = std::errc::bad_message;

// Sends the readers of two pipes with a word.
template <class Socket>
Task<Result<void>> SendsPipes(Socket& socket, const std::array<int, 2>& pipes) {
  co_return co_await socket.SendDescriptors(pipes, Bytes("pipes"));
}

// Receives what SendsPipes sent. A stream may give it in pieces.
template <class Socket>
Task<Result<void>> ReceivesPipes(Socket& socket) {
  std::string data;
  std::vector<io::Fd> descriptors;
  std::array<std::byte, 8> buffer;
  while (data.size() < 5) {
    EDDY_CO_TRY(UnixMessage message,
                co_await socket.ReceiveDescriptors(2, buffer));
    if (message.size == 0) co_return Unexpected(kEndOfStream);
    data += Text(std::span(buffer).first(message.size));
    for (io::Fd& fd : message.descriptors) descriptors.push_back(std::move(fd));
  }
  if (data != "pipes" || descriptors.size() != 2) co_return Unexpected(kWrong);
  co_return Result<void>();
}

// A listener, a client that sends descriptors, and a server that gets them.
template <class Stream>
Task<Result<void>> HandsOverPipes(std::string path) {
  EDDY_CO_TRY(const SocketAddress address, SocketAddress::Parse(path));
  UnixBindOptions options;
  options.replace_stale = true;
  options.unlink_at_close = true;
  options.mode = 0600;
  EDDY_CO_TRY(UnixListenerOf<Stream> listener,
              UnixListenerOf<Stream>::Bind(address, options));
  const auto serve = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(Stream stream, co_await listener.Accept());
    EDDY_CO_CHECK(stream.peer_credentials());
    EDDY_CO_CHECK(co_await ReceivesPipes(stream));
    co_return co_await stream.Close();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(serve);
    EDDY_CO_TRY(Stream stream, co_await Stream::Connect(address));
    const Pipe one;
    const Pipe two;
    const std::array<int, 2> pipes = {one.reader.get(), two.reader.get()};
    EDDY_CO_CHECK(co_await SendsPipes(stream, pipes));
    co_return co_await stream.Shutdown();
  };
  EDDY_CO_CHECK(co_await WithScope(body));
  co_return co_await listener.Close();
}

TEST(UnixSweepTest, AStreamWithDescriptors) {
  const TempDir dir;
  const std::string path = "unix:" + (dir / "socket");
  ExpectCleanSweeps([&] { return HandsOverPipes<UnixStream>(path); },
                    {.stops = 15, .failures = 7});
}

TEST(UnixSweepTest, PacketsWithDescriptors) {
  const TempDir dir;
  const std::string path = "unix:" + (dir / "socket");
  ExpectCleanSweeps([&] { return HandsOverPipes<UnixSeqPacket>(path); },
                    {.stops = 15, .failures = 7});
}

Task<Result<void>> ExchangesDatagrams() {
  const SocketAddress address = net_test::AbstractName("unix_sweep");
  EDDY_CO_TRY(UnixDatagram server, UnixDatagram::Bind(address));
  EDDY_CO_TRY(UnixDatagram client, UnixDatagram::BindToAnyName());
  const auto serve = [&]() -> Task<Result<void>> {
    SocketAddress sender;
    std::array<std::byte, 8> buffer;
    EDDY_CO_TRY(const UnixMessage message,
                co_await server.ReceiveDescriptors(1, buffer, &sender));
    if (message.descriptors.size() != 1) co_return Unexpected(kWrong);
    co_return co_await server.SendTo(sender, Bytes("answer"));
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(serve);
    const Pipe pipe;
    const std::array<int, 1> sent = {pipe.reader.get()};
    EDDY_CO_CHECK(co_await client.SendTo(address, Bytes("question"), sent));
    std::array<std::byte, 8> buffer;
    EDDY_CO_TRY(const UnixMessage message, co_await client.Receive(buffer));
    co_return Text(std::span(buffer).first(message.size)) == "answer"
        ? Result<void>()
        : Unexpected(kWrong);
  };
  EDDY_CO_CHECK(co_await WithScope(body));
  co_return co_await client.Close();
}

TEST(UnixSweepTest, DatagramsWithDescriptors) {
  ExpectCleanSweeps(ExchangesDatagrams, {.stops = 12, .failures = 5});
}

}  // namespace
}  // namespace eddy::net
