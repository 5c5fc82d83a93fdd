// TCP where a limit is reached: ten thousand connections at once, and no
// descriptors left.
#include <eddy/net/tcp.h>

#include "tests/chaos.h"
#include "tests/io/descriptor_limit.h"
#include "tests/io/io_test_util.h"

#include <eddy/io/receive.h>
#include <eddy/io/send.h>
#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
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
using io_test::DescriptorLimit;
using io_test::InScope;
using io_test::OpenDescriptors;
using io_test::Pause;
using io_test::Text;

// Allows more descriptors while it lives, if it may.
class MoreDescriptors {
 public:
  explicit MoreDescriptors(rlim_t count) {
    IO_TEST_CHECK(getrlimit(RLIMIT_NOFILE, &before_));
    const rlimit more{std::max(before_.rlim_cur, count),
                      std::max(before_.rlim_max, count)};
    allowed_ = setrlimit(RLIMIT_NOFILE, &more) == 0;
  }
  ~MoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  bool allowed() const { return allowed_; }

 private:
  rlimit before_{};
  bool allowed_ = false;
};

// Clients in a process of their own, which has as many descriptors again. Each
// Step lets it do the next thing: connect all, let each say a word and hear it,
// and end, with all connections at once.
class ManyClients {
 public:
  ManyClients(const SocketAddress& server, int count) {
    pid_ = IO_TEST_CHECK(fork());
    if (pid_ == 0) Run(server, count);
  }
  ~ManyClients() {
    steps_.b = io::Fd();
    steps_.a = io::Fd();
    IO_TEST_CHECK(kill(pid_, SIGKILL));
    IO_TEST_CHECK(waitpid(pid_, nullptr, 0));
  }
  ManyClients(const ManyClients&) = delete;
  ManyClients& operator=(const ManyClients&) = delete;

  // Returns when it is done.
  Task<void> Step() {
    CO_EXPECT_EQ(co_await io::Send(steps_.a, Bytes("x")), 1U);
    std::array<std::byte, 1> done;
    CO_EXPECT_EQ(co_await io::Receive(steps_.a, done), 1U);
  }

 private:
  [[noreturn]] void Run(const SocketAddress& server, int count) {
    std::vector<int> clients;
    char word[4];
    char step;
    const int steps = steps_.b.get();
    if (read(steps, &step, 1) != 1) _exit(1);
    for (int i = 0; i < count; ++i) {
      const int fd = IO_TEST_CHECK(socket(AF_INET, SOCK_STREAM, 0));
      IO_TEST_CHECK(connect(fd, server.native(), server.size()));
      clients.push_back(fd);
    }
    if (write(steps, "x", 1) != 1 || read(steps, &step, 1) != 1) _exit(1);
    for (const int fd : clients) {
      if (write(fd, "word", 4) != 4) _exit(2);
      if (recv(fd, word, 4, MSG_WAITALL) != 4) _exit(3);
    }
    if (write(steps, "x", 1) != 1 || read(steps, &step, 1) != 1) _exit(1);
    for (const int fd : clients) close(fd);
    if (write(steps, "x", 1) != 1) _exit(1);
    pause();
    _exit(0);
  }

  io_test::SocketPair steps_;
  pid_t pid_ = -1;
};

// A connection that waits for its client's word, and gives it back.
Task<void> Echo(TcpStream stream, int& waiting) {
  std::array<std::byte, 16> buffer;
  while (true) {
    ++waiting;
    const Result<std::size_t> n = co_await stream.Read(buffer);
    --waiting;
    if (!n || *n == 0) co_return;
    CO_EXPECT_OK(co_await stream.Write(std::span(buffer).first(*n)));
  }
}

// Until it is stopped; where descriptors are short, it waits for some.
Task<void> Serve(TcpListener& listener, TaskScope& scope, int& waiting,
                 int& refused) {
  while (true) {
    Result<TcpStream> stream = co_await listener.Accept();
    if (stream) {
      scope.Spawn(Echo(*std::move(stream), waiting));
    } else if (stream.error() == kCanceled) {
      co_return;
    } else {
      CO_EXPECT_ERROR(stream, std::errc::too_many_files_open);
      ++refused;
      co_await Pause(1ms);
    }
  }
}

// What this program has taken of the heap; frames are a part of it.
std::size_t HeapBytes() { return mallinfo2().uordblks; }

Task<void> Hold(TcpListener& listener, ManyClients& clients, int count) {
  const std::size_t descriptors = OpenDescriptors();
  const std::ptrdiff_t frames = eddy::internal::FramePool::Live();
  const std::size_t heap = HeapBytes();
  int waiting = 0;
  int refused = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&] { return Serve(listener, scope, waiting, refused); });
    co_await clients.Step();
    while (waiting < count) co_await Pause(1ms);
    EXPECT_EQ(OpenDescriptors(), descriptors + static_cast<std::size_t>(count));
    // Of an idle connection: the task with its buffer of 16 bytes, and what the
    // operation in flight takes; the socket's own memory is the kernel's.
    const std::size_t each =
        (HeapBytes() - heap) / static_cast<std::size_t>(count);
    ::testing::Test::RecordProperty("bytes_per_connection",
                                    std::to_string(each));
    EXPECT_LT(each, 1024U);
    // All of them are alive.
    co_await clients.Step();
    while (waiting < count) co_await Pause(1ms);
    co_await clients.Step();
    while (waiting > 0) co_await Pause(1ms);
    scope.RequestStop();
  });
  EXPECT_EQ(refused, 0);
  for (int i = 0; i < 1000 && OpenDescriptors() != descriptors; ++i) {
    co_await Pause(1ms);
  }
  EXPECT_EQ(OpenDescriptors(), descriptors);
  EXPECT_EQ(eddy::internal::FramePool::Live(), frames);
}

TEST(TcpLimitsTest, TenThousandConnectionsOpenIdleAndClose) {
  constexpr int kConnections = 10'000;
  EDDY_SKIP_IN_CHAOS("too many completions to shuffle");
  const MoreDescriptors more(kConnections + 200);
  if (!more.allowed()) GTEST_SKIP() << "RLIMIT_NOFILE may not be 10200";
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  ASSERT_OK(listener);
  ManyClients clients(listener->local_address().value(), kConnections);
  SyncWait(Hold(*listener, clients, kConnections));
}

CO_TEST(TcpLimitsTest, ConnectTellsThatDescriptorsHaveRunOutAndRecovers) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(listener);
  const SocketAddress address = listener->local_address().value();
  {
    const DescriptorLimit limit;
    for (int i = 0; i < 3; ++i) {
      CO_EXPECT_ERROR(co_await TcpStream::Connect(address),
                      std::errc::too_many_files_open);
      CO_EXPECT_ERROR(TcpListener::Bind(SocketAddress::LoopbackV4(0)),
                      std::errc::too_many_files_open);
    }
  }
  CO_EXPECT_OK(co_await TcpStream::Connect(address));
}

// Twenty clients, and descriptors for four of them at a time: the others wait
// in the backlog until it is their turn.
CO_TEST(TcpLimitsTest, AServerWithoutDescriptorsServesAllInTheEnd) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  constexpr int kClients = 20;
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(listener);
  const SocketAddress address = listener->local_address().value();
  int waiting = 0;
  int refused = 0;
  int served = 0;
  std::vector<TcpStream> clients;
  for (int i = 0; i < kClients; ++i) {
    Result<TcpStream> client = co_await TcpStream::Connect(address);
    CO_ASSERT_OK(client);
    clients.push_back(*std::move(client));
  }
  const DescriptorLimit limit(4);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&] { return Serve(*listener, scope, waiting, refused); });
    while (refused == 0) co_await Pause(1ms);
    for (TcpStream& client : clients) {
      CO_ASSERT_OK(co_await client.Write(Bytes("word")));
      std::array<std::byte, 16> buffer;
      const Result<std::size_t> n =
          co_await WithTimeout(60s, client.Read(buffer));
      CO_ASSERT_OK(n);
      if (*n > 0) ++served;
      CO_ASSERT_OK(co_await client.Shutdown());
      // Its end gives a descriptor back, and so does the server's.
      while (true) {
        const Result<std::size_t> rest = co_await client.Read(buffer);
        CO_ASSERT_OK(rest);
        if (*rest == 0) break;
      }
    }
    scope.RequestStop();
  });
  EXPECT_EQ(served, kClients);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace eddy::net
