#include <eddy/net/unix.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"
#include "tests/net/abstract_name.h"

#include <eddy/io/poll.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <poll.h>
#include <sys/wait.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::Check;
using io_test::InScope;
using io_test::Pattern;
using io_test::TempDir;
using io_test::Text;

const SocketAddress kName = net_test::AbstractName("unix");

struct Connection {
  UnixStream client;
  UnixStream server;
};

Task<Result<Connection>> Connect(UnixListener& listener) {
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  Connection both;
  EDDY_CO_TRY(both.client, co_await UnixStream::Connect(address));
  EDDY_CO_TRY(both.server, co_await listener.Accept());
  co_return both;
}

Task<Result<std::string>> ReadAll(UnixStream& stream) {
  std::string all;
  std::array<std::byte, 256> buffer;
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await stream.Read(buffer));
    if (n == 0) co_return all;
    all += Text(std::span(buffer).first(n));
  }
}

CO_TEST(UnixStreamTest, CarriesBytesBothWaysAndEndsOneDirection) {
  const TempDir dir;
  Result<UnixListener> listener = UnixListener::Bind(
      SocketAddress::Parse("unix:" + (dir / "socket")).value());
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

CO_TEST(UnixStreamTest, TellsTheAddresses) {
  Result<UnixListener> listener = UnixListener::Bind(kName);
  CO_ASSERT_OK(listener);
  EXPECT_EQ(listener->local_address().value(), kName);
  Result<Connection> both = co_await Connect(*listener);
  CO_ASSERT_OK(both);
  EXPECT_EQ(both->client.peer_address().value(), kName);
  EXPECT_EQ(both->server.peer_address().value().ToString(), "unix:");
  EXPECT_EQ(fcntl(both->client.fd().get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(fcntl(both->server.fd().get(), F_GETFD), FD_CLOEXEC);
}

CO_TEST(UnixStreamTest, TellsWhyItCannotConnect) {
  CO_EXPECT_ERROR(co_await UnixStream::Connect(SocketAddress::LoopbackV4(1)),
                  std::errc::address_family_not_supported);
  CO_EXPECT_ERROR(co_await UnixStream::Connect(SocketAddress()),
                  std::errc::address_family_not_supported);
  // A name that nobody has.
  CO_EXPECT_ERROR(co_await UnixStream::Connect(kName),
                  std::errc::connection_refused);
  const TempDir dir;
  const SocketAddress path =
      SocketAddress::Parse("unix:" + (dir / "socket")).value();
  CO_EXPECT_ERROR(co_await UnixStream::Connect(path),
                  std::errc::no_such_file_or_directory);
  // A stale file.
  const int stale = IO_TEST_CHECK(socket(AF_UNIX, SOCK_STREAM, 0));
  IO_TEST_CHECK(bind(stale, path.native(), path.size()));
  IO_TEST_CHECK(close(stale));
  CO_EXPECT_ERROR(co_await UnixStream::Connect(path),
                  std::errc::connection_refused);
  // A file, and a socket of another type.
  io_test::Store(dir / "file", "");
  CO_EXPECT_ERROR(co_await UnixStream::Connect(
                      SocketAddress::Parse("unix:" + (dir / "file")).value()),
                  std::errc::connection_refused);
  const SocketAddress datagrams =
      SocketAddress::Parse("unix:" + (dir / "datagrams")).value();
  const io::Fd other(
      IO_TEST_CHECK(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  IO_TEST_CHECK(bind(other.get(), datagrams.native(), datagrams.size()));
  CO_EXPECT_ERROR(co_await UnixStream::Connect(datagrams),
                  std::errc::wrong_protocol_type);
}

// Root may write to any file: another user tries it.
TEST(UnixStreamTest, RefusesWhoMayNotWriteToTheFile) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  const TempDir dir;
  IO_TEST_CHECK(chmod(dir.path().c_str(), 0755));
  const SocketAddress path =
      SocketAddress::Parse("unix:" + (dir / "socket")).value();
  UnixBindOptions options;
  options.mode = 0600;
  const Result<UnixListener> listener = UnixListener::Bind(path, options);
  ASSERT_OK(listener);
  const pid_t child = IO_TEST_CHECK(fork());
  if (child == 0) {
    if (setuid(65534) != 0) _exit(1);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    _exit(connect(fd, path.native(), path.size()) == -1 && errno == EACCES ? 0
                                                                           : 2);
  }
  int status = 0;
  IO_TEST_CHECK(waitpid(child, &status, 0));
  EXPECT_EQ(status, 0);
}

CO_TEST(UnixStreamTest, WaitsWhereTheBacklogIsFullUntilStopped) {
  UnixBindOptions options;
  options.backlog = 0;
  Result<UnixListener> listener = UnixListener::Bind(kName, options);
  CO_ASSERT_OK(listener);
  Result<UnixStream> first = co_await UnixStream::Connect(kName);
  CO_ASSERT_OK(first);
  CO_EXPECT_ERROR(co_await WithTimeout(5ms, UnixStream::Connect(kName)),
                  kTimedOut);
  // And goes on where there is room again.
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (int i = 0; i < 3; ++i) co_await io_test::Turn();
      CO_EXPECT_OK(co_await listener->Accept());
    });
    CO_EXPECT_OK(co_await UnixStream::Connect(kName));
  });
}

CO_TEST(UnixStreamTest, APairIsConnected) {
  Result<std::pair<UnixStream, UnixStream>> pair = UnixStream::Pair();
  CO_ASSERT_OK(pair);
  auto& [a, b] = *pair;
  const std::vector<std::byte> data = Pattern(1 << 20);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await a.Write(data));
      CO_EXPECT_OK(co_await a.Close());
    });
    const Result<std::string> all = co_await ReadAll(b);
    CO_ASSERT_OK(all);
    EXPECT_TRUE(*all == Text(data));
  });
  EXPECT_EQ(fcntl(b.fd().get(), F_GETFD), FD_CLOEXEC);
}

CO_TEST(UnixStreamTest, TellsOfAPeerThatClosesWithoutHavingReadAll) {
  Result<std::pair<UnixStream, UnixStream>> pair = UnixStream::Pair();
  CO_ASSERT_OK(pair);
  CO_ASSERT_OK(co_await pair->first.Write(Bytes("unread")));
  CO_ASSERT_OK(co_await pair->second.Close());
  std::array<std::byte, 8> buffer;
  CO_EXPECT_ERROR(co_await pair->first.Read(buffer),
                  std::errc::connection_reset);
}

CO_TEST(UnixListenerTest, ResetsTheBacklogWhereItCloses) {
  Result<UnixListener> listener = UnixListener::Bind(kName);
  CO_ASSERT_OK(listener);
  Result<UnixStream> client = co_await UnixStream::Connect(kName);
  CO_ASSERT_OK(client);
  CO_ASSERT_OK(co_await listener->Close());
  std::array<std::byte, 8> buffer;
  CO_EXPECT_ERROR(co_await client->Read(buffer), std::errc::connection_reset);
}

// --- Credentials -------------------------------------------------------------

CO_TEST(UnixCredentialsTest, TellBothSidesWhoThePeerIs) {
  Result<UnixListener> listener = UnixListener::Bind(kName);
  CO_ASSERT_OK(listener);
  Result<Connection> both = co_await Connect(*listener);
  CO_ASSERT_OK(both);
  const UnixCredentials own{getpid(), geteuid(), getegid()};
  EXPECT_EQ(both->client.peer_credentials().value(), own);
  EXPECT_EQ(both->server.peer_credentials().value(), own);
  Result<std::pair<UnixStream, UnixStream>> pair = UnixStream::Pair();
  CO_ASSERT_OK(pair);
  EXPECT_EQ(pair->first.peer_credentials().value(), own);
}

// A child of another user connects, says a word, and waits for the end.
class OtherUser {
 public:
  OtherUser() {
    pid_ = IO_TEST_CHECK(fork());
    if (pid_ != 0) return;
    if (geteuid() == 0 && (setgid(65533) != 0 || setuid(65534) != 0)) _exit(1);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, kName.native(), kName.size()) != 0) _exit(2);
    char byte;
    _exit(read(fd, &byte, 1) == 0 ? 0 : 3);
  }
  int Wait() const {
    int status = 0;
    IO_TEST_CHECK(waitpid(pid_, &status, 0));
    return status;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

TEST(UnixCredentialsTest, AreThoseOfAnotherProcessAndUser) {
  Result<UnixListener> listener = UnixListener::Bind(kName);
  ASSERT_OK(listener);
  const OtherUser other;
  SyncWait([&]() -> Task<void> {
    Result<UnixStream> stream = co_await listener->Accept();
    CO_ASSERT_OK(stream);
    const Result<UnixCredentials> peer = stream->peer_credentials();
    CO_ASSERT_OK(peer);
    EXPECT_EQ(peer->pid, other.pid());
    EXPECT_EQ(peer->uid, geteuid() == 0 ? 65534 : geteuid());
    EXPECT_EQ(peer->gid, geteuid() == 0 ? 65533 : getegid());
  }());
  EXPECT_EQ(other.Wait(), 0);
}

TEST(UnixCredentialsTest, TheProcessOfThePeerCanBeWaitedFor) {
  Result<UnixListener> listener = UnixListener::Bind(kName);
  ASSERT_OK(listener);
  const OtherUser other;
  SyncWait([&]() -> Task<void> {
    Result<UnixStream> stream = co_await listener->Accept();
    CO_ASSERT_OK(stream);
    const Result<io::Fd> process = PeerProcess(stream->fd().get());
    if (!process && process.error() == std::errc::no_protocol_option) {
      CO_SKIP("no SO_PEERPIDFD before Linux 6.5");
    }
    CO_ASSERT_OK(process);
    EXPECT_EQ(fcntl(process->get(), F_GETFD), FD_CLOEXEC);
    CO_EXPECT_ERROR(co_await WithTimeout(0ms, io::Poll(*process, POLLIN)),
                    kTimedOut);
    CO_ASSERT_OK(co_await stream->Close());
    CO_EXPECT_OK(co_await io::Poll(*process, POLLIN));
  }());
  EXPECT_EQ(other.Wait(), 0);
}

TEST(UnixCredentialsTest, ThereAreNoneWithoutAPeer) {
  EXPECT_FALSE(UnixStream().peer_credentials());
  const UnixStream unconnected(
      io::Fd(IO_TEST_CHECK(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))));
  CO_EXPECT_ERROR(unconnected.peer_credentials(), std::errc::not_connected);
  EXPECT_FALSE(PeerProcess(unconnected.fd().get()));
  const io::Fd tcp = io_test::TcpSocket();
  CO_EXPECT_ERROR(UnixCredentials::OfPeer(tcp.get()), std::errc::not_connected);
}

}  // namespace
}  // namespace eddy::net
