#include <eddy/runtime/watch.h>

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
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/runtime/channel_values.h"
#include "tests/runtime/heap_count.h"
#include "tests/runtime/settle.h"
#include "tests/runtime/test_verbs.h"
#include "tests/sweeps.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::ExpectCleanSweeps;
using test::Fragile;
using test::Nop;
using test::Settle;
using ::testing::ElementsAre;

CO_TEST(WatchTest, TellsOfEachChangeThatComesWhileItWaits) {
  Watch<std::string> watch("zero");
  EXPECT_EQ(watch.Get(), "zero");
  std::vector<std::string> seen;
  const auto follow = [&](Watch<std::string>::Receiver receiver) -> Task<void> {
    seen.push_back(receiver.Get());
    while (auto changed = co_await receiver.Changed()) {
      seen.push_back(receiver.Get());
    }
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(follow, watch.Subscribe());
    EXPECT_EQ(watch.receivers(), 1U);
    co_await Settle();
    CO_EXPECT_OK(watch.Set("one"));
    co_await Settle();
    CO_EXPECT_OK(watch.Update([](std::string& now) { now += "!"; }));
    co_await Settle();
    CO_EXPECT_OK(watch.Set("one!"));
    co_await Settle();
    watch.Close();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_THAT(seen, ElementsAre("zero", "one", "one!", "one!"));
}

CO_TEST(WatchTest, OfSeveralChangesTellsOnceAndGivesTheLast) {
  Watch<int> watch(0);
  Watch<int>::Receiver receiver = watch.Subscribe();
  EXPECT_FALSE(receiver.has_changed());
  for (int i = 1; i <= 5; ++i) CO_EXPECT_OK(watch.Set(i));
  EXPECT_TRUE(receiver.has_changed());
  CO_EXPECT_OK(co_await receiver.Changed());
  EXPECT_EQ(receiver.Get(), 5);
  EXPECT_FALSE(receiver.has_changed());
  CO_EXPECT_ERROR(co_await WithTimeout(0ms, receiver.Changed()), kTimedOut);
  // One that subscribes later hears of later changes.
  Watch<int>::Receiver later = watch.Subscribe();
  EXPECT_FALSE(later.has_changed());
  CO_EXPECT_OK(watch.Set(6));
  CO_EXPECT_OK(co_await later.Changed());
  CO_EXPECT_OK(co_await receiver.Changed());
}

CO_TEST(WatchTest, WhatAReceiverWasGivenIsNoNewsToIt) {
  Watch<int> watch(0);
  Watch<int>::Receiver receiver = watch.Subscribe();
  CO_EXPECT_OK(watch.Set(1));
  EXPECT_EQ(watch.Get(), 1);
  EXPECT_TRUE(receiver.has_changed());
  EXPECT_EQ(receiver.Get(), 1);
  EXPECT_FALSE(receiver.has_changed());
  co_return;
}

// Changed again before the task that was woken runs: it has seen that, too.
CO_TEST(WatchTest, WhatComesBeforeTheTaskRunsIsSeen) {
  Watch<int> watch(0);
  Watch<int>::Receiver receiver = watch.Subscribe();
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await receiver.Changed());
      EXPECT_EQ(receiver.Get(), 2);
      EXPECT_FALSE(receiver.has_changed());
    });
    co_await Settle();
    CO_EXPECT_OK(watch.Set(1));
    CO_EXPECT_OK(watch.Set(2));
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(WatchTest, AnUpdateMaySayThatNothingChanged) {
  Watch<int> watch(3);
  Watch<int>::Receiver receiver = watch.Subscribe();
  const auto raise_to = [&](int least) {
    return watch.Update([&](int& now) {
      if (now >= least) return false;
      now = least;
      return true;
    });
  };
  CO_EXPECT_OK(raise_to(2));
  EXPECT_FALSE(receiver.has_changed());
  CO_EXPECT_OK(raise_to(5));
  EXPECT_TRUE(receiver.has_changed());
  EXPECT_EQ(watch.Get(), 5);
  co_return;
}

CO_TEST(WatchTest, CloseTellsOfTheLastChangeFirst) {
  Watch<int> watch(0);
  Watch<int>::Receiver receiver = watch.Subscribe();
  Watch<int>::Receiver waits = watch.Subscribe();
  const auto body = [&](TaskScope& scope) -> Task<void> {
    CO_EXPECT_OK(watch.Set(1));
    CO_EXPECT_OK(co_await waits.Changed());
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await waits.Changed(), kEndOfStream);
    });
    co_await Settle();
    watch.Close();
    EXPECT_TRUE(watch.is_closed());
    CO_EXPECT_ERROR(watch.Set(2), kClosed);
    bool called = false;
    CO_EXPECT_ERROR(watch.Update([&](int&) { called = true; }), kClosed);
    EXPECT_FALSE(called);
    EXPECT_EQ(watch.Get(), 1);
    CO_EXPECT_OK(co_await receiver.Changed());
    CO_EXPECT_ERROR(co_await receiver.Changed(), kEndOfStream);
    EXPECT_EQ(receiver.Get(), 1);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(WatchTest, HoldsValuesThatCanOnlyBeMoved) {
  Watch<std::unique_ptr<int>> watch(std::make_unique<int>(1));
  auto receiver = watch.Subscribe();
  CO_EXPECT_OK(watch.Set(std::make_unique<int>(2)));
  CO_EXPECT_OK(co_await receiver.Changed());
  EXPECT_EQ(*receiver.Get(), 2);
  Watch<int> zero;
  EXPECT_EQ(zero.Get(), 0);
}

CO_TEST(WatchTest, WhatThrowsCountsAsAChange) {
  Watch<Fragile> watch(Fragile(1));
  auto receiver = watch.Subscribe();
  Fragile value(2);
  // (The first move is that of the argument.)
  Fragile::ThrowAfter(1);
  CO_EXPECT_BREAKS(watch.Set(std::move(value)));
  EXPECT_EQ(watch.Get().value(), 1);
  CO_EXPECT_OK(co_await receiver.Changed());
  CO_EXPECT_BREAKS(
      watch.Update([](Fragile&) { throw std::runtime_error("f"); }));
  CO_EXPECT_OK(co_await receiver.Changed());
}

CO_TEST(WatchTest, AStopTakesNothing) {
  Watch<int> watch(0);
  Watch<int>::Receiver receiver = watch.Subscribe();
  StopSource stopped;
  stopped.RequestStop();
  CO_EXPECT_OK(watch.Set(1));
  CO_EXPECT_ERROR(co_await WithStop(stopped.token(), receiver.Changed()),
                  kCanceled);
  CO_EXPECT_OK(co_await receiver.Changed());
  StopSource stop;
  const auto stop_first = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await WithStop(stop.token(), receiver.Changed()),
                      kCanceled);
    });
    co_await Settle();
    stop.RequestStop();
    CO_EXPECT_OK(watch.Set(2));
  };
  CO_EXPECT_OK(co_await WithScope(stop_first));
  EXPECT_TRUE(receiver.has_changed());
  CO_EXPECT_OK(co_await receiver.Changed());
  StopSource late;
  const auto set_first = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await WithStop(late.token(), receiver.Changed()));
    });
    co_await Settle();
    CO_EXPECT_OK(watch.Set(3));
    late.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(set_first));
  EXPECT_FALSE(receiver.has_changed());
}

CO_TEST(WatchTest, AllocatesNothing) {
  if (!test::CountsAllocations()) CO_SKIP("allocations cannot be counted");
  Watch<int> watch(0);
  std::uint64_t allocations = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      scope.Spawn(
          [](Watch<int>::Receiver receiver) -> Task<void> {
            while (auto changed = co_await receiver.Changed()) {
            }
          },
          watch.Subscribe());
    }
    co_await Settle();
    const test::HeapCount count;
    for (int i = 0; i < 1000; ++i) {
      CO_EXPECT_OK(watch.Set(i));
      if (i % 3 == 0) co_await Yield();
    }
    allocations = count.allocations();
    watch.Close();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(allocations, 0U);
}

// Whatever is stopped, who hears of no change has seen the last value.
Task<Result<void>> Followers() {
  Watch<int> watch(0);
  const auto follows = [&](Watch<int>::Receiver receiver,
                           bool slow) -> Task<Result<void>> {
    int seen = receiver.Get();
    Result<void> result;
    while (result) {
      auto first = co_await WhenAny(receiver.Changed(), Nop());
      if (auto* changed = first.value<0>()) {
        result = *changed;
        if (result) {
          EXPECT_GT(receiver.Get(), seen);
          seen = receiver.Get();
        }
      }
      if (auto* nop = first.value<1>(); nop != nullptr && !*nop) result = *nop;
      if (slow && result) result = co_await Nop();
    }
    EXPECT_EQ(receiver.has_changed(), seen != watch.Get());
    if (result.error() != kEndOfStream) co_return result;
    EXPECT_EQ(seen, 4);
    co_return Result<void>();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(follows, watch.Subscribe(), false);
    scope.Spawn(follows, watch.Subscribe(), true);
    for (int i = 1; i <= 4; ++i) {
      EDDY_CO_CHECK(watch.Set(i));
      if (i % 2 == 0) EDDY_CO_CHECK(co_await Nop());
    }
    watch.Close();
    co_return Result<void>();
  };
  co_return co_await WithScope(body);
}

TEST(WatchSweepTest, NoLastChangeIsMissed) {
  ExpectCleanSweeps([] { return Followers(); }, {12, 3});
}

TEST(WatchDeathTest, IsDestroyedWhileItHasReceivers) {
  const auto run = [] {
    SyncWait([]() -> Task<void> {
      auto watch = std::make_unique<Watch<int>>(0);
      const auto body = [&](TaskScope& scope) -> Task<void> {
        scope.Spawn(
            [](Watch<int>::Receiver receiver) -> Task<void> {
              static_cast<void>(co_await receiver.Changed());
            },
            watch->Subscribe());
        co_await Settle();
        watch.reset();
      };
      static_cast<void>(co_await WithScope(body));
    }());
  };
  EXPECT_DEATH(run(), "was destroyed while it has receivers");
}

}  // namespace
}  // namespace eddy
