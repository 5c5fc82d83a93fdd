// A runtime for the benchmarks of single calls.
#ifndef EDDY_BENCH_COSTS_CORES_H_
#define EDDY_BENCH_COSTS_CORES_H_

#include <eddy/runtime/runtime.h>

#include "bench/costs/costs.h"

namespace costs {

inline eddy::RuntimeOptions TwoCores() {
  eddy::RuntimeOptions options;
  options.cores = 2;
  options.oversubscribe = true;
  return options;
}

// The body is the main task of a runtime with two cores.
template <Task<Result<void>> (*body)(State&)>
void OnTwoCores(State& state) {
  auto runtime = eddy::Runtime::Create(TwoCores());
  if (!runtime) return state.SkipWithError(runtime.error().message());
  const Result<void> result = (*runtime)->Run(body(state));
  if (!result) state.SkipWithError(result.error().message());
}

}  // namespace costs

#endif  // EDDY_BENCH_COSTS_CORES_H_
