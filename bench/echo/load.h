// The client side of the echo benchmark: one thread that keeps a fixed number
// of connections busy in a closed loop and measures what it sees. The same for
// every subject, and cheap, so that the server is what limits the run.

#ifndef EDDY_BENCH_ECHO_LOAD_H_
#define EDDY_BENCH_ECHO_LOAD_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/lib/histogram.h"

namespace eddy::bench {

struct LoadOptions {
  std::uint16_t port = 0;  // on the loopback address
  std::size_t connections = 1;
  std::size_t size = 64;     // bytes of a request
  std::size_t pipeline = 1;  // requests sent together on a connection
};

// What slices have measured so far. Throughput and latency are taken within
// the slices' windows, when all connections are busy. CPU times are taken from
// rest to rest, because the kernel's account of another process is exact only
// while that sleeps; they belong to all requests and all seconds.
struct LoadTotals {
  double window_requests = 0;
  double window_seconds = 0;
  double all_requests = 0;
  double all_seconds = 0;
  double server_cpu_seconds = 0;
  double client_cpu_seconds = 0;
  // Nanoseconds from handing a request to the kernel to seeing its answer.
  Histogram latencies;
};

struct Slice {
  std::chrono::nanoseconds ramp;    // before the window
  std::chrono::nanoseconds window;  // measured
  // The CPU time that the server has used since it started.
  std::function<std::chrono::nanoseconds()> server_cpu;
};

// One server's connections, at rest between slices, so that several servers
// can be loaded in turn.
//
// Errors: a refused, closed or silent connection, or an answer that differs
// from its request (the first answer of every connection and every 16th after
// it are compared byte by byte; of the others the length). After an error only
// destruction is left.
class Load {
 public:
  static absl::StatusOr<std::unique_ptr<Load>> Connect(
      const LoadOptions& options);
  virtual ~Load() = default;

  // Starts a request on every connection, keeps all busy for `slice`, waits
  // for every outstanding answer, and adds the measurements to `totals`.
  virtual absl::Status Run(const Slice& slice, LoadTotals& totals) = 0;
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_ECHO_LOAD_H_
