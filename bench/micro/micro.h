// What the benchmarks of single awaits share, besides main() in micro.cc.
#ifndef EDDY_BENCH_MICRO_MICRO_H_
#define EDDY_BENCH_MICRO_MICRO_H_

#include <benchmark/benchmark.h>
#include <eddy/runtime/sync_wait.h>

#include <cstdint>

#include "bench/micro/allocations.h"

// Counts from its making to its end.
class AllocationCounter {
 public:
  explicit AllocationCounter(benchmark::State& state)
      : state_(state), before_(Allocations()) {}
  ~AllocationCounter() {
    state_.counters["allocs"] =
        benchmark::Counter(static_cast<double>(Allocations() - before_),
                           benchmark::Counter::kAvgIterations);
  }
  AllocationCounter(const AllocationCounter&) = delete;
  AllocationCounter& operator=(const AllocationCounter&) = delete;

 private:
  benchmark::State& state_;
  std::uint64_t before_;
};

// Runs the coroutine on a reactor that lives for one benchmark.
template <eddy::Task<> (*body)(benchmark::State&)>
void OnReactor(benchmark::State& state) {
  eddy::SyncWait(body(state));
}

#endif  // EDDY_BENCH_MICRO_MICRO_H_
