// The client side of a server benchmark: what keeps one server busy from this
// thread, and measures what it sees. Loads are cheap, so that the server is
// what limits a run, and come to rest between slices, so that several servers
// can be loaded in turn.

#ifndef EDDY_BENCH_LIB_LOAD_H_
#define EDDY_BENCH_LIB_LOAD_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "bench/lib/histogram.h"

namespace eddy::bench {

// What slices have measured so far; what one request is, the load says.
// Throughput and latency are taken within the slices' windows, when all
// connections are busy. CPU times are taken from rest to rest, because the
// kernel's account of another process is exact only while that sleeps; they
// belong to all requests and all seconds.
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
  // Likewise of what helps on the client's side; may be empty.
  std::function<std::chrono::nanoseconds()> helper_cpu = nullptr;
};

class Load {
 public:
  using nanoseconds = std::chrono::nanoseconds;

  virtual ~Load() = default;

  // Starts all that it keeps at once, keeps it busy for `slice`, waits for
  // every outstanding answer, and adds the measurements to `totals`. After an
  // error only destruction is left.
  absl::Status Run(const Slice& slice, LoadTotals& totals);

 protected:
  static nanoseconds Now(clockid_t clock);

  // Sends what is sent at first.
  virtual void Begin() = 0;
  // Waits, for 100 ms at most, and handles what has come; what is sent in
  // answer to it, only while sending().
  virtual absl::Status Turn() = 0;
  // Whether no answer is outstanding.
  virtual bool AtRest() const = 0;

  // For Turn(), in this order: it has waited; an answer to what was handed
  // over at `sent_at` has come; it is over, what came of it?
  void Waited() { now_ = Now(CLOCK_MONOTONIC); }
  void Answered(nanoseconds sent_at, std::uint64_t requests = 1) {
    answers_ += requests;
    last_answer_ = now_;
    if (latencies_ == nullptr) return;
    latencies_->Add(static_cast<std::uint64_t>((now_ - sent_at).count()),
                    requests);
  }
  absl::Status Outcome();

  void Fail(const std::string& what);
  void StopSending() { sending_ = false; }
  bool sending() const { return sending_; }
  // As of the last Waited().
  nanoseconds now() const { return now_; }

 private:
  absl::Status LoopUntil(nanoseconds end);
  absl::Status LoopUntilRest();

  absl::Status error_;
  nanoseconds now_{};
  nanoseconds last_answer_{};
  std::uint64_t answers_ = 0;  // requests answered since the start of the slice
  Histogram* latencies_ = nullptr;  // null outside of the window
  bool sending_ = false;
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_LOAD_H_
