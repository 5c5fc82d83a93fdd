// A histogram of latencies that costs a few instructions per sample and errs
// by 1.6 % at most: 64 linear buckets per power of two (the idea of
// HdrHistogram, which Debian has for other languages only).

#ifndef EDDY_BENCH_LIB_HISTOGRAM_H_
#define EDDY_BENCH_LIB_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace eddy::bench {

class Histogram {
 public:
  void Add(std::uint64_t value, std::uint64_t times = 1) {
    counts_[Index(value)] += times;
    total_ += times;
    if (times > 0) max_ = std::max(max_, value);
  }

  // All samples of another one.
  void Add(const Histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      counts_[i] += other.counts_[i];
    }
    total_ += other.total_;
    max_ = std::max(max_, other.max_);
  }

  std::uint64_t Count() const { return total_; }

  // The largest sample itself; 0 without samples.
  std::uint64_t Max() const { return max_; }

  // The smallest recorded value that `fraction` of all samples do not exceed,
  // as the middle of its bucket, but never over Max(); 0 without samples.
  double Quantile(double fraction) const {
    const auto wanted = static_cast<std::uint64_t>(
        std::ceil(fraction * static_cast<double>(total_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > 0 && seen >= wanted) {
        return std::min(Middle(i), static_cast<double>(max_));
      }
    }
    return 0;
  }

 private:
  static constexpr unsigned kSubBits = 6;
  static constexpr std::uint64_t kSub = std::uint64_t{1} << kSubBits;
  static constexpr std::size_t kBuckets = (64 - kSubBits + 1) * kSub;

  // Values below 2 * kSub have a bucket each; above, the leading kSubBits + 1
  // bits name the bucket.
  static std::size_t Index(std::uint64_t value) {
    if (value < 2 * kSub) return static_cast<std::size_t>(value);
    const auto shift =
        static_cast<unsigned>(std::bit_width(value)) - kSubBits - 1;
    return static_cast<std::size_t>((shift * kSub) + (value >> shift));
  }

  static double Middle(std::size_t index) {
    if (index < 2 * kSub) return static_cast<double>(index);
    const std::size_t shift = (index / kSub) - 1;
    const double scale = std::ldexp(1.0, static_cast<int>(shift));
    return (static_cast<double>(index - (shift * kSub)) + 0.5) * scale;
  }

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_HISTOGRAM_H_
