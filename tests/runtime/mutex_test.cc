#include <eddy/runtime/join_handle.h>
#include <eddy/runtime/mutex.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
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

static_assert(!std::is_copy_constructible_v<Mutex::Guard>);
static_assert(std::is_nothrow_move_constructible_v<Mutex::Guard>);
static_assert(!std::is_move_constructible_v<Mutex>);

CO_TEST(MutexTest, LetsOneTaskInAtATime) {
  Mutex mutex;
  int inside = 0;
  int entered = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 10; ++i) {
      scope.Spawn([&]() -> Task<void> {
        for (int j = 0; j < 3; ++j) {
          const Mutex::Guard guard = co_await mutex.Lock();
          EXPECT_TRUE(mutex.locked());
          EXPECT_EQ(++inside, 1);
          co_await Settle();
          EXPECT_EQ(--inside, 0);
          ++entered;
        }
      });
    }
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(entered, 30);
  EXPECT_FALSE(mutex.locked());
}

CO_TEST(MutexTest, GoesToTheTaskThatHasWaitedLongest) {
  Mutex mutex;
  std::vector<int> came;
  std::vector<int> entered;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    Mutex::Guard guard = co_await mutex.Lock();
    for (int i = 0; i < 10; ++i) {
      scope.Spawn([&, i]() -> Task<void> {
        came.push_back(i);
        const Mutex::Guard own = co_await mutex.Lock();
        entered.push_back(i);
        co_await Yield();
      });
    }
    co_await Settle();
    EXPECT_EQ(came.size(), 10U);
    EXPECT_TRUE(entered.empty());
    guard.Unlock();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(entered, came);
}

// From the unlock on the mutex belongs to the task that waits, though that has
// not run yet.
CO_TEST(MutexTest, NobodyComesInBeforeTheTaskThatWaits) {
  Mutex mutex;
  std::vector<char> order;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    Mutex::Guard guard = co_await mutex.Lock();
    scope.Spawn([&]() -> Task<void> {
      const Mutex::Guard own = co_await mutex.Lock();
      order.push_back('w');
    });
    co_await Settle();
    guard.Unlock();
    EXPECT_TRUE(mutex.locked());
    EXPECT_FALSE(mutex.TryLock());
    guard = co_await mutex.Lock();
    order.push_back('b');
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(order, (std::vector{'w', 'b'}));
}

TEST(MutexTest, IsTriedWithoutAReactor) {
  Mutex mutex;
  EXPECT_FALSE(mutex.locked());
  std::optional<Mutex::Guard> guard = mutex.TryLock();
  ASSERT_TRUE(guard);
  EXPECT_TRUE(mutex.locked());
  EXPECT_FALSE(mutex.TryLock());
  guard.reset();
  EXPECT_FALSE(mutex.locked());
  EXPECT_TRUE(mutex.TryLock());
}

CO_TEST(MutexTest, ItsGuardMayBeMoved) {
  Mutex one;
  Mutex other;
  Mutex::Guard a = co_await one.Lock();
  EXPECT_TRUE(a);
  Mutex::Guard b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT: use after move
  EXPECT_TRUE(b);
  EXPECT_TRUE(one.locked());
  b = co_await other.Lock();
  EXPECT_FALSE(one.locked());
  EXPECT_TRUE(other.locked());
  Mutex::Guard& self = b;
  b = std::move(self);
  EXPECT_TRUE(b);
  EXPECT_TRUE(other.locked());
  // Into another task, which unlocks it.
  const auto holds = [&](Mutex::Guard guard) -> Task<void> {
    EXPECT_TRUE(guard);
    EXPECT_TRUE(other.locked());
    co_return;
  };
  co_await Reactor::Current()->scope().Spawn(holds(std::move(b)));
  EXPECT_FALSE(other.locked());
  b = co_await other.Lock();
  b.Unlock();
  EXPECT_FALSE(b);
  EXPECT_FALSE(other.locked());
}

CO_TEST(MutexTest, IsNoStopPoint) {
  Mutex mutex;
  StopSource stopped;
  stopped.RequestStop();
  Mutex::Guard guard = co_await WithStop(stopped.token(), mutex.Lock());
  EXPECT_TRUE(guard);
  bool entered = false;
  const auto waits = [&]() -> Task<void> {
    const Mutex::Guard own = co_await mutex.Lock();
    EXPECT_TRUE(own);
    entered = true;
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(waits);
  co_await Settle();
  handle.RequestStop();
  co_await Settle();
  EXPECT_FALSE(entered);
  guard.Unlock();
  co_await handle;
  EXPECT_TRUE(entered);
  EXPECT_FALSE(mutex.locked());
}

CO_TEST(MutexTest, ATimeoutDoesNotCutALockShort) {
  Mutex mutex;
  {
    const Result<Mutex::Guard> guard = co_await WithTimeout(1h, mutex.Lock());
    CO_ASSERT_OK(guard);
    EXPECT_TRUE(mutex.locked());
  }
  Mutex::Guard guard = co_await mutex.Lock();
  bool ended = false;
  const auto waits = [&]() -> Task<void> {
    CO_EXPECT_ERROR(co_await WithTimeout(1us, mutex.Lock()), kTimedOut);
    EXPECT_FALSE(mutex.locked());
    ended = true;
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(waits);
  CO_EXPECT_OK(co_await Sleep(1ms));
  co_await Settle();
  EXPECT_FALSE(ended);
  guard.Unlock();
  co_await handle;
  EXPECT_FALSE(mutex.locked());
}

CO_TEST(MutexTest, AsALoserGivesItsGuardAllTheSame) {
  Mutex mutex;
  Mutex::Guard guard = co_await mutex.Lock();
  const auto waits = [&]() -> Task<void> {
    auto first = co_await WhenAny(Sleep(0ms), mutex.Lock());
    EXPECT_EQ(first.index(), 0U);
    EXPECT_TRUE(first.late<1>());
    EXPECT_TRUE(mutex.locked());
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(waits);
  CO_EXPECT_OK(co_await Sleep(1ms));
  guard.Unlock();
  co_await handle;
  EXPECT_FALSE(mutex.locked());
}

CO_TEST(MutexTest, IsUnlockedByAnException) {
  Mutex mutex;
  const auto throws = [&]() -> Task<void> {
    const Mutex::Guard guard = co_await mutex.Lock();
    throw std::runtime_error("in the lock");
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(throws);
    scope.Spawn([&]() -> Task<void> {
      const Mutex::Guard guard = co_await mutex.Lock();
    });
    co_return;
  };
  try {
    static_cast<void>(co_await WithScope(body));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error&) {
  }
  EXPECT_FALSE(mutex.locked());
}

CO_TEST(MutexTest, ATaskThatOnlyLocksDoesNotHoldUpTheLoop) {
  Mutex mutex;
  bool stop = false;
  const auto locks = [&]() -> Task<void> {
    while (!stop) const Mutex::Guard guard = co_await mutex.Lock();
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(locks);
  CO_EXPECT_OK(co_await Sleep(1ms));
  CO_EXPECT_OK(co_await test::Nop());
  stop = true;
  co_await handle;
}

CO_TEST(MutexTest, ADumpShowsWhoWaitsForIt) {
  Mutex mutex;
  Mutex::Guard guard = co_await mutex.Lock();
  const auto waits = [&]() -> Task<void> {
    const Mutex::Guard own = co_await mutex.Lock();
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(waits);
  co_await Settle();
  EXPECT_THAT(Reactor::Current()->DumpTasks(),
              ::testing::HasSubstr("Mutex\n  at "));
  guard.Unlock();
  co_await handle;
}

CO_TEST(MutexTest, AllocatesNothing) {
  if (!test::CountsAllocations()) CO_SKIP("allocations cannot be counted");
  Mutex mutex;
  std::uint64_t allocations = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    int left = 2;
    for (int i = 0; i < 2; ++i) {
      scope.Spawn([&]() -> Task<void> {
        co_await Yield();
        const test::HeapCount count;
        for (int j = 0; j < 100; ++j) {
          const Mutex::Guard guard = co_await mutex.Lock();
          EXPECT_FALSE(mutex.TryLock());
          co_await Yield();
        }
        --left;
        allocations += count.allocations();
      });
    }
    while (left != 0) co_await Yield();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(allocations, 0U);
}

// Two balances whose sum is right whenever the mutex is free.
TEST(MutexSweepTest, ProtectsWhatAnAwaitLiesBetween) {
  const auto scenario = []() -> Task<Result<void>> {
    Mutex mutex;
    int one = 100;
    int other = 0;
    const auto moves = [&](int amount) -> Task<Result<void>> {
      const Mutex::Guard guard = co_await mutex.Lock();
      EXPECT_EQ(one + other, 100);
      one -= amount;
      const Result<void> done = co_await test::Nop();
      other += amount;
      co_return done;
    };
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      for (int i = 1; i <= 3; ++i) scope.Spawn(moves, i);
      co_return co_await moves(4);
    };
    const Result<void> result = co_await WithScope(body);
    EXPECT_EQ(one + other, 100);
    EXPECT_FALSE(mutex.locked());
    co_return result;
  };
  test::ExpectCleanSweeps(scenario, {8, 4});
}

// (Not inlined: g++ would warn of what comes after the abort.)
[[gnu::noinline]] void Destroy(std::unique_ptr<Mutex>& mutex) { mutex.reset(); }

TEST(MutexDeathTest, IsDestroyedWhileItIsLocked) {
  const auto run = [] {
    auto mutex = std::make_unique<Mutex>();
    const std::optional<Mutex::Guard> guard = mutex->TryLock();
    Destroy(mutex);
  };
  EXPECT_DEATH(run(), "a Mutex was destroyed while it is locked");
}

TEST(MutexDeathTest, IsUnlockedTwice) {
  const auto run = [] {
    Mutex mutex;
    std::optional<Mutex::Guard> guard = mutex.TryLock();
    guard->Unlock();
    guard->Unlock();
  };
  EXPECT_DEATH(run(), "Unlock of a guard that holds no lock");
}

}  // namespace
}  // namespace eddy
