#include <eddy/runtime/condition_variable.h>
#include <eddy/runtime/join_handle.h>
#include <eddy/runtime/mutex.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/runtime/heap_count.h"
#include "tests/runtime/settle.h"
#include "tests/runtime/test_verbs.h"
#include "tests/sweeps.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using test::Settle;

class ConditionVariableTest : public ::testing::Test {
 protected:
  // What a Wait of a spawned task gave; nothing while it waits.
  using Outcome = std::optional<Result<void>>;

  Task<void> WaitsOnce(Outcome& outcome) {
    Mutex::Guard guard = co_await mutex_.Lock();
    outcome = co_await condition_.Wait(guard);
    EXPECT_TRUE(guard);
    EXPECT_TRUE(mutex_.locked());
  }
  JoinHandle<void> Spawn(Outcome& outcome) {
    return Reactor::Current()->scope().Spawn(WaitsOnce(outcome));
  }

  Mutex mutex_;
  ConditionVariable condition_;
};

CO_TEST_F(ConditionVariableTest, NotifyOneWakesWhoHasWaitedLongest) {
  condition_.NotifyOne();  // nobody waits: it is nothing
  std::vector<int> came;
  std::vector<int> woken;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 5; ++i) {
      scope.Spawn([&, i]() -> Task<void> {
        Mutex::Guard guard = co_await mutex_.Lock();
        came.push_back(i);
        CO_EXPECT_OK(co_await condition_.Wait(guard));
        woken.push_back(i);
      });
    }
    co_await Settle();
    EXPECT_EQ(came.size(), 5U);
    EXPECT_FALSE(mutex_.locked());
    for (std::size_t i = 1; i <= 5; ++i) {
      condition_.NotifyOne();
      co_await Settle();
      EXPECT_EQ(woken.size(), i);
    }
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(woken, came);
}

CO_TEST_F(ConditionVariableTest, NotifyAllWakesAllOneAfterTheOther) {
  int inside = 0;
  std::vector<int> came;
  std::vector<int> woken;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 5; ++i) {
      scope.Spawn([&, i]() -> Task<void> {
        Mutex::Guard guard = co_await mutex_.Lock();
        came.push_back(i);
        CO_EXPECT_OK(co_await condition_.Wait(guard));
        woken.push_back(i);
        EXPECT_EQ(++inside, 1);
        co_await Settle();
        EXPECT_EQ(--inside, 0);
      });
    }
    co_await Settle();
    condition_.NotifyAll();
    EXPECT_TRUE(mutex_.locked());
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(woken, came);
}

CO_TEST_F(ConditionVariableTest, WhoIsWokenWaitsBehindThoseThatLock) {
  std::vector<char> order;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      Mutex::Guard guard = co_await mutex_.Lock();
      CO_EXPECT_OK(co_await condition_.Wait(guard));
      order.push_back('w');
    });
    co_await Settle();
    Mutex::Guard guard = co_await mutex_.Lock();
    scope.Spawn([&]() -> Task<void> {
      const Mutex::Guard own = co_await mutex_.Lock();
      order.push_back('l');
    });
    co_await Settle();
    condition_.NotifyOne();
    co_await Settle();
    EXPECT_TRUE(order.empty());
    guard.Unlock();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(order, (std::vector{'l', 'w'}));
}

CO_TEST_F(ConditionVariableTest, WaitsUntilThePredicateIsTrue) {
  int state = 0;
  int calls = 0;
  bool done = false;
  const auto waits = [&]() -> Task<void> {
    Mutex::Guard guard = co_await mutex_.Lock();
    const auto is_three = [&] {
      ++calls;
      EXPECT_TRUE(mutex_.locked());
      return state == 3;
    };
    CO_EXPECT_OK(co_await condition_.Wait(guard, is_three));
    EXPECT_EQ(calls, 4);
    EXPECT_EQ(state, 3);
    EXPECT_TRUE(guard);
    CO_EXPECT_OK(co_await condition_.Wait(guard, is_three));
    EXPECT_EQ(calls, 5);
    done = true;
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(waits);
  for (int i = 1; i <= 3; ++i) {
    co_await Settle();
    EXPECT_FALSE(done);
    const Mutex::Guard guard = co_await mutex_.Lock();
    state = i;
    condition_.NotifyOne();
  }
  co_await handle;
  EXPECT_TRUE(done);
}

CO_TEST_F(ConditionVariableTest, StoppedBeforeItKeepsTheMutex) {
  StopSource stopped;
  stopped.RequestStop();
  bool called = false;
  const auto predicate = [&] { return called = true; };
  Mutex::Guard guard = co_await mutex_.Lock();
  bool entered = false;
  const auto locks = [&]() -> Task<void> {
    const Mutex::Guard own = co_await mutex_.Lock();
    entered = true;
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(locks);
  co_await Settle();
  CO_EXPECT_ERROR(co_await WithStop(stopped.token(), condition_.Wait(guard)),
                  kCanceled);
  CO_EXPECT_ERROR(
      co_await WithStop(stopped.token(), condition_.Wait(guard, predicate)),
      kCanceled);
  co_await Settle();
  EXPECT_TRUE(guard);
  EXPECT_FALSE(entered);
  EXPECT_FALSE(called);
  guard.Unlock();
  co_await handle;
}

CO_TEST_F(ConditionVariableTest, StoppedWhileItWaitsItLocksAgain) {
  Outcome outcome;
  JoinHandle<void> handle = Spawn(outcome);
  co_await Settle();
  Mutex::Guard guard = co_await mutex_.Lock();
  handle.RequestStop();
  co_await Settle();
  EXPECT_FALSE(outcome);  // the mutex is not its own yet
  guard.Unlock();
  co_await handle;
  CO_ASSERT_TRUE(outcome);
  CO_EXPECT_ERROR(*outcome, kCanceled);
  EXPECT_FALSE(mutex_.locked());
  // While nobody has the mutex.
  outcome.reset();
  handle = Spawn(outcome);
  co_await Settle();
  handle.RequestStop();
  EXPECT_TRUE(mutex_.locked());
  co_await handle;
  CO_EXPECT_ERROR(*outcome, kCanceled);
}

CO_TEST_F(ConditionVariableTest, ANotificationAfterAStopGoesToTheNext) {
  Outcome first;
  Outcome second;
  JoinHandle<void> one = Spawn(first);
  co_await Settle();
  JoinHandle<void> two = Spawn(second);
  co_await Settle();
  one.RequestStop();
  condition_.NotifyOne();
  co_await one;
  co_await two;
  CO_EXPECT_ERROR(*first, kCanceled);
  CO_EXPECT_OK(*second);
}

CO_TEST_F(ConditionVariableTest, ANotificationBeforeAStopCounts) {
  Outcome first;
  Outcome second;
  JoinHandle<void> one = Spawn(first);
  co_await Settle();
  JoinHandle<void> two = Spawn(second);
  co_await Settle();
  {
    // So that it is notified, and waits for the mutex.
    const Mutex::Guard guard = co_await mutex_.Lock();
    condition_.NotifyOne();
    co_await Settle();
    one.RequestStop();
    co_await Settle();
  }
  co_await one;
  CO_EXPECT_OK(*first);
  co_await Settle();
  EXPECT_FALSE(second);
  // So that it is notified, has the mutex, and has not run.
  condition_.NotifyOne();
  two.RequestStop();
  co_await two;
  CO_EXPECT_OK(*second);
}

// What a notification tells of is not left lying where the task that it went to
// is stopped at the same time.
CO_TEST_F(ConditionVariableTest, ANotifiedPredicateThatIsTrueIsASuccess) {
  int items = 0;
  int taken = 0;
  const auto takes = [&]() -> Task<void> {
    Mutex::Guard guard = co_await mutex_.Lock();
    const auto is_there = [&] { return items > 0; };
    const Result<void> waited = co_await condition_.Wait(guard, is_there);
    if (!waited) co_return;
    --items;
    ++taken;
  };
  TaskScope& scope = Reactor::Current()->scope();
  JoinHandle<void> one = scope.Spawn(takes);
  co_await Settle();
  JoinHandle<void> two = scope.Spawn(takes);
  co_await Settle();
  items = 1;
  condition_.NotifyOne();
  one.RequestStop();
  co_await one;
  EXPECT_EQ(taken, 1);
  // Nor where the stop came first.
  items = 1;
  two.RequestStop();
  condition_.NotifyOne();
  co_await two;
  EXPECT_EQ(taken, 2);
}

CO_TEST_F(ConditionVariableTest,
          AnExceptionOfThePredicateLeavesTheMutexLocked) {
  int calls = 0;
  const auto throws = [&]() -> bool {
    if (++calls == 2) throw std::runtime_error("no");
    return false;
  };
  const auto waits = [&]() -> Task<void> {
    Mutex::Guard guard = co_await mutex_.Lock();
    try {
      static_cast<void>(co_await condition_.Wait(guard, throws));
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error&) {
    }
    EXPECT_TRUE(guard);
    EXPECT_TRUE(mutex_.locked());
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(waits);
  co_await Settle();
  condition_.NotifyAll();
  co_await handle;
  EXPECT_EQ(calls, 2);
  EXPECT_FALSE(mutex_.locked());
}

CO_TEST_F(ConditionVariableTest, WaitsForATime) {
  Mutex::Guard guard = co_await mutex_.Lock();
  CO_EXPECT_ERROR(co_await WithTimeout(1us, condition_.Wait(guard)), kTimedOut);
  EXPECT_TRUE(guard);
  const auto never = [] { return false; };
  CO_EXPECT_ERROR(co_await WithTimeout(1us, condition_.Wait(guard, never)),
                  kTimedOut);
  EXPECT_TRUE(guard);
  EXPECT_TRUE(mutex_.locked());
  // Notified when the time is over, and not yet run: that counts.
  bool notified = false;
  const auto waits = [&]() -> Task<void> {
    Mutex::Guard own = co_await mutex_.Lock();
    CO_EXPECT_OK(co_await WithTimeout(1ms, condition_.Wait(own)));
    EXPECT_TRUE(notified);
  };
  guard.Unlock();
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(waits);
  co_await Settle();
  guard = co_await mutex_.Lock();
  notified = true;
  condition_.NotifyOne();
  CO_EXPECT_OK(co_await Sleep(2ms));
  guard.Unlock();
  co_await handle;
}

CO_TEST_F(ConditionVariableTest, IsOneOfSeveral) {
  Mutex::Guard guard = co_await mutex_.Lock();
  {
    const auto first = co_await WhenAny(condition_.Wait(guard), Sleep(0ms));
    EXPECT_EQ(first.index(), 1U);
    EXPECT_FALSE(first.late<0>());
  }
  EXPECT_TRUE(guard);
  // A loser that was notified says so.
  {
    const auto notifies = [&]() -> Task<void> {
      condition_.NotifyOne();
      co_return;
    };
    const auto first = co_await WhenAny(condition_.Wait(guard), notifies());
    EXPECT_EQ(first.index(), 1U);
    CO_ASSERT_TRUE(first.late<0>());
    CO_EXPECT_OK(*first.late<0>());
  }
  EXPECT_TRUE(guard);
}

CO_TEST_F(ConditionVariableTest, MayBeDestroyedOnceAllAreNotified) {
  auto condition = std::make_unique<ConditionVariable>();
  const auto waits = [&]() -> Task<void> {
    Mutex::Guard guard = co_await mutex_.Lock();
    CO_EXPECT_OK(co_await condition->Wait(guard));
  };
  TaskScope& scope = Reactor::Current()->scope();
  JoinHandle<void> one = scope.Spawn(waits);
  JoinHandle<void> two = scope.Spawn(waits);
  co_await Settle();
  condition->NotifyAll();
  condition.reset();
  two.RequestStop();
  co_await one;
  co_await two;
}

CO_TEST_F(ConditionVariableTest, TakesAnotherMutexOnceNobodyWaits) {
  {
    Mutex::Guard guard = co_await mutex_.Lock();
    CO_EXPECT_ERROR(co_await WithTimeout(0ms, condition_.Wait(guard)),
                    kTimedOut);
  }
  Mutex other;
  Mutex::Guard guard = co_await other.Lock();
  CO_EXPECT_ERROR(co_await WithTimeout(0ms, condition_.Wait(guard)), kTimedOut);
}

CO_TEST_F(ConditionVariableTest, AllocatesNothing) {
  if (!test::CountsAllocations()) CO_SKIP("allocations cannot be counted");
  constexpr int kTurns = 100;
  int turn = 0;
  std::uint64_t allocations = 0;
  // Two that take turns.
  const auto plays = [&](int self) -> Task<void> {
    const auto is_own = [&] { return turn % 2 == self; };
    for (int i = 0; i < 10; ++i) {
      Mutex::Guard guard = co_await mutex_.Lock();
      CO_EXPECT_OK(co_await condition_.Wait(guard, is_own));
      ++turn;
      condition_.NotifyOne();
    }
    const test::HeapCount count;
    for (int i = 10; i < kTurns; ++i) {
      Mutex::Guard guard = co_await mutex_.Lock();
      CO_EXPECT_OK(co_await condition_.Wait(guard, is_own));
      ++turn;
      condition_.NotifyOne();
    }
    allocations += count.allocations();
  };
  TaskScope& scope = Reactor::Current()->scope();
  JoinHandle<void> one = scope.Spawn(plays(0));
  JoinHandle<void> two = scope.Spawn(plays(1));
  co_await one;
  co_await two;
  EXPECT_EQ(turn, 2 * kTurns);
  EXPECT_EQ(allocations, 0U);
}

// A bounded queue, as it is written with threads.
TEST(ConditionVariableSweepTest, ProducersAndConsumers) {
  const auto scenario = []() -> Task<Result<void>> {
    Mutex mutex;
    ConditionVariable not_empty;
    ConditionVariable not_full;
    std::deque<int> queue;
    int sum = 0;
    const auto produces = [&](int first) -> Task<Result<void>> {
      for (int i = first; i < first + 3; ++i) {
        Mutex::Guard guard = co_await mutex.Lock();
        EDDY_CO_CHECK(
            co_await not_full.Wait(guard, [&] { return queue.size() < 2; }));
        queue.push_back(i);
        not_empty.NotifyOne();
      }
      co_return Result<void>();
    };
    const auto consumes = [&]() -> Task<Result<void>> {
      for (int i = 0; i < 3; ++i) {
        {
          Mutex::Guard guard = co_await mutex.Lock();
          EDDY_CO_CHECK(
              co_await not_empty.Wait(guard, [&] { return !queue.empty(); }));
          sum += queue.front();
          queue.pop_front();
          not_full.NotifyOne();
        }
        EDDY_CO_CHECK(co_await test::Nop());
      }
      co_return Result<void>();
    };
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn(consumes);
      scope.Spawn(produces, 1);
      scope.Spawn(consumes);
      co_return co_await produces(4);
    };
    const Result<void> result = co_await WithScope(body);
    EXPECT_FALSE(mutex.locked());
    EXPECT_TRUE(!result || sum == 21);
    co_return result;
  };
  test::ExpectCleanSweeps(scenario, {12, 6});
}

TEST(ConditionVariableDeathTest, IsDestroyedWhileATaskWaits) {
  const auto run = [] {
    SyncWait([]() -> Task<void> {
      Mutex mutex;
      auto condition = std::make_unique<ConditionVariable>();
      const auto body = [&](TaskScope& scope) -> Task<void> {
        scope.Spawn([&]() -> Task<void> {
          Mutex::Guard guard = co_await mutex.Lock();
          static_cast<void>(co_await condition->Wait(guard));
        });
        co_await Settle();
        condition.reset();
      };
      static_cast<void>(co_await WithScope(body));
    }());
  };
  EXPECT_DEATH(run(), "a ConditionVariable was destroyed while a task waits");
}

TEST(ConditionVariableDeathTest, IsWaitedForWithTwoMutexes) {
  const auto run = [] {
    SyncWait([]() -> Task<void> {
      Mutex one;
      Mutex other;
      ConditionVariable condition;
      const auto waits = [&](Mutex& mutex) -> Task<void> {
        Mutex::Guard guard = co_await mutex.Lock();
        static_cast<void>(co_await condition.Wait(guard));
      };
      const auto body = [&](TaskScope& scope) -> Task<void> {
        scope.Spawn(waits(one));
        scope.Spawn(waits(other));
        co_return;
      };
      static_cast<void>(co_await WithScope(body));
    }());
  };
  EXPECT_DEATH(run(), "with another mutex than a task that waits");
}

TEST(ConditionVariableDeathTest, IsWaitedForWithoutALock) {
  const auto run = [] {
    SyncWait([]() -> Task<void> {
      Mutex mutex;
      ConditionVariable condition;
      Mutex::Guard guard = co_await mutex.Lock();
      guard.Unlock();
      static_cast<void>(co_await condition.Wait(guard));
    }());
  };
  EXPECT_DEATH(run(), "with a guard that holds no mutex");
}

// As std::condition_variable's wait_for does.
CO_TEST(ConditionVariableTimeTest, ATimeOutThatFindsThePredicateTrueIsNone) {
  const VirtualClock clock;
  Mutex mutex;
  ConditionVariable condition;
  bool ready = false;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      Mutex::Guard guard = co_await mutex.Lock();
      const auto is_ready = [&] { return ready; };
      CO_EXPECT_OK(co_await WithTimeout(10ms, condition.Wait(guard, is_ready)));
      EXPECT_TRUE(ready);
    });
    co_await Yield();
    // Has the mutex when the time is over.
    const Mutex::Guard guard = co_await mutex.Lock();
    CO_EXPECT_OK(co_await Sleep(20ms));
    ready = true;
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

TEST(ConditionVariableDeathTest, LosesTheMutexThatItLocksAgain) {
  const auto run = [] {
    SyncWait([]() -> Task<void> {
      auto mutex = std::make_unique<Mutex>();
      ConditionVariable condition;
      const auto body = [&](TaskScope& scope) -> Task<void> {
        scope.Spawn([&]() -> Task<void> {
          Mutex::Guard guard = co_await mutex->Lock();
          static_cast<void>(co_await condition.Wait(guard));
        });
        co_await Yield();
        mutex.reset();
      };
      static_cast<void>(co_await WithScope(body));
    }());
  };
  EXPECT_DEATH(run(), "a Mutex was destroyed while");
}

}  // namespace
}  // namespace eddy
