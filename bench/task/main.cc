// What awaiting costs: tasks, the ready queue, timers, the ring.
//
//   bench/run task [--quick] [--json FILE] [--benchmark_filter=REGEX]
//
// Each *_floor is the same work on the types of floor.h, or on raw liburing
// with eddy's set-up flags, in the same run. "allocs" are heap allocations per
// operation. --json writes Google Benchmark's own format.

#include <benchmark/benchmark.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>

#include <chrono>
#include <vector>

#include "bench/micro/floor.h"
#include "bench/micro/micro.h"
#include "bench/micro/nop.h"
#include "bench/micro/raw_ring.h"

using namespace std::chrono_literals;

namespace {

using eddy::Task;

// --- Create, await and destroy a task ----------------------------------------

Task<long> Answer(long n) { co_return n + 1; }
Task<> TaskBody(benchmark::State& state) {
  long sum = co_await Answer(1);
  const AllocationCounter counter(state);
  for (auto _ : state) sum = co_await Answer(sum);
  benchmark::DoNotOptimize(sum);
}
BENCHMARK(OnReactor<TaskBody>)->Name("task");

floor_types::Task FloorAnswer(long n) { co_return n + 1; }
floor_types::Task FloorTaskBody(benchmark::State& state) {
  long sum = 0;
  for (auto _ : state) sum = co_await FloorAnswer(sum);
  benchmark::DoNotOptimize(sum);
  co_return sum;
}
void TaskFloor(benchmark::State& state) {
  floor_types::Task task = FloorTaskBody(state);
  task.Start();
}
BENCHMARK(TaskFloor)->Name("task_floor");

// --- A chain of awaits -------------------------------------------------------

// NOLINTNEXTLINE(misc-no-recursion)
Task<long> Chain(long depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await Chain(depth - 1);
}
Task<> ChainBody(benchmark::State& state) {
  benchmark::DoNotOptimize(co_await Chain(state.range(0)));
  const AllocationCounter counter(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(co_await Chain(state.range(0)));
  }
}
BENCHMARK(OnReactor<ChainBody>)->Name("chain")->Arg(10)->Arg(100);

// NOLINTNEXTLINE(misc-no-recursion)
floor_types::Task FloorChain(long depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await FloorChain(depth - 1);
}
floor_types::Task FloorChainBody(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(co_await FloorChain(state.range(0)));
  }
  co_return 0;
}
void ChainFloor(benchmark::State& state) {
  floor_types::Task task = FloorChainBody(state);
  task.Start();
}
BENCHMARK(ChainFloor)->Name("chain_floor")->Arg(10)->Arg(100);

// --- A round trip through the ready queue ------------------------------------

Task<> YieldBody(benchmark::State& state) {
  const AllocationCounter counter(state);
  for (auto _ : state) co_await eddy::Yield();
}
BENCHMARK(OnReactor<YieldBody>)->Name("yield");

floor_types::Task FloorYieldBody(benchmark::State& state,
                                 floor_types::Queue& queue) {
  for (auto _ : state) co_await floor_types::Yield{queue};
  co_return 0;
}
void YieldFloor(benchmark::State& state) {
  floor_types::Queue queue;
  floor_types::Task task = FloorYieldBody(state, queue);
  task.Start();
  queue.RunUntilDone(task);
}
BENCHMARK(YieldFloor)->Name("yield_floor");

// --- Sleep -------------------------------------------------------------------

Task<> SleepBody(benchmark::State& state) {
  const AllocationCounter counter(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(co_await eddy::Sleep(0ns));
  }
}
BENCHMARK(OnReactor<SleepBody>)->Name("sleep_0");

// --- The ring ----------------------------------------------------------------

Task<> NopBody(benchmark::State& state) {
  const AllocationCounter counter(state);
  for (auto _ : state) benchmark::DoNotOptimize(co_await Nop());
}
BENCHMARK(OnReactor<NopBody>)->Name("nop");

// Of as many operations at once as the argument says, until the count is used
// up.
Task<> NopUntil(long& left) {
  while (left-- > 0) benchmark::DoNotOptimize(co_await Nop());
}
Task<> NopBatchBody(benchmark::State& state) {
  const long per_iteration = 16 * state.range(0);
  std::vector<eddy::JoinHandle<void>> handles;
  const auto iteration = [&] {
    return eddy::WithScope([&](eddy::TaskScope& scope) -> Task<> {
      long left = per_iteration;
      for (long i = 0; i < state.range(0); ++i) {
        handles.push_back(scope.Spawn(NopUntil(left)));
      }
      for (eddy::JoinHandle<void>& handle : handles) co_await handle;
      handles.clear();
    });
  };
  static_cast<void>(co_await iteration());
  {
    const AllocationCounter counter(state);
    for (auto _ : state) static_cast<void>(co_await iteration());
  }
  state.SetItemsProcessed(state.iterations() * per_iteration);
}
BENCHMARK(OnReactor<NopBatchBody>)->Name("nop_batch")->Arg(16)->Arg(64);

void NopFloor(benchmark::State& state) {
  RawRing ring;
  for (auto _ : state) ring.Nops(1);
}
BENCHMARK(NopFloor)->Name("nop_floor");

void NopBatchFloor(benchmark::State& state) {
  RawRing ring;
  const auto batch = static_cast<unsigned>(state.range(0));
  for (auto _ : state) {
    for (int i = 0; i < 16; ++i) ring.Nops(batch);
  }
  state.SetItemsProcessed(state.iterations() * 16 * batch);
}
BENCHMARK(NopBatchFloor)->Name("nop_batch_floor")->Arg(16)->Arg(64);

}  // namespace
