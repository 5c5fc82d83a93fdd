#include <eddy/runtime/barrier.h>
#include <eddy/runtime/join_handle.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/with_stop.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>

#include "tests/runtime/heap_count.h"
#include "tests/runtime/settle.h"
#include "tests/runtime/test_verbs.h"
#include "tests/sweeps.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using test::Settle;

CO_TEST(BarrierTest, TasksWaitForEachOtherInEachPhase) {
  constexpr std::size_t kTasks = 3;
  constexpr int kPhases = 5;
  std::array<int, kTasks> phases = {};
  int completed = 0;
  Barrier barrier(kTasks, [&] {
    ++completed;
    for (const int phase : phases) EXPECT_EQ(phase, completed);
  });
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int& phase : phases) {
      scope.Spawn([&]() -> Task<void> {
        while (phase != kPhases) {
          ++phase;
          CO_EXPECT_OK(co_await barrier.ArriveAndWait());
          EXPECT_EQ(completed, phase);
        }
      });
    }
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(completed, kPhases);
}

CO_TEST(BarrierTest, OfOneDoesNotWait) {
  Barrier barrier(1);
  for (int i = 0; i < 3; ++i) CO_EXPECT_OK(co_await barrier.ArriveAndWait());
}

CO_TEST(BarrierTest, OneThatDropsIsNotWaitedForAnyMore) {
  int completed = 0;
  Barrier barrier(3, [&] { ++completed; });
  int ended = 0;
  const auto works = [&](int phases) -> Task<void> {
    for (int i = 0; i < phases; ++i) {
      CO_EXPECT_OK(co_await barrier.ArriveAndWait());
    }
    barrier.ArriveAndDrop();
    ++ended;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(works(1));
    scope.Spawn(works(3));
    scope.Spawn(works(6));
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(ended, 3);
  EXPECT_EQ(completed, 7);
}

CO_TEST(BarrierTest, AStopTakesTheArrivalBack) {
  int completed = 0;
  Barrier barrier(2, [&] { ++completed; });
  StopSource stopped;
  stopped.RequestStop();
  const auto arrives = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await barrier.ArriveAndWait());
  };
  CO_EXPECT_ERROR(co_await WithStop(stopped.token(), barrier.ArriveAndWait()),
                  kCanceled);
  CO_EXPECT_ERROR(co_await WithTimeout(1us, barrier.ArriveAndWait()),
                  kTimedOut);
  JoinHandle<void> other = Reactor::Current()->scope().Spawn(arrives());
  co_await Settle();
  EXPECT_EQ(completed, 0);
  // It arrives after all, once.
  CO_EXPECT_OK(co_await barrier.ArriveAndWait());
  co_await other;
  EXPECT_EQ(completed, 1);
  // It leaves, and the other one goes on without it.
  CO_EXPECT_ERROR(co_await WithTimeout(1us, barrier.ArriveAndWait()),
                  kTimedOut);
  other = Reactor::Current()->scope().Spawn(arrives());
  co_await Settle();
  barrier.ArriveAndDrop();
  co_await other;
  EXPECT_EQ(completed, 2);
  CO_EXPECT_OK(co_await barrier.ArriveAndWait());
}

CO_TEST(BarrierTest, APhaseThatEndedBeforeAStopHasEnded) {
  int completed = 0;
  Barrier barrier(2, [&] { ++completed; });
  const auto arrives = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await barrier.ArriveAndWait());
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(arrives());
  co_await Settle();
  barrier.ArriveAndDrop();
  handle.RequestStop();
  co_await handle;
  EXPECT_EQ(completed, 1);
}

CO_TEST(BarrierTest, IsOneOfSeveral) {
  Barrier barrier(2);
  const auto first = co_await WhenAny(barrier.ArriveAndWait(), Sleep(0ms));
  EXPECT_EQ(first.index(), 1U);
  EXPECT_FALSE(first.late<0>());
  const auto both =
      co_await WhenAny(barrier.ArriveAndWait(), barrier.ArriveAndWait());
  EXPECT_TRUE(both.value<0>() != nullptr);
  EXPECT_TRUE(both.value<1>() != nullptr);
}

CO_TEST(BarrierTest, AnExceptionOfTheCompletionReachesAllOfItsPhase) {
  int phase = 0;
  Barrier barrier(3, [&] {
    if (++phase == 2) throw std::runtime_error("cannot swap");
  });
  int thrown = 0;
  const auto works = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await barrier.ArriveAndWait());
    try {
      static_cast<void>(co_await barrier.ArriveAndWait());
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error&) {
      ++thrown;
    }
    CO_EXPECT_OK(co_await barrier.ArriveAndWait());
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(works());
    scope.Spawn(works());
    co_await works();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(thrown, 3);
  EXPECT_EQ(phase, 3);
}

CO_TEST(BarrierTest, AnExceptionOfTheCompletionReachesWhoDrops) {
  const auto fails = [] { throw std::runtime_error("cannot swap"); };
  Barrier barrier(2, fails);
  const auto arrives = [&]() -> Task<void> {
    try {
      static_cast<void>(co_await barrier.ArriveAndWait());
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error&) {
    }
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(arrives());
  co_await Settle();
  EXPECT_THROW(barrier.ArriveAndDrop(), std::runtime_error);
  co_await handle;
}

CO_TEST(BarrierTest, AllocatesNothing) {
  if (!test::CountsAllocations()) CO_SKIP("allocations cannot be counted");
  Barrier barrier(3);
  std::uint64_t allocations = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      scope.Spawn([&]() -> Task<void> {
        CO_EXPECT_OK(co_await barrier.ArriveAndWait());
        const test::HeapCount count;
        for (int j = 0; j < 100; ++j) {
          CO_EXPECT_OK(co_await barrier.ArriveAndWait());
        }
        allocations += count.allocations();
      });
    }
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(allocations, 0U);
}

// Whoever fails or is stopped leaves, and the others go on.
TEST(BarrierSweepTest, PhasesEndThoughTasksLeave) {
  const auto scenario = []() -> Task<Result<void>> {
    Barrier barrier(3);
    Result<void> failure;
    const auto works = [&](int phases) -> Task<void> {
      for (int i = 0; i < phases; ++i) {
        Result<void> done = co_await test::Nop();
        if (done) done = co_await barrier.ArriveAndWait();
        if (!done) {
          failure = done;
          break;
        }
      }
      barrier.ArriveAndDrop();
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn(works(2));
      scope.Spawn(works(3));
      co_await works(3);
    };
    EDDY_CO_CHECK(co_await WithScope(body));
    co_return failure;
  };
  test::ExpectCleanSweeps(scenario, {8, 8});
}

TEST(BarrierDeathTest, IsArrivedAtByMoreThanTakePart) {
  const auto run = [] {
    Barrier barrier(1);
    barrier.ArriveAndDrop();
    barrier.ArriveAndDrop();
  };
  EXPECT_DEATH(run(), "at which no more are expected");
}

TEST(BarrierDeathTest, IsDestroyedWhileATaskWaits) {
  const auto run = [] {
    SyncWait([]() -> Task<void> {
      auto barrier = std::make_unique<Barrier<>>(2);
      const auto body = [&](TaskScope& scope) -> Task<void> {
        scope.Spawn([&]() -> Task<void> {
          static_cast<void>(co_await barrier->ArriveAndWait());
        });
        co_await Settle();
        barrier.reset();
      };
      static_cast<void>(co_await WithScope(body));
    }());
  };
  EXPECT_DEATH(run(), "a Barrier was destroyed while a task waits for it");
}

// The phase has ended then, for all of it.
CO_TEST(BarrierTest, ACompletionMayStopItsTasks) {
  int passed = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    Barrier barrier(3, [&] { scope.RequestStop(); });
    const auto arrive = [&]() -> Task<void> {
      CO_EXPECT_OK(co_await barrier.ArriveAndWait());
      ++passed;
    };
    JoinHandle<void> first = scope.Spawn(arrive);
    JoinHandle<void> second = scope.Spawn(arrive);
    JoinHandle<void> third = scope.Spawn(arrive);
    co_await first;
    co_await second;
    co_await third;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(passed, 3);
}

CO_TEST(BarrierTest, MayGoOnceItsLastPhaseHasEnded) {
  auto barrier = std::make_unique<Barrier<>>(2);
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await barrier->ArriveAndWait());
    });
    co_await Settle();
    barrier->ArriveAndDrop();
    barrier.reset();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

TEST(BarrierDeathTest, IsArrivedAtByItsCompletion) {
  const auto run = [] {
    std::function<void()> arrive;
    Barrier barrier(1, [&] { arrive(); });
    arrive = [&] { barrier.ArriveAndDrop(); };
    barrier.ArriveAndDrop();
  };
  EXPECT_DEATH(run(), "at which no more are expected");
}

}  // namespace
}  // namespace eddy
