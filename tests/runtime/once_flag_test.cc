#include <eddy/runtime/event.h>
#include <eddy/runtime/join_handle.h>
#include <eddy/runtime/once_flag.h>
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
#include <optional>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "tests/runtime/heap_count.h"
#include "tests/runtime/settle.h"
#include "tests/runtime/test_verbs.h"
#include "tests/sweeps.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using test::Settle;

CO_TEST(OnceFlagTest, TakesAnyFunction) {
  int calls = 0;
  {
    OnceFlag once;
    EXPECT_FALSE(once.done());
    const auto plain = [&] { ++calls; };
    CO_EXPECT_OK(co_await once.Call(plain));
    CO_EXPECT_OK(co_await once.Call(plain));
    EXPECT_TRUE(once.done());
  }
  EXPECT_EQ(calls, 1);
  {
    OnceFlag once;
    const auto task = [&]() -> Task<void> {
      ++calls;
      co_await Settle();
    };
    CO_EXPECT_OK(co_await once.Call(task));
    CO_EXPECT_OK(co_await once.Call(task));
  }
  EXPECT_EQ(calls, 2);
  {
    OnceFlag once;
    Result<void> gives = Unexpected(std::errc::io_error);
    const auto result = [&]() -> Result<void> {
      ++calls;
      return gives;
    };
    CO_EXPECT_ERROR(co_await once.Call(result), std::errc::io_error);
    EXPECT_FALSE(once.done());
    gives = Result<void>();
    CO_EXPECT_OK(co_await once.Call(result));
    CO_EXPECT_OK(co_await once.Call(result));
  }
  EXPECT_EQ(calls, 4);
  {
    OnceFlag once;
    const auto task = [&]() -> Task<Result<void>> {
      ++calls;
      co_return co_await test::Nop();
    };
    CO_EXPECT_OK(co_await once.Call(task));
    CO_EXPECT_OK(co_await once.Call(task));
  }
  EXPECT_EQ(calls, 5);
}

CO_TEST(OnceFlagTest, ThoseThatCallMeanwhileWaitForItsEnd) {
  OnceFlag once;
  Event go;
  int calls = 0;
  int ended = 0;
  const auto f = [&]() -> Task<Result<void>> {
    ++calls;
    co_return co_await go.Wait();
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 5; ++i) {
      scope.Spawn([&]() -> Task<void> {
        CO_EXPECT_OK(co_await once.Call(f));
        EXPECT_TRUE(once.done());
        ++ended;
      });
    }
    co_await Settle();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(ended, 0);
    go.Set();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(ended, 5);
}

// Errors, exceptions, and in the end success.
CO_TEST(OnceFlagTest, WhereItFailsTheNextOneTries) {
  OnceFlag once;
  Event go;
  std::vector<int> came;
  std::vector<int> called;
  int succeeded = 0;
  int failed = 0;
  const auto call = [&](int i) -> Task<void> {
    came.push_back(i);
    const auto f = [&, i]() -> Task<Result<void>> {
      called.push_back(i);
      EDDY_CO_CHECK(co_await go.Wait());
      if (called.size() == 1) co_return Unexpected(std::errc::io_error);
      if (called.size() == 2) throw std::runtime_error("no");
      co_return Result<void>();
    };
    try {
      const Result<void> result = co_await once.Call(f);
      ++(result ? succeeded : failed);
    } catch (const std::runtime_error&) {
      ++failed;
    }
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 5; ++i) scope.Spawn(call, i);
    co_await Settle();
    EXPECT_EQ(called.size(), 1U);
    go.Set();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(failed, 2);
  EXPECT_EQ(succeeded, 3);
  CO_ASSERT_EQ(called.size(), 3U);
  EXPECT_EQ(called, std::vector(came.begin(), came.begin() + 3));
}

CO_TEST(OnceFlagTest, AStopOfWhoRunsItLetsTheNextOneTry) {
  OnceFlag once;
  Event go;
  int calls = 0;
  const auto call = [&](std::optional<Result<void>>& outcome) -> Task<void> {
    const auto f = [&]() -> Task<Result<void>> {
      ++calls;
      co_return co_await go.Wait();
    };
    outcome = co_await once.Call(f);
  };
  std::optional<Result<void>> first;
  std::optional<Result<void>> second;
  std::optional<Result<void>> third;
  TaskScope& scope = Reactor::Current()->scope();
  JoinHandle<void> one = scope.Spawn(call(first));
  co_await Settle();
  JoinHandle<void> two = scope.Spawn(call(second));
  co_await Settle();
  JoinHandle<void> three = scope.Spawn(call(third));
  co_await Settle();
  one.RequestStop();
  co_await one;
  CO_EXPECT_ERROR(*first, kCanceled);
  co_await Settle();
  EXPECT_EQ(calls, 2);
  // One that waits is stopped: it has run nothing.
  three.RequestStop();
  co_await three;
  CO_EXPECT_ERROR(*third, kCanceled);
  EXPECT_EQ(calls, 2);
  go.Set();
  co_await two;
  CO_EXPECT_OK(*second);
  EXPECT_TRUE(once.done());
}

// Its turn was given to a task that is stopped before it runs: it passes it on.
CO_TEST(OnceFlagTest, ATurnThatMeetsAStopIsNotLost) {
  OnceFlag once;
  std::optional<Result<void>> first;
  std::optional<Result<void>> second;
  std::optional<Result<void>> third;
  Event fail;
  const auto fails = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await fail.Wait());
    co_return Unexpected(std::errc::io_error);
  };
  const auto works = [&]() -> Task<Result<void>> {
    co_return co_await test::Nop();
  };
  const auto call = [&](auto f,
                        std::optional<Result<void>>& outcome) -> Task<void> {
    outcome = co_await once.Call(f);
  };
  TaskScope& scope = Reactor::Current()->scope();
  std::optional<JoinHandle<void>> two;
  const auto fails_and_stops = [&]() -> Task<void> {
    first = co_await once.Call(fails);
    two->RequestStop();
  };
  JoinHandle<void> one = scope.Spawn(fails_and_stops);
  co_await Settle();
  two.emplace(scope.Spawn(call(works, second)));
  co_await Settle();
  JoinHandle<void> three = scope.Spawn(call(works, third));
  co_await Settle();
  fail.Set();
  co_await one;
  co_await *two;
  co_await three;
  CO_EXPECT_ERROR(*first, std::errc::io_error);
  CO_EXPECT_ERROR(*second, kCanceled);
  CO_EXPECT_OK(*third);
  EXPECT_TRUE(once.done());
}

CO_TEST(OnceFlagTest, MayBeDestroyedOnceItIsDone) {
  auto once = std::make_unique<OnceFlag>();
  Event go;
  const auto f = [&]() -> Task<Result<void>> { co_return co_await go.Wait(); };
  const auto runs = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await once->Call(f));
    once.reset();
  };
  const auto waits = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await once->Call(f));
  };
  TaskScope& scope = Reactor::Current()->scope();
  JoinHandle<void> one = scope.Spawn(runs);
  co_await Settle();
  JoinHandle<void> two = scope.Spawn(waits);
  co_await Settle();
  go.Set();
  co_await one;
  EXPECT_EQ(once, nullptr);
  co_await two;
}

CO_TEST(OnceFlagTest, StoppedBeforeItRunsNothing) {
  OnceFlag once;
  StopSource stopped;
  stopped.RequestStop();
  int calls = 0;
  const auto f = [&] { ++calls; };
  CO_EXPECT_ERROR(co_await WithStop(stopped.token(), once.Call(f)), kCanceled);
  EXPECT_EQ(calls, 0);
  CO_EXPECT_OK(co_await once.Call(f));
  EXPECT_EQ(calls, 1);
}

CO_TEST(OnceFlagTest, HasATimeAndIsOneOfSeveral) {
  OnceFlag once;
  Event never;
  const auto f = [&]() -> Task<Result<void>> {
    co_return co_await never.Wait();
  };
  CO_EXPECT_ERROR(co_await WithTimeout(1us, once.Call(f)), kTimedOut);
  const auto first = co_await WhenAny(once.Call(f), Sleep(0ms));
  EXPECT_EQ(first.index(), 1U);
  EXPECT_FALSE(first.late<0>());
  const auto both = co_await WhenAny(once.Call([] {}), once.Call([] {}));
  EXPECT_EQ(both.index(), 0U);
  EXPECT_TRUE(once.done());
}

CO_TEST(OnceFlagTest, AllocatesNothing) {
  if (!test::CountsAllocations()) CO_SKIP("allocations cannot be counted");
  std::uint64_t allocations = 0;
  int calls = 0;
  const auto f = [&]() -> Task<void> {
    ++calls;
    co_return;
  };
  for (int i = 0; i < 100; ++i) {
    OnceFlag once;
    const test::HeapCount count;
    CO_EXPECT_OK(co_await once.Call(f));
    CO_EXPECT_OK(co_await once.Call(f));
    if (i != 0) allocations += count.allocations();
  }
  EXPECT_EQ(allocations, 0U);
  EXPECT_EQ(calls, 100);
}

TEST(OnceFlagSweepTest, IsDoneOnceByWhoeverCan) {
  const auto scenario = []() -> Task<Result<void>> {
    OnceFlag once;
    int done = 0;
    const auto call = [&]() -> Task<Result<void>> {
      const auto f = [&]() -> Task<Result<void>> {
        EDDY_CO_CHECK(co_await test::Nop());
        EDDY_CO_CHECK(co_await test::Nop());
        ++done;
        co_return Result<void>();
      };
      EDDY_CO_CHECK(co_await once.Call(f));
      EXPECT_EQ(done, 1);
      co_return co_await test::Nop();
    };
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn(call);
      scope.Spawn(call);
      co_return co_await call();
    };
    const Result<void> result = co_await WithScope(body);
    EXPECT_EQ(done, once.done() ? 1 : 0);
    co_return result;
  };
  test::ExpectCleanSweeps(scenario, {6, 5});
}

TEST(OnceFlagDeathTest, IsDestroyedDuringACall) {
  const auto run = [] {
    SyncWait([]() -> Task<void> {
      auto once = std::make_unique<OnceFlag>();
      Event never;
      const auto f = [&]() -> Task<void> {
        static_cast<void>(co_await never.Wait());
      };
      const auto body = [&](TaskScope& scope) -> Task<void> {
        scope.Spawn(
            [&]() -> Task<void> { static_cast<void>(co_await once->Call(f)); });
        co_await Settle();
        once.reset();
      };
      static_cast<void>(co_await WithScope(body));
    }());
  };
  EXPECT_DEATH(run(), "a OnceFlag was destroyed while a task is in its Call");
}

}  // namespace
}  // namespace eddy
