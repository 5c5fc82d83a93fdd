// WithScope, TaskScope: results, every order of failures and stops, nesting,
// what Spawn takes and keeps.
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_failure.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <coroutine>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/chaos.h"
#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals

constexpr Error kFirst = std::errc::io_error;
constexpr Error kSecond = std::errc::broken_pipe;

Task<Result<void>> FailAfter(Duration duration, Error error) {
  CO_EXPECT_OK(co_await Sleep(duration));
  co_return Unexpected(error);
}
Task<void> ThrowAfter(Duration duration) {
  CO_EXPECT_OK(co_await Sleep(duration));
  throw std::runtime_error("thrown by a child");
}
// Ends with kCanceled when it is stopped.
Task<Result<void>> SleepLong() { co_return co_await Sleep(1h); }
// Ends well when it is stopped.
Task<void> ServeUntilStopped(int& ended) {
  CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
  co_await Yield();
  ++ended;
}
// Fails in its clean-up when it is stopped.
Task<Result<void>> FailWhenStopped(Error error) {
  CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
  co_await Yield();
  co_return Unexpected(error);
}

CO_TEST(WithScopeTest, GivesTheValueOfTheBody) {
  const auto value = [](TaskScope&) -> Task<int> { co_return 3; };
  CO_EXPECT_EQ((co_await WithScope(value)).value(), 3);
  const auto nothing = [](TaskScope&) -> Task<void> { co_return; };
  CO_EXPECT_OK(co_await WithScope(nothing));
  const auto result = [](TaskScope&) -> Task<Result<int>> { co_return 4; };
  CO_EXPECT_EQ((co_await WithScope(result)).value(), 4);
  const auto move_only = [](TaskScope&) -> Task<std::unique_ptr<int>> {
    co_return std::make_unique<int>(5);
  };
  CO_EXPECT_EQ(*(co_await WithScope(move_only)).value(), 5);
}

CO_TEST(WithScopeTest, WaitsForEveryTask) {
  int ended = 0;
  const auto sleeps = [&](Duration duration) -> Task<void> {
    CO_EXPECT_OK(co_await Sleep(duration));
    ++ended;
  };
  const auto body = [&](TaskScope& scope) -> Task<int> {
    for (int i = 0; i < 100; ++i) {
      scope.Spawn(sleeps, std::chrono::milliseconds(i % 5));
    }
    EXPECT_EQ(scope.live(), 100u);
    co_return 7;
  };
  CO_EXPECT_EQ((co_await WithScope(body)).value(), 7);
  EXPECT_EQ(ended, 100);
}

CO_TEST(WithScopeTest, SpawnedTasksStartWhenTheCallerSuspends) {
  std::vector<int> order;
  const auto writes = [&](int number) -> Task<void> {
    order.push_back(number);
    co_return;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(writes, 2);
    scope.Spawn(writes, 3);
    order.push_back(1);
    co_await Yield();
    order.push_back(4);
  };
  CO_EXPECT_OK(co_await WithScope(body));
  // (Of what is ready, chaos runs any first; but all before what yields.)
  if (test::InChaos()) std::sort(order.begin() + 1, order.begin() + 3);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4}));
}

CO_TEST(WithScopeTest, ErrorOfATaskStopsBodyAndTasksAndComesOut) {
  int ended = 0;
  const auto body = [&](TaskScope& scope) -> Task<Result<int>> {
    scope.Spawn(ServeUntilStopped(ended));
    scope.Spawn(FailAfter(1ms, kFirst));
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
    EXPECT_TRUE(scope.stop_requested());
    co_return 1;
  };
  CO_EXPECT_ERROR(co_await WithScope(body), kFirst);
  EXPECT_EQ(ended, 1);
}

CO_TEST(WithScopeTest, ErrorOfATaskAfterTheBodyStopsTheOthers) {
  int ended = 0;
  const auto body = [&](TaskScope& scope) -> Task<int> {
    scope.Spawn(ServeUntilStopped(ended));
    scope.Spawn(FailAfter(1ms, kFirst));
    co_return 1;
  };
  CO_EXPECT_ERROR(co_await WithScope(body), kFirst);
  EXPECT_EQ(ended, 1);
}

// The text of the exception that leaves the scope.
template <class F>
Task<std::string> ThrownBy(F body) {
  try {
    static_cast<void>(co_await WithScope(body));
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
  co_return "nothing";
}

CO_TEST(WithScopeTest, ExceptionOfATaskStopsTheOthersAndComesOut) {
  int ended = 0;
  const auto body = [&](TaskScope& scope) -> Task<Result<int>> {
    scope.Spawn(ServeUntilStopped(ended));
    scope.Spawn(ThrowAfter(1ms));
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
    co_return 1;
  };
  CO_EXPECT_EQ(co_await ThrownBy(body), "thrown by a child");
  EXPECT_EQ(ended, 1);
}

CO_TEST(WithScopeTest, ErrorOfTheBodyStopsTheTasks) {
  int ended = 0;
  const auto body = [&](TaskScope& scope) -> Task<Result<int>> {
    scope.Spawn(ServeUntilStopped(ended));
    co_await Yield();
    co_return Unexpected(kFirst);
  };
  CO_EXPECT_ERROR(co_await WithScope(body), kFirst);
  EXPECT_EQ(ended, 1);
}

CO_TEST(WithScopeTest, ExceptionOfTheBodyStopsTheTasks) {
  int ended = 0;
  const auto body = [&](TaskScope& scope) -> Task<int> {
    scope.Spawn(ServeUntilStopped(ended));
    co_await Yield();
    throw std::runtime_error("thrown by the body");
  };
  CO_EXPECT_EQ(co_await ThrownBy(body), "thrown by the body");
  EXPECT_EQ(ended, 1);
}

CO_TEST(WithScopeTest, TheFirstOfSeveralFailuresWins) {
  const auto two_errors = [](TaskScope& scope) -> Task<void> {
    scope.Spawn(FailAfter(1ms, kFirst));
    scope.Spawn(FailWhenStopped(kSecond));
    co_return;
  };
  CO_EXPECT_ERROR(co_await WithScope(two_errors), kFirst);

  const auto error_then_exception = [](TaskScope& scope) -> Task<void> {
    scope.Spawn(FailAfter(1ms, kFirst));
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
    throw std::runtime_error("late");
  };
  CO_EXPECT_ERROR(co_await WithScope(error_then_exception), kFirst);

  const auto exception_then_error = [](TaskScope& scope) -> Task<void> {
    scope.Spawn(ThrowAfter(1ms));
    scope.Spawn(FailWhenStopped(kSecond));
    co_return;
  };
  CO_EXPECT_EQ(co_await ThrownBy(exception_then_error), "thrown by a child");

  const auto body_first = [](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(FailWhenStopped(kSecond));
    co_await Yield();
    co_return Unexpected(kFirst);
  };
  CO_EXPECT_ERROR(co_await WithScope(body_first), kFirst);
}

// Fails with kFirst, then with kSecond and an exception.
Task<void> FailThreeTimes(TaskScope& scope) {
  scope.Spawn(FailAfter(1ms, kFirst));
  scope.Spawn(FailWhenStopped(kSecond));
  CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
  throw std::runtime_error("late");
}

CO_TEST(WithScopeTest, LaterFailuresGoToTheirHandler) {
  int errors = 0;
  int exceptions = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.set_later_failure_handler([&](const TaskFailure& failure) {
      errors += failure.error == kSecond;
      exceptions += failure.exception != nullptr;
    });
    co_await FailThreeTimes(scope);
  };
  CO_EXPECT_ERROR(co_await WithScope(body), kFirst);
  EXPECT_EQ(errors, 1);
  EXPECT_EQ(exceptions, 1);
  EXPECT_EQ(Reactor::Current()->stats().dropped_failures, 0u);
}

// The body's own stop, as a clean-up, does not hide what was cut short.
CO_TEST(WithScopeTest, AStopFromAboveIsNotHiddenByOneOfTheBody) {
  const auto inner = [](TaskScope& scope) -> Task<int> {
    scope.Spawn(FailWhenStopped(kCanceled));
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
    scope.RequestStop();
    co_return 5;
  };
  const auto outer = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&scope]() -> Task<void> {
      CO_EXPECT_OK(co_await Sleep(1ms));
      scope.RequestStop();
    });
    CO_EXPECT_ERROR(co_await WithScope(inner), kCanceled);
  };
  CO_EXPECT_OK(co_await WithScope(outer));
}

CO_TEST(WithScopeTest, AFailureThatTheBodyGivesOnIsNoLaterOne) {
  const auto error = [](TaskScope& scope) -> Task<Result<void>> {
    JoinHandle<Result<void>> handle = scope.Spawn(FailAfter(1ms, kFirst));
    co_return co_await handle;
  };
  CO_EXPECT_ERROR(co_await WithScope(error), kFirst);
  const auto exception = [](TaskScope& scope) -> Task<void> {
    JoinHandle<void> handle = scope.Spawn(ThrowAfter(1ms));
    co_await handle;
  };
  CO_EXPECT_EQ(co_await ThrownBy(exception), "thrown by a child");
  EXPECT_EQ(Reactor::Current()->stats().dropped_failures, 0u);
}

CO_TEST(WithScopeTest, LaterFailuresWithoutAHandlerAreCounted) {
  CO_EXPECT_ERROR(co_await WithScope(FailThreeTimes), kFirst);
  EXPECT_EQ(Reactor::Current()->stats().dropped_failures, 2u);
}

CO_TEST(WithScopeTest, AnUnaskedCanceledIsAFailure) {
  const auto body = [](TaskScope& scope) -> Task<void> {
    scope.Spawn(FailAfter(1ms, kCanceled));
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
  };
  CO_EXPECT_ERROR(co_await WithScope(body), kCanceled);
}

CO_TEST(WithScopeTest, CanceledAfterItsOwnStopIsNoFailure) {
  const auto body = [](TaskScope& scope) -> Task<int> {
    scope.Spawn(SleepLong());
    scope.Spawn(SleepLong());
    co_await Yield();
    scope.RequestStop();
    co_return 8;
  };
  CO_EXPECT_EQ((co_await WithScope(body)).value_or(0), 8);
}

CO_TEST(WithScopeTest, FailureInTheCleanUpAfterItsOwnStopComesOut) {
  const auto body = [](TaskScope& scope) -> Task<int> {
    scope.Spawn(FailWhenStopped(kFirst));
    co_await Yield();
    scope.RequestStop();
    co_return 8;
  };
  CO_EXPECT_ERROR(co_await WithScope(body), kFirst);
}

CO_TEST(WithScopeTest, CanceledOfTheBodyHidesNoFailure) {
  const auto body = [](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(FailWhenStopped(kFirst));
    co_await Yield();
    scope.RequestStop();
    co_return co_await Sleep(1h);  // ends before the task has cleaned up
  };
  CO_EXPECT_ERROR(co_await WithScope(body), kFirst);
}

CO_TEST(WithScopeTest, CanceledOfTheBodyComesOutWhereNothingFailed) {
  const auto body = [](TaskScope& scope) -> Task<Result<int>> {
    scope.Spawn(SleepLong());
    scope.RequestStop();
    co_return Unexpected(kCanceled);
  };
  CO_EXPECT_ERROR(co_await WithScope(body), kCanceled);
}

// Awaits `body` in a scope and stops it from above after a moment.
template <class F>
Task<
    internal::AsResult<typename std::invoke_result_t<F, TaskScope&>::ValueType>>
StoppedFromAbove(F body) {
  StopSource source;
  const auto stops = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await Sleep(1ms));
    source.RequestStop();
  };
  using R = internal::AsResult<
      typename std::invoke_result_t<F, TaskScope&>::ValueType>;
  std::optional<R> result;
  const auto outer = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(stops);
    result.emplace(co_await WithStop(source.token(), WithScope(body)));
  };
  CO_EXPECT_OK(co_await WithScope(outer));
  co_return *std::move(result);
}

CO_TEST(WithScopeTest, CutShortFromAboveGivesCanceled) {
  const auto body = [](TaskScope& scope) -> Task<int> {
    scope.Spawn(SleepLong());
    co_return 1;
  };
  CO_EXPECT_ERROR(co_await StoppedFromAbove(body), kCanceled);
}

CO_TEST(WithScopeTest, StoppedFromAboveButCompleteGivesTheValue) {
  int ended = 0;
  const auto body = [&](TaskScope& scope) -> Task<int> {
    scope.Spawn(ServeUntilStopped(ended));
    co_return 9;
  };
  CO_EXPECT_EQ((co_await StoppedFromAbove(body)).value_or(0), 9);
  EXPECT_EQ(ended, 1);
}

CO_TEST(WithScopeTest, FailureAfterAStopFromAboveComesOut) {
  const auto body = [](TaskScope& scope) -> Task<int> {
    scope.Spawn(SleepLong());
    scope.Spawn(FailWhenStopped(kFirst));
    co_return 1;
  };
  CO_EXPECT_ERROR(co_await StoppedFromAbove(body), kFirst);
}

CO_TEST(WithScopeTest, AStopReachesNestedScopes) {
  int ended = 0;
  const auto inner = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(ServeUntilStopped(ended));
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
    ++ended;
  };
  const auto nested = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await WithScope(inner));
  };
  const auto outer = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 5; ++i) scope.Spawn(nested);
    CO_EXPECT_OK(co_await Sleep(1ms));
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(outer));
  EXPECT_EQ(ended, 10);
}

CO_TEST(WithScopeTest, FailureOfANestedScopePassesUp) {
  const auto inner = [](TaskScope& scope) -> Task<void> {
    scope.Spawn(FailAfter(1ms, kFirst));
    co_return;
  };
  const auto nested = [&]() -> Task<Result<void>> {
    co_return co_await WithScope(inner);
  };
  int ended = 0;
  const auto outer = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(nested);
    scope.Spawn(ServeUntilStopped(ended));
    co_return;
  };
  CO_EXPECT_ERROR(co_await WithScope(outer), kFirst);
  EXPECT_EQ(ended, 1);
}

CO_TEST(WithScopeTest, ABodyThatCannotStartThrows) {
  const auto body = [](TaskScope&) -> Task<void> {
    throw std::runtime_error("no coroutine");
  };
  CO_EXPECT_EQ(co_await ThrownBy(body), "no coroutine");
  CO_EXPECT_OK(co_await Sleep(0s));
}

CO_TEST(WithScopeTest, KeepsItsBodyWithItsCaptures) {
  auto text = std::make_unique<std::string>("captured");
  // Not in the co_await expression: g++ 12 destroys such a lambda twice.
  auto body = [text = std::move(text)](TaskScope&) -> Task<std::string> {
    co_await Yield();
    co_return *text;
  };
  const Result<std::string> result = co_await WithScope(std::move(body));
  EXPECT_EQ(result.value(), "captured");
}

CO_TEST(WithScopeTest, ABodyThatCannotStartStopsWhatItHasSpawned) {
  int ended = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(ServeUntilStopped(ended));
    throw std::runtime_error("no coroutine");
  };
  CO_EXPECT_EQ(co_await ThrownBy(body), "no coroutine");
  EXPECT_EQ(ended, 1);
}

TEST(TaskScopeDeathTest, SpawnAfterItsEndAborts) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 TaskScope* inner = nullptr;
                 const auto yields = []() -> Task<void> { co_await Yield(); };
                 const auto nested = [&]() -> Task<void> {
                   const auto body = [&](TaskScope& scope) -> Task<void> {
                     inner = &scope;
                     scope.Spawn(yields);
                     co_return;
                   };
                   static_cast<void>(co_await WithScope(body));
                 };
                 const auto late = [&]() -> Task<void> {
                   while (inner == nullptr || inner->live() != 0)
                     co_await Yield();
                   inner->Spawn(yields);
                 };
                 const auto outer = [&](TaskScope& scope) -> Task<void> {
                   scope.Spawn(nested);
                   scope.Spawn(late);
                   co_return;
                 };
                 static_cast<void>(co_await WithScope(outer));
               }()),
               "^eddy: a TaskScope was used after its end");
}

TEST(TaskScopeDeathTest, SpawnOnAnotherThreadAborts) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 const auto body = [](TaskScope& scope) -> Task<void> {
                   std::thread([&] { scope.Spawn(SleepLong()); }).join();
                   co_return;
                 };
                 static_cast<void>(co_await WithScope(body));
               }()),
               "^eddy: a reactor or a task of it was used on another thread");
}

// Awaits a task by hand and destroys it while it waits.
struct StartAndDestroy {
  std::optional<Task<void>>& task;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<Task<void>::promise_type> waiter) {
    auto awaiter = std::move(*task).operator co_await();
    awaiter.await_suspend(waiter).resume();
    task.reset();
  }
  void await_resume() const {}
};

TEST(TaskScopeDeathTest, DestroyedWhileItsTasksRunAborts) {
  EXPECT_DEATH(
      SyncWait([]() -> Task<void> {
        std::optional<Task<void>> task;
        task.emplace([]() -> Task<void> {
          const auto body = [](TaskScope& scope) -> Task<void> {
            scope.Spawn(SleepLong());
            co_return;
          };
          static_cast<void>(co_await WithScope(body));
        }());
        co_await StartAndDestroy{task};
      }()),
      "^eddy: (a TaskScope was destroyed while 1 of its tasks run; only the "
      "end of WithScope may end a scope|coroutine frame destroyed while it "
      "waits)");
}

TEST(TaskFailureTest, IsTheExceptionOrTheErrorOfAnEndedTask) {
  EXPECT_FALSE(TaskFailure{});
  TaskFailure error;
  error.error = kFirst;
  EXPECT_TRUE(error);
  TaskFailure exception;
  exception.exception = std::make_exception_ptr(1);
  EXPECT_TRUE(exception);
}

}  // namespace
}  // namespace eddy
