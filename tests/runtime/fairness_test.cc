// A task that never waits starves neither timers nor I/O nor other tasks.
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/stream.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::EventFd;
using test::Nop;
using test::PollIn;

Task<int> Ready(int value) { co_return value; }
Task<int> ReadyBelow(int value) {
  const int below = co_await Ready(value);
  co_return below;
}

// Runs so many of spin(done) beside a timer, an operation and a task that
// becomes ready now and then, until all of these have had their turn.
template <class Spin>
Task<void> AllGetTheirTurn(int spinning, Spin spin) {
  bool done = false;
  const EventFd event;
  const auto waits = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await Sleep(1ms));
    for (int i = 0; i < 10; ++i) {
      CO_EXPECT_OK(co_await Nop());
      co_await Yield();
    }
    event.Signal();
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < spinning; ++i) scope.Spawn(spin, std::ref(done));
    scope.Spawn(waits);
    CO_EXPECT_OK(co_await PollIn(event.fd()));
    done = true;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_TRUE(done);
}

Task<void> AwaitReadyTasks(bool& done) {
  while (!done) static_cast<void>(co_await ReadyBelow(1));
}

CO_TEST(FairnessTest, TasksThatReturnAtOnceStarveNobody) {
  co_await AllGetTheirTurn(1, AwaitReadyTasks);
  co_await AllGetTheirTurn(20, AwaitReadyTasks);
}

// A loop that does not look at its errors, after a stop.
Task<void> RetryOperations(bool& done) {
  StopSource source;
  source.RequestStop();
  const auto retries = [&]() -> Task<void> {
    while (!done) static_cast<void>(co_await Nop());
  };
  co_await WithStop(source.token(), retries());
}
Task<void> RetrySleeps(bool& done) {
  StopSource source;
  source.RequestStop();
  const auto retries = [&]() -> Task<void> {
    while (!done) static_cast<void>(co_await Sleep(1h));
  };
  co_await WithStop(source.token(), retries());
}

CO_TEST(FairnessTest, OperationsThatAnswerCanceledStarveNobody) {
  co_await AllGetTheirTurn(3, RetryOperations);
  co_await AllGetTheirTurn(3, RetrySleeps);
}

// What else may go on without waiting.
Task<void> OpenEmptyScopes(bool& done) {
  const auto nothing = [](TaskScope&) -> Task<void> { co_return; };
  while (!done) CO_EXPECT_OK(co_await WithScope(nothing));
}
Task<void> AwaitNothing(bool& done) {
  while (!done) {
    static_cast<void>(co_await WhenAll());
    static_cast<void>(co_await WhenAll(Ready(1)));
  }
}
Task<void> AskForDeadlines(bool& done) {
  while (!done) static_cast<void>(co_await CurrentDeadline());
}
Task<void> AskForTokens(bool& done) {
  while (!done) static_cast<void>(co_await CurrentStopToken());
}
Task<void> BlockWhenStopped(bool& done) {
  StopSource source;
  source.RequestStop();
  const auto retries = [&]() -> Task<void> {
    while (!done) {
      static_cast<void>(co_await Blocking([] {}));
      co_await UntilStopped();
    }
  };
  co_await WithStop(source.token(), retries());
}
Stream<int> Endless() {
  for (int i = 0;; ++i) co_yield i;
}
Task<void> ConsumeEndless(bool& done) {
  Stream<int> stream = Endless();
  while (!done) static_cast<void>(co_await stream.Next());
}

Stream<int> Nothing() { co_return; }
Stream<int> NothingForLong(bool& done) {
  while (!done) co_yield Nothing();
}
Task<void> ConsumeNothing(bool& done) {
  Stream<int> stream = NothingForLong(done);
  static_cast<void>(co_await stream.Next());
}

CO_TEST(FairnessTest, NothingThatGoesOnWithoutWaitingStarvesAnybody) {
  for (const auto spin :
       {OpenEmptyScopes, AwaitNothing, AskForDeadlines, AskForTokens,
        BlockWhenStopped, ConsumeEndless, ConsumeNothing}) {
    co_await AllGetTheirTurn(2, spin);
  }
}

// (Joins as many tasks as it takes.)
CO_TEST(FairnessTest, JoiningWhatHasEndedStarvesNobody) {
  const auto joins = [](bool& done) -> Task<void> {
    const auto body = [&done](TaskScope& scope) -> Task<void> {
      while (!done) {
        std::vector<JoinHandle<int>> ended;
        for (int i = 0; i < 10'000; ++i) ended.push_back(scope.Spawn(Ready(i)));
        while (!ended.back().ended()) co_await Yield();
        for (JoinHandle<int>& handle : ended) {
          static_cast<void>(co_await handle);
        }
      }
    };
    CO_EXPECT_OK(co_await WithScope(body));
  };
  co_await AllGetTheirTurn(1, joins);
}

CO_TEST(FairnessTest, TasksThatYieldStarveNobody) {
  const auto yields = [](bool& done) -> Task<void> {
    while (!done) co_await Yield();
  };
  co_await AllGetTheirTurn(300, yields);
}

TEST(FairnessTest, HoldsForTheSmallestTurn) {
  ReactorOptions options;
  options.ready_per_turn = 0;
  SyncWait(AllGetTheirTurn(5, AwaitReadyTasks), options);
}

// The awaits go on where they were put off.
CO_TEST(FairnessTest, EveryAwaitGivesItsResult) {
  long sum = 0;
  for (int i = 0; i < 100'000; ++i) sum += co_await ReadyBelow(i);
  EXPECT_EQ(sum, 100'000L * 99'999 / 2);
}

TEST(FairnessTest, PutOffAwaitsUseConstantStack) {
  const auto chain = []() -> Task<void> {
    for (int i = 0; i < 1'000'000; ++i) {
      static_cast<void>(co_await ReadyBelow(i));
    }
  };
  test::RunOnSmallStack([&] { SyncWait(chain()); });
}

}  // namespace
}  // namespace eddy
