// Sleep, SleepUntil: never early, in order, and stopped at once.
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>
#include <vector>

#include "tests/chaos.h"
#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals

CO_TEST(SleepTest, NeverEndsEarly) {
  for (const Duration duration :
       std::vector<Duration>{1ns, 1us, 100us, 999us, 3ms, 20ms}) {
    const TimePoint start = Clock::now();
    CO_EXPECT_OK(co_await Sleep(duration));
    EXPECT_GE(Clock::now() - start, duration);
  }
}

CO_TEST(SleepTest, UntilATimeNeverEndsEarly) {
  const TimePoint deadline = Clock::now() + 5ms;
  CO_EXPECT_OK(co_await SleepUntil(deadline));
  EXPECT_GE(Clock::now(), deadline);
}

CO_TEST(SleepTest, OfZeroOrLessLetsOthersRun) {
  for (const Duration duration : std::vector<Duration>{
           0s, -1s, Duration::min(), std::chrono::hours(-1'000'000)}) {
    bool ran = false;
    const auto other = [&]() -> Task<void> {
      ran = true;
      co_return;
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn(other);
      CO_EXPECT_OK(co_await Sleep(duration));
      EXPECT_TRUE(ran);
    };
    CO_ASSERT_OK(co_await WithScope(body));
  }
}

CO_TEST(SleepTest, UntilAPastTimeEnds) {
  CO_EXPECT_OK(co_await SleepUntil(Clock::now() - 1h));
  CO_EXPECT_OK(co_await SleepUntil(TimePoint{}));
  CO_EXPECT_OK(co_await SleepUntil(TimePoint::min()));
}

CO_TEST(SleepTest, ManyEndInTheOrderOfTheirDeadlines) {
  EDDY_CO_SKIP_IN_CHAOS("under chaos: the order is another");
  constexpr int kSleepers = 100'000;
  const TimePoint base = Clock::now();
  std::mt19937_64 random(7);
  TimePoint last_start;
  std::vector<TimePoint> ended;
  ended.reserve(kSleepers);
  const auto sleeps = [&](TimePoint deadline) -> Task<void> {
    last_start = Clock::now();
    const Result<void> slept = co_await SleepUntil(deadline);
    if (slept && Clock::now() >= deadline) ended.push_back(deadline);
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < kSleepers; ++i) {
      scope.Spawn(sleeps, base + std::chrono::nanoseconds(
                                     static_cast<int>(random() % 600'000'000)));
    }
    co_return;
  };
  CO_ASSERT_OK(co_await WithScope(body));
  CO_ASSERT_EQ(ended.size(), static_cast<std::size_t>(kSleepers));
  // What was due before all had started has ended in the order of starting.
  std::erase_if(ended, [&](TimePoint t) { return t <= last_start; });
  EXPECT_TRUE(std::is_sorted(ended.begin(), ended.end()));
}

CO_TEST(SleepTest, EqualDeadlinesEndInTheOrderOfStarting) {
  EDDY_CO_SKIP_IN_CHAOS("under chaos: the order is another");
  const TimePoint deadline = Clock::now() + 5ms;
  std::vector<int> order;
  const auto sleeps = [&](int number) -> Task<void> {
    CO_EXPECT_OK(co_await SleepUntil(deadline));
    order.push_back(number);
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 100; ++i) scope.Spawn(sleeps, i);
    co_return;
  };
  CO_ASSERT_OK(co_await WithScope(body));
  EXPECT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

CO_TEST(SleepTest, AlreadyStoppedAnswersCanceled) {
  StopSource source;
  source.RequestStop();
  CO_EXPECT_ERROR(co_await WithStop(source.token(), Sleep(1h)), kCanceled);
  CO_EXPECT_ERROR(co_await WithStop(source.token(), Sleep(0s)), kCanceled);
}

CO_TEST(SleepTest, StoppedMeanwhileAnswersCanceled) {
  StopSource source;
  const auto stops = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await Sleep(1ms));
    source.RequestStop();
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(stops);
    CO_EXPECT_ERROR(co_await WithStop(source.token(), Sleep(1h)), kCanceled);
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_TRUE(Reactor::Current()->timers().empty());
}

CO_TEST(SleepTest, StoppedWithoutDeadlineAnswersCanceled) {
  const auto body = [&](TaskScope& scope) -> Task<void> {
    const auto sleeps = []() -> Task<Result<void>> {
      co_return co_await Sleep(std::chrono::hours::max());
    };
    JoinHandle<Result<void>> handle = scope.Spawn(sleeps);
    co_await Yield();
    EXPECT_EQ(Reactor::Current()->timers().NextWake(), kNoDeadline);
    handle.RequestStop();
    CO_EXPECT_ERROR(co_await handle, kCanceled);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(SleepTest, StopAfterTheTimeChangesNothing) {
  StopSource source;
  CO_EXPECT_OK(co_await WithStop(source.token(), Sleep(1ms)));
  source.RequestStop();
}

CO_TEST(SleepTest, MadeEarlyCountsFromTheCall) {
  auto sleep = Sleep(5ms);
  const TimePoint made = Clock::now();
  CO_EXPECT_OK(co_await Sleep(6ms));
  const auto turns = Reactor::Current()->stats().turns;
  CO_EXPECT_OK(co_await std::move(sleep));
  EXPECT_LE(Reactor::Current()->stats().turns - turns, 2u);
  EXPECT_GE(Clock::now() - made, 5ms);
}

}  // namespace
}  // namespace eddy
