// Medians and spreads of a handful of rounds: what a noisy machine leaves
// usable of a measurement.

#ifndef EDDY_BENCH_LIB_STATS_H_
#define EDDY_BENCH_LIB_STATS_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace eddy::bench {

// Linear interpolation between the closest ranks; NaN without samples.
inline double Quantile(std::vector<double> samples, double fraction) {
  if (samples.empty()) return std::nan("");
  std::sort(samples.begin(), samples.end());
  const double rank = fraction * static_cast<double>(samples.size() - 1);
  const auto low = static_cast<std::size_t>(rank);
  const std::size_t high = std::min(low + 1, samples.size() - 1);
  const double weight = rank - static_cast<double>(low);
  return samples[low] + (weight * (samples[high] - samples[low]));
}

inline double Median(std::vector<double> samples) {
  return Quantile(std::move(samples), 0.5);
}

// The interquartile range as a part of the median; NaN for a single sample,
// which says nothing about it.
inline double Spread(const std::vector<double>& samples) {
  if (samples.size() < 2) return std::nan("");
  const double median = Median(samples);
  if (median == 0) return 0;
  return (Quantile(samples, 0.75) - Quantile(samples, 0.25)) / median;
}

inline double GeometricMean(const std::vector<double>& samples) {
  double sum = 0;
  for (const double sample : samples) sum += std::log(sample);
  return std::exp(sum / static_cast<double>(samples.size()));
}

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_STATS_H_
