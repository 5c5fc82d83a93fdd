// The clock that deadlines and timers use: monotonic, nanoseconds.
#ifndef EDDY_RUNTIME_TIME_H_
#define EDDY_RUNTIME_TIME_H_

#include <chrono>

namespace eddy {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

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
