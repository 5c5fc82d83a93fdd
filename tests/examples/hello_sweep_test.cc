// The greeters, stopped at every point.
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/testing/virtual_clock.h>

#include <gtest/gtest.h>

#include "tests/examples/silent_sweeps.h"

// Of examples/hello.cc.
eddy::Task<eddy::Result<int>> Main();

namespace eddy::testing_examples {
namespace {

Task<Result<void>> Greets() {
  const VirtualClock clock;
  const Result<int> code = co_await ::Main();
  if (!code) co_return Unexpected(code.error());
  co_return *code == 0 ? Result<void>() : Unexpected(kWrong);
}

TEST(HelloSweepTest, EndsCleanlyAtEveryPoint) {
  ExpectCleanWhenStopped(Greets, 20);
}

}  // namespace
}  // namespace eddy::testing_examples
