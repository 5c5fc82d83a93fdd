// What the parts of this benchmark measure between two cores: calls, each of
// them a message there and one back, of which a number is always under way.
//
// Each subject is a function that makes all it needs, runs for a while, and
// says what it took; so that subjects can be run in turn, over and over.
#ifndef EDDY_BENCH_CORES_CALLS_H_
#define EDDY_BENCH_CORES_CALLS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "bench/lib/machine.h"

namespace eddy::bench {

struct Window {
  std::chrono::nanoseconds warm_up;
  std::chrono::nanoseconds time;
  Cores cores;
};

struct CallOutcome {
  // Within the window.
  double calls = 0;
  double seconds = 0;
  double cpu_seconds = 0;  // of both threads
  // From start to end.
  double all_calls = 0;
  double system_calls = 0;
  double wake_ups = 0;
};

// Counts calls until the time is over.
class Course {
 public:
  explicit Course(const Window& window)
      : window_(window), begin_(Clock::now()) {}
  Course(const Course&) = delete;
  Course& operator=(const Course&) = delete;

  // So many more have come back. False when it is over.
  bool Count(std::uint64_t calls = 1) {
    calls_ += calls;
    return calls_ < next_look_ ? !over_ : Look();
  }

  CallOutcome Outcome(std::uint64_t system_calls,
                      std::uint64_t wake_ups) const {
    return {static_cast<double>(end_.calls - start_.calls),
            std::chrono::duration<double>(end_.time - start_.time).count(),
            end_.cpu - start_.cpu,
            static_cast<double>(calls_),
            static_cast<double>(system_calls),
            static_cast<double>(wake_ups)};
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Mark {
    std::uint64_t calls = 0;
    Clock::time_point time;
    double cpu = 0;
  };
  // Reading a clock costs as much as a fast message.
  static constexpr std::uint64_t kLookEach = 64;

  static double CpuSeconds() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) +
           (static_cast<double>(time.tv_nsec) * 1e-9);
  }
  bool Look() {
    next_look_ = calls_ + kLookEach;
    if (over_) return false;
    const Clock::time_point now = Clock::now();
    if (!started_ && now - begin_ >= window_.warm_up) {
      started_ = true;
      start_ = {calls_, now, CpuSeconds()};
    } else if (started_ && now - start_.time >= window_.time) {
      over_ = true;
      end_ = {calls_, now, CpuSeconds()};
    }
    return !over_;
  }

  const Window window_;
  const Clock::time_point begin_;
  std::uint64_t calls_ = 0;
  std::uint64_t next_look_ = 0;
  bool started_ = false;
  bool over_ = false;
  Mark start_;
  Mark end_;
};

struct CallSubject {
  std::string name;
  std::function<CallOutcome(const Window& window, std::size_t in_flight)> run;
};

// The hand-written ones (twins.cc), and those on eddy (eddy.cc), whose threads
// sleep where there is nothing to do, or spin.
std::vector<CallSubject> SleepingTwins();
std::vector<CallSubject> SpinningTwins();
std::vector<CallSubject> EddyCalls(bool spins);

// Values in one direction through a bounded queue; `in_flight` is its capacity.
std::vector<CallSubject> ChannelTwins(bool spins);
CallSubject EddyChannel(bool spins);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_CORES_CALLS_H_
