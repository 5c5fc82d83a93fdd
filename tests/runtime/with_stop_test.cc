// WithStop: a token stops what is below it, and only that. Shield: nothing
// does.
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals

Task<int> Value(int value) { co_return value; }
Task<std::unique_ptr<int>> MoveOnly() {
  CO_EXPECT_OK(co_await Sleep(1ms));
  co_return std::make_unique<int>(4);
}
Task<int> Throws() {
  CO_EXPECT_OK(co_await Sleep(1ms));
  throw std::runtime_error("below");
}
Task<Result<void>> SleepsLong() { co_return co_await Sleep(1h); }

Task<void> StopAfter(StopSource& source, Duration duration) {
  CO_EXPECT_OK(co_await Sleep(duration));
  source.RequestStop();
}

CO_TEST(WithStopTest, GivesWhatTheAwaitableGives) {
  const StopSource source;
  CO_EXPECT_EQ(co_await WithStop(source.token(), Value(3)), 3);
  const std::unique_ptr<int> p = co_await WithStop(source.token(), MoveOnly());
  EXPECT_EQ(*p, 4);
  CO_EXPECT_OK(co_await WithStop(StopToken(), Sleep(0s)));
}

CO_TEST(WithStopTest, StopsWhatIsBelowAndNothingElse) {
  StopSource source;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(StopAfter(source, 1ms));
    CO_EXPECT_ERROR(co_await WithStop(source.token(), SleepsLong()), kCanceled);
    CO_EXPECT_OK(co_await Sleep(1ms));  // this task was not stopped
    EXPECT_FALSE(scope.stop_requested());
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(WithStopTest, AlreadyStoppedStopsAtTheFirstOperation) {
  StopSource source;
  source.RequestStop();
  CO_EXPECT_ERROR(co_await WithStop(source.token(), SleepsLong()), kCanceled);
  CO_EXPECT_EQ(co_await WithStop(source.token(), Value(1)), 1);
}

CO_TEST(WithStopTest, AStopFromAbovePassesThrough) {
  const StopSource never;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    const auto waits = [&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await WithStop(never.token(), SleepsLong()),
                      kCanceled);
    };
    scope.Spawn(waits);
    CO_EXPECT_OK(co_await Sleep(1ms));
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(WithStopTest, NestedTokensBothStop) {
  for (const bool outer_stops : {true, false}) {
    StopSource outer;
    StopSource inner;
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn(StopAfter(outer_stops ? outer : inner, 1ms));
      CO_EXPECT_ERROR(co_await WithStop(outer.token(),
                                        WithStop(inner.token(), SleepsLong())),
                      kCanceled);
    };
    CO_ASSERT_OK(co_await WithScope(body));
  }
}

CO_TEST(WithStopTest, OneTokenStopsManyTasks) {
  StopSource source;
  int canceled = 0;
  const auto waits = [&]() -> Task<void> {
    const Result<void> result = co_await WithStop(source.token(), SleepsLong());
    if (!result && result.error() == kCanceled) ++canceled;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 100; ++i) scope.Spawn(waits);
    CO_EXPECT_OK(co_await Sleep(1ms));
    source.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(canceled, 100);
}

CO_TEST(WithStopTest, PassesExceptions) {
  const StopSource source;
  std::string what;
  try {
    co_await WithStop(source.token(), Throws());
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "below");
  CO_EXPECT_OK(co_await Sleep(0s));  // the context is this task's again
}

CO_TEST(WithStopTest, SourceMayGoWhileTheTaskWaits) {
  auto source = std::make_unique<StopSource>();
  const auto body = [&](TaskScope& scope) -> Task<void> {
    const auto drops = [&]() -> Task<void> {
      CO_EXPECT_OK(co_await Sleep(1ms));
      source.reset();
    };
    scope.Spawn(drops);
    CO_EXPECT_OK(co_await WithStop(source->token(), Sleep(3ms)));
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

// What starts the awaitable may throw: a body that is no coroutine.
Task<void> ThrowsBeforeItStarts(TaskScope&) {
  throw std::runtime_error("no coroutine");
}

CO_TEST(WithStopTest, AnAwaitableThatCannotStartIsForgotten) {
  StopSource source;
  std::string what;
  try {
    static_cast<void>(
        co_await WithStop(source.token(), WithScope(&ThrowsBeforeItStarts)));
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "no coroutine");
  source.RequestStop();  // nobody listens any more
  CO_EXPECT_OK(co_await Sleep(1ms));
}

CO_TEST(ShieldTest, KeepsAStopAway) {
  bool finished = false;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.RequestStop();
    CO_EXPECT_ERROR(co_await Sleep(0s), kCanceled);
    CO_EXPECT_OK(co_await Shield(Sleep(2ms)));
    CO_EXPECT_OK(co_await Shield(test::Nop()));
    finished = true;
    CO_EXPECT_ERROR(co_await Sleep(0s), kCanceled);
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_TRUE(finished);
}

CO_TEST(ShieldTest, KeepsAStopThatComesMeanwhileAwayUntilItEnds) {
  const auto body = [&](TaskScope& scope) -> Task<void> {
    const auto cleans_up = []() -> Task<void> {
      CO_EXPECT_OK(co_await Shield(Sleep(5ms)));
      CO_EXPECT_ERROR(co_await Sleep(0s), kCanceled);
    };
    scope.Spawn(cleans_up);
    CO_EXPECT_OK(co_await Sleep(1ms));
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(ShieldTest, KeepsDeadlinesAway) {
  const auto shielded = []() -> Task<Result<int>> {
    CO_EXPECT_NE(co_await CurrentDeadline(), kNoDeadline);
    CO_EXPECT_EQ(co_await Shield(CurrentDeadline()), kNoDeadline);
    CO_EXPECT_OK(co_await Shield(Sleep(5ms)));
    co_return 5;
  };
  // The value is there though the time was over.
  CO_EXPECT_EQ((co_await WithTimeout(1ms, shielded())).value_or(0), 5);
}

CO_TEST(ShieldTest, ATimeoutInsideCounts) {
  StopSource source;
  source.RequestStop();
  const auto stopped = []() -> Task<void> {
    CO_EXPECT_ERROR(co_await Shield(WithTimeout(1ms, SleepsLong())), kTimedOut);
  };
  co_await WithStop(source.token(), stopped());
}

CO_TEST(ShieldTest, PassesValuesAndExceptions) {
  CO_EXPECT_EQ(co_await Shield(Value(7)), 7);
  bool caught = false;
  try {
    co_await Shield(Throws());
  } catch (const std::runtime_error&) {
    caught = true;
  }
  EXPECT_TRUE(caught);
}

}  // namespace
}  // namespace eddy
