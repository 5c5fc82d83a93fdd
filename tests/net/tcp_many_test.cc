// TcpListener and TcpStream with many connections at once, and with clients
// that come and go at random.
#include <eddy/net/tcp.h>

#include "tests/io/io_test_util.h"

#include <eddy/io/read_exactly.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <sys/resource.h>

#include <array>
#include <random>
#include <utility>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::Check;
using io_test::InScope;
using io_test::OpenDescriptors;
using io_test::Pattern;
using io_test::Pause;
using io_test::Turn;

Task<void> Echo(TcpStream stream) {
  std::array<std::byte, 256> buffer;
  while (true) {
    const Result<std::size_t> n = co_await stream.Read(buffer);
    if (!n || *n == 0) co_return;
    const Result<void> sent =
        co_await stream.Write(std::span(buffer).first(*n));
    if (!sent) co_return;
  }
}

Task<void> Serve(TcpListener& listener, std::size_t& accepted) {
  (void)co_await WithScope([&](TaskScope& scope) -> Task<void> {
    while (true) {
      Result<TcpStream> stream = co_await listener.Accept();
      if (!stream) break;
      ++accepted;
      scope.Spawn(Echo(*std::move(stream)));
    }
  });
}

// Raises the limit of descriptors as far as it may be raised.
bool AllowDescriptors(rlim_t count) {
  rlimit limit{};
  IO_TEST_CHECK(getrlimit(RLIMIT_NOFILE, &limit));
  if (limit.rlim_cur >= count) return true;
  limit.rlim_cur = std::min(limit.rlim_max, count);
  IO_TEST_CHECK(setrlimit(RLIMIT_NOFILE, &limit));
  return limit.rlim_cur >= count;
}

CO_TEST(TcpManyTest, ServesAThousandConnectionsAtOnce) {
  constexpr std::size_t kConnections = 1000;
  if (!AllowDescriptors(2 * kConnections + 100)) {
    CO_SKIP("RLIMIT_NOFILE is too low");
  }
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(listener);
  const SocketAddress address = listener->local_address().value();
  std::size_t accepted = 0;
  std::size_t connected = 0;
  std::size_t echoed = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn(Serve(*listener, accepted));
    co_await InScope([&](TaskScope& clients) -> Task<void> {
      for (std::size_t i = 0; i < kConnections; ++i) {
        clients.Spawn([&, i]() -> Task<void> {
          Result<TcpStream> stream = co_await TcpStream::Connect(address);
          CO_ASSERT_OK(stream);
          ++connected;
          // Nobody goes on before all are there.
          while (connected < kConnections) co_await Pause(1ms);
          for (unsigned round = 0; round < 3; ++round) {
            const std::vector<std::byte> data =
                Pattern(64 + i % 64, static_cast<unsigned>(i) + round);
            CO_ASSERT_OK(co_await stream->Write(data));
            std::vector<std::byte> back(data.size());
            CO_ASSERT_OK(co_await io::ReadExactly(stream->fd(), back));
            CO_ASSERT_EQ(back, data);
          }
          ++echoed;
        });
      }
      co_return;
    });
    scope.RequestStop();
  });
  EXPECT_EQ(accepted, kConnections);
  EXPECT_EQ(echoed, kConnections);
}

// Clients that connect, talk and vanish, stopped at random turns.
Task<void> Churn(unsigned seed) {
  std::minstd_rand random(seed);
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(listener);
  const SocketAddress address = listener->local_address().value();
  std::size_t accepted = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn(Serve(*listener, accepted));
    for (int i = 0; i < 8; ++i) {
      scope.Spawn([&]() -> Task<void> {
        while (true) {
          Result<TcpStream> stream =
              co_await WithTimeout(std::chrono::microseconds(random() % 200),
                                   TcpStream::Connect(address));
          if (!stream) {
            if (stream.error() == kCanceled) co_return;
            CO_EXPECT_ERROR(stream, kTimedOut);
            continue;
          }
          const std::vector<std::byte> data = Pattern(random() % 5000 + 1);
          std::vector<std::byte> back(data.size());
          const Result<void> sent = co_await stream->Write(data);
          if (!sent) co_return;
          const Result<void> read =
              co_await WithTimeout(std::chrono::microseconds(random() % 200),
                                   io::ReadExactly(stream->fd(), back));
          if (read) {
            EXPECT_EQ(back, data);
          } else if (read.error() != kTimedOut) {
            co_return;
          }
        }
      });
    }
    for (auto turns = random() % 100; turns != 0; --turns) co_await Turn();
    scope.RequestStop();
  });
}

TEST(TcpManyTest, LeaksNothingWhereStoppedAtRandomTurns) {
  const std::size_t before = OpenDescriptors();
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SyncWait(Churn(seed));
    ASSERT_EQ(OpenDescriptors(), before) << "seed " << seed;
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace eddy::net
