// What the subjects of the files benchmark share: the time that is measured,
// where a random read begins, memory that direct I/O takes, and the line that
// tells the outcome. Not here: anything on the path of an operation but for a
// counter, because that path is what is compared.

#ifndef EDDY_BENCH_FILES_MEASURE_H_
#define EDDY_BENCH_FILES_MEASURE_H_

#include <time.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "bench/lib/die.h"

namespace eddy::bench {

inline double SecondsOf(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) +
         (static_cast<double>(time.tv_nsec) / 1e9);
}

// Says an outcome as the driver reads it. The CPU time is that of all threads,
// the kernel's workers too.
inline void PrintOutcome(std::uint64_t operations, double seconds,
                         double cpu_seconds) {
  std::printf("%llu %.9f %.9f\n", static_cast<unsigned long long>(operations),
              seconds, cpu_seconds);
}

// Counts operations in a window of time that begins after a ramp.
class Window {
 public:
  // The clock is read at every `calls_per_look`th call.
  explicit Window(double seconds, unsigned calls_per_look = 32)
      : seconds_(seconds), calls_per_look_(calls_per_look) {}

  // After operations: whether more are wanted.
  bool Another(std::uint64_t done = 1) {
    count_ += done;
    if (++calls_ % calls_per_look_ == 0) Look();
    return !over_;
  }

  void Print() const { PrintOutcome(count_at_end_ - first_, time_, cpu_); }

 private:
  static constexpr double kRamp = 0.1;

  void Look() {
    if (over_) return;
    const double now = SecondsOf(CLOCK_MONOTONIC);
    if (!begun_) {
      if (now - made_ < kRamp) return;
      begun_ = true;
      first_ = count_;
      time_ = now;
      cpu_ = SecondsOf(CLOCK_PROCESS_CPUTIME_ID);
    } else if (now - time_ >= seconds_) {
      over_ = true;
      count_at_end_ = count_;
      time_ = now - time_;
      cpu_ = SecondsOf(CLOCK_PROCESS_CPUTIME_ID) - cpu_;
    }
  }

  const double seconds_;
  const unsigned calls_per_look_;
  const double made_ = SecondsOf(CLOCK_MONOTONIC);
  unsigned calls_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t first_ = 0;
  std::uint64_t count_at_end_ = 0;
  double time_ = 0;
  double cpu_ = 0;
  bool begun_ = false;
  bool over_ = false;
};

// Measures a number of operations from its making to Print().
class Span {
 public:
  void Print(std::uint64_t operations) const {
    PrintOutcome(operations, SecondsOf(CLOCK_MONOTONIC) - time_,
                 SecondsOf(CLOCK_PROCESS_CPUTIME_ID) - cpu_);
  }

 private:
  const double time_ = SecondsOf(CLOCK_MONOTONIC);
  const double cpu_ = SecondsOf(CLOCK_PROCESS_CPUTIME_ID);
};

inline constexpr std::size_t kBlock = 4096;

// Where random blocks of a file begin.
class Blocks {
 public:
  explicit Blocks(std::uint64_t bytes) : blocks_(bytes / kBlock) {}

  std::uint64_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ % blocks_ * kBlock;
  }

 private:
  const std::uint64_t blocks_;
  std::uint64_t state_ = 88172645463325252u;
};

// Memory at a page's border that is all there.
class Pages {
 public:
  explicit Pages(std::size_t size)
      : data_(static_cast<std::byte*>(::operator new(size, kAlignment))) {
    std::memset(data_.get(), 1, size);
  }
  std::byte* get() const { return data_.get(); }

 private:
  static constexpr std::align_val_t kAlignment{kBlock};
  struct Delete {
    void operator()(std::byte* data) const {
      ::operator delete(data, kAlignment);
    }
  };
  std::unique_ptr<std::byte, Delete> data_;
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_FILES_MEASURE_H_
