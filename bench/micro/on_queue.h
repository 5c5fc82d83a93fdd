// OnQueue: runs a floor's coroutine, as a reactor runs eddy's.
#ifndef EDDY_BENCH_MICRO_ON_QUEUE_H_
#define EDDY_BENCH_MICRO_ON_QUEUE_H_

#include <eddy/runtime/testing/benchmark.h>

#include "bench/micro/floor.h"

// Runs the coroutine with a queue that lives for one benchmark.
template <floor_types::Task (*body)(eddy::benchmark::State&,
                                    floor_types::Queue&)>
void OnQueue(eddy::benchmark::State& state) {
  floor_types::Queue queue;
  floor_types::Task task = body(state, queue);
  task.Start();
  queue.RunUntilDone(task);
}

#endif  // EDDY_BENCH_MICRO_ON_QUEUE_H_
