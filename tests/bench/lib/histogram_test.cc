#include "bench/lib/histogram.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace eddy::bench {
namespace {

TEST(HistogramTest, HasNothingWithoutSamples) {
  const Histogram empty;
  EXPECT_EQ(empty.Count(), 0U);
  EXPECT_EQ(empty.Max(), 0U);
  EXPECT_EQ(empty.Quantile(0.5), 0);
}

TEST(HistogramTest, KeepsSmallValuesExactly) {
  Histogram h;
  for (std::uint64_t value = 1; value <= 100; ++value) h.Add(value);
  EXPECT_EQ(h.Count(), 100U);
  EXPECT_EQ(h.Quantile(0.50), 50);
  EXPECT_EQ(h.Quantile(0.99), 99);
  EXPECT_EQ(h.Quantile(1), 100);
}

TEST(HistogramTest, ErrsByLessThanItsPromiseOnLargeValues) {
  for (std::uint64_t value = 1; value < (std::uint64_t{1} << 62);
       value += value / 3 + 1) {
    Histogram h;
    h.Add(value);
    h.Add(std::uint64_t{1} << 63);
    const auto exact = static_cast<double>(value);
    EXPECT_NEAR(h.Quantile(0.5), exact, 0.016 * exact);
  }
}

TEST(HistogramTest, NoQuantileIsOverTheLargestSample) {
  Histogram h;
  h.Add(1'000'000);
  EXPECT_LE(h.Quantile(0.999), 1'000'000);
  EXPECT_EQ(h.Max(), 1'000'000U);
}

TEST(HistogramTest, CountsASampleSeveralTimes) {
  Histogram h;
  h.Add(10, 99);
  h.Add(20);
  h.Add(1000, 0);
  EXPECT_EQ(h.Count(), 100U);
  EXPECT_EQ(h.Quantile(0.99), 10);
  EXPECT_EQ(h.Max(), 20U);
}

TEST(HistogramTest, AddsUpToWhatOneWouldHaveSeen) {
  Histogram one;
  Histogram parts[2];
  for (std::uint64_t value = 0; value < 10'000; value += 7) {
    one.Add(value);
    parts[value % 2].Add(value);
  }
  parts[0].Add(parts[1]);
  EXPECT_EQ(parts[0].Count(), one.Count());
  EXPECT_EQ(parts[0].Max(), one.Max());
  for (const double fraction : {0.1, 0.5, 0.9, 0.999}) {
    EXPECT_EQ(parts[0].Quantile(fraction), one.Quantile(fraction));
  }
}

}  // namespace
}  // namespace eddy::bench
