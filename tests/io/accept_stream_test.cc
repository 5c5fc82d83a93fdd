#include <eddy/io/accept_stream.h>

#include "tests/chaos.h"
#include "tests/io/descriptor_limit.h"
#include "tests/io/io_test_util.h"
#include "tests/sweeps.h"

#include <eddy/io/connect.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <poll.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace eddy::io_test {
namespace {

using io::AcceptStream;
using io::AcceptStreamOptions;

// With and without what the kernel may lack.
class AcceptStreamTest : public ::testing::TestWithParam<bool> {
 protected:
  static AcceptStreamOptions Options() { return {.multishot = GetParam()}; }
};

INSTANTIATE_TEST_SUITE_P(Kernels, AcceptStreamTest, ::testing::Bool(),
                         [](const auto& multishot) {
                           return std::string(multishot.param ? "Multishot"
                                                              : "Single");
                         });

// A client that has said its name by the time that it is connected.
io::Fd Client(LoopbackListener& listener, std::string_view name) {
  io::Fd client = TcpSocket();
  IO_TEST_CHECK(
      connect(client.get(), listener.native(), sizeof listener.address));
  Put(client, name);
  return client;
}

// Within some turns of the loop.
Task<bool> HasClosed(const io::Fd& client) {
  pollfd poll{client.get(), POLLRDHUP, 0};
  for (int i = 0; i < 1000; ++i) {
    IO_TEST_CHECK(::poll(&poll, 1, 0));
    if ((poll.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) co_return true;
    co_await Turn();
  }
  co_return false;
}

TEST_P(AcceptStreamTest, GivesEachConnectionOnce) {
  SyncWait([]() -> Task<void> {
    LoopbackListener listener;
    AcceptStream connections(Options());
    std::vector<io::Fd> clients;
    std::string got;
    for (int round = 0; round < 5; ++round) {
      for (int i = 0; i < 10; ++i) clients.push_back(Client(listener, "x"));
      for (int i = 0; i < 10; ++i) {
        Result<io::Fd> accepted = co_await connections.Next(listener.fd);
        CO_ASSERT_OK(accepted);
        EXPECT_NE(fcntl(accepted->get(), F_GETFD) & FD_CLOEXEC, 0);
        got += Drain(*accepted);
      }
    }
    EXPECT_EQ(got, std::string(50, 'x'));
  }());
}

TEST_P(AcceptStreamTest, ClosesWhatNobodyAskedFor) {
  SyncWait([]() -> Task<void> {
    LoopbackListener listener;
    std::vector<io::Fd> clients;
    {
      AcceptStream connections(Options());
      for (int i = 0; i < 5; ++i) clients.push_back(Client(listener, "x"));
      CO_EXPECT_OK(co_await connections.Next(listener.fd));
      co_await Turn();
    }
    co_await Turn();
    // In the backlog or accepted: it goes with the listener.
    listener.fd = io::Fd();
    co_await Turn();
    for (const io::Fd& client : clients) {
      CO_EXPECT_TRUE(co_await HasClosed(client));
    }
  }());
}

// The others stay in the backlog, where a second listener could take them.
TEST_P(AcceptStreamTest, AcceptsOnlySoManyAhead) {
  SyncWait([]() -> Task<void> {
    LoopbackListener listener;
    AcceptStream connections(Options());
    const auto body = [&](TaskScope& scope) -> Task<void> {
      std::vector<io::Fd> clients;
      scope.Spawn([&]() -> Task<void> {
        CO_EXPECT_OK(co_await connections.Next(listener.fd));
      });
      co_await Turn();
      const std::size_t before = OpenDescriptors();
      constexpr std::size_t kAll = 20 * AcceptStream::kMostWaiting;
      for (std::size_t i = 0; i < kAll; ++i) {
        clients.push_back(Client(listener, "x"));
        co_await Turn();
      }
      co_await Turn();
      EXPECT_LT(OpenDescriptors(), before + kAll + kAll / 2);
      for (std::size_t i = 1; i < kAll; ++i) {
        CO_EXPECT_OK(co_await connections.Next(listener.fd));
      }
    };
    CO_EXPECT_OK(co_await WithScope(body));
  }());
}

TEST_P(AcceptStreamTest, APausedOneAcceptsNothing) {
  EDDY_SKIP_IN_CHAOS("the pause comes to the kernel late");
  SyncWait([]() -> Task<void> {
    LoopbackListener listener;
    AcceptStream connections(Options());
    const io::Fd first = Client(listener, "1");
    CO_EXPECT_OK(co_await connections.Next(listener.fd));
    connections.Pause();
    co_await Turn();
    co_await Turn();
    const io::Fd second = Client(listener, "2");
    co_await Turn();
    SetNonBlocking(listener.fd, true);
    const io::Fd taken(accept(listener.fd.get(), nullptr, nullptr));
    EXPECT_TRUE(taken.valid());
    SetNonBlocking(listener.fd, false);
    const io::Fd third = Client(listener, "3");
    const Result<io::Fd> next = co_await connections.Next(listener.fd);
    CO_ASSERT_OK(next);
    EXPECT_EQ(Drain(*next), "3");
  }());
}

// A burst that is accepted ahead is given after the stop, then kCanceled.
TEST_P(AcceptStreamTest, AStopLosesNoConnectionThatWasAcceptedAhead) {
  SyncWait([]() -> Task<void> {
    LoopbackListener listener;
    AcceptStream connections(Options());
    std::vector<io::Fd> clients;
    for (int i = 0; i < 100; ++i) clients.push_back(Client(listener, "x"));
    CO_EXPECT_OK(co_await connections.Next(listener.fd));
    int served = 1;
    StopSource source;
    source.RequestStop();
    const auto rest = [&]() -> Task<void> {
      while (auto next = co_await connections.Next(listener.fd)) ++served;
    };
    co_await WithStop(source.token(), rest());
    // The others are in the backlog.
    SetNonBlocking(listener.fd, true);
    while (true) {
      const io::Fd taken(accept(listener.fd.get(), nullptr, nullptr));
      if (!taken.valid()) break;
      ++served;
    }
    EXPECT_EQ(served, 100);
  }());
}

TEST(AcceptStreamEndTest, TheEndOfTheReactorEndsIt) {
  LoopbackListener listener;
  AcceptStream connections;
  std::vector<io::Fd> clients;
  SyncWait([&]() -> Task<void> {
    clients.push_back(Client(listener, "x"));
    CO_EXPECT_OK(co_await connections.Next(listener.fd));
  }());
  // And another reactor takes it up.
  SyncWait([&]() -> Task<void> {
    clients.push_back(Client(listener, "y"));
    const Result<io::Fd> next = co_await connections.Next(listener.fd);
    CO_ASSERT_OK(next);
    EXPECT_EQ(Drain(*next), "y");
  }());
}

TEST_P(AcceptStreamTest, GivesTheErrorsOfTheSystemCall) {
  SyncWait([]() -> Task<void> {
    AcceptStream connections(Options());
    const Pipe pipe;
    CO_EXPECT_ERROR(co_await connections.Next(pipe.reader),
                    std::errc::not_a_socket);
    AcceptStream unbound(Options());
    CO_EXPECT_ERROR(co_await unbound.Next(TcpSocket()),
                    std::errc::invalid_argument);
  }());
}

TEST_P(AcceptStreamTest, GoesOnWhenThereAreDescriptorsAgain) {
  SyncWait([]() -> Task<void> {
    EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
    LoopbackListener listener;
    AcceptStream connections(Options());
    std::optional<io::Fd> spare(IO_TEST_CHECK(dup(0)));
    const io::Fd client = Client(listener, "patient");
    {
      const DescriptorLimit limit;
      for (int i = 0; i < 3; ++i) {
        CO_EXPECT_ERROR(co_await connections.Next(listener.fd),
                        std::errc::too_many_files_open);
      }
      spare.reset();
      co_await Turn();
      const Result<io::Fd> accepted = co_await connections.Next(listener.fd);
      CO_ASSERT_OK(accepted);
      EXPECT_EQ(Drain(*accepted), "patient");
    }
  }());
}

TEST_P(AcceptStreamTest, StoppedOrFailedAnywhereItLosesNothing) {
  const auto scenario = []() -> Task<Result<void>> {
    LoopbackListener listener;
    AcceptStream connections(Options());
    const auto connects = [&]() -> Task<Result<void>> {
      for (int i = 0; i < 3; ++i) {
        const io::Fd client = TcpSocket();
        EDDY_CO_CHECK(co_await io::Connect(client, listener.native(),
                                           sizeof listener.address));
      }
      co_return Result<void>();
    };
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn(connects);
      for (int i = 0; i < 3; ++i) {
        EDDY_CO_CHECK(co_await connections.Next(listener.fd));
      }
      co_return Result<void>();
    };
    co_return co_await WithScope(body);
  };
  test::ExpectCleanSweeps(scenario, {.stops = 6, .failures = 3});
}

TEST_P(AcceptStreamTest, ATimeoutLosesNoConnection) {
  SyncWait([]() -> Task<void> {
    LoopbackListener listener;
    AcceptStream connections(Options());
    std::vector<io::Fd> clients;
    int accepted = 0;
    for (int i = 0; i < 200; ++i) {
      if (i % 2 == 0) clients.push_back(Client(listener, "x"));
      const Result<io::Fd> next = co_await WithTimeout(
          std::chrono::microseconds(i % 30), connections.Next(listener.fd));
      if (next) ++accepted;
    }
    while (accepted < 100) {
      CO_ASSERT_OK(co_await connections.Next(listener.fd));
      ++accepted;
    }
    CO_EXPECT_ERROR(co_await WithTimeout(1ms, connections.Next(listener.fd)),
                    kTimedOut);
  }());
}

}  // namespace
}  // namespace eddy::io_test
