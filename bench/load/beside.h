// The load generator beside wrk and redis-benchmark, each on the same server,
// in closed loops: whether its figures can be believed.

#ifndef EDDY_BENCH_LOAD_BESIDE_H_
#define EDDY_BENCH_LOAD_BESIDE_H_

#include "bench/lib/machine.h"
#include "bench/lib/report.h"

namespace eddy::bench {

// The report of MeasureBeside; what it is divided by is the other tool.
Report MakeBesideReport();

// What is not installed is left out, which it says. Returns how many runs have
// failed.
int MeasureBeside(const Cores& cores, Report& report);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LOAD_BESIDE_H_
