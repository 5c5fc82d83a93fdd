#include <eddy/runtime/event.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "tests/runtime/heap_count.h"
#include "tests/runtime/settle.h"
#include "tests/sweeps.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using test::Settle;

CO_TEST(EventTest, LetsAllThatWaitGoOnAndStaysSet) {
  Event event;
  EXPECT_FALSE(event.is_set());
  std::vector<int> order;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      scope.Spawn([&, i]() -> Task<void> {
        CO_EXPECT_OK(co_await event.Wait());
        order.push_back(i);
      });
    }
    co_await Settle();
    EXPECT_TRUE(order.empty());
    event.Set();
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(order.size(), 3U);
  EXPECT_TRUE(event.is_set());
  CO_EXPECT_OK(co_await event.Wait());
  event.Reset();
  CO_EXPECT_ERROR(co_await WithTimeout(0ms, event.Wait()), kTimedOut);
}

CO_TEST(EventTest, LetsOneGoOnForEachSetOldestFirst) {
  EDDY_CO_SKIP_IN_CHAOS("what is ready runs in another order");
  Event event(Event::Kind::kAutoReset);
  std::vector<int> order;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      scope.Spawn([&, i]() -> Task<void> {
        CO_EXPECT_OK(co_await event.Wait());
        order.push_back(i);
      });
    }
    co_await Settle();
    for (std::size_t i = 1; i <= 3; ++i) {
      event.Set();
      EXPECT_FALSE(event.is_set());
      co_await Settle();
      EXPECT_EQ(order.size(), i);
    }
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
  event.Set();
  event.Set();
  EXPECT_TRUE(event.is_set());
  CO_EXPECT_OK(co_await event.Wait());
  EXPECT_FALSE(event.is_set());
}

CO_TEST(EventTest, AStopTakesNothing) {
  Event event(Event::Kind::kAutoReset);
  StopSource stopped;
  stopped.RequestStop();
  event.Set();
  CO_EXPECT_ERROR(co_await WithStop(stopped.token(), event.Wait()), kCanceled);
  EXPECT_TRUE(event.is_set());
  CO_EXPECT_OK(co_await event.Wait());
  // Stopped while it waits; another one has what is set then.
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, event.Wait()), kTimedOut);
  event.Set();
  CO_EXPECT_OK(co_await event.Wait());
  // Let go on before the stop: that counts.
  StopSource late;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await WithStop(late.token(), event.Wait()));
    });
    co_await Settle();
    event.Set();
    late.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(EventTest, AllocatesNothing) {
  if (!test::CountsAllocations()) CO_SKIP("allocations cannot be counted");
  Event a(Event::Kind::kAutoReset);
  Event b(Event::Kind::kAutoReset);
  std::uint64_t allocations = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (int i = 0; i < 100; ++i) {
        CO_EXPECT_OK(co_await a.Wait());
        b.Set();
      }
    });
    a.Set();
    CO_EXPECT_OK(co_await b.Wait());
    const test::HeapCount count;
    for (int i = 1; i < 100; ++i) {
      a.Set();
      CO_EXPECT_OK(co_await b.Wait());
    }
    allocations = count.allocations();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(allocations, 0U);
}

TEST(EventSweepTest, ReachesWhoWaits) {
  const auto scenario = []() -> Task<Result<void>> {
    Event go;
    Event done(Event::Kind::kAutoReset);
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn([&]() -> Task<Result<void>> {
        EDDY_CO_CHECK(co_await go.Wait());
        EDDY_CO_CHECK(co_await Sleep(0ms));
        done.Set();
        co_return Result<void>();
      });
      go.Set();
      co_return co_await done.Wait();
    };
    co_return co_await WithScope(body);
  };
  const SweepReport report = StopAtEveryPoint(scenario, {});
  EXPECT_EQ(report.failure, "");
  EXPECT_GE(report.points, 3U);
}

TEST(EventDeathTest, IsDestroyedWhileATaskWaits) {
  const auto run = [] {
    SyncWait([]() -> Task<void> {
      auto event = std::make_unique<Event>();
      const auto body = [&](TaskScope& scope) -> Task<void> {
        scope.Spawn(
            [&]() -> Task<void> { static_cast<void>(co_await event->Wait()); });
        co_await Settle();
        event.reset();
      };
      static_cast<void>(co_await WithScope(body));
    }());
  };
  EXPECT_DEATH(run(), "an Event was destroyed while a task waits for it");
}

CO_TEST(EventTest, AnAwaiterThatWasStoppedMayBeAwaitedAgain) {
  Event event(Event::Kind::kAutoReset);
  auto wait = event.Wait();
  CO_EXPECT_ERROR(co_await WithTimeout(0ms, wait), kTimedOut);
  event.Set();
  CO_EXPECT_OK(co_await WithTimeout(1h, wait));
  EXPECT_FALSE(event.is_set());
}

CO_TEST(EventTest, MayGoOnceAllAreWoken) {
  auto event = std::make_unique<Event>();
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> { CO_EXPECT_OK(co_await event->Wait()); });
    co_await Settle();
    event->Set();
    event.reset();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

}  // namespace
}  // namespace eddy
