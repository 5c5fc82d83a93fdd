// Random: numbers that depend on a seed and on nothing else, the same on every
// machine and with every library. (SplitMix64, by Sebastiano Vigna.)
#ifndef EDDY_RUNTIME_RANDOM_H_
#define EDDY_RUNTIME_RANDOM_H_

#include <cstdint>

namespace eddy::internal {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  // The generator for one thing of many: that of a number under a seed.
  static Random For(std::uint64_t seed, std::uint64_t number) noexcept {
    return Random(Random(seed ^ (number * kStep)).Next());
  }

  std::uint64_t Next() noexcept {
    state_ += kStep;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // 0 to n - 1. REQUIRES: n > 0.
  std::uint64_t Below(std::uint64_t n) noexcept { return Next() % n; }

  // True once in n times.
  bool OneIn(std::uint64_t n) noexcept { return Below(n) == 0; }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;

  std::uint64_t state_;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_RANDOM_H_
