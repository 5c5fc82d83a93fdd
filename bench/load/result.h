// How a run of the load generator is told: the columns that its tables have in
// common.

#ifndef EDDY_BENCH_LOAD_RESULT_H_
#define EDDY_BENCH_LOAD_RESULT_H_

#include <chrono>
#include <vector>

#include "bench/lib/report.h"
#include "bench/load/options.h"
#include "bench/load/totals.h"

namespace eddy::bench {

// Without any that a closed loop does not have.
std::vector<Metric> ResultMetrics();
// In the order of ResultMetrics. `cpu` is what the server has used; NaN where
// that is not known.
std::vector<double> ResultValues(const LoadOptions& options,
                                 const Totals& totals,
                                 std::chrono::duration<double> cpu);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LOAD_RESULT_H_
