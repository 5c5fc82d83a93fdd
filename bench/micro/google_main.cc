// main() of the benchmarks of single awaits, which are Google Benchmark's.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <vector>

int main(int argc, char** argv) {
  // --quick and --json FILE (or --json=FILE) are those of every benchmark.
  std::vector<std::string> arguments;
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--quick") {
      arguments.emplace_back("--benchmark_min_time=0.01");
    } else if (argument == "--json" && i + 1 < argc) {
      arguments.push_back(std::string("--benchmark_out=") + argv[++i]);
    } else if (argument.starts_with("--json=")) {
      arguments.push_back("--benchmark_out=" + std::string(argument.substr(7)));
    } else {
      arguments.emplace_back(argument);
    }
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);
  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
