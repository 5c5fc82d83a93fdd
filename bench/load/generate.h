// The load generator: connections that keep a server busy, on eddy.
//
// The closed loop sends the next request when the last one is answered, so a
// slow server is asked less often, and its pauses are seen by few requests. The
// open loop sends at a constant rate, and counts latencies from the time at
// which a request was due.

#ifndef EDDY_BENCH_LOAD_GENERATE_H_
#define EDDY_BENCH_LOAD_GENERATE_H_

#include "absl/status/statusor.h"
#include "bench/load/options.h"
#include "bench/load/totals.h"

namespace eddy::bench {

// Runs it to its end, on the calling thread and, for more cores than one, on
// others. REQUIRES: Check(options) is ok.
// Errors: no io_uring, not so many cores; the server does not accept the
// connections. What goes wrong later is Totals::failure.
absl::StatusOr<Totals> Generate(const LoadOptions& options);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LOAD_GENERATE_H_
