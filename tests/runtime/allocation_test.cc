// In a steady state nothing allocates: tasks, timers, spawns, timeouts,
// operations. And a long-lived scope does not grow.
#include <eddy/runtime/join_handle.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <new>

#include "tests/runtime/heap_count.h"
#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals

class SteadyStateTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::CountsAllocations()) {
      GTEST_SKIP() << "the sanitizer's operator new cannot be counted";
    }
  }

  // Allocations of 1000 runs of make(), after some to warm up.
  template <class Make>
  static std::uint64_t Allocations(Make make) {
    return SyncWait(Count(make));
  }

 private:
  template <class Make>
  static Task<std::uint64_t> Count(Make make) {
    for (int i = 0; i < 10; ++i) static_cast<void>(co_await make());
    const test::HeapCount count;
    for (int i = 0; i < 1000; ++i) static_cast<void>(co_await make());
    co_return count.allocations();
  }
};

Task<int> Value(int value) { co_return value; }

TEST_F(SteadyStateTest, TheCounterCounts) {
  const auto allocates = []() -> Task<void> {
    ::operator delete(::operator new(1));
    co_return;
  };
  EXPECT_GE(Allocations(allocates), 1000u);
}

TEST_F(SteadyStateTest, AwaitingATaskAllocatesNothing) {
  EXPECT_EQ(Allocations([] { return Value(1); }), 0u);
}

TEST_F(SteadyStateTest, YieldAllocatesNothing) {
  EXPECT_EQ(Allocations([] { return Yield(); }), 0u);
}

TEST_F(SteadyStateTest, SleepAllocatesNothing) {
  EXPECT_EQ(Allocations([] { return Sleep(1us); }), 0u);
}

TEST_F(SteadyStateTest, AnOperationAllocatesNothing) {
  EXPECT_EQ(Allocations([] { return test::Nop(); }), 0u);
}

TEST_F(SteadyStateTest, WithTimeoutAllocatesNothing) {
  EXPECT_EQ(Allocations([] { return WithTimeout(1h, test::Nop()); }), 0u);
  EXPECT_EQ(Allocations([] { return WithTimeout(1us, Sleep(1h)); }), 0u);
  EXPECT_EQ(Allocations([] { return Shield(WithTimeout(1h, Value(1))); }), 0u);
}

TEST_F(SteadyStateTest, AScopeWithSpawnAndJoinAllocatesNothing) {
  const auto body = [](TaskScope& scope) -> Task<int> {
    JoinHandle<int> first = scope.Spawn(Value(1));
    JoinHandle<int> second = scope.Spawn(Value, 2);
    scope.Spawn(Value(3));
    co_return co_await first + co_await second;
  };
  EXPECT_EQ(Allocations([&] { return WithScope(body); }), 0u);
}

TEST_F(SteadyStateTest, AFailedResultAllocatesNothing) {
  const auto fails = []() -> Task<Result<int>> {
    co_return Unexpected(kClosed);
  };
  EXPECT_EQ(Allocations(fails), 0u);
}

CO_TEST(SpawnTest, AServiceThatSpawnsForLongDoesNotGrow) {
  std::uint64_t allocations = 0;
  int ended = 0;
  const auto works = [&](int i) -> Task<void> {
    if (i % 2 == 0) co_await Yield();
    ++ended;
  };
  const auto service = [&](TaskScope& scope) -> Task<void> {
    const auto rounds = [&](int count) -> Task<void> {
      for (int round = 0; round < count; ++round) {
        for (int i = 0; i < 100; ++i) scope.Spawn(works, i);
        while (scope.live() != 0) co_await Yield();
      }
    };
    co_await rounds(10);
    const test::HeapCount count;
    co_await rounds(100);
    allocations = count.allocations();
  };
  CO_EXPECT_OK(co_await WithScope(service));
  EXPECT_EQ(ended, 11'000);
  if (test::CountsAllocations()) {
    EXPECT_EQ(allocations, 0u);
  }
}

}  // namespace
}  // namespace eddy
