// The clock that deadlines and timers use: monotonic, nanoseconds.
#ifndef EDDY_RUNTIME_TIME_H_
#define EDDY_RUNTIME_TIME_H_

#include <chrono>

namespace eddy {

using Duration = std::chrono::steady_clock::duration;
using TimePoint = std::chrono::steady_clock::time_point;

namespace internal {

// The time that a test sets in the clock's place; see testing/virtual_clock.h.
struct VirtualTime {
  // This thread's; null where the real clock counts.
  static inline constinit thread_local VirtualTime* current = nullptr;

  TimePoint now;
  // How long, by the real clock, what is in flight may take before the time
  // goes on without it.
  Duration settle;
  // Whether it goes on by itself.
  bool advances;
  // Whether the VirtualClock is still there.
  bool held;
};

}  // namespace internal

// std::chrono::steady_clock, but for threads that a test has given a virtual
// clock. Its time points are those of steady_clock.
struct Clock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = TimePoint;
  static constexpr bool is_steady = true;

  static time_point now() noexcept {
    if (internal::VirtualTime::current != nullptr) [[unlikely]] {
      return internal::VirtualTime::current->now;
    }
    return std::chrono::steady_clock::now();
  }
};

// Where no deadline is set.
inline constexpr TimePoint kNoDeadline = TimePoint::max();

// The point `duration` after `start`; kNoDeadline where that is beyond the
// clock's range. A negative duration gives `start`.
template <class Rep, class Period>
constexpr TimePoint After(TimePoint start,
                          std::chrono::duration<Rep, Period> duration) {
  if (duration <= duration.zero()) return start;
  const std::chrono::duration<long double> room = kNoDeadline - start;
  if (std::chrono::duration<long double>(duration) >= room) return kNoDeadline;
  return start + std::chrono::ceil<Duration>(duration);
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_TIME_H_
