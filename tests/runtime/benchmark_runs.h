// Runs benchmarks of tests, and keeps what is reported of them.
#ifndef EDDY_TESTS_RUNTIME_BENCHMARK_RUNS_H_
#define EDDY_TESTS_RUNTIME_BENCHMARK_RUNS_H_

#include <benchmark/benchmark.h>
#include <eddy/runtime/testing/benchmark.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace eddy::test {

inline constexpr int kIterations = 100;

struct Reported {
  std::string name;
  std::string error;
  std::string label;
  double iterations = 0;
  std::map<std::string, double> counters;
};

// The error of a run, or nothing. (Its fields have other names from Google
// Benchmark 1.8 on.)
template <class Run>
std::string ErrorOf(const Run& run) {
  if constexpr (requires { run.error_occurred; }) {
    return run.error_occurred ? run.error_message : "";
  } else {
    return run.skipped ? run.skip_message : "";
  }
}

// Keeps what the library reports.
class Keeper final : public ::benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      Reported& kept = reported.emplace_back();
      kept.name = run.run_name.str();
      kept.error = ErrorOf(run);
      kept.iterations = static_cast<double>(run.iterations);
      kept.label = run.report_label;
      for (const auto& [name, counter] : run.counters) {
        kept.counters[name] = counter.value;
      }
    }
  }

  std::vector<Reported> reported;
};

inline std::vector<Reported> RunAll() {
  Keeper keeper;
  ::benchmark::RunSpecifiedBenchmarks(&keeper, ".");
  ::benchmark::ClearRegisteredBenchmarks();
  return keeper.reported;
}

// What is reported of a body that runs alone, as `threads` threads.
template <class Body>
Reported RunOne(Body body, int threads = 1) {
  benchmark::Register("body", std::move(body))
      ->Iterations(kIterations)
      ->Threads(threads);
  return RunAll().at(0);
}
// The same with times that it sets.
template <class Body>
Reported RunManual(Body body) {
  benchmark::Register("body", std::move(body))
      ->Iterations(kIterations)
      ->UseManualTime();
  return RunAll().at(0);
}

}  // namespace eddy::test

#endif  // EDDY_TESTS_RUNTIME_BENCHMARK_RUNS_H_
