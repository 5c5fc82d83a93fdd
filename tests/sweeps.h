// ExpectCleanSweeps: a scenario stopped, and failed, at each of its points, in
// one line of a test.
#ifndef EDDY_TESTS_SWEEPS_H_
#define EDDY_TESTS_SWEEPS_H_

#include <eddy/runtime/testing/sweep.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace eddy::test {

// The fewest points that a scenario has; with less it has not done what it is
// there for.
struct AtLeast {
  std::uint64_t stops = 1;
  std::uint64_t failures = 1;
};

// Runs both sweeps. How many points they had goes to the test's properties.
template <class F>
void ExpectCleanSweeps(const F& scenario, AtLeast points,
                       const SweepOptions& options = {}) {
  const SweepReport stops = StopAtEveryPoint(scenario, options);
  EXPECT_EQ(stops.failure, "");
  EXPECT_GE(stops.points, points.stops);
  const SweepReport failures = FailAtEveryPoint(scenario, options);
  EXPECT_EQ(failures.failure, "");
  EXPECT_GE(failures.points, points.failures);
  ::testing::Test::RecordProperty("stops", std::to_string(stops.points));
  ::testing::Test::RecordProperty("failures", std::to_string(failures.points));
}

}  // namespace eddy::test

#endif  // EDDY_TESTS_SWEEPS_H_
