// WhenAll: errors, exceptions, stops and deadlines.
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <coroutine>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals

Task<int> Value(int value) { co_return value; }
Task<void> Nothing() { co_return; }
Task<int> After(int yields, int value) {
  for (int i = 0; i < yields; ++i) co_await Yield();
  co_return value;
}
Task<Result<int>> Fails(Error error) {
  co_await Yield();
  co_return Unexpected(error);
}
Task<int> Throws(int yields, const char* what) {
  for (int i = 0; i < yields; ++i) co_await Yield();
  throw std::runtime_error(what);
}
// What awaiting it throws, or nothing.
template <class Awaitable>
Task<std::string> Thrown(Awaitable awaitable) {
  std::string what;
  try {
    static_cast<void>(co_await std::move(awaitable));
  } catch (const std::exception& error) {
    what = error.what();
  }
  co_return what;
}

CO_TEST(WhenAllStopTest, AnErrorStopsNobody) {
  auto [failed, slept, value] =
      co_await WhenAll(Fails(kClosed), Sleep(2ms), After(10, 3));
  CO_EXPECT_ERROR(failed, kClosed);
  CO_EXPECT_OK(slept);
  EXPECT_EQ(value, 3);
  EXPECT_EQ(Reactor::Current()->stats().dropped_failures, 0U);
}

CO_TEST(WhenAllStopTest,
        AnExceptionStopsTheOthersAndIsThrownWhenTheyHaveEnded) {
  for (const int yields : {0, 1, 5}) {
    int stopped = 0;
    const auto sleeps = [&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
      // Another turn or two, which the exception waits for.
      for (int i = 0; i < 3; ++i) co_await Yield();
      ++stopped;
    };
    CO_EXPECT_EQ(
        co_await Thrown(WhenAll(sleeps(), Throws(yields, "thrown"), sleeps())),
        "thrown");
    EXPECT_EQ(stopped, 2);
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 10; ++i) tasks.push_back(sleeps());
    const auto throws = [yields]() -> Task<void> {
      co_await Throws(yields, "thrown too");
    };
    tasks.push_back(throws());
    CO_EXPECT_EQ(co_await Thrown([](auto all) -> Task<void> {
                   co_await WhenAll(std::move(all));
                 }(std::move(tasks))),
                 "thrown too");
    EXPECT_EQ(stopped, 12);
  }
  EXPECT_EQ(Reactor::Current()->stats().dropped_failures, 0U);
}

// The first is started before the others are.
CO_TEST(WhenAllStopTest, AnExceptionBeforeTheOthersStartStopsThemToo) {
  bool started = false;
  const auto sleeps = [&]() -> Task<void> {
    started = true;
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
  };
  CO_EXPECT_EQ(co_await Thrown(WhenAll(Throws(0, "first"), sleeps())), "first");
  EXPECT_TRUE(started);
}

CO_TEST(WhenAllStopTest, ThrowsTheFirstExceptionAndCountsTheOthers) {
  CO_EXPECT_EQ(co_await Thrown(WhenAll(Throws(2, "c"), Throws(0, "a"),
                                       Throws(1, "b"), Fails(kClosed))),
               "a");
  EXPECT_EQ(Reactor::Current()->stats().dropped_failures, 2U);
}

CO_TEST(WhenAllStopTest, ResultsBesideAnExceptionAreDestroyed) {
  const auto result = std::make_shared<int>(1);
  const auto gives = [&]() -> Task<std::shared_ptr<int>> { co_return result; };
  CO_EXPECT_EQ(co_await Thrown(WhenAll(gives(), Throws(3, "with a result"))),
               "with a result");
  EXPECT_EQ(result.use_count(), 1);
}

// An awaitable that throws at one of its steps.
class Thrower {
 public:
  enum class At { kMove, kReady, kSuspend, kResume };
  explicit Thrower(At at) : at_(at) {}
  Thrower(Thrower&& other) : at_(other.at_) { ThrowAt(At::kMove, "move"); }
  Thrower& operator=(Thrower&&) = delete;

  bool await_ready() const {
    ThrowAt(At::kReady, "ready");
    return false;
  }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise>) const {
    ThrowAt(At::kSuspend, "suspend");
    return false;
  }
  void await_resume() const { ThrowAt(At::kResume, "resume"); }

 private:
  void ThrowAt(At at, const char* what) const {
    if (at == at_) throw std::runtime_error(what);
  }
  At at_;
};

CO_TEST(WhenAllStopTest, WhatThrowsWhenItIsAwaitedStopsTheOthers) {
  using At = Thrower::At;
  for (const auto& [at, what] :
       {std::pair(At::kReady, "ready"), std::pair(At::kSuspend, "suspend"),
        std::pair(At::kResume, "resume")}) {
    CO_EXPECT_EQ(co_await Thrown(WhenAll(Sleep(1h), Thrower(at), Sleep(1h))),
                 what);
  }
}

CO_TEST(WhenAllStopTest, WhatCannotBeTakenInStartsNothing) {
  bool ran = false;
  const auto runs = [&]() -> Task<void> {
    ran = true;
    co_return;
  };
  std::string what;
  try {
    static_cast<void>(
        co_await WhenAll(runs(), Thrower(Thrower::At::kMove), Sleep(1h)));
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "move");
  EXPECT_FALSE(ran);
  CO_EXPECT_OK(co_await Sleep(0s));  // the context is as it was
}

Task<void> StopAfter(StopSource& source, Duration duration) {
  CO_EXPECT_OK(co_await Sleep(duration));
  source.RequestStop();
}

CO_TEST(WhenAllStopTest, AStopFromAboveReachesAll) {
  for (const auto delay : {-1ms, 0ms, 2ms}) {
    StopSource source;
    if (delay < 0ms) source.RequestStop();
    const test::EventFd event;
    const auto all = [&]() -> Task<void> {
      auto [slept, polled, value] =
          co_await WhenAll(Sleep(1h), test::PollIn(event.fd()), After(1, 3));
      CO_EXPECT_ERROR(slept, kCanceled);
      CO_EXPECT_ERROR(polled, kCanceled);
      EXPECT_EQ(value, 3);
      std::vector<SleepUntil> sleeps;
      for (int i = 0; i < 100; ++i) sleeps.push_back(Sleep(1h));
      for (const Result<void>& result : co_await WhenAll(std::move(sleeps))) {
        CO_EXPECT_ERROR(result, kCanceled);
      }
    };
    co_await WhenAll(WithStop(source.token(), all()),
                     StopAfter(source, std::max(delay, 0ms)));
  }
}

CO_TEST(WhenAllStopTest, AStopAfterTheEndChangesNothing) {
  StopSource source;
  const auto both = [&]() -> Task<void> {
    auto [a, b] = co_await WhenAll(Value(1), Sleep(0s));
    source.RequestStop();
    EXPECT_EQ(a, 1);
    CO_EXPECT_OK(b);
  };
  co_await WithStop(source.token(), both());
}

CO_TEST(WhenAllStopTest, AStopByASiblingReachesIt) {
  StopSource source;
  auto [slept, stopped] = co_await WhenAll(WithStop(source.token(), Sleep(1h)),
                                           StopAfter(source, 0ms));
  CO_EXPECT_ERROR(slept, kCanceled);
}

CO_TEST(WhenAllStopTest, ATokenOfAChildIsOfThatChild) {
  StopToken token;
  const auto keeps = [&]() -> Task<void> {
    token = co_await CurrentStopToken();
  };
  const auto sleeps = []() -> Task<void> {
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
    throw std::runtime_error("after the stop");
  };
  CO_EXPECT_EQ(co_await Thrown(WhenAll(keeps(), sleeps(), Throws(1, "stops"))),
               "stops");
  // It had ended when the others were stopped.
  EXPECT_FALSE(token.stop_requested());
  EXPECT_EQ(Reactor::Current()->stats().dropped_failures, 1U);
}

CO_TEST(WhenAllStopTest, TimeoutsAroundAndInside) {
  // Around: results of another type than Result are lost to the time.
  const auto late = co_await WithTimeout(1ms, WhenAll(Sleep(1h), Value(1)));
  CO_EXPECT_ERROR(late, kTimedOut);
  const auto in_time = co_await WithTimeout(1h, WhenAll(Value(1), Value(2)));
  CO_ASSERT_OK(in_time);
  EXPECT_EQ(*in_time, std::tuple(1, 2));
  // Inside.
  auto [timed_out, value] =
      co_await WhenAll(WithTimeout(1ms, Sleep(1h)), Value(1));
  CO_EXPECT_ERROR(timed_out, kTimedOut);
  EXPECT_EQ(value, 1);
}

CO_TEST(WhenAllStopTest, InheritsTheDeadline) {
  const TimePoint deadline = eddy::After(Clock::now(), 1h);
  const auto deadlines = co_await WithDeadline(
      deadline, WhenAll(CurrentDeadline(), Nothing(),
                        WithTimeout(2h, CurrentDeadline())));
  CO_ASSERT_OK(deadlines);
  EXPECT_EQ(std::get<0>(*deadlines), deadline);
  CO_ASSERT_OK(std::get<2>(*deadlines));
  EXPECT_EQ(*std::get<2>(*deadlines), deadline);
}

CO_TEST(WhenAllStopTest, ShieldedIsNotReached) {
  StopSource source;
  source.RequestStop();
  auto [shielded, stopped] =
      co_await WithStop(source.token(), WhenAll(Shield(Sleep(0s)), Sleep(0s)));
  CO_EXPECT_OK(shielded);
  CO_EXPECT_ERROR(stopped, kCanceled);
  auto [inside, inside_too] =
      co_await WithStop(source.token(), Shield(WhenAll(Sleep(0s), Sleep(0s))));
  CO_EXPECT_OK(inside);
  CO_EXPECT_OK(inside_too);
}

CO_TEST(WhenAllStopTest, InAScopeThatStops) {
  const auto body = [](TaskScope& scope) -> Task<void> {
    const auto both = []() -> Task<void> {
      auto [a, b] = co_await WhenAll(Sleep(1h), Sleep(1h));
      CO_EXPECT_ERROR(a, kCanceled);
      CO_EXPECT_ERROR(b, kCanceled);
    };
    scope.Spawn(both);
    co_await Yield();
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

Task<Result<void>> NestedSleep(int depth) {
  if (depth == 0) co_return co_await Sleep(1h);
  std::vector<Task<Result<void>>> tasks;
  tasks.push_back(NestedSleep(depth - 1));
  co_return (co_await WhenAll(std::move(tasks)))[0];
}

CO_TEST(WhenAllStopTest, AStopReachesAThousandDeep) {
  StopSource source;
  auto [stopped, stopper] = co_await WhenAll(
      WithStop(source.token(), NestedSleep(1'000)), StopAfter(source, 1ms));
  CO_EXPECT_ERROR(stopped, kCanceled);
}

}  // namespace
}  // namespace eddy
