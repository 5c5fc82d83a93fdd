#include <eddy/net/tcp.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"
#include "tests/net/abstract_name.h"

#include <eddy/io/read_exactly.h>
#include <eddy/io/write_all.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <netinet/tcp.h>

#include <array>
#include <optional>
#include <string>
#include <utility>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::Check;
using io_test::InScope;
using io_test::IsUntouched;
using io_test::kUntouched;
using io_test::Pattern;
using io_test::Pause;
using io_test::TempDir;
using io_test::Text;
using io_test::Turn;

bool OptionOf(const io::Fd& fd, int level, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  IO_TEST_CHECK(getsockopt(fd.get(), level, option, &value, &size));
  return value != 0;
}

// Both ends of a new connection.
struct Connection {
  TcpStream client;
  TcpStream server;
};

Task<Result<Connection>> Connect(TcpListener& listener) {
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  Connection both;
  EDDY_CO_TRY(both.client, co_await TcpStream::Connect(address));
  EDDY_CO_TRY(both.server, co_await listener.Accept());
  co_return both;
}

Task<Result<Connection>> Connect() {
  EDDY_CO_TRY(TcpListener listener,
              TcpListener::Bind(SocketAddress::LoopbackV4(0)));
  co_return co_await Connect(listener);
}

// What a stream gives until its end.
Task<Result<std::string>> ReadAll(TcpStream& stream) {
  std::string all;
  std::vector<std::byte> buffer(64 * 1024);
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await stream.Read(buffer));
    if (n == 0) co_return all;
    all += Text(std::span(buffer).first(n));
  }
}

// Closing resets the connection.
void ResetOnClose(const TcpStream& stream) {
  const linger now{1, 0};
  IO_TEST_CHECK(
      setsockopt(stream.fd().get(), SOL_SOCKET, SO_LINGER, &now, sizeof now));
}

// --- Over each family --------------------------------------------------------

// Its parameter is the address, "path" or "abstract".
class TcpFamilyTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string family = GetParam();
    const std::string path = dir_ / "socket";
    address_ =
        family == "abstract"
            ? net_test::AbstractName("tcp")
            : SocketAddress::Parse(family == "path" ? "unix:" + path : family)
                  .value();
    const Result<TcpListener> probe = TcpListener::Bind(address_);
    if (!probe && address_.family() == AF_INET6) {
      GTEST_SKIP() << "no IPv6: " << probe.error();
    }
    ASSERT_OK(probe);
    unlink(path.c_str());
  }

  static Task<void> Echo(SocketAddress address) {
    Result<TcpListener> listener = TcpListener::Bind(address);
    CO_ASSERT_OK(listener);
    Result<Connection> both = co_await Connect(*listener);
    CO_ASSERT_OK(both);
    CO_ASSERT_OK(co_await both->client.Write(Bytes("hello")));
    std::array<std::byte, 16> buffer;
    CO_EXPECT_EQ(co_await both->server.Read(buffer), 5U);
    CO_ASSERT_OK(co_await both->server.Write(std::span(buffer).first(5)));
    buffer.fill(kUntouched);
    CO_EXPECT_EQ(co_await both->client.Read(buffer), 5U);
    EXPECT_EQ(Text(std::span(buffer).first(5)), "hello");
    EXPECT_TRUE(IsUntouched(std::span(buffer).subspan(5)));
  }

  static Task<void> Addresses(SocketAddress address) {
    Result<TcpListener> listener = TcpListener::Bind(address);
    CO_ASSERT_OK(listener);
    const Result<SocketAddress> bound = listener->local_address();
    CO_ASSERT_OK(bound);
    EXPECT_EQ(bound->family(), address.family());
    EXPECT_EQ(bound->port() == 0, address.family() == AF_UNIX);
    Result<Connection> both = co_await Connect(*listener);
    CO_ASSERT_OK(both);
    EXPECT_EQ(both->client.peer_address().value(), *bound);
    EXPECT_EQ(both->server.local_address().value(), *bound);
    EXPECT_EQ(both->server.peer_address().value(),
              both->client.local_address().value());
  }

  static Task<void> HalfClose(SocketAddress address) {
    Result<TcpListener> listener = TcpListener::Bind(address);
    CO_ASSERT_OK(listener);
    Result<Connection> both = co_await Connect(*listener);
    CO_ASSERT_OK(both);
    CO_ASSERT_OK(co_await both->client.Write(Bytes("question")));
    CO_ASSERT_OK(co_await both->client.Shutdown());
    CO_EXPECT_EQ(co_await ReadAll(both->server), "question");
    CO_ASSERT_OK(co_await both->server.Write(Bytes("answer")));
    CO_ASSERT_OK(co_await both->server.Close());
    CO_EXPECT_EQ(co_await ReadAll(both->client), "answer");
    CO_EXPECT_ERROR(co_await both->client.Write(Bytes("x")),
                    std::errc::broken_pipe);
  }

  const TempDir dir_;
  SocketAddress address_;
};

TEST_P(TcpFamilyTest, CarriesBytesBothWays) {
  EDDY_SKIP_IN_CHAOS(test::kShort);
  SyncWait(Echo(address_));
}
TEST_P(TcpFamilyTest, TellsTheAddresses) { SyncWait(Addresses(address_)); }
TEST_P(TcpFamilyTest, EndsOneDirection) { SyncWait(HalfClose(address_)); }

INSTANTIATE_TEST_SUITE_P(Families, TcpFamilyTest,
                         ::testing::Values("127.0.0.1:0", "[::1]:0", "path",
                                           "abstract"));

// --- TcpStream ---------------------------------------------------------------

CO_TEST(TcpStreamTest, ReadReturnsZeroAtEndOfStream) {
  Result<Connection> both = co_await Connect();
  CO_ASSERT_OK(both);
  CO_ASSERT_OK(co_await both->server.Close());
  std::array<std::byte, 8> buffer;
  CO_EXPECT_EQ(co_await both->client.Read(buffer), 0U);
  CO_EXPECT_EQ(co_await both->client.Read(buffer), 0U);
}

CO_TEST(TcpStreamTest, IsEmptyByDefaultAndAfterClose) {
  TcpStream none;
  std::array<std::byte, 8> buffer;
  CO_EXPECT_ERROR(co_await none.Read(buffer), std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(co_await none.Write(Bytes("x")),
                  std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(none.local_address(), std::errc::bad_file_descriptor);
  Result<Connection> both = co_await Connect();
  CO_ASSERT_OK(both);
  CO_ASSERT_OK(co_await both->client.Close());
  EXPECT_FALSE(both->client.fd().valid());
  CO_EXPECT_ERROR(co_await both->client.Read(buffer),
                  std::errc::bad_file_descriptor);
}

CO_TEST(TcpStreamTest, MovesWithItsConnection) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  Result<Connection> both = co_await Connect();
  CO_ASSERT_OK(both);
  TcpStream moved = std::move(both->client);
  CO_ASSERT_OK(co_await moved.Write(Bytes("moved")));
  std::array<std::byte, 8> buffer;
  CO_EXPECT_EQ(co_await both->server.Read(buffer), 5U);
}

CO_TEST(TcpStreamTest, ConnectIsRefusedWhereNobodyListens) {
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(listener);
  const SocketAddress address = listener->local_address().value();
  CO_ASSERT_OK(co_await listener->Close());
  CO_EXPECT_ERROR(co_await TcpStream::Connect(address),
                  std::errc::connection_refused);
  CO_EXPECT_ERROR(
      co_await TcpStream::Connect(
          SocketAddress::Parse("unix:/tmp/eddy_no_such.sock").value()),
      std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await TcpStream::Connect(SocketAddress()),
                  std::errc::address_family_not_supported);
}

CO_TEST(TcpStreamTest, ConnectStopsWhileNobodyAnswers) {
  io_test::LoopbackListener silent(0);
  std::vector<io::Fd> others;
  for (int i = 0; i < 2; ++i) {
    others.push_back(io_test::TcpSocket());
    io_test::SetNonBlocking(others.back(), true);
    connect(others.back().get(), silent.native(), sizeof silent.address);
  }
  const SocketAddress address =
      SocketAddress::FromNative(silent.native(), sizeof silent.address);
  CO_EXPECT_ERROR(co_await WithTimeout(5ms, TcpStream::Connect(address)),
                  kTimedOut);
  StopSource source;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (int i = 0; i < 3; ++i) co_await Turn();
      source.RequestStop();
    });
    CO_EXPECT_ERROR(
        co_await WithStop(source.token(), TcpStream::Connect(address)),
        kCanceled);
  });
}

CO_TEST(TcpStreamTest, ReadTellsOfAReset) {
  Result<Connection> both = co_await Connect();
  CO_ASSERT_OK(both);
  std::array<std::byte, 8> buffer;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      co_await Turn();
      ResetOnClose(both->server);
      CO_EXPECT_OK(co_await both->server.Close());
    });
    CO_EXPECT_ERROR(co_await both->client.Read(buffer),
                    std::errc::connection_reset);
  });
}

CO_TEST(TcpStreamTest, WriteToAPeerThatIsGoneIsAnErrorAndNoSignal) {
  Result<Connection> both = co_await Connect();
  CO_ASSERT_OK(both);
  CO_ASSERT_OK(co_await both->server.Close());
  Result<void> written;
  for (int i = 0; i < 10 && written; ++i) {
    written = co_await both->client.Write(Bytes("anybody?"));
    co_await Turn();
  }
  CO_ASSERT_FALSE(written);
  EXPECT_TRUE(written.error() == std::errc::broken_pipe ||
              written.error() == std::errc::connection_reset)
      << written.error();
}

CO_TEST(TcpStreamTest, WriteSendsAllToASlowReader) {
  Result<Connection> both = co_await Connect();
  CO_ASSERT_OK(both);
  const std::vector<std::byte> data = Pattern(64 << 20);
  std::size_t transferred = 0;
  std::size_t received = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      std::vector<std::byte> buffer(256 * 1024);
      while (true) {
        const Result<std::size_t> n = co_await both->server.Read(buffer);
        CO_ASSERT_OK(n);
        if (*n == 0) co_return;
        CO_ASSERT_TRUE(
            std::ranges::equal(std::span(buffer).first(*n),
                               std::span(data).subspan(received, *n)));
        received += *n;
        if (received % 7 == 0) co_await Pause(1ms);
      }
    });
    CO_EXPECT_OK(co_await both->client.Write(data, &transferred));
    CO_EXPECT_OK(co_await both->client.Shutdown());
  });
  EXPECT_EQ(transferred, data.size());
  EXPECT_EQ(received, data.size());
}

CO_TEST(TcpStreamTest, WriteTellsWhatItSentWhereStopped) {
  Result<Connection> both = co_await Connect();
  CO_ASSERT_OK(both);
  const std::vector<std::byte> data = Pattern(64 << 20);
  std::size_t transferred = 0;
  CO_EXPECT_ERROR(
      co_await WithTimeout(10ms, both->client.Write(data, &transferred)),
      kTimedOut);
  EXPECT_GT(transferred, 0U);
  EXPECT_LT(transferred, data.size());
  CO_ASSERT_OK(co_await both->client.Close());
  const Result<std::string> received = co_await ReadAll(both->server);
  CO_ASSERT_OK(received);
  EXPECT_EQ(received->size(), transferred);
  EXPECT_TRUE(*received == Text(std::span(data).first(transferred)));
}

CO_TEST(TcpStreamTest, WriteTellsWhatItSentWhereThePeerResets) {
  Result<Connection> both = co_await Connect();
  CO_ASSERT_OK(both);
  const std::vector<std::byte> data = Pattern(64 << 20);
  std::size_t transferred = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      co_await Pause(5ms);
      ResetOnClose(both->server);
      CO_EXPECT_OK(co_await both->server.Close());
    });
    const Result<void> written =
        co_await both->client.Write(data, &transferred);
    CO_ASSERT_FALSE(written);
    EXPECT_TRUE(written.error() == std::errc::broken_pipe ||
                written.error() == std::errc::connection_reset)
        << written.error();
  });
  EXPECT_GT(transferred, 0U);
  EXPECT_LT(transferred, data.size());
}

CO_TEST(TcpStreamTest, WriteOfNothingSendsNothing) {
  Result<Connection> both = co_await Connect();
  CO_ASSERT_OK(both);
  std::size_t transferred = 99;
  CO_EXPECT_OK(
      co_await both->client.Write(std::span<const std::byte>(), &transferred));
  EXPECT_EQ(transferred, 0U);
  CO_EXPECT_EQ(co_await both->client.WriteSome({}), 0U);
}

CO_TEST(TcpStreamTest, ReadsAndWritesAtTheSameTime) {
  Result<Connection> both = co_await Connect();
  CO_ASSERT_OK(both);
  const std::vector<std::byte> up = Pattern(4 << 20, 1);
  const std::vector<std::byte> down = Pattern(4 << 20, 2);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    const auto send = [](TcpStream& stream,
                         std::span<const std::byte> data) -> Task<void> {
      CO_EXPECT_OK(co_await stream.Write(data));
      CO_EXPECT_OK(co_await stream.Shutdown());
    };
    const auto receive = [](TcpStream& stream,
                            std::span<const std::byte> data) -> Task<void> {
      const Result<std::string> all = co_await ReadAll(stream);
      CO_ASSERT_OK(all);
      EXPECT_TRUE(*all == Text(data));
    };
    scope.Spawn(send, std::ref(both->client), std::span(up));
    scope.Spawn(send, std::ref(both->server), std::span(down));
    scope.Spawn(receive, std::ref(both->client), std::span(down));
    scope.Spawn(receive, std::ref(both->server), std::span(up));
    co_return;
  });
}

CO_TEST(TcpStreamTest, SendsSmallWritesAtOnceUnlessToldNot) {
  Result<Connection> both = co_await Connect();
  CO_ASSERT_OK(both);
  EXPECT_TRUE(OptionOf(both->client.fd(), IPPROTO_TCP, TCP_NODELAY));
  EXPECT_TRUE(OptionOf(both->server.fd(), IPPROTO_TCP, TCP_NODELAY));
  CO_EXPECT_OK(both->client.SetOptions({.no_delay = false}));
  EXPECT_FALSE(OptionOf(both->client.fd(), IPPROTO_TCP, TCP_NODELAY));
  CO_EXPECT_ERROR(TcpStream().SetOptions({.no_delay = true}),
                  std::errc::bad_file_descriptor);
}

CO_TEST(TcpStreamTest, ConnectsIPv4ToAListenerOfIPv6) {
  Result<TcpListener> listener = TcpListener::Bind(SocketAddress::AnyV6(0));
  if (!listener) CO_SKIP("no IPv6");
  const std::uint16_t port = listener->local_address().value().port();
  const Result<TcpStream> client =
      co_await TcpStream::Connect(SocketAddress::LoopbackV4(port));
  if (!client) CO_SKIP("IPv6 sockets take no IPv4 here");
  const Result<TcpStream> server = co_await listener->Accept();
  CO_ASSERT_OK(server);
  const std::uint16_t from = client->local_address().value().port();
  EXPECT_EQ(server->peer_address().value().ToString(),
            "[::ffff:127.0.0.1]:" + std::to_string(from));
}

// --- TcpListener -------------------------------------------------------------

TEST(TcpListenerTest, TellsOfAnAddressInUse) {
  const Result<TcpListener> first =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  ASSERT_OK(first);
  const SocketAddress address = first->local_address().value();
  CO_EXPECT_ERROR(TcpListener::Bind(address), std::errc::address_in_use);
  // Sharing takes both to agree.
  ListenOptions share;
  share.reuse_port = true;
  CO_EXPECT_ERROR(TcpListener::Bind(address, share), std::errc::address_in_use);
  const TempDir dir;
  const SocketAddress path =
      SocketAddress::Parse("unix:" + (dir / "socket")).value();
  const Result<TcpListener> local = TcpListener::Bind(path);
  ASSERT_OK(local);
  CO_EXPECT_ERROR(TcpListener::Bind(path), std::errc::address_in_use);
}

TEST(TcpListenerTest, TellsTheOtherErrorsOfBinding) {
  CO_EXPECT_ERROR(
      TcpListener::Bind(SocketAddress::Parse("192.0.2.1:0").value()),
      std::errc::address_not_available);
  CO_EXPECT_ERROR(TcpListener::Bind(SocketAddress()),
                  std::errc::address_family_not_supported);
  CO_EXPECT_ERROR(
      TcpListener::Bind(SocketAddress::Parse("unix:/no/such/dir").value()),
      std::errc::no_such_file_or_directory);
}

CO_TEST(TcpListenerTest, SharesAPort) {
  ListenOptions share;
  share.reuse_port = true;
  Result<TcpListener> first =
      TcpListener::Bind(SocketAddress::LoopbackV4(0), share);
  CO_ASSERT_OK(first);
  const SocketAddress address = first->local_address().value();
  Result<TcpListener> second = TcpListener::Bind(address, share);
  CO_ASSERT_OK(second);
  EXPECT_EQ(second->local_address().value(), address);
  // Every connection goes to one of them.
  int accepted = 0;
  for (int i = 0; i < 20; ++i) {
    const Result<TcpStream> client = co_await TcpStream::Connect(address);
    CO_ASSERT_OK(client);
    for (TcpListener* listener : {&*first, &*second}) {
      const Result<TcpStream> stream =
          co_await WithTimeout(0ms, listener->Accept());
      if (stream) ++accepted;
    }
  }
  EXPECT_EQ(accepted, 20);
}

CO_TEST(TcpListenerTest, SetsTheOptionsItWasGiven) {
  Result<TcpListener> usual = TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(usual);
  EXPECT_TRUE(OptionOf(usual->fd(), SOL_SOCKET, SO_REUSEADDR));
  EXPECT_FALSE(OptionOf(usual->fd(), SOL_SOCKET, SO_REUSEPORT));
  EXPECT_EQ(fcntl(usual->fd().get(), F_GETFD), FD_CLOEXEC);
  ListenOptions options;
  options.tcp.no_delay = false;
  options.reuse_address = false;
  Result<TcpListener> other =
      TcpListener::Bind(SocketAddress::LoopbackV4(0), options);
  CO_ASSERT_OK(other);
  EXPECT_FALSE(OptionOf(other->fd(), SOL_SOCKET, SO_REUSEADDR));
  Result<Connection> both = co_await Connect(*other);
  CO_ASSERT_OK(both);
  EXPECT_FALSE(OptionOf(both->server.fd(), IPPROTO_TCP, TCP_NODELAY));
}

CO_TEST(TcpListenerTest, BindsAgainAtOnce) {
  Result<TcpListener> first = TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(first);
  const SocketAddress address = first->local_address().value();
  {
    // The side that closes first keeps the port in TIME_WAIT.
    Result<Connection> both = co_await Connect(*first);
    CO_ASSERT_OK(both);
    CO_ASSERT_OK(co_await both->server.Close());
    CO_EXPECT_EQ(co_await ReadAll(both->client), "");
  }
  CO_ASSERT_OK(co_await first->Close());
  CO_EXPECT_OK(TcpListener::Bind(address));
}

CO_TEST(TcpListenerTest, AcceptStops) {
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(listener);
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, listener->Accept()), kTimedOut);
  // The next one is as good.
  CO_EXPECT_OK(co_await Connect(*listener));
}

CO_TEST(TcpListenerTest, ResetsTheBacklogWhereItCloses) {
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(listener);
  Result<TcpStream> client =
      co_await TcpStream::Connect(listener->local_address().value());
  CO_ASSERT_OK(client);
  CO_ASSERT_OK(co_await listener->Close());
  std::array<std::byte, 8> buffer;
  CO_EXPECT_ERROR(co_await client->Read(buffer), std::errc::connection_reset);
}

TEST(TcpDeathTest, ClosingAStreamThatAnotherTaskReads) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 Result<Connection> both = co_await Connect();
                 std::array<std::byte, 8> buffer;
                 co_await InScope([&](TaskScope& scope) -> Task<void> {
                   scope.Spawn([&]() -> Task<void> {
                     CO_EXPECT_OK(co_await both->client.Read(buffer));
                   });
                   co_await Turn();
                   CO_EXPECT_OK(co_await both->client.Close());
                 });
               }()),
               "file descriptor [0-9]+ was closed, moved or destroyed with 1 "
               "operations? in flight on it");
}

}  // namespace
}  // namespace eddy::net
