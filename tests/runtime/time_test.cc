// After: a time and a duration, without overflow.
#include <eddy/runtime/time.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals

constexpr TimePoint kStart{Duration(1'000'000'000)};

TEST(AfterTest, AddsTheDuration) {
  EXPECT_EQ(After(kStart, 5ms), kStart + 5ms);
  EXPECT_EQ(After(kStart, 1ns), kStart + 1ns);
  EXPECT_EQ(After(kStart, 24h), kStart + 24h);
}

TEST(AfterTest, GivesTheStartForZeroAndNegativeDurations) {
  EXPECT_EQ(After(kStart, 0s), kStart);
  EXPECT_EQ(After(kStart, -1ns), kStart);
  EXPECT_EQ(After(kStart, std::chrono::hours::min()), kStart);
  EXPECT_EQ(After(kStart, Duration::min()), kStart);
}

TEST(AfterTest, SaturatesBeyondTheClocksRange) {
  EXPECT_EQ(After(kStart, Duration::max()), kNoDeadline);
  EXPECT_EQ(After(kStart, std::chrono::hours::max()), kNoDeadline);
  EXPECT_EQ(After(kStart, std::chrono::years(10'000)), kNoDeadline);
  EXPECT_EQ(After(kNoDeadline, 1ns), kNoDeadline);
  EXPECT_EQ(After(kNoDeadline - 5ns, 6ns), kNoDeadline);
  EXPECT_EQ(After(Clock::now(), std::chrono::duration<double>(1e300)),
            kNoDeadline);
}

TEST(AfterTest, RoundsFractionsOfANanosecondUp) {
  using Picoseconds = std::chrono::duration<std::int64_t, std::pico>;
  EXPECT_EQ(After(kStart, Picoseconds(1)), kStart + 1ns);
  EXPECT_EQ(After(kStart, Picoseconds(1001)), kStart + 2ns);
  EXPECT_EQ(After(kStart, std::chrono::duration<double>(0.5)), kStart + 500ms);
}

TEST(AfterTest, TakesUnsignedDurations) {
  using Unsigned = std::chrono::duration<std::uint64_t, std::nano>;
  EXPECT_EQ(After(kStart, Unsigned(7)), kStart + 7ns);
  EXPECT_EQ(After(kStart, Unsigned::max()), kNoDeadline);
}

static_assert(After(kStart, 1s) == kStart + 1s);

}  // namespace
}  // namespace eddy
