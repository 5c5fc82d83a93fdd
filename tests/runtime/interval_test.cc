// Interval: the rhythm, what becomes of missed ticks, and stops. No upper bound
// of time is looked at.
#include <eddy/runtime/interval.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/time.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>

#include "tests/runtime/heap_count.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using Missed = Interval::Missed;

CO_TEST(IntervalTest, TheFirstTickIsDueAPeriodAfterItsConstruction) {
  const TimePoint before = Clock::now();
  Interval interval(2ms);
  const TimePoint after = Clock::now();
  const Result<Interval::Tick> tick = co_await interval.Next();
  const TimePoint given = Clock::now();
  CO_ASSERT_OK(tick);
  const TimePoint first = tick->due - tick->skipped * 2ms;
  EXPECT_GE(first, before + 2ms);
  EXPECT_LE(first, after + 2ms);
  EXPECT_GE(given, tick->due);
}

CO_TEST(IntervalTest, TicksAreDueInARhythmThatWorkDoesNotShift) {
  for (const Missed missed : {Missed::kSkip, Missed::kBurst}) {
    const TimePoint first = Clock::now() + 1ms;
    Interval interval(first, 300us, missed);
    std::uint64_t ticks = 0;
    for (int i = 0; i < 10; ++i) {
      const Result<Interval::Tick> tick = co_await interval.Next();
      const TimePoint given = Clock::now();
      CO_ASSERT_OK(tick);
      ticks += tick->skipped;
      EXPECT_EQ(tick->due, first + ticks * 300us);  // none lost in silence
      EXPECT_GE(given, tick->due);
      ++ticks;
      CO_EXPECT_OK(co_await Sleep(100us));
    }
  }
}

CO_TEST(IntervalTest, SkipGivesTheLastOfTheMissedTicksAndTheirNumber) {
  const TimePoint first = Clock::now() - 35ms;
  Interval interval(first, 10ms, Missed::kSkip);
  Result<Interval::Tick> tick = co_await interval.Next();
  CO_ASSERT_OK(tick);
  EXPECT_GE(tick->skipped, 3u);
  EXPECT_EQ(tick->due, first + tick->skipped * 10ms);
  const TimePoint last = tick->due;
  tick = co_await interval.Next();
  CO_ASSERT_OK(tick);
  EXPECT_EQ(tick->due, last + (tick->skipped + 1) * 10ms);
}

CO_TEST(IntervalTest, SkipIsTheDefault) {
  Interval interval(Clock::now() - 1h, 1min);
  const Result<Interval::Tick> tick = co_await interval.Next();
  CO_ASSERT_OK(tick);
  EXPECT_GE(tick->skipped, 60u);
}

CO_TEST(IntervalTest, BurstGivesEveryMissedTick) {
  const TimePoint first = Clock::now() - 100h;
  Interval interval(first, 1h, Missed::kBurst);
  for (int i = 0; i <= 100; ++i) {
    const Result<Interval::Tick> tick = co_await interval.Next();
    CO_ASSERT_OK(tick);
    EXPECT_EQ(tick->due, first + i * 1h);
    EXPECT_EQ(tick->skipped, 0u);
  }
  // Caught up: the next one is an hour off.
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, interval.Next()), kTimedOut);
}

CO_TEST(IntervalTest, DelayHasAPeriodBetweenTwoTicksAtLeast) {
  const TimePoint now = Clock::now();
  Interval interval(now - 1h, 2ms, Missed::kDelay);
  Result<Interval::Tick> tick = co_await interval.Next();
  CO_ASSERT_OK(tick);
  EXPECT_EQ(tick->due, now - 1h);
  TimePoint before = now;
  for (int i = 0; i < 3; ++i) {
    // Is late by more than a period, which the next one does not make up for.
    CO_EXPECT_OK(co_await Sleep(5ms));
    tick = co_await interval.Next();
    CO_ASSERT_OK(tick);
    EXPECT_EQ(tick->skipped, 0u);
    EXPECT_GE(tick->due, before + 2ms);
    before = tick->due + 3ms;  // when it was given, or earlier
  }
}

CO_TEST(IntervalTest, ADueTickLetsTheLoopHaveATurn) {
  int others = 0;
  const auto other = [&]() -> Task<void> {
    for (; others < 5; ++others) co_await Yield();
  };
  Interval interval(Clock::now() - 10h, 1h, Missed::kBurst);
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(other);
  for (int i = 0; i < 10; ++i) {
    CO_EXPECT_OK(co_await interval.Next());
  }
  EXPECT_EQ(others, 5);
  co_await handle;
}

CO_TEST(IntervalTest, AStoppedNextTakesNoTick) {
  const TimePoint first = Clock::now() - 90min;
  for (const Missed missed : {Missed::kBurst, Missed::kDelay}) {
    Interval interval(first, 1h, missed);
    StopSource source;
    source.RequestStop();
    CO_EXPECT_ERROR(co_await WithStop(source.token(), interval.Next()),
                    kCanceled);
    // Meanwhile: the timeout's timer, set before the tick's, expires before.
    CO_EXPECT_ERROR(co_await WithDeadline(first - 1h, interval.Next()),
                    kTimedOut);
    EXPECT_TRUE(Reactor::Current()->timers().empty());
    const Result<Interval::Tick> tick = co_await interval.Next();
    CO_ASSERT_OK(tick);
    EXPECT_EQ(tick->due, first);
  }
}

CO_TEST(IntervalTest, ATickThatCameInTimeIsGiven) {
  const TimePoint first = Clock::now() + 1ms;
  Interval interval(first, 1h);
  const Result<Interval::Tick> tick =
      co_await WithTimeout(30min, interval.Next());
  CO_ASSERT_OK(tick);
  EXPECT_EQ(tick->due, first);
}

CO_TEST(IntervalTest, TheEndOfTheClockIsNeverReached) {
  for (const Missed missed : {Missed::kBurst, Missed::kSkip, Missed::kDelay}) {
    Interval never(std::chrono::hours::max(), missed);
    EXPECT_EQ(never.period(), Duration::max());
    CO_EXPECT_ERROR(co_await WithTimeout(1us, never.Next()), kTimedOut);
    Interval once(Clock::now(), std::chrono::hours::max(), missed);
    CO_EXPECT_OK(co_await once.Next());
    CO_EXPECT_ERROR(co_await WithTimeout(1us, once.Next()), kTimedOut);
    Interval last(kNoDeadline, 1ns, missed);
    CO_EXPECT_ERROR(co_await WithTimeout(1us, last.Next()), kTimedOut);
  }
}

CO_TEST(IntervalTest, TheFirstTickMayBeAsFarBackAsTheClockGoes) {
  const TimePoint first = TimePoint::min();
  for (const Missed missed : {Missed::kBurst, Missed::kDelay}) {
    Interval interval(first, 1h, missed);
    const Result<Interval::Tick> tick = co_await interval.Next();
    CO_ASSERT_OK(tick);
    EXPECT_EQ(tick->due, first);
  }
  Interval skips(first, 1h, Missed::kSkip);
  const Result<Interval::Tick> tick = co_await skips.Next();
  const TimePoint given = Clock::now();
  CO_ASSERT_OK(tick);
  EXPECT_LE(tick->due, given);
  EXPECT_GE(tick->skipped, static_cast<std::uint64_t>(
                               std::numeric_limits<std::int64_t>::max() /
                               Duration(1h).count()));
  CO_EXPECT_ERROR(co_await WithTimeout(1us, skips.Next()), kTimedOut);
}

TEST(IntervalTest, RoundsAPeriodUp) {
  const std::chrono::duration<double, std::nano> tiny(0.25);
  EXPECT_EQ(Interval(tiny).period(), 1ns);
  EXPECT_EQ(Interval(std::chrono::duration<int, std::pico>(1001)).period(),
            2ns);
  EXPECT_EQ(Interval(1ms).period(), 1ms);
}

CO_TEST(IntervalTest, MayBeCopiedBetweenTicks) {
  const TimePoint first = Clock::now() - 90min;
  Interval interval(first, 1h, Missed::kBurst);
  CO_EXPECT_OK(co_await interval.Next());
  Interval copy = interval;
  const Result<Interval::Tick> one = co_await interval.Next();
  const Result<Interval::Tick> other = co_await copy.Next();
  CO_ASSERT_OK(one);
  CO_ASSERT_OK(other);
  EXPECT_EQ(one->due, first + 1h);
  EXPECT_EQ(other->due, first + 1h);
}

CO_TEST(IntervalTest, IsNamedInDumps) {
  const auto ticks = []() -> Task<void> {
    Interval interval(1h);
    CO_EXPECT_ERROR(co_await interval.Next(), kCanceled);
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(ticks);
  co_await Yield();
  EXPECT_THAT(Reactor::Current()->DumpTasks(),
              testing::HasSubstr("\nInterval\n"));
  handle.RequestStop();
  co_await handle;
}

CO_TEST(IntervalTest, AllocatesNothing) {
  Interval interval(1us);
  CO_EXPECT_OK(co_await interval.Next());
  std::uint64_t failed = 0;
  const test::HeapCount count;
  for (int i = 0; i < 100; ++i) {
    const Result<Interval::Tick> tick = co_await interval.Next();
    failed += tick.has_value() ? 0 : 1;
  }
  const std::uint64_t allocations = count.allocations();
  EXPECT_EQ(failed, 0u);
  if (test::CountsAllocations()) {
    EXPECT_EQ(allocations, 0u);
  }
}

TEST(IntervalDeathTest, APeriodThatIsNotAboveZeroAborts) {
  EXPECT_DEATH(Interval(0s),
               "^eddy: the period of an Interval is not above zero");
  EXPECT_DEATH(Interval(-1ns),
               "^eddy: the period of an Interval is not above zero");
  EXPECT_DEATH(Interval(Clock::now(), -1h),
               "^eddy: the period of an Interval is not above zero");
}

TEST(IntervalDeathTest, TwoNextsAtATimeAbort) {
  const auto misuses = []() -> Task<void> {
    Interval interval(1ms);
    const auto next = [&]() -> Task<void> {
      static_cast<void>(co_await interval.Next());
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn(next);
      scope.Spawn(next);
      co_return;
    };
    static_cast<void>(co_await WithScope(body));
  };
  EXPECT_DEATH(SyncWait(misuses()),
               "^eddy: Next of an Interval was awaited while another Next is "
               "in progress");
}

}  // namespace
}  // namespace eddy
