// Tasks, scopes, several tasks at once, stops, deadlines and timers.
#include <eddy/runtime/interval.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/stream.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>

#include <chrono>
#include <utility>
#include <vector>

#include "bench/costs/costs.h"
#include "bench/micro/nop.h"

using namespace std::chrono_literals;

namespace costs {
namespace {

using eddy::TaskScope;

// --- Tasks and streams -------------------------------------------------------

Task<> AwaitTask(State& state) {
  long n = 0;
  for (auto _ : state) n = co_await Answer(n);
  DoNotOptimize(n);
}
EDDY_BENCHMARK(AwaitTask)->Name("runtime/co_await of a Task");

[[gnu::noinline]] Task<Result<long>> AnswerResult(long n) { co_return n + 1; }
Task<Result<void>> AwaitResult(State& state) {
  long n = 0;
  for (auto _ : state) {
    EDDY_CO_TRY(n, co_await AnswerResult(n));
    DoNotOptimize(n);
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(AwaitResult)->Name("runtime/EDDY_CO_TRY of a Task of a Result");

Task<> AwaitYield(State& state) {
  for (auto _ : state) co_await eddy::Yield();
}
EDDY_BENCHMARK(AwaitYield)->Name("runtime/Yield");

[[gnu::noinline]] eddy::Stream<long> Count() {
  for (long n = 0;; ++n) co_yield n;
}
Task<> MakeStream(State& state) {
  for (auto _ : state) {
    eddy::Stream<long> numbers = Count();
    DoNotOptimize(numbers);
  }
  co_return;
}
EDDY_BENCHMARK(MakeStream)->Name("runtime/Stream, made and destroyed");
Task<> NextOfStream(State& state) {
  eddy::Stream<long> numbers = Count();
  for (auto _ : state) DoNotOptimize(co_await numbers.Next());
}
EDDY_BENCHMARK(NextOfStream)->Name("runtime/Stream::Next");

// --- Scopes ------------------------------------------------------------------

Task<> OpenScope(State& state) {
  const auto body = [](TaskScope&) -> Task<> { co_return; };
  for (auto _ : state) static_cast<void>(co_await eddy::WithScope(body));
}
EDDY_BENCHMARK(OpenScope)->Name("runtime/WithScope");

Task<> SpawnTask(State& state) {
  const auto body = [&](TaskScope& scope) -> Task<> {
    long n = 0;
    for (auto _ : state) n = co_await scope.Spawn(Answer(n));
    DoNotOptimize(n);
  };
  static_cast<void>(co_await eddy::WithScope(body));
}
EDDY_BENCHMARK(SpawnTask)->Name(
    "runtime/TaskScope::Spawn of a task, and co_await of its handle");

Task<> SpawnCallable(State& state) {
  const auto body = [&](TaskScope& scope) -> Task<> {
    long n = 0;
    for (auto _ : state) n = co_await scope.Spawn(Answer, n);
    DoNotOptimize(n);
  };
  static_cast<void>(co_await eddy::WithScope(body));
}
EDDY_BENCHMARK(SpawnCallable)
    ->Name(
        "runtime/TaskScope::Spawn of a function, and co_await of its handle");

Task<Result<void>> AwaitEnded(State& state) {
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    std::vector<eddy::JoinHandle<Result<long>>> handles;
    const auto spawn = [&]() -> Task<Result<void>> {
      handles.clear();
      for (std::size_t i = 0; i < kBatch; ++i) {
        handles.push_back(scope.Spawn(AnswerResult(1)));
      }
      while (!handles.back().ended()) co_await eddy::Yield();
      co_return Result<void>();
    };
    const auto join = [&] {
      eddy::JoinHandle<Result<long>> last = std::move(handles.back());
      handles.pop_back();
      return last;
    };
    co_return co_await InBatches(state, spawn, join);
  };
  co_return co_await eddy::WithScope(body);
}
EDDY_BENCHMARK(AwaitEnded)
    ->Name("runtime/co_await of the handle of a task that has ended");

Task<> StopScope(State& state) {
  const auto wait = []() -> Task<> { co_await eddy::UntilStopped(); };
  const auto body = [&](TaskScope& scope) -> Task<> {
    scope.Spawn(wait);
    co_await eddy::Yield();
    scope.RequestStop();
  };
  for (auto _ : state) static_cast<void>(co_await eddy::WithScope(body));
}
EDDY_BENCHMARK(StopScope)->Name(
    "runtime/TaskScope::RequestStop, with the scope and a task in it");

// --- Several at once ---------------------------------------------------------

Task<> AllOfTasks(State& state) {
  for (auto _ : state) {
    DoNotOptimize(co_await eddy::WhenAll(Answer(1), Answer(2)));
  }
}
EDDY_BENCHMARK(AllOfTasks)->Name("runtime/WhenAll of 2 tasks");
Task<> AllOfAwaitables(State& state) {
  for (auto _ : state) {
    static_cast<void>(co_await eddy::WhenAll(eddy::Yield(), eddy::Yield()));
  }
}
EDDY_BENCHMARK(AllOfAwaitables)->Name("runtime/WhenAll of Yield and Yield");

std::vector<Task<long>> Answers() {
  std::vector<Task<long>> tasks;
  tasks.reserve(10);
  for (long n = 0; n < 10; ++n) tasks.push_back(Answer(n));
  return tasks;
}
Task<> AllOfRange(State& state) {
  for (auto _ : state) DoNotOptimize(co_await eddy::WhenAll(Answers()));
}
EDDY_BENCHMARK(AllOfRange)
    ->Name("runtime/WhenAll of a vector of 10 tasks, with making the vector");

Task<> AnyOfTasks(State& state) {
  for (auto _ : state) {
    DoNotOptimize(co_await eddy::WhenAny(Answer(1), Answer(2)));
  }
}
EDDY_BENCHMARK(AnyOfTasks)->Name("runtime/WhenAny of 2 tasks");
Task<> AnyOfOperations(State& state) {
  for (auto _ : state) {
    static_cast<void>(
        co_await eddy::WhenAny(eddy::Yield(), eddy::UntilStopped()));
  }
}
EDDY_BENCHMARK(AnyOfOperations)
    ->Name("runtime/WhenAny of a Yield and an UntilStopped, which it stops");
Task<> AnyOfRange(State& state) {
  for (auto _ : state) DoNotOptimize(co_await eddy::WhenAny(Answers()));
}
EDDY_BENCHMARK(AnyOfRange)
    ->Name("runtime/WhenAny of a vector of 10 tasks, with making the vector");

// --- Stops -------------------------------------------------------------------

Task<> MakeStopSource(State& state) {
  for (auto _ : state) {
    const eddy::StopSource source;
    DoNotOptimize(source.token());
  }
  co_return;
}
EDDY_BENCHMARK(MakeStopSource)->Name("runtime/StopSource, and its token");

Task<> GetStopToken(State& state) {
  for (auto _ : state) DoNotOptimize(co_await eddy::CurrentStopToken());
}
EDDY_BENCHMARK(GetStopToken)
    ->Name("runtime/CurrentStopToken, but for the first");

Task<> ListenToStop(State& state) {
  const eddy::StopSource source;
  for (auto _ : state) {
    const eddy::StopCallback callback(source.token(), [] {});
    DoNotOptimize(&callback);
  }
  co_return;
}
EDDY_BENCHMARK(ListenToStop)->Name("runtime/StopCallback, made and destroyed");

Task<> BoundByStop(State& state) {
  const eddy::StopSource source;
  for (auto _ : state) {
    DoNotOptimize(co_await eddy::WithStop(source.token(), Answer(1)));
  }
}
EDDY_BENCHMARK(BoundByStop)->Name("runtime/WithStop of a Task");
Task<> StoppedAlready(State& state) {
  eddy::StopSource source;
  source.RequestStop();
  for (auto _ : state) {
    co_await eddy::WithStop(source.token(), eddy::UntilStopped());
  }
}
EDDY_BENCHMARK(StoppedAlready)
    ->Name("runtime/UntilStopped, stopped already, in a WithStop");
Task<> ShieldTask(State& state) {
  for (auto _ : state) DoNotOptimize(co_await eddy::Shield(Answer(1)));
}
EDDY_BENCHMARK(ShieldTask)->Name("runtime/Shield of a Task");

// --- Deadlines and timers ----------------------------------------------------

Task<> TimeoutOfTask(State& state) {
  for (auto _ : state) {
    DoNotOptimize(co_await eddy::WithTimeout(1min, Answer(1)));
  }
}
EDDY_BENCHMARK(TimeoutOfTask)->Name("runtime/WithTimeout of a Task");
Task<> DeadlineOfTask(State& state) {
  const eddy::TimePoint deadline = eddy::Clock::now() + 1min;
  for (auto _ : state) {
    DoNotOptimize(co_await eddy::WithDeadline(deadline, Answer(1)));
  }
}
EDDY_BENCHMARK(DeadlineOfTask)->Name("runtime/WithDeadline of a Task");
Task<> TimeoutOfOperation(State& state) {
  for (auto _ : state) {
    DoNotOptimize(co_await eddy::WithTimeout(1min, Nop()));
  }
}
EDDY_BENCHMARK(TimeoutOfOperation)->Name("runtime/WithTimeout of a NOP");
Task<> TimeoutPassed(State& state) {
  for (auto _ : state) {
    DoNotOptimize(co_await eddy::WithTimeout(1us, eddy::UntilStopped()));
  }
}
EDDY_BENCHMARK(TimeoutPassed)
    ->Name("runtime/WithTimeout, 1 µs that passes")
    ->UseRealTime();
Task<> GetDeadline(State& state) {
  for (auto _ : state) DoNotOptimize(co_await eddy::CurrentDeadline());
}
EDDY_BENCHMARK(GetDeadline)->Name("runtime/CurrentDeadline");

Task<> SleepNot(State& state) {
  for (auto _ : state) DoNotOptimize(co_await eddy::Sleep(0s));
}
EDDY_BENCHMARK(SleepNot)->Name("runtime/Sleep(0)");
Task<> SleepShort(State& state) {
  for (auto _ : state) DoNotOptimize(co_await eddy::Sleep(50us));
}
EDDY_BENCHMARK(SleepShort)->Name("runtime/Sleep(50 µs)")->UseRealTime();
Task<> NextOfInterval(State& state) {
  eddy::Interval interval(eddy::Clock::now(), 1ns,
                          eddy::Interval::Missed::kBurst);
  for (auto _ : state) DoNotOptimize(co_await interval.Next());
}
EDDY_BENCHMARK(NextOfInterval)->Name("runtime/Interval::Next, overdue, kBurst");
Task<> SkipOfInterval(State& state) {
  eddy::Interval interval(1ns, eddy::Interval::Missed::kSkip);
  for (auto _ : state) DoNotOptimize(co_await interval.Next());
}
EDDY_BENCHMARK(SkipOfInterval)->Name("runtime/Interval::Next, overdue, kSkip");

}  // namespace
}  // namespace costs
