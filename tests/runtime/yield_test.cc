// Yield: everything that is ready runs first, timers and I/O too.
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <type_traits>

#include "tests/chaos.h"
#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals

static_assert(std::is_void_v<decltype(Yield().await_resume())>);

CO_TEST(YieldTest, TasksTakeTurnsInOrder) {
  EDDY_CO_SKIP_IN_CHAOS("under chaos: the order is another");
  std::string order;
  const auto writes = [&](char letter) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      order += letter;
      co_await Yield();
    }
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(writes, 'a');
    scope.Spawn(writes, 'b');
    scope.Spawn(writes, 'c');
    co_return;
  };
  CO_ASSERT_OK(co_await WithScope(body));
  EXPECT_EQ(order, "abcabcabc");
}

CO_TEST(YieldTest, IsNoStopPoint) {
  int turns = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.RequestStop();
    for (int i = 0; i < 10; ++i) {
      co_await Yield();
      ++turns;
    }
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(turns, 10);
}

// Two tasks that are always ready do not starve what waits.
CO_TEST(YieldTest, ForeverLetsTimersAndOperationsComplete) {
  bool stop = false;
  const test::EventFd event;
  const auto spins = [&]() -> Task<void> {
    while (!stop) co_await Yield();
  };
  const auto waits = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await Sleep(1ms));
    CO_EXPECT_OK(co_await test::Nop());
    event.Signal();
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(spins);
    scope.Spawn(spins);
    scope.Spawn(waits);
    CO_EXPECT_OK(co_await test::PollIn(event.fd()));
    stop = true;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_TRUE(stop);
}

Task<int> YieldMany(int count) {
  for (int i = 0; i < count; ++i) co_await Yield();
  co_return count;
}

TEST(YieldTest, AMillionUseConstantStack) {
  int count = 0;
  test::RunOnSmallStack([&] { count = SyncWait(YieldMany(1'000'000)); });
  EXPECT_EQ(count, 1'000'000);
}

}  // namespace
}  // namespace eddy
