#include <eddy/runtime/join_handle.h>
#include <eddy/runtime/latch.h>
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

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "tests/runtime/heap_count.h"
#include "tests/runtime/settle.h"
#include "tests/runtime/test_verbs.h"
#include "tests/sweeps.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using test::Settle;

CO_TEST(LatchTest, OpensWhenItIsCountedDown) {
  Latch latch(3);
  int open = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 2; ++i) {
      scope.Spawn([&]() -> Task<void> {
        CO_EXPECT_OK(co_await latch.Wait());
        ++open;
      });
    }
    latch.CountDown();
    co_await Settle();
    EXPECT_EQ(open, 0);
    EXPECT_EQ(latch.count(), 2U);
    latch.CountDown(2);
    EXPECT_EQ(latch.count(), 0U);
    EXPECT_EQ(open, 0);  // nothing is resumed in place
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(open, 2);
  CO_EXPECT_OK(co_await latch.Wait());
  latch.CountDown(0);
}

CO_TEST(LatchTest, OfNothingIsOpen) {
  Latch latch(0);
  CO_EXPECT_OK(co_await latch.Wait());
}

CO_TEST(LatchTest, TasksArriveAndWaitForEachOther) {
  Latch latch(4);
  int arrived = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      scope.Spawn([&]() -> Task<void> {
        ++arrived;
        CO_EXPECT_OK(co_await latch.ArriveAndWait());
        EXPECT_EQ(arrived, 3);
      });
    }
    co_await Settle();
    EXPECT_EQ(latch.count(), 1U);
    CO_EXPECT_OK(co_await latch.ArriveAndWait());
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(latch.count(), 0U);
}

CO_TEST(LatchTest, AStopTakesTheArrivalBack) {
  Latch latch(2);
  StopSource stopped;
  stopped.RequestStop();
  CO_EXPECT_ERROR(co_await WithStop(stopped.token(), latch.ArriveAndWait()),
                  kCanceled);
  CO_EXPECT_ERROR(co_await WithStop(stopped.token(), latch.Wait()), kCanceled);
  EXPECT_EQ(latch.count(), 2U);
  CO_EXPECT_ERROR(co_await WithTimeout(1us, latch.ArriveAndWait()), kTimedOut);
  CO_EXPECT_ERROR(co_await WithTimeout(1us, latch.Wait()), kTimedOut);
  EXPECT_EQ(latch.count(), 2U);
  latch.CountDown(2);
}

CO_TEST(LatchTest, OpenedBeforeAStopItIsOpen) {
  Latch latch(2);
  const auto waits = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await latch.ArriveAndWait());
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(waits);
  co_await Settle();
  latch.CountDown();
  handle.RequestStop();
  EXPECT_EQ(latch.count(), 0U);
  co_await handle;
}

CO_TEST(LatchTest, IsOneOfSeveral) {
  Latch latch(2);
  const auto first = co_await WhenAny(latch.ArriveAndWait(), Sleep(0ms));
  EXPECT_EQ(first.index(), 1U);
  EXPECT_FALSE(first.late<0>());
  EXPECT_EQ(latch.count(), 2U);
  const auto arrives = [&]() -> Task<void> {
    latch.CountDown();
    co_return;
  };
  const auto both = co_await WhenAny(latch.ArriveAndWait(), arrives());
  EXPECT_EQ(both.index(), 1U);
  EXPECT_TRUE(both.late<0>());
  EXPECT_EQ(latch.count(), 0U);
}

CO_TEST(LatchTest, AllocatesNothing) {
  if (!test::CountsAllocations()) CO_SKIP("allocations cannot be counted");
  constexpr std::size_t kTasks = 100;
  Latch begin(1);
  Latch end(kTasks);
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (std::size_t i = 0; i < kTasks; ++i) {
      scope.Spawn([&]() -> Task<void> {
        CO_EXPECT_OK(co_await begin.Wait());
        CO_EXPECT_OK(co_await end.ArriveAndWait());
      });
    }
    co_await Settle();
    const test::HeapCount count;
    begin.CountDown();
    CO_EXPECT_OK(co_await end.Wait());
    EXPECT_EQ(count.allocations(), 0U);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

TEST(LatchSweepTest, ReachesWhoWaits) {
  const auto scenario = []() -> Task<Result<void>> {
    Latch ready(2);
    Latch go(1);
    const auto works = [&]() -> Task<Result<void>> {
      EDDY_CO_CHECK(co_await test::Nop());
      EDDY_CO_CHECK(co_await ready.ArriveAndWait());
      EDDY_CO_CHECK(co_await go.Wait());
      co_return co_await test::Nop();
    };
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn(works);
      scope.Spawn(works);
      EDDY_CO_CHECK(co_await ready.Wait());
      go.CountDown();
      co_return co_await go.Wait();
    };
    co_return co_await WithScope(body);
  };
  test::ExpectCleanSweeps(scenario, {6, 4});
}

TEST(LatchDeathTest, IsCountedDownTooOften) {
  const auto run = [] {
    Latch latch(1);
    latch.CountDown(2);
  };
  EXPECT_DEATH(run(), "a Latch was counted down by 2 with 1 left");
}

TEST(LatchDeathTest, IsDestroyedWhileATaskWaits) {
  const auto run = [] {
    SyncWait([]() -> Task<void> {
      auto latch = std::make_unique<Latch>(1);
      const auto body = [&](TaskScope& scope) -> Task<void> {
        scope.Spawn(
            [&]() -> Task<void> { static_cast<void>(co_await latch->Wait()); });
        co_await Settle();
        latch.reset();
      };
      static_cast<void>(co_await WithScope(body));
    }());
  };
  EXPECT_DEATH(run(), "a Latch was destroyed while a task waits for it");
}

CO_TEST(LatchTest, MayGoOnceItIsOpen) {
  auto latch = std::make_unique<Latch>(1);
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> { CO_EXPECT_OK(co_await latch->Wait()); });
    co_await Settle();
    latch->CountDown();
    latch.reset();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

}  // namespace
}  // namespace eddy
