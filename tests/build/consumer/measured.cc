// A user's benchmark with eddy::benchmark, and with an operator new that
// counts.

#include <eddy/runtime/task.h>
#include <eddy/runtime/testing/benchmark.h>

#include <benchmark/benchmark.h>

#include <cstdio>
#include <memory>
#include <vector>

namespace {

eddy::Task<void> Allocate(eddy::benchmark::State& state) {
  for (auto _ : state) {
    eddy::benchmark::DoNotOptimize(std::make_unique<int>(1).get());
  }
  co_return;
}
EDDY_BENCHMARK(Allocate)->Iterations(10);

class Reporter final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      good = run.iterations == 10 && run.counters.at("allocs").value == 1 &&
             run.counters.at("sqes").value == 0;
    }
  }
  bool good = false;
};

}  // namespace

int main() {
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter, "Allocate");
  if (!reporter.good) return 1;
  std::puts("eddy works");
}
