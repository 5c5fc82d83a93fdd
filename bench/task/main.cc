// What awaiting costs: tasks, the ready queue, timers, the ring.
//
//   bench/run task [--quick] [--json FILE] [--benchmark_filter=REGEX]
//
// Each *_floor is the same work on the types of floor.h, or on raw liburing
// with eddy's set-up flags, in the same run. The counters are those of
// docs/benchmarking.md, where a floor's frames are not seen, for they are not
// of eddy's pool; they are of a whole chain, and of one operation of a
// nop_batch. --json writes Google Benchmark's own format.
//
// Each *_asio, where Asio is installed, is the same as its users would write
// it, on a context that one thread uses. Its frames come from aligned_alloc
// where it has none to reuse, so that "allocs" does not see them.

#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/benchmark.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "bench/micro/floor.h"
#include "bench/micro/nop.h"
#include "bench/micro/on_queue.h"
#include "bench/micro/raw_ring.h"

using namespace std::chrono_literals;

namespace {

using eddy::Task;
using eddy::benchmark::DoNotOptimize;
using eddy::benchmark::State;

// --- Create, await and destroy a task ----------------------------------------

// (What is awaited is called on both sides: inlined, a frame may be part of its
// caller's.)
[[gnu::noinline]] Task<long> Answer(long n) { co_return n + 1; }
Task<> TaskBody(State& state) {
  long sum = co_await Answer(1);
  for (auto _ : state) {
    sum = co_await Answer(sum);
    DoNotOptimize(sum);
  }
}
EDDY_BENCHMARK(TaskBody)->Name("task");

[[gnu::noinline]] floor_types::Task FloorAnswer(long n) { co_return n + 1; }
floor_types::Task FloorTaskBody(State& state) {
  long sum = 0;
  for (auto _ : state) {
    sum = co_await FloorAnswer(sum);
    DoNotOptimize(sum);
  }
  co_return sum;
}
void TaskFloor(State& state) {
  floor_types::Task task = FloorTaskBody(state);
  task.Start();
}
EDDY_BENCHMARK(TaskFloor)->Name("task_floor");

// --- A chain of awaits -------------------------------------------------------

// NOLINTNEXTLINE(misc-no-recursion)
[[gnu::noinline]] Task<long> Chain(long depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await Chain(depth - 1);
}
Task<> ChainBody(State& state) {
  DoNotOptimize(co_await Chain(state.range(0)));
  for (auto _ : state) {
    DoNotOptimize(co_await Chain(state.range(0)));
  }
}
EDDY_BENCHMARK(ChainBody)->Name("chain")->Arg(10)->Arg(100);

// NOLINTNEXTLINE(misc-no-recursion)
[[gnu::noinline]] floor_types::Task FloorChain(long depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await FloorChain(depth - 1);
}
floor_types::Task FloorChainBody(State& state) {
  for (auto _ : state) {
    DoNotOptimize(co_await FloorChain(state.range(0)));
  }
  co_return 0;
}
void ChainFloor(State& state) {
  floor_types::Task task = FloorChainBody(state);
  task.Start();
}
EDDY_BENCHMARK(ChainFloor)->Name("chain_floor")->Arg(10)->Arg(100);

// --- A round trip through the ready queue ------------------------------------

Task<> YieldBody(State& state) {
  for (auto _ : state) co_await eddy::Yield();
}
EDDY_BENCHMARK(YieldBody)->Name("yield");

floor_types::Task FloorYieldBody(State& state, floor_types::Queue& queue) {
  for (auto _ : state) co_await floor_types::Yield{queue};
  co_return 0;
}
EDDY_BENCHMARK(OnQueue<FloorYieldBody>)->Name("yield_floor");

// --- Sleep -------------------------------------------------------------------

Task<> SleepBody(State& state) {
  for (auto _ : state) {
    DoNotOptimize(co_await eddy::Sleep(0ns));
  }
}
EDDY_BENCHMARK(SleepBody)->Name("sleep_0");

// --- The ring ----------------------------------------------------------------

Task<> NopBody(State& state) {
  for (auto _ : state) DoNotOptimize(co_await Nop());
}
EDDY_BENCHMARK(NopBody)->Name("nop");

// Of as many operations at once as the argument says, until the count is used
// up.
Task<> NopUntil(long& left) {
  while (left-- > 0) DoNotOptimize(co_await Nop());
}
Task<> NopBatchBody(State& state) {
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
  for (auto _ : state) static_cast<void>(co_await iteration());
  state.SetItemsProcessed(state.iterations() * per_iteration);
  state.SetOperationsPerIteration(static_cast<std::uint64_t>(per_iteration));
}
EDDY_BENCHMARK(NopBatchBody)->Name("nop_batch")->Arg(16)->Arg(64);

void NopFloor(State& state) {
  RawRing ring;
  for (auto _ : state) ring.Nops(1);
}
EDDY_BENCHMARK(NopFloor)->Name("nop_floor");

void NopBatchFloor(State& state) {
  RawRing ring;
  const auto batch = static_cast<unsigned>(state.range(0));
  for (auto _ : state) {
    for (int i = 0; i < 16; ++i) ring.Nops(batch);
  }
  state.SetItemsProcessed(state.iterations() * 16 * batch);
  state.SetOperationsPerIteration(std::uint64_t{16} * batch);
}
EDDY_BENCHMARK(NopBatchFloor)->Name("nop_batch_floor")->Arg(16)->Arg(64);

}  // namespace
