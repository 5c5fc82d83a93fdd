// StopSource, StopToken, StopCallback, CurrentStopToken: every order.
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
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using Callback = StopCallback<std::function<void()>>;

static_assert(std::is_nothrow_copy_constructible_v<StopToken>);
static_assert(!std::is_copy_constructible_v<StopSource>);

TEST(StopTokenTest, DefaultOneIsNeverStopped) {
  const StopToken token;
  EXPECT_FALSE(token.stop_possible());
  EXPECT_FALSE(token.stop_requested());
  int calls = 0;
  const StopCallback callback(token, [&] { ++calls; });
  EXPECT_EQ(calls, 0);
}

TEST(StopTokenTest, TellsOfTheStop) {
  StopSource source;
  const StopToken token = source.token();
  EXPECT_TRUE(token.stop_possible());
  EXPECT_FALSE(token.stop_requested());
  EXPECT_FALSE(source.stop_requested());
  source.RequestStop();
  EXPECT_TRUE(token.stop_requested());
  EXPECT_TRUE(source.stop_requested());
  EXPECT_TRUE(source.token().stop_requested());
}

TEST(StopTokenTest, CopiesMovesAndAssigns) {
  StopSource one;
  StopSource two;
  StopToken a = one.token();
  StopToken b = a;
  a = two.token();
  StopToken c = std::move(b);
  two.RequestStop();
  EXPECT_TRUE(a.stop_requested());
  EXPECT_FALSE(c.stop_requested());
  EXPECT_FALSE(b.stop_possible());  // NOLINT: moved from on purpose
  c = std::move(a);
  EXPECT_TRUE(c.stop_requested());
  const StopToken& self = c;
  c = self;
  EXPECT_TRUE(c.stop_requested());
}

TEST(StopTokenTest, OutlivesItsSource) {
  StopToken stopped;
  StopToken never;
  {
    StopSource source;
    stopped = source.token();
    source.RequestStop();
    const StopSource other;
    never = other.token();
  }
  EXPECT_TRUE(stopped.stop_requested());
  EXPECT_FALSE(never.stop_requested());
}

TEST(StopCallbackTest, RunsOnceWhenTheStopComes) {
  StopSource source;
  int calls = 0;
  const StopCallback callback(source.token(), [&] { ++calls; });
  EXPECT_EQ(calls, 0);
  source.RequestStop();
  source.RequestStop();
  EXPECT_EQ(calls, 1);
}

TEST(StopCallbackTest, RunsAtOnceWhereTheStopCameBefore) {
  StopSource source;
  source.RequestStop();
  int calls = 0;
  const StopCallback callback(source.token(), [&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(StopCallbackTest, DoesNotRunOnceDestroyed) {
  StopSource source;
  int calls = 0;
  {
    const StopCallback callback(source.token(), [&] { ++calls; });
  }
  source.RequestStop();
  EXPECT_EQ(calls, 0);
}

TEST(StopCallbackTest, SeveralRunInTheOrderOfTheirMaking) {
  StopSource source;
  std::vector<int> order;
  const Callback first(source.token(), [&] { order.push_back(1); });
  const Callback second(source.token(), [&] { order.push_back(2); });
  const Callback third(source.token(), [&] { order.push_back(3); });
  source.RequestStop();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(StopCallbackTest, MayDestroyItselfAndOthersWhileItRuns) {
  StopSource source;
  std::vector<int> order;
  std::optional<Callback> first;
  std::optional<Callback> second;
  std::optional<Callback> third;
  first.emplace(source.token(), [&] {
    order.push_back(1);
    second.reset();
    std::optional<Callback>& self = first;
    self.reset();  // destroys this lambda
  });
  second.emplace(source.token(), [&] { order.push_back(2); });
  third.emplace(source.token(), [&] { order.push_back(3); });
  source.RequestStop();
  EXPECT_EQ(order, (std::vector<int>{1, 3}));
}

TEST(StopCallbackTest, MayRegisterAnotherWhileItRuns) {
  StopSource source;
  int calls = 0;
  std::optional<Callback> inner;
  const Callback outer(
      source.token(), [&] { inner.emplace(source.token(), [&] { ++calls; }); });
  source.RequestStop();
  EXPECT_EQ(calls, 1);
}

TEST(StopCallbackTest, MayLetGoOfTheSourceWhileItRuns) {
  auto source = std::make_unique<StopSource>();
  int calls = 0;
  const Callback first(source->token(), [&] { ++calls; });
  const Callback second(source->token(), [&] {
    ++calls;
    source.reset();
  });
  const Callback third(source->token(), [&] { ++calls; });
  source->RequestStop();
  EXPECT_EQ(calls, 3);
}

TEST(StopCallbackTest, MayRequestTheStopAgain) {
  StopSource source;
  int calls = 0;
  const Callback callback(source.token(), [&] {
    ++calls;
    source.RequestStop();
  });
  source.RequestStop();
  EXPECT_EQ(calls, 1);
}

TEST(StopCallbackTest, OutlivesSourceAndTokens) {
  int calls = 0;
  auto source = std::make_unique<StopSource>();
  auto first = std::make_unique<Callback>(source->token(), [&] { ++calls; });
  const Callback second(source->token(), [&] { ++calls; });
  source.reset();
  first.reset();
  EXPECT_EQ(calls, 0);
}

CO_TEST(CurrentStopTokenTest, TellsOfAStopFromAbove) {
  bool seen = false;
  StopToken kept;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    const StopToken token = co_await CurrentStopToken();
    kept = co_await CurrentStopToken();
    EXPECT_TRUE(token.stop_possible());
    EXPECT_FALSE(token.stop_requested());
    scope.RequestStop();
    seen = token.stop_requested();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_TRUE(seen);
  EXPECT_TRUE(kept.stop_requested());  // longer than its task
}

CO_TEST(CurrentStopTokenTest, IsStoppedWhereTheStopCameBefore) {
  StopSource source;
  source.RequestStop();
  const StopToken token = co_await WithStop(source.token(), CurrentStopToken());
  EXPECT_TRUE(token.stop_requested());
}

Task<Result<void>> ComputeUntilStopped(int& rounds) {
  const StopToken token = co_await CurrentStopToken();
  while (!token.stop_requested()) {
    ++rounds;
    co_await Yield();
  }
  co_return Unexpected(kCanceled);
}

CO_TEST(CurrentStopTokenTest, TellsOfAPassedDeadline) {
  int rounds = 0;
  CO_EXPECT_ERROR(co_await WithTimeout(2ms, ComputeUntilStopped(rounds)),
                  kTimedOut);
  EXPECT_GT(rounds, 0);
}

CO_TEST(CurrentStopTokenTest, CallbackOfATaskRunsAtTheStop) {
  int calls = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    const StopCallback callback(co_await CurrentStopToken(), [&] { ++calls; });
    scope.RequestStop();
    EXPECT_EQ(calls, 1);
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(CurrentStopTokenTest, CallbackMayOutliveTheTask) {
  int calls = 0;
  std::optional<Callback> callback;
  const auto body = [&](TaskScope&) -> Task<void> {
    callback.emplace(co_await CurrentStopToken(), [&] { ++calls; });
  };
  CO_EXPECT_OK(co_await WithScope(body));
  callback.reset();
  EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace eddy
