#include "bench/load/result.h"

namespace eddy::bench {

std::vector<Metric> ResultMetrics() {
  return {
      {"requests_per_second", "req/s", "1/s", 0, true},
      {"server_cpu_per_request", "CPU us/req", "us", 3, true},
      {"latency_p50", "p50 us", "us", 1, true},
      {"latency_p90", "p90 us", "us", 1, false},
      {"latency_p99", "p99 us", "us", 1, true},
      {"latency_p999", "p99.9 us", "us", 1, false},
      {"latency_max", "max us", "us", 0, false},
      {"sent_late", "late", "1", 0, false},
      {"never_sent", "unsent", "1", 0, false},
      {"errors", "errors", "1", 0, false},
  };
}

std::vector<double> ResultValues(const LoadOptions& options,
                                 const Totals& totals,
                                 std::chrono::duration<double> cpu) {
  const auto count = [](std::uint64_t n) { return static_cast<double>(n); };
  const auto us = [&totals](double fraction) {
    return totals.latencies.Quantile(fraction) / 1000;
  };
  return {
      count(totals.answers) /
          std::chrono::duration<double>(options.duration).count(),
      1e6 * cpu.count() / count(totals.answered),
      us(0.50),
      us(0.90),
      us(0.99),
      us(0.999),
      count(totals.latencies.Max()) / 1000,
      count(totals.late),
      count(totals.unsent),
      count(totals.Errors()),
  };
}

}  // namespace eddy::bench
