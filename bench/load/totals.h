// What a run of the load generator has seen.

#ifndef EDDY_BENCH_LOAD_TOTALS_H_
#define EDDY_BENCH_LOAD_TOTALS_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "bench/lib/histogram.h"

namespace eddy::bench {

struct Totals {
  // Nanoseconds, of what was measured: from the time that a request was due to
  // that of its answer; in a closed loop, from handing it to the kernel. A
  // request of the open loop that was due but was never sent, or never
  // answered, is in it with the time that it has waited.
  Histogram latencies;
  std::uint64_t answers = 0;  // that came in the measured time

  // Of the whole run, warm-up and end included.
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;     // answers that are errors: HTTP 404, -ERR
  std::uint64_t misses = 0;      // GETs of keys that the server does not have
  std::uint64_t unanswered = 0;  // sent, but the connection or the time ended
  std::uint64_t reconnects = 0;
  // Of the open loop: sent more than kLate after their time, and never sent.
  std::uint64_t late = 0;
  std::uint64_t unsent = 0;

  // What ended the run early, or went wrong first; empty if nothing did.
  std::string failure;

  static constexpr std::chrono::milliseconds kLate{1};

  void Add(const Totals& other) {
    latencies.Add(other.latencies);
    answers += other.answers;
    sent += other.sent;
    answered += other.answered;
    refused += other.refused;
    misses += other.misses;
    unanswered += other.unanswered;
    reconnects += other.reconnects;
    late += other.late;
    unsent += other.unsent;
    if (failure.empty()) failure = other.failure;
  }

  std::uint64_t Errors() const { return refused + unanswered; }
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LOAD_TOTALS_H_
