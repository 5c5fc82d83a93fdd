// A user's test: eddy::testing without GoogleTest.

#include <eddy/runtime/testing/sweep.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timer.h>

#include <chrono>
#include <cstdio>

int main() {
  const eddy::VirtualClock clock;
  const eddy::SweepReport report =
      eddy::StopAtEveryPoint([]() -> eddy::Task<eddy::Result<void>> {
        co_return co_await eddy::Sleep(std::chrono::hours(1));
      });
  if (!report.failure.empty() || report.points == 0) {
    std::puts(report.failure.c_str());
    return 1;
  }
  std::puts("eddy works");
}
