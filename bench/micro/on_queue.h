// OnQueue: runs a floor's coroutine, as a reactor runs eddy's. It is measured
// with Google Benchmark itself: what the loop of eddy::benchmark may add is not
// to be in the floor.
#ifndef EDDY_BENCH_MICRO_ON_QUEUE_H_
#define EDDY_BENCH_MICRO_ON_QUEUE_H_

#include <benchmark/benchmark.h>

#include "bench/micro/floor.h"

// Runs the coroutine with a queue that lives for one benchmark.
template <floor_types::Task (*body)(benchmark::State&, floor_types::Queue&)>
void OnQueue(benchmark::State& state) {
  floor_types::Queue queue;
  floor_types::Task task = body(state, queue);
  task.Start();
  queue.RunUntilDone(task);
}

#endif  // EDDY_BENCH_MICRO_ON_QUEUE_H_
