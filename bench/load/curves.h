// Latency by load: echo servers in turn, under open loops of rising rates.

#ifndef EDDY_BENCH_LOAD_CURVES_H_
#define EDDY_BENCH_LOAD_CURVES_H_

#include "bench/lib/machine.h"
#include "bench/lib/report.h"

namespace eddy::bench {

// The report of MeasureCurves; its floor is the liburing server.
Report MakeCurvesReport();

// Returns how many runs have failed.
int MeasureCurves(const Cores& cores, Report& report);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LOAD_CURVES_H_
