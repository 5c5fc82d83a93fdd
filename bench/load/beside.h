// The load generator beside wrk and redis-benchmark, each on the same server,
// in closed loops: whether its figures can be believed.

#ifndef EDDY_BENCH_LOAD_BESIDE_H_
#define EDDY_BENCH_LOAD_BESIDE_H_

#include <string>

#include "bench/lib/machine.h"
#include "bench/lib/report.h"

namespace eddy::bench {

inline constexpr char kWrk[] = "wrk";
inline constexpr char kRedisBenchmark[] = "redis-benchmark";

// A report whose floor is that tool.
Report MakeBesideReport(const std::string& tool);

// What is not installed is left out, which they say. They return how many runs
// have failed.
int MeasureBesideWrk(const Cores& cores, Report& report);
int MeasureBesideRedisBenchmark(const Cores& cores, Report& report);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LOAD_BESIDE_H_
