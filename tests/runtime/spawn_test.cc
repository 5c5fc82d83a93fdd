// TaskScope::Spawn and JoinHandle: what is kept, what comes back, and when.
#include <eddy/runtime/join_handle.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals

static_assert(!std::is_copy_constructible_v<JoinHandle<int>>);
static_assert(std::is_nothrow_move_constructible_v<JoinHandle<int>>);

Task<int> IntAfter(Duration duration, int value) {
  static_cast<void>(co_await Sleep(duration));
  co_return value;
}
Task<int> Now(int value) { co_return value; }
Task<int> FunctionOf(int a, const std::string& b) {
  co_await Yield();
  co_return a + static_cast<int>(b.size());
}

CO_TEST(JoinHandleTest, GivesTheResultBeforeAndAfterTheEnd) {
  const auto body = [](TaskScope& scope) -> Task<void> {
    JoinHandle<int> waits = scope.Spawn(IntAfter(1ms, 3));
    EXPECT_FALSE(waits.ended());
    CO_EXPECT_EQ(co_await waits, 3);
    JoinHandle<int> ended = scope.Spawn(Now(4));
    co_await Yield();
    EXPECT_TRUE(ended.ended());
    CO_EXPECT_EQ(co_await ended, 4);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(JoinHandleTest, GivesMoveOnlyValuesReferencesAndNothing) {
  int target = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    const auto pointer = []() -> Task<std::unique_ptr<int>> {
      co_return std::make_unique<int>(5);
    };
    JoinHandle<std::unique_ptr<int>> p = scope.Spawn(pointer);
    const std::unique_ptr<int> got = co_await p;
    EXPECT_EQ(*got, 5);
    const auto reference = [&]() -> Task<int&> { co_return target; };
    JoinHandle<int&> r = scope.Spawn(reference);
    int& same = co_await r;
    EXPECT_EQ(&same, &target);
    const auto nothing = [&]() -> Task<void> {
      target = 9;
      co_return;
    };
    JoinHandle<void> v = scope.Spawn(nothing);
    co_await v;
    EXPECT_EQ(target, 9);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(JoinHandleTest, ThrowsTheTasksException) {
  std::string joined;
  std::string left;
  const auto throws = []() -> Task<int> {
    co_await Yield();
    throw std::runtime_error("thrown");
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    JoinHandle<int> handle = scope.Spawn(throws);
    try {
      co_await handle;
    } catch (const std::runtime_error& error) {
      joined = error.what();
    }
  };
  try {
    static_cast<void>(co_await WithScope(body));
  } catch (const std::runtime_error& error) {
    left = error.what();
  }
  EXPECT_EQ(joined, "thrown");
  EXPECT_EQ(left, "thrown");  // it was a failure of the scope as well
}

CO_TEST(JoinHandleTest, MayBeDropped) {
  bool ended = false;
  const auto task = [&]() -> Task<int> {
    CO_EXPECT_OK(co_await Sleep(1ms));
    ended = true;
    co_return 1;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(task);
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_TRUE(ended);
}

CO_TEST(JoinHandleTest, MayOutliveItsScope) {
  std::optional<JoinHandle<std::string>> handle;
  const auto text = []() -> Task<std::string> {
    co_await Yield();
    co_return std::string(100, 'x');
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    handle.emplace(scope.Spawn(text));
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_TRUE(handle->ended());
  handle->RequestStop();  // too late, and harmless
  CO_EXPECT_EQ((co_await *handle).size(), 100u);
}

CO_TEST(JoinHandleTest, MovesAndAssigns) {
  const auto body = [](TaskScope& scope) -> Task<void> {
    JoinHandle<int> one = scope.Spawn(IntAfter(1ms, 1));
    JoinHandle<int> two = scope.Spawn(IntAfter(1ms, 2));
    JoinHandle<int> moved = std::move(one);
    two = std::move(moved);  // lets go of the second task
    CO_EXPECT_EQ(co_await two, 1);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(JoinHandleTest, StopsItsTaskAlone) {
  int other_ended_well = 0;
  const auto other = [&]() -> Task<void> {
    if (const Result<void> slept = co_await Sleep(5ms)) ++other_ended_well;
  };
  const auto sleeps = []() -> Task<Result<void>> {
    co_return co_await Sleep(1h);
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(other);
    JoinHandle<Result<void>> handle = scope.Spawn(sleeps);
    CO_EXPECT_OK(co_await Sleep(1ms));
    handle.RequestStop();
    CO_EXPECT_ERROR(co_await handle, kCanceled);
    EXPECT_FALSE(scope.stop_requested());
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(other_ended_well, 1);
}

CO_TEST(JoinHandleTest, StoppedBeforeItStartsItsFirstOperationAnswersCanceled) {
  const auto sleeps = []() -> Task<void> {
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    JoinHandle<void> handle = scope.Spawn(sleeps);
    handle.RequestStop();
    co_await handle;
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

// The joined task is stopped by its scope, too; joining itself is not.
CO_TEST(JoinHandleTest, AStoppedJoinerStillGetsTheResult) {
  int got = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    JoinHandle<int> handle = scope.Spawn(IntAfter(1h, 6));
    const auto stops = [&]() -> Task<void> {
      scope.RequestStop();
      co_return;
    };
    scope.Spawn(stops);
    got = co_await handle;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(got, 6);
}

Task<int> JoinMany(int count) {
  int sum = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    constexpr int kBatch = 1000;
    std::vector<JoinHandle<int>> handles;
    handles.reserve(kBatch);
    for (int done = 0; done < count; done += kBatch) {
      for (int i = 0; i < kBatch; ++i) handles.push_back(scope.Spawn(Now(1)));
      co_await Yield();  // all have ended after this
      for (JoinHandle<int>& handle : handles) sum += co_await handle;
      handles.clear();
    }
  };
  CO_EXPECT_OK(co_await WithScope(body));
  co_return sum;
}

TEST(JoinHandleTest, AMillionAwaitsOfEndedTasksUseConstantStack) {
  int sum = 0;
  test::RunOnSmallStack([&] { sum = SyncWait(JoinMany(1'000'000)); });
  EXPECT_EQ(sum, 1'000'000);
}

TEST(JoinHandleDeathTest, AwaitedTwiceAborts) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 JoinHandle<int> handle =
                     Reactor::Current()->scope().Spawn(Now(1));
                 co_await handle;
                 co_await handle;
               }()),
               "^eddy: a JoinHandle was used after its await or after a move");
}

TEST(JoinHandleDeathTest, AwaitedAfterAMoveAborts) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 JoinHandle<int> handle =
                     Reactor::Current()->scope().Spawn(Now(1));
                 const JoinHandle<int> moved = std::move(handle);
                 co_await handle;  // NOLINT: the mistake
               }()),
               "^eddy: a JoinHandle was used after its await or after a move");
}

TEST(JoinHandleDeathTest, AskedAfterItsAwaitAborts) {
  const char* const line =
      "^eddy: a JoinHandle was used after its await or after a move";
  const auto use = [](auto ask) -> Task<void> {
    JoinHandle<int> handle = Reactor::Current()->scope().Spawn(Now(1));
    co_await handle;
    ask(handle);
  };
  const auto ended = [](JoinHandle<int>& handle) {
    static_cast<void>(handle.ended());
  };
  const auto stop = [](JoinHandle<int>& handle) { handle.RequestStop(); };
  EXPECT_DEATH(SyncWait(use(ended)), line);
  EXPECT_DEATH(SyncWait(use(stop)), line);
}

TEST(JoinHandleDeathTest, AwaitedOnAnotherReactorAborts) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 JoinHandle<int> handle =
                     Reactor::Current()->scope().Spawn(IntAfter(1h, 1));
                 const auto joins = [&]() -> Task<void> {
                   static_cast<void>(co_await handle);
                 };
                 std::thread([&] { SyncWait(joins()); }).join();
                 co_return;
               }()),
               "^eddy: a JoinHandle was awaited on another reactor");
}

CO_TEST(SpawnTest, TakesFunctionsAndKeepsCopiesOfTheirArguments) {
  const auto body = [](TaskScope& scope) -> Task<void> {
    std::optional<JoinHandle<int>> handle;
    {
      std::string text(50, 'x');
      handle.emplace(scope.Spawn(FunctionOf, 1, text));
      text.assign(50, 'y');
    }
    CO_EXPECT_EQ(co_await *handle, 51);
    handle.emplace(scope.Spawn(&FunctionOf, 2, std::string("literal")));
    CO_EXPECT_EQ(co_await *handle, 9);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(SpawnTest, KeepsACapturingLambdaUntilItsTaskHasEnded) {
  const auto body = [](TaskScope& scope) -> Task<void> {
    auto held = std::make_shared<std::string>("held");
    const std::weak_ptr<std::string> weak = held;
    std::optional<JoinHandle<std::size_t>> handle;
    handle.emplace(scope.Spawn([held]() -> Task<std::size_t> {
      CO_EXPECT_OK(co_await Sleep(1ms));
      co_return held->size();
    }));
    held.reset();
    EXPECT_FALSE(weak.expired());
    CO_EXPECT_EQ(co_await *handle, 4u);
    handle.reset();
    EXPECT_TRUE(weak.expired());
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(SpawnTest, TakesMoveOnlyCapturesAndArguments) {
  const auto body = [](TaskScope& scope) -> Task<void> {
    JoinHandle<int> capture =
        scope.Spawn([p = std::make_unique<int>(3)]() -> Task<int> {
          co_await Yield();
          co_return *p;
        });
    CO_EXPECT_EQ(co_await capture, 3);
    const auto by_value = [](std::unique_ptr<int> p) -> Task<int> {
      co_await Yield();
      co_return *p;
    };
    JoinHandle<int> argument = scope.Spawn(by_value, std::make_unique<int>(4));
    CO_EXPECT_EQ(co_await argument, 4);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(SpawnTest, SharesWhatIsPassedByStdRef) {
  int shared = 0;
  const auto adds = [](int& target, int amount) -> Task<void> {
    co_await Yield();
    target += amount;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(adds, std::ref(shared), 5);
    scope.Spawn(adds, std::ref(shared), 6);
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(shared, 11);
}

CO_TEST(SpawnTest, TakesMutableCallablesAndStdFunction) {
  const auto body = [](TaskScope& scope) -> Task<void> {
    JoinHandle<int> counts = scope.Spawn([n = 1]() mutable -> Task<int> {
      ++n;
      co_return n;
    });
    CO_EXPECT_EQ(co_await counts, 2);
    const std::function<Task<int>()> function = [] { return Now(8); };
    JoinHandle<int> called = scope.Spawn(function);
    CO_EXPECT_EQ(co_await called, 8);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(SpawnTest, ACallableThatThrowsSpawnsNothing) {
  const auto body = [](TaskScope& scope) -> Task<void> {
    const auto throws = []() -> Task<void> { throw std::runtime_error("no"); };
    bool caught = false;
    try {
      scope.Spawn(throws);
    } catch (const std::runtime_error&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
    EXPECT_EQ(scope.live(), 0u);
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(SpawnTest, IntoAStoppingScopeStartsStopped) {
  bool started = false;
  const auto late = [&]() -> Task<void> {
    started = true;
    const auto before = Reactor::Current()->stats().submitted;
    CO_EXPECT_ERROR(co_await test::Nop(), kCanceled);
    EXPECT_EQ(Reactor::Current()->stats().submitted, before);
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.RequestStop();
    scope.Spawn(late);
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_TRUE(started);
}

CO_TEST(SpawnTest, FromASpawnedTaskAlsoAfterTheBodyEnded) {
  int depth = 0;
  std::function<Task<void>(TaskScope&, int)> nests =
      [&](TaskScope& scope, int left) -> Task<void> {
    CO_EXPECT_OK(co_await Sleep(100us));
    ++depth;
    if (left > 1) scope.Spawn(nests, std::ref(scope), left - 1);
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(nests, std::ref(scope), 20);
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(depth, 20);
}

}  // namespace
}  // namespace eddy
