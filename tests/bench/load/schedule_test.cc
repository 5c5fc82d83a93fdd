#include "bench/load/schedule.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <vector>

namespace eddy::bench {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(ScheduleTest, OneConnectionSendsAtEvenDistances) {
  const Schedule schedule(1000, 0, 1);
  EXPECT_EQ(schedule.Due(0), nanoseconds(0));
  EXPECT_EQ(schedule.Due(1), microseconds(1000));
  EXPECT_EQ(schedule.Due(5), microseconds(5000));
}

TEST(ScheduleTest, ConnectionsTakeTurns) {
  // 4 connections at 1000/s: a request each millisecond, from 0, 1, 2, 3, 0...
  std::vector<nanoseconds> due;
  for (std::uint64_t i = 0; i < 3; ++i) {
    for (std::size_t c = 0; c < 4; ++c) {
      due.push_back(Schedule(1000, c, 4).Due(i));
    }
  }
  for (std::size_t i = 0; i < due.size(); ++i) {
    EXPECT_EQ(due[i], microseconds(1000 * i));
  }
}

TEST(ScheduleTest, ConnectionsSendTheRateTogether) {
  for (const double rate : {1.0, 3.0, 777.0, 20'000.0, 1e6}) {
    std::uint64_t sum = 0;
    for (std::size_t c = 0; c < 7; ++c) {
      sum += Schedule(rate, c, 7).CountBefore(seconds(10));
    }
    EXPECT_EQ(sum, static_cast<std::uint64_t>(10 * rate)) << rate;
  }
}

TEST(ScheduleTest, CountsWhatIsDueBeforeATime) {
  const Schedule schedule(1000, 1, 2);  // at 1 ms, 3 ms, 5 ms, ...
  EXPECT_EQ(schedule.CountBefore(nanoseconds(0)), 0U);
  EXPECT_EQ(schedule.CountBefore(microseconds(1000)), 0U);
  EXPECT_EQ(schedule.CountBefore(microseconds(1001)), 1U);
  EXPECT_EQ(schedule.CountBefore(microseconds(3000)), 1U);
  EXPECT_EQ(schedule.CountBefore(microseconds(3001)), 2U);
}

TEST(ScheduleTest, CountAgreesWithTimesThatAreNoWholeNanoseconds) {
  const Schedule schedule(700'001, 3, 64);
  for (std::uint64_t n = 0; n < 1000; ++n) {
    EXPECT_EQ(schedule.CountBefore(schedule.Due(n)), n);
    EXPECT_EQ(schedule.CountBefore(schedule.Due(n) + nanoseconds(1)), n + 1);
  }
}

TEST(ScheduleTest, DoesNotDriftInADay) {
  const Schedule schedule(3, 0, 1);  // a distance of 333,333,333.3 ns
  EXPECT_EQ(schedule.Due(3 * 86'400), hours(24));
}

}  // namespace
}  // namespace eddy::bench
