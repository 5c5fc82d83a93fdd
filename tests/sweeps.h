// ExpectCleanSweeps: a scenario stopped, and failed, at each of its points, in
// one line of a test.
#ifndef EDDY_TESTS_SWEEPS_H_
#define EDDY_TESTS_SWEEPS_H_

#include <eddy/runtime/testing/sweep.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "tests/chaos.h"

namespace eddy::test {

// The fewest points that a scenario has; with less it has not done what it is
// there for. (Where chaos lets one of two operations end before the other is
// submitted, there are less.)
struct AtLeast {
  std::uint64_t stops = 1;
  std::uint64_t failures = 1;
};

// Runs both sweeps. How many points they had goes to the test's properties.
template <class F>
void ExpectCleanSweeps(const F& scenario, AtLeast points,
                       const SweepOptions& options = {}) {
  if (InChaos()) {
    points.stops = std::min<std::uint64_t>(points.stops, 1);
    points.failures = std::min<std::uint64_t>(points.failures, 1);
  }
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
