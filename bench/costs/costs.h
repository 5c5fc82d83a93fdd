// What the benchmarks of single calls share. Each is named after its layer and
// call: "runtime/Mutex::Lock, free".
#ifndef EDDY_BENCH_COSTS_COSTS_H_
#define EDDY_BENCH_COSTS_COSTS_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/benchmark.h>

#include <cstddef>
#include <utility>
#include <vector>

namespace costs {

using eddy::Result;
using eddy::Task;
using eddy::benchmark::DoNotOptimize;
using eddy::benchmark::State;

// A task that is made, run and ended. It is no part of who awaits it.
[[gnu::noinline]] inline Task<long> Answer(long n) { co_return n + 1; }

// For a call that uses something up: `prepare`, a function that returns a Task,
// is awaited before each kBatch calls, and is neither timed nor counted.
inline constexpr std::size_t kBatch = 256;
template <class Prepare, class Call>
Task<Result<void>> InBatches(State& state, Prepare prepare, Call call) {
  std::size_t left = 0;
  for (auto _ : state) {
    if (left == 0) {
      state.PauseTiming();
      EDDY_CO_CHECK(co_await prepare());
      state.ResumeTiming();
      left = kBatch;
    }
    --left;
    EDDY_CO_CHECK(co_await call());
  }
  co_return Result<void>();
}

// The same for a call that makes something, which is kept in `made` until
// `prepare` takes it.
template <class T, class Prepare, class Call>
Task<Result<void>> KeptInBatches(State& state, std::vector<T>& made,
                                 Prepare prepare, Call call) {
  made.reserve(kBatch);
  std::size_t left = 0;
  for (auto _ : state) {
    if (left == 0) {
      state.PauseTiming();
      EDDY_CO_CHECK(co_await prepare());
      made.clear();
      state.ResumeTiming();
      left = kBatch;
    }
    --left;
    EDDY_CO_TRY(T one, co_await call());
    made.push_back(std::move(one));
  }
  co_return Result<void>();
}

// For a call that waits for another task: that one runs beside the body, and is
// stopped when the body has ended.
template <class Other, class Body>
Task<Result<void>> Beside(Other other, Body body) {
  const auto both = [&](eddy::TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([&other]() -> Task<> { static_cast<void>(co_await other()); });
    const Result<void> result = co_await body();
    scope.RequestStop();
    co_return result;
  };
  co_return co_await eddy::WithScope(both);
}

}  // namespace costs

#endif  // EDDY_BENCH_COSTS_COSTS_H_
