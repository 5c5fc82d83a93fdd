#include <eddy/runtime/join_handle.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/semaphore.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
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

static_assert(!std::is_copy_constructible_v<Semaphore::Permit>);
static_assert(std::is_nothrow_move_assignable_v<Semaphore::Permit>);

// Acquires, tells how that went, and gives back what it got.
Task<void> Takes(Semaphore& semaphore, std::size_t count,
                 std::optional<Result<void>>& outcome) {
  Result<Semaphore::Permit> permit = co_await semaphore.Acquire(count);
  if (permit) {
    EXPECT_EQ(permit->count(), count);
    outcome = Result<void>();
  } else {
    outcome = Unexpected(permit.error());
  }
}

CO_TEST(SemaphoreTest, BoundsHowManyAreIn) {
  Semaphore semaphore(3);
  int inside = 0;
  int most = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 10; ++i) {
      scope.Spawn([&]() -> Task<void> {
        const Result<Semaphore::Permit> permit = co_await semaphore.Acquire();
        CO_EXPECT_OK(permit);
        most = std::max(most, ++inside);
        co_await Settle();
        --inside;
      });
    }
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(most, 3);
  EXPECT_EQ(semaphore.available(), 3U);
}

CO_TEST(SemaphoreTest, ServesInTheOrderOfComing) {
  Semaphore semaphore(0);
  std::vector<int> came;
  std::vector<int> served;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 10; ++i) {
      scope.Spawn([&, i]() -> Task<void> {
        came.push_back(i);
        Result<Semaphore::Permit> permit = co_await semaphore.Acquire();
        CO_ASSERT_OK(permit);
        served.push_back(i);
        permit->Forget();
      });
    }
    co_await Settle();
    for (std::size_t i = 1; i <= 10; ++i) {
      semaphore.Release();
      EXPECT_FALSE(semaphore.TryAcquire());
      co_await Settle();
      EXPECT_EQ(served.size(), i);
    }
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(served, came);
  EXPECT_EQ(semaphore.available(), 0U);
}

CO_TEST(SemaphoreTest, OneThatWantsManyIsNotOvertaken) {
  Semaphore semaphore(2);
  std::optional<Result<void>> large;
  std::optional<Result<void>> small;
  TaskScope& scope = Reactor::Current()->scope();
  JoinHandle<void> one = scope.Spawn(Takes(semaphore, 5, large));
  co_await Settle();
  JoinHandle<void> two = scope.Spawn(Takes(semaphore, 1, small));
  co_await Settle();
  EXPECT_FALSE(small);  // though there is enough for it
  EXPECT_FALSE(semaphore.TryAcquire());
  semaphore.Release(2);
  co_await Settle();
  EXPECT_FALSE(large);
  EXPECT_FALSE(small);
  semaphore.Release();
  co_await one;
  co_await two;
  EXPECT_TRUE(large);
  EXPECT_TRUE(small);
  EXPECT_EQ(semaphore.available(), 5U);
}

CO_TEST(SemaphoreTest, ThoseBehindOneThatIsStoppedGoOn) {
  Semaphore semaphore(2);
  std::optional<Result<void>> large;
  std::vector<std::optional<Result<void>>> small(3);
  TaskScope& scope = Reactor::Current()->scope();
  JoinHandle<void> one = scope.Spawn(Takes(semaphore, 5, large));
  co_await Settle();
  for (auto& outcome : small) scope.Spawn(Takes(semaphore, 1, outcome));
  co_await Settle();
  one.RequestStop();
  EXPECT_EQ(semaphore.available(), 0U);  // the first two have them
  co_await one;
  CO_EXPECT_ERROR(*large, kCanceled);
  co_await Settle();
  for (const auto& outcome : small) {
    CO_ASSERT_TRUE(outcome);
    CO_EXPECT_OK(*outcome);
  }
  EXPECT_EQ(semaphore.available(), 2U);
}

TEST(SemaphoreTest, APermitGivesBackWhatItHas) {
  Semaphore semaphore(5);
  EXPECT_FALSE(semaphore.TryAcquire(6));
  std::optional<Semaphore::Permit> three = semaphore.TryAcquire(3);
  ASSERT_TRUE(three);
  EXPECT_EQ(three->count(), 3U);
  EXPECT_EQ(semaphore.available(), 2U);
  Semaphore::Permit moved = *std::move(three);
  EXPECT_EQ(three->count(), 0U);  // NOLINT: use after move
  three.reset();
  EXPECT_EQ(semaphore.available(), 2U);
  std::optional<Semaphore::Permit> two = semaphore.TryAcquire(2);
  ASSERT_TRUE(two);
  moved = *std::move(two);
  EXPECT_EQ(semaphore.available(), 3U);
  moved.Release();
  EXPECT_EQ(semaphore.available(), 5U);
  moved.Release();  // has nothing any more
  EXPECT_EQ(semaphore.available(), 5U);
  std::optional<Semaphore::Permit> used = semaphore.TryAcquire();
  used->Forget();
  used.reset();
  EXPECT_EQ(semaphore.available(), 4U);
  EXPECT_TRUE(semaphore.TryAcquire(0));
}

CO_TEST(SemaphoreTest, AStopTakesNothing) {
  Semaphore semaphore(1);
  StopSource stopped;
  stopped.RequestStop();
  CO_EXPECT_ERROR(co_await WithStop(stopped.token(), semaphore.Acquire()),
                  kCanceled);
  EXPECT_EQ(semaphore.available(), 1U);
  {
    std::optional<Semaphore::Permit> permit = semaphore.TryAcquire();
    CO_EXPECT_ERROR(co_await WithTimeout(1us, semaphore.Acquire()), kTimedOut);
  }
  EXPECT_EQ(semaphore.available(), 1U);
}

// Given to a task that has not run yet, when that is stopped: it has them, and
// gives them back in its own time.
CO_TEST(SemaphoreTest, WhatWasGivenBeforeAStopIsNotLost) {
  Semaphore semaphore(0);
  std::optional<Result<void>> outcome;
  JoinHandle<void> handle =
      Reactor::Current()->scope().Spawn(Takes(semaphore, 2, outcome));
  co_await Settle();
  semaphore.Release(2);
  EXPECT_EQ(semaphore.available(), 0U);
  handle.RequestStop();
  co_await handle;
  CO_EXPECT_OK(*outcome);
  EXPECT_EQ(semaphore.available(), 2U);
  // Released after the stop: they are there for others.
  semaphore.TryAcquire(2)->Forget();
  outcome.reset();
  handle = Reactor::Current()->scope().Spawn(Takes(semaphore, 2, outcome));
  co_await Settle();
  handle.RequestStop();
  semaphore.Release(2);
  EXPECT_EQ(semaphore.available(), 2U);
  co_await handle;
  CO_EXPECT_ERROR(*outcome, kCanceled);
}

CO_TEST(SemaphoreTest, IsOneOfSeveral) {
  Semaphore semaphore(0);
  {
    const auto first = co_await WhenAny(semaphore.Acquire(), Sleep(0ms));
    EXPECT_EQ(first.index(), 1U);
    EXPECT_EQ(first.value<0>(), nullptr);
  }
  // A loser that was given its permit has it.
  const auto gives = [&]() -> Task<void> {
    semaphore.Release();
    co_return;
  };
  {
    const auto first = co_await WhenAny(semaphore.Acquire(), gives());
    EXPECT_EQ(first.index(), 1U);
    CO_ASSERT_TRUE(first.value<0>() != nullptr);
    CO_EXPECT_OK(*first.value<0>());
    EXPECT_EQ(semaphore.available(), 0U);
  }
  EXPECT_EQ(semaphore.available(), 1U);
  // Of two that wait one is given it; the other has taken nothing.
  {
    std::optional<Semaphore::Permit> held = semaphore.TryAcquire();
    const auto releases = [&]() -> Task<void> {
      held->Release();
      co_return;
    };
    const auto first =
        co_await WhenAny(semaphore.Acquire(), semaphore.Acquire(), releases());
    EXPECT_EQ((first.value<0>() != nullptr) + (first.value<1>() != nullptr), 1);
  }
  EXPECT_EQ(semaphore.available(), 1U);
}

CO_TEST(SemaphoreTest, AnExceptionGivesThePermitBack) {
  Semaphore semaphore(1);
  const auto throws = [&]() -> Task<void> {
    const Result<Semaphore::Permit> permit = co_await semaphore.Acquire();
    throw std::runtime_error("with a permit");
  };
  try {
    co_await throws();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(semaphore.available(), 1U);
}

CO_TEST(SemaphoreTest, AllocatesNothing) {
  if (!test::CountsAllocations()) CO_SKIP("allocations cannot be counted");
  Semaphore semaphore(2);
  std::uint64_t allocations = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    int left = 4;
    for (int i = 0; i < 4; ++i) {
      scope.Spawn([&]() -> Task<void> {
        co_await Yield();
        const test::HeapCount count;
        for (int j = 0; j < 100; ++j) {
          const Result<Semaphore::Permit> permit = co_await semaphore.Acquire();
          CO_EXPECT_OK(permit);
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

TEST(SemaphoreSweepTest, AllPermitsAreBackInTheEnd) {
  const auto scenario = []() -> Task<Result<void>> {
    Semaphore semaphore(3);
    const auto takes = [&](std::size_t count) -> Task<Result<void>> {
      EDDY_CO_TRY(const Semaphore::Permit permit,
                  co_await semaphore.Acquire(count));
      co_return co_await test::Nop();
    };
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      for (const std::size_t count : {2U, 3U, 1U, 1U}) {
        scope.Spawn(takes, count);
      }
      co_return co_await takes(2);
    };
    const Result<void> result = co_await WithScope(body);
    EXPECT_EQ(semaphore.available(), 3U);
    co_return result;
  };
  test::ExpectCleanSweeps(scenario, {8, 5});
}

TEST(SemaphoreDeathTest, IsDestroyedWhileATaskWaits) {
  const auto run = [] {
    SyncWait([]() -> Task<void> {
      auto semaphore = std::make_unique<Semaphore>(0);
      const auto body = [&](TaskScope& scope) -> Task<void> {
        scope.Spawn([&]() -> Task<void> {
          static_cast<void>(co_await semaphore->Acquire());
        });
        co_await Settle();
        semaphore.reset();
      };
      static_cast<void>(co_await WithScope(body));
    }());
  };
  EXPECT_DEATH(run(), "a Semaphore was destroyed while a task waits for it");
}

TEST(SemaphoreDeathTest, IsDestroyedWhileAPermitLives) {
  const auto run = [] {
    auto semaphore = std::make_unique<Semaphore>(1);
    const std::optional<Semaphore::Permit> permit = semaphore->TryAcquire();
    semaphore.reset();
  };
  EXPECT_DEATH(run(), "a Semaphore was destroyed while a Permit of it lives");
}

CO_TEST(SemaphoreTest, AnAwaiterThatWasStoppedMayBeAwaitedAgain) {
  Semaphore semaphore(0);
  auto acquire = semaphore.Acquire();
  CO_EXPECT_ERROR(co_await WithTimeout(0ms, acquire), kTimedOut);
  semaphore.Release();
  const Result<Semaphore::Permit> permit = co_await WithTimeout(1h, acquire);
  CO_EXPECT_OK(permit);
  EXPECT_EQ(semaphore.available(), 0U);
}

CO_TEST(SemaphoreTest, AnEmptyPermitNeedsNoSemaphore) {
  auto semaphore = std::make_unique<Semaphore>(1);
  Result<Semaphore::Permit> permit = co_await semaphore->Acquire();
  CO_ASSERT_OK(permit);
  permit->Release();
  semaphore.reset();
  permit->Forget();
  EXPECT_EQ(permit->count(), 0U);
}

TEST(SemaphoreDeathTest, IsReleasedMoreOftenThanCanBeCounted) {
  const auto run = [] {
    Semaphore semaphore(1);
    semaphore.Release(SIZE_MAX);
  };
  EXPECT_DEATH(run(), "released more often than can be counted");
}

}  // namespace
}  // namespace eddy
