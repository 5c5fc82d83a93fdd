// Runs the workloads so that callgrind can count the instructions of each; what
// it counts is compared by check.py.
//
//   valgrind --tool=callgrind --callgrind-out-file=FILE instructions
//
// FILE.1, FILE.2, ... then have the counts, each with a line
// "desc: Trigger: Client Request: COUNT NAME". Printed is the compiler, for
// which there is a baseline of its own. Without valgrind it just runs them.
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/yield.h>

#include <valgrind/callgrind.h>

#include <cstdio>
#include <string>
#include <vector>

#include "tests/instructions/workloads.h"

namespace eddy::test {
namespace {

// So few that a turn's budget of awaits suffices for the longest one, and
// enough for what happens only now and then not to count.
constexpr long kCounts[] = {500, 1000};

#if defined(__clang__)
#define EDDY_COMPILER "clang++"
#define EDDY_COMPILER_VERSION __clang_version__
#else
#define EDDY_COMPILER "g++"
#define EDDY_COMPILER_VERSION __VERSION__
#endif

Task<> RunAll() {
  VirtualClockOptions options;
  options.settle = Duration::zero();
  const VirtualClock clock(options);
  std::vector<Workload> workloads(Workloads().begin(), Workloads().end());
  workloads.insert(workloads.end(), IoWorkloads().begin(), IoWorkloads().end());
  for (const Workload& workload : workloads) {
    // Its frames come from the pool from here on.
    co_await workload.run(20);
    for (const long count : kCounts) {
      const std::string name = std::to_string(count) + " " + workload.name;
      // Each begins with a turn.
      co_await Yield();
      CALLGRIND_ZERO_STATS;
      co_await workload.run(count);
      CALLGRIND_DUMP_STATS_AT(name.c_str());
    }
  }
}

int Main() {
  RuntimeOptions options;
  options.cores = 1;
  options.pin = false;
  const auto runtime = Runtime::Create(options);
  if (!runtime) {
    std::printf("no reactor: %s\n", runtime.error().message().c_str());
    return 77;
  }
  const std::string version = EDDY_COMPILER_VERSION;
  std::printf("%s %s\n", EDDY_COMPILER,
              version.substr(0, version.find(' ')).c_str());
  (*runtime)->Run(RunAll());
  return 0;
}

}  // namespace
}  // namespace eddy::test

int main() { return eddy::test::Main(); }
