// What streams of the network do as ByteStreams, and with several buffers.
#include <eddy/net/stream_socket.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <eddy/io/buffered_reader.h>
#include <eddy/io/iovec.h>
#include <eddy/net/tcp.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sweeps.h"

namespace eddy::net {
namespace {

using io_test::Bytes;
using io_test::InScope;
using io_test::Pattern;
using io_test::Text;

struct Connection {
  TcpStream client;
  TcpStream server;
};

Task<Result<Connection>> Connect() {
  EDDY_CO_TRY(TcpListener listener,
              TcpListener::Bind(SocketAddress::LoopbackV4(0)));
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  Connection both;
  EDDY_CO_TRY(both.client, co_await TcpStream::Connect(address));
  EDDY_CO_TRY(both.server, co_await listener.Accept());
  co_return both;
}

CO_TEST(StreamSocketTest, LinesAreReadFromAConnection) {
  auto both = co_await Connect();
  CO_ASSERT_OK(both);
  CO_EXPECT_OK(co_await both->client.Write(Bytes("one\r\ntwo\r\nthr")));
  CO_EXPECT_OK(co_await both->client.Shutdown());
  io::BufferedReader reader(both->server);
  CO_EXPECT_EQ(co_await reader.ReadLine(), "one");
  CO_EXPECT_EQ(co_await reader.ReadLine(), "two");
  CO_EXPECT_ERROR(co_await reader.ReadLine(), kEndOfStream);
  EXPECT_EQ(Text(reader.buffered()), "thr");
}

CO_TEST(StreamSocketTest, ReadsIntoAndWritesFromSeveralBuffers) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  auto both = co_await Connect();
  CO_ASSERT_OK(both);
  const iovec parts[] = {io::ToIovec(Bytes("head ")), io::ToIovec(Bytes("")),
                         io::ToIovec(Bytes("body"))};
  std::size_t written = 0;
  CO_EXPECT_OK(co_await both->client.Write(parts, &written));
  EXPECT_EQ(written, 9U);
  std::array<std::byte, 5> head;
  std::array<std::byte, 8> body;
  const iovec into[] = {io::ToIovec(head), io::ToIovec(body)};
  CO_EXPECT_EQ(co_await both->server.Read(into), 9U);
  EXPECT_EQ(Text(head), "head ");
  EXPECT_EQ(Text(std::span(body).first(4)), "body");
}

CO_TEST(TcpStreamTest, ResetOnCloseBreaksTheConnection) {
  auto both = co_await Connect();
  CO_ASSERT_OK(both);
  CO_EXPECT_OK(co_await both->client.Write(Bytes("a part")));
  CO_EXPECT_OK(both->client.ResetOnClose());
  CO_EXPECT_OK(co_await both->client.Close());
  std::array<std::byte, 8> buffer;
  // What had come before may be read; then no end of the stream, but an error.
  Result<std::size_t> n = 1;
  while (n && *n != 0) n = co_await both->server.Read(buffer);
  CO_EXPECT_ERROR(n, std::errc::connection_reset);
  CO_EXPECT_ERROR(both->client.ResetOnClose(), std::errc::bad_file_descriptor);
}

// More than the sockets take, in buffers of many sizes, to a slow reader; what
// was written is what was read, or on its way, wherever it stops.
Task<Result<void>> ManyBuffersToASlowReader() {
  EDDY_CO_TRY(Connection both, co_await Connect());
  const std::vector<std::byte> data = Pattern(300'000);
  std::vector<iovec> buffers;
  std::size_t at = 0;
  for (std::size_t size = 1; at < data.size(); size = size * 5 % 99'991 + 1) {
    const std::size_t count = std::min(size, data.size() - at);
    buffers.push_back(io::ToIovec(std::span(data).subspan(at, count)));
    at += count;
  }
  const int size = 64 * 1024;
  IO_TEST_CHECK(setsockopt(both.client.fd().get(), SOL_SOCKET, SO_SNDBUF, &size,
                           sizeof size));
  std::vector<std::byte> got(data.size());
  std::size_t written = 0;
  std::size_t read = 0;
  const auto writes = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await both.client.Write(buffers, &written));
    co_return co_await both.client.Shutdown();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(writes);
    while (true) {
      const std::span<std::byte> rest = std::span(got).subspan(read);
      EDDY_CO_TRY(const std::size_t n, co_await both.server.Read(rest));
      if (n == 0) co_return Result<void>();
      read += n;
    }
  };
  const Result<void> result = co_await WithScope(body);
  EXPECT_GE(written, read);
  EXPECT_EQ(Text(std::span(got).first(read)), Text(data).substr(0, read));
  if (result) {
    EXPECT_EQ(written, data.size());
    EXPECT_EQ(read, data.size());
  }
  co_return result;
}

TEST(StreamSocketTest, WritesManyBuffersStoppedOrFailedAtEveryPoint) {
  test::ExpectCleanSweeps(ManyBuffersToASlowReader,
                          {.stops = 20, .failures = 8});
}

// --- Zero-copy ---------------------------------------------------------------

// To a reader that takes it bit by bit. `plain`: by sockets that cannot.
Task<Result<void>> WritesZeroCopy(Connection both, std::size_t size,
                                  std::weak_ptr<void>& alive) {
  auto owner = std::make_shared<std::vector<std::byte>>(Pattern(size));
  const std::string text = Text(*owner);
  alive = owner;
  std::vector<std::byte> got(size);
  std::size_t written = 0;
  std::size_t read = 0;
  const auto writes = [&]() -> Task<Result<void>> {
    const std::span<const std::byte> data = *owner;
    EDDY_CO_CHECK(
        co_await both.client.WriteZeroCopy(data, std::move(owner), &written));
    co_return co_await both.client.Shutdown();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(writes);
    while (true) {
      const std::span<std::byte> rest = std::span(got).subspan(read);
      EDDY_CO_TRY(const std::size_t n, co_await both.server.Read(rest));
      if (n == 0) co_return Result<void>();
      read += n;
    }
  };
  const Result<void> result = co_await WithScope(body);
  EXPECT_GE(written, read);
  EXPECT_EQ(Text(std::span(got).first(read)), text.substr(0, read));
  if (result) {
    EXPECT_EQ(written, size);
    EXPECT_EQ(read, size);
  }
  co_return result;
}

Task<Result<void>> WritesZeroCopyOverTcp(std::weak_ptr<void>& alive) {
  EDDY_CO_TRY(Connection both, co_await Connect());
  co_return co_await WritesZeroCopy(std::move(both), 100'000, alive);
}

std::string StillAlive(const std::weak_ptr<void>& alive) {
  return alive.expired() ? "" : "the owner of the bytes is left";
}

TEST(WriteZeroCopyTest, ReleasesTheBytesStoppedOrFailedAtEveryPoint) {
  std::weak_ptr<void> alive;
  SweepOptions options;
  options.check = [&] { return StillAlive(alive); };
  test::ExpectCleanSweeps([&] { return WritesZeroCopyOverTcp(alive); },
                          {.stops = 10, .failures = 4}, options);
}

// What fails as if the socket could not send so is sent plainly.
TEST(WriteZeroCopyTest, WritesPlainlyWhereItCannot) {
  std::weak_ptr<void> alive;
  SyncWait([](std::weak_ptr<void>& bytes) -> Task<void> {
    io_test::SocketPair sockets;
    Connection both{TcpStream(std::move(sockets.a)),
                    TcpStream(std::move(sockets.b))};
    CO_EXPECT_OK(co_await WritesZeroCopy(std::move(both), 300'000, bytes));
  }(alive));
  EXPECT_EQ(StillAlive(alive), "");
}

CO_TEST(WriteZeroCopyTest, TakesOwnersOfBytesOfAnySize) {
  auto both = co_await Connect();
  CO_ASSERT_OK(both);
  CO_EXPECT_OK(co_await both->client.WriteZeroCopy(std::string("few, ")));
  CO_EXPECT_OK(co_await both->client.WriteZeroCopy(std::string()));
  CO_EXPECT_OK(co_await both->client.WriteZeroCopy(std::string(100'000, 'x')));
  CO_EXPECT_OK(co_await both->client.Shutdown());
  io::BufferedReader reader(both->server);
  std::string got(100'005, ' ');
  CO_EXPECT_OK(
      co_await reader.ReadExactly(std::as_writable_bytes(std::span(got))));
  EXPECT_EQ(got, "few, " + std::string(100'000, 'x'));
  CO_EXPECT_EQ(co_await reader.Fill(), 0U);
}

}  // namespace
}  // namespace eddy::net
