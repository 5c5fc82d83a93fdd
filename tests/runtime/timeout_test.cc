// WithTimeout, WithDeadline, CurrentDeadline.
#include <eddy/runtime/context_awaitable.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::EventFd;
using test::Nop;
using test::PollIn;

Task<int> Value(int value) { co_return value; }
Task<void> Nothing() { co_return; }
Task<Result<int>> ResultAfter(Duration duration, Result<int> result) {
  EDDY_CO_CHECK(co_await Sleep(duration));
  co_return result;
}
// Answers stops with a value all the same.
Task<int> IntAfter(Duration duration) {
  static_cast<void>(co_await Sleep(duration));
  co_return 6;
}
Task<void> VoidAfter(Duration duration) {
  static_cast<void>(co_await Sleep(duration));
}

static_assert(
    std::is_same_v<internal::AwaitResult<decltype(WithTimeout(1s, Value(1)))>,
                   Result<int>>);
static_assert(
    std::is_same_v<internal::AwaitResult<decltype(WithTimeout(1s, Nothing()))>,
                   Result<void>>);
static_assert(std::is_same_v<internal::AwaitResult<decltype(WithTimeout(
                                 1s, WithTimeout(1s, ResultAfter(1s, 1))))>,
                             Result<int>>);

CO_TEST(WithTimeoutTest, GivesTheValueThatComesInTime) {
  CO_EXPECT_EQ((co_await WithTimeout(1h, Value(3))).value_or(0), 3);
  CO_EXPECT_EQ((co_await WithTimeout(1h, ResultAfter(1ms, 4))).value_or(0), 4);
  CO_EXPECT_EQ((co_await WithTimeout(1h, IntAfter(1ms))).value_or(0), 6);
  CO_EXPECT_OK(co_await WithTimeout(1h, VoidAfter(1ms)));
  CO_EXPECT_OK(co_await WithTimeout(0s, Nothing()));
  CO_EXPECT_OK(co_await WithTimeout(1h, Nop()));
  CO_EXPECT_OK(co_await WithTimeout(1h, Sleep(1ms)));
  CO_EXPECT_OK(co_await WithTimeout(1h, Yield()));
  EXPECT_TRUE(Reactor::Current()->timers().empty());
}

CO_TEST(WithTimeoutTest, GivesTimedOutAndNotBeforeTheTime) {
  const TimePoint start = Clock::now();
  CO_EXPECT_ERROR(co_await WithTimeout(5ms, ResultAfter(1h, 1)), kTimedOut);
  EXPECT_GE(Clock::now() - start, 5ms);
  CO_EXPECT_ERROR(co_await WithTimeout(2ms, Sleep(1h)), kTimedOut);
  CO_EXPECT_ERROR(co_await WithTimeout(2ms, IntAfter(1h)), kTimedOut);
  CO_EXPECT_ERROR(co_await WithTimeout(2ms, VoidAfter(1h)), kTimedOut);
  const EventFd never;
  CO_EXPECT_ERROR(co_await WithTimeout(2ms, PollIn(never.fd())), kTimedOut);
}

CO_TEST(WithTimeoutTest, TimedOutIsNotTcps) {
  const Result<void> result = co_await WithTimeout(1ms, Sleep(1h));
  CO_ASSERT_FALSE(result.has_value());
  EXPECT_FALSE(result.error() == std::errc::timed_out);
  const auto tcp = []() -> Task<Result<int>> {
    static_cast<void>(co_await Sleep(1h));
    co_return Unexpected(std::errc::timed_out);
  };
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, tcp()), std::errc::timed_out);
}

CO_TEST(WithTimeoutTest, OtherErrorsStayAsTheyAre) {
  CO_EXPECT_ERROR(
      co_await WithTimeout(1h, ResultAfter(0s, Unexpected(kClosed))), kClosed);
  const auto late = []() -> Task<Result<int>> {
    static_cast<void>(co_await Sleep(1h));
    co_return Unexpected(kEndOfStream);
  };
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, late()), kEndOfStream);
}

CO_TEST(WithTimeoutTest, AResultsValueIsNotLostThoughTheTimeWasOver) {
  const auto late = []() -> Task<Result<int>> {
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
    co_return 9;
  };
  CO_EXPECT_EQ((co_await WithTimeout(1ms, late())).value_or(0), 9);
}

CO_TEST(WithTimeoutTest, ZeroAndNegativeLetFinishWhatDoesNotWait) {
  CO_EXPECT_EQ((co_await WithTimeout(0s, Value(2))).value_or(0), 2);
  CO_EXPECT_EQ((co_await WithTimeout(-1s, Value(2))).value_or(0), 2);
  CO_EXPECT_ERROR(co_await WithTimeout(0s, Sleep(1h)), kTimedOut);
  CO_EXPECT_ERROR(co_await WithTimeout(-1h, Sleep(1h)), kTimedOut);
  const EventFd never;
  CO_EXPECT_ERROR(co_await WithTimeout(0s, PollIn(never.fd())), kTimedOut);
  CO_EXPECT_ERROR(co_await WithDeadline(TimePoint::min(), Sleep(1h)),
                  kTimedOut);
}

CO_TEST(WithTimeoutTest, WithoutBoundNeverTimesOut) {
  CO_EXPECT_OK(co_await WithTimeout(std::chrono::hours::max(), Sleep(1ms)));
  CO_EXPECT_OK(co_await WithDeadline(kNoDeadline, Sleep(1ms)));
}

CO_TEST(WithTimeoutTest, ValueAndTimeAtTheSameMomentHaveOneEnd) {
  int values = 0;
  int timeouts = 0;
  for (int i = 0; i < 200; ++i) {
    const TimePoint at = Clock::now() + std::chrono::microseconds(i);
    const Result<void> result = co_await WithDeadline(at, SleepUntil(at));
    if (result) {
      ++values;
    } else {
      EXPECT_EQ(result.error(), kTimedOut);
      ++timeouts;
    }
    EXPECT_TRUE(Reactor::Current()->timers().empty());
  }
  EXPECT_EQ(values + timeouts, 200);
}

CO_TEST(WithTimeoutTest, AnOperationThatRacesTheTimeHasOneEnd) {
  int values = 0;
  int timeouts = 0;
  for (int i = 0; i < 500; ++i) {
    const EventFd event;
    const auto signals = [&]() -> Task<void> {
      static_cast<void>(co_await Sleep(std::chrono::microseconds(i % 50)));
      event.Signal();
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn(signals);
      const Result<void> result = co_await WithTimeout(
          std::chrono::microseconds(25), PollIn(event.fd()));
      ++(result ? values : timeouts);
      if (!result) {
        EXPECT_EQ(result.error(), kTimedOut);
      }
    };
    CO_ASSERT_OK(co_await WithScope(body));
  }
  EXPECT_EQ(values + timeouts, 500);
}

CO_TEST(WithTimeoutTest, AStopFromAboveGivesCanceled) {
  const auto body = [](TaskScope& scope) -> Task<void> {
    const auto waits = []() -> Task<void> {
      CO_EXPECT_ERROR(co_await WithTimeout(1h, Sleep(1h)), kCanceled);
      // Stopped already.
      CO_EXPECT_ERROR(co_await WithTimeout(1h, Sleep(1h)), kCanceled);
    };
    scope.Spawn(waits);
    CO_EXPECT_OK(co_await Sleep(1ms));
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_TRUE(Reactor::Current()->timers().empty());
}

CO_TEST(WithTimeoutTest, AStopFromAboveBeforeTheTimeGivesCanceled) {
  const auto slow_to_stop = []() -> Task<Result<void>> {
    const Result<void> slept = co_await Sleep(1h);
    CO_EXPECT_OK(co_await Shield(Sleep(5ms)));  // the time is over meanwhile
    co_return slept;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    const auto waits = [&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await WithTimeout(3ms, slow_to_stop()), kCanceled);
    };
    scope.Spawn(waits);
    co_await Yield();
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(WithTimeoutTest, NestedTheNearestDeadlineCounts) {
  // Inside sooner: the inside times out, the outside does not.
  const auto inner_sooner = []() -> Task<Result<int>> {
    CO_EXPECT_ERROR(co_await WithTimeout(1ms, Sleep(1h)), kTimedOut);
    co_return 1;
  };
  CO_EXPECT_OK(co_await WithTimeout(1h, inner_sooner()));
  // Outside sooner: for the inside it is a stop from above.
  const auto outer_sooner = []() -> Task<Result<int>> {
    CO_EXPECT_ERROR(co_await WithTimeout(1h, Sleep(1h)), kCanceled);
    co_return Unexpected(kCanceled);
  };
  CO_EXPECT_ERROR(co_await WithTimeout(2ms, outer_sooner()), kTimedOut);
}

CO_TEST(CurrentDeadlineTest, IsTheNearestOfThoseAbove) {
  CO_EXPECT_EQ(co_await CurrentDeadline(), kNoDeadline);
  const TimePoint far = Clock::now() + 2h;
  const TimePoint near = Clock::now() + 1h;
  const auto get = []() -> Task<TimePoint> {
    co_return co_await CurrentDeadline();
  };
  CO_EXPECT_EQ((co_await WithDeadline(far, get())).value(), far);
  CO_EXPECT_EQ((co_await WithDeadline(far, WithDeadline(near, get()))).value(),
               near);
  CO_EXPECT_EQ((co_await WithDeadline(near, WithDeadline(far, get()))).value(),
               near);
  CO_EXPECT_EQ(co_await CurrentDeadline(), kNoDeadline);
}

CO_TEST(CurrentDeadlineTest, IsInheritedBySpawnedTasks) {
  const TimePoint at = Clock::now() + 1h;
  TimePoint seen;
  const auto spawned = [&]() -> Task<void> {
    seen = co_await CurrentDeadline();
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(spawned);
    co_return;
  };
  CO_EXPECT_OK(co_await WithDeadline(at, WithScope(body)));
  EXPECT_EQ(seen, at);
}

CO_TEST(WithTimeoutTest, StopsAllTasksOfAScope) {
  int canceled = 0;
  const auto sleeps = [&]() -> Task<void> {
    const Result<void> slept = co_await Sleep(1h);
    if (!slept && slept.error() == kCanceled) ++canceled;
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    for (int i = 0; i < 10; ++i) scope.Spawn(sleeps);
    co_return co_await Sleep(1h);
  };
  CO_EXPECT_ERROR(co_await WithTimeout(2ms, WithScope(body)), kTimedOut);
  EXPECT_EQ(canceled, 10);
}

// Joining is no stop point: the time does not stop the joined task, and the
// await returns when that has ended.
CO_TEST(WithTimeoutTest, OverAJoinHandleWaitsForTheTask) {
  const auto body = [&](TaskScope& scope) -> Task<void> {
    JoinHandle<int> lvalue = scope.Spawn(IntAfter(1ms));
    CO_EXPECT_EQ((co_await WithTimeout(1h, lvalue)).value_or(0), 6);
    CO_EXPECT_EQ(
        (co_await WithTimeout(1h, scope.Spawn(IntAfter(1ms)))).value_or(0), 6);
    bool ended = false;
    const auto slow = [&]() -> Task<int> {
      CO_EXPECT_OK(co_await Sleep(10ms));
      ended = true;
      co_return 1;
    };
    JoinHandle<int> handle = scope.Spawn(slow);
    CO_EXPECT_ERROR(co_await WithTimeout(1ms, handle), kTimedOut);
    EXPECT_TRUE(ended);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

Task<int> ThrowsAfter(Duration duration) {
  static_cast<void>(co_await Sleep(duration));
  throw std::runtime_error("below");
}

CO_TEST(WithTimeoutTest, PassesExceptionsBeforeAndAfterTheTime) {
  int caught = 0;
  for (const Duration timeout : {Duration(1h), Duration(1ms)}) {
    try {
      static_cast<void>(
          co_await WithTimeout(timeout, ThrowsAfter(timeout == 1h ? 1ms : 1h)));
    } catch (const std::runtime_error&) {
      ++caught;
    }
  }
  EXPECT_EQ(caught, 2);
  EXPECT_TRUE(Reactor::Current()->timers().empty());
}

CO_TEST(WithTimeoutTest, MayBeMovedBeforeItIsAwaited) {
  auto made = WithTimeout(1h, ResultAfter(1ms, 8));
  auto moved = std::move(made);
  CO_EXPECT_EQ((co_await std::move(moved)).value_or(0), 8);
}

CO_TEST(WithTimeoutTest, GivesMoveOnlyValues) {
  const auto make = []() -> Task<std::unique_ptr<int>> {
    co_return std::make_unique<int>(5);
  };
  const Result<std::unique_ptr<int>> p = co_await WithTimeout(1h, make());
  CO_ASSERT_OK(p);
  EXPECT_EQ(**p, 5);
}

// What starts the awaitable may throw: a body that is no coroutine.
Task<void> ThrowsBeforeItStarts(TaskScope&) {
  throw std::runtime_error("no coroutine");
}

CO_TEST(WithTimeoutTest, AnAwaitableThatCannotStartLeavesNoTimer) {
  std::string what;
  try {
    static_cast<void>(
        co_await WithTimeout(1ms, WithScope(&ThrowsBeforeItStarts)));
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "no coroutine");
  EXPECT_TRUE(Reactor::Current()->timers().empty());
  CO_EXPECT_OK(co_await Sleep(3ms));
}

// --- Several results ---------------------------------------------------------

CO_TEST(WithTimeoutTest, LosesNothingOfWhenAll) {
  test::Pipe pipe;
  EXPECT_EQ(write(pipe.writer(), "x", 1), 1);
  std::array<std::byte, 1> buffer{};
  const auto both = co_await WithTimeout(
      5ms, WhenAll(test::ReadInto(pipe.reader(), buffer), Sleep(1h)));
  CO_ASSERT_OK(both);
  EXPECT_EQ(std::get<0>(*both).value_or(0), 1u);
  CO_EXPECT_ERROR(std::get<1>(*both), kCanceled);
  // Where nothing was consumed, the time is over.
  const auto none = co_await WithTimeout(
      5ms, WhenAll(test::ReadInto(pipe.reader(), buffer), Sleep(1h)));
  CO_EXPECT_ERROR(none, kTimedOut);
}

CO_TEST(WithTimeoutTest, LosesNothingOfARange) {
  const EventFd never;
  const EventFd signaled;
  signaled.Signal();
  std::vector<Task<Result<void>>> polls;
  const auto polls_in = [](int fd) -> Task<Result<void>> {
    co_return co_await PollIn(fd);
  };
  polls.push_back(polls_in(never.fd()));
  polls.push_back(polls_in(signaled.fd()));
  const auto all = co_await WithTimeout(5ms, WhenAll(std::move(polls)));
  CO_ASSERT_OK(all);
  CO_EXPECT_ERROR((*all)[0], kCanceled);
  CO_EXPECT_OK((*all)[1]);
}

CO_TEST(WithTimeoutTest, LosesNothingOfWhenAny) {
  test::Pipe pipe;
  std::array<std::byte, 1> buffer{};
  // The winner ends with its stop, and the loser with a byte.
  const auto gives = [&]() -> Task<Result<std::size_t>> {
    const Result<void> slept = co_await Sleep(1h);
    CO_EXPECT_ERROR(slept, kCanceled);
    co_await Yield();
    EXPECT_EQ(write(pipe.writer(), "x", 1), 1);
    co_return co_await Shield(test::ReadInto(pipe.reader(), buffer));
  };
  const auto any = co_await WithTimeout(5ms, WhenAny(Sleep(1h), gives()));
  CO_ASSERT_OK(any);
  EXPECT_EQ(any->index(), 0u);
  CO_ASSERT_TRUE(any->value<1>() != nullptr);
  EXPECT_EQ(any->value<1>()->value_or(0), 1u);
  const auto none = co_await WithTimeout(5ms, WhenAny(Sleep(1h), Sleep(2h)));
  CO_EXPECT_ERROR(none, kTimedOut);
}

}  // namespace
}  // namespace eddy
