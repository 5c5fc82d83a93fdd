// Ring: what the kernel may answer to io_uring_enter besides success, and
// signals.
#include <eddy/runtime/ring.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timer.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/time.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::EventFd;
using test::FaultyRing;
using test::Nop;
using test::PollIn;

// Operations, timers and stops: all that a loop does.
Task<void> Everything() {
  constexpr int kTasks = 100;
  int done = 0;
  int canceled = 0;
  const EventFd never;
  const auto works = [&]() -> Task<void> {
    for (int i = 0; i < 20; ++i) CO_EXPECT_OK(co_await Nop());
    CO_EXPECT_OK(co_await Sleep(2ms));
    ++done;
  };
  const auto waits = [&]() -> Task<void> {
    CO_EXPECT_ERROR(co_await PollIn(never.fd()), kCanceled);
    ++canceled;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < kTasks; ++i) {
      scope.Spawn(works);
      scope.Spawn(waits);
    }
    while (done < kTasks) CO_EXPECT_OK(co_await Sleep(1ms));
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(done, kTasks);
  EXPECT_EQ(canceled, kTasks);
}

class RingFaultTest
    : public testing::TestWithParam<std::tuple<int, int, unsigned>> {};

TEST_P(RingFaultTest, AllWorkCompletesThoughEntersFail) {
  const int error = std::get<0>(GetParam());
  const int period = std::get<1>(GetParam());
  RingOptions options;
  options.entries = std::get<2>(GetParam());
  int faults = 0;
  const auto reactor = Reactor::CreateOn(
      FaultyRing::Make(options, [&faults, error, period](int call) {
        if (call % period == 0) return 0;
        ++faults;
        return error;
      }));
  reactor->Run(Everything());
  EXPECT_GT(faults, 0);
}

// A period of 2: every other call fails; of 7: six calls in a row.
INSTANTIATE_TEST_SUITE_P(
    Errors, RingFaultTest,
    testing::Combine(testing::Values(EINTR, EAGAIN, EBUSY, ETIME),
                     testing::Values(2, 7), testing::Values(1U, 8U, 512U)));

class RingFaultDeathTest
    : public testing::TestWithParam<std::pair<int, const char*>> {};

TEST_P(RingFaultDeathTest, AbortsWithALine) {
  const int error = GetParam().first;
  const char* const line = GetParam().second;
  EXPECT_DEATH(
      {
        const auto reactor = Reactor::CreateOn(FaultyRing::Make(
            {}, [error](int call) { return call > 1 ? error : 0; }));
        reactor->Run(Everything());
      },
      std::string("^eddy: ") + line);
}

INSTANTIATE_TEST_SUITE_P(
    Errors, RingFaultDeathTest,
    testing::Values(
        std::pair(EBADR,
                  "the kernel had no memory for a completion and "
                  "dropped it \\(EBADR\\)"),
        std::pair(EEXIST,
                  "a reactor was entered from another thread or after "
                  "fork\\(\\)"),
        std::pair(EBADFD,
                  "io_uring_enter failed: File descriptor in bad "
                  "state")));

// The first n calls fail, for every n until the work is done without fault.
TEST(RingFaultTest, EveryFirstCallsMayFail) {
  for (int failing = 1; failing <= 30; ++failing) {
    const auto reactor = Reactor::CreateOn(FaultyRing::Make(
        {}, [failing](int call) { return call <= failing ? EAGAIN : 0; }));
    const bool good = reactor->Run([]() -> Task<bool> {
      const Result<void> result = co_await Nop();
      co_return result.has_value();
    }());
    EXPECT_TRUE(good);
  }
}

volatile sig_atomic_t signals = 0;
void OnSignal(int) { signals = signals + 1; }

TEST(RingSignalTest, SignalsDoNotEndAWait) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = OnSignal;  // no SA_RESTART
  ASSERT_EQ(sigaction(SIGALRM, &action, &before), 0);
  signals = 0;
  const itimerval every{{0, 2'000}, {0, 2'000}};
  ASSERT_EQ(setitimer(ITIMER_REAL, &every, nullptr), 0);

  const TimePoint start = Clock::now();
  SyncWait([]() -> Task<void> {
    const EventFd event;
    const auto waits = [&]() -> Task<void> {
      CO_EXPECT_OK(co_await PollIn(event.fd()));
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn(waits);
      while (signals < 10) CO_EXPECT_OK(co_await Sleep(5ms));
      event.Signal();
    };
    CO_EXPECT_OK(co_await WithScope(body));
  }());

  const itimerval off{};
  setitimer(ITIMER_REAL, &off, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  EXPECT_GE(signals, 10);
  EXPECT_GE(Clock::now() - start, 10ms);
}

}  // namespace
}  // namespace eddy
