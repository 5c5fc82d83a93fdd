// VirtualClock: time that a test sets, so that tests of timeouts take none.
//
//   CO_TEST(SessionTest, EndsAfterAnHourWithoutARequest) {
//     VirtualClock clock;
//     const TimePoint start = Clock::now();
//     CO_EXPECT_ERROR(co_await Serve(session), kTimedOut);
//     EXPECT_EQ(Clock::now() - start, 1h);
//   }
//
// While it lives, the time of this thread stands still, and goes on by itself
// to the nearest timer whenever the reactor has nothing else to do. What
// is in flight in the kernel gets a moment of real time first (`settle`), and a
// job of Blocking is waited for, so that the time does not run ahead of them. A
// file or a peer that needs longer looks as if it had not answered in time.
//
// Sleep, WithTimeout, Interval and Clock::now() follow it; the kernel's own
// times (of files, of TCP) and the code of other libraries do not.
//
// Lifetime: one at a time on a thread. It may end while a reactor runs, as at
// the end of a CO_TEST's body: the time stays virtual until that run has ended.
// Cost: a turn of `settle` for each step of the time while something is in
// flight, else none.
#ifndef EDDY_RUNTIME_TESTING_VIRTUAL_CLOCK_H_
#define EDDY_RUNTIME_TESTING_VIRTUAL_CLOCK_H_

#include <eddy/runtime/time.h>

namespace eddy {

struct VirtualClockOptions {
  Duration settle = std::chrono::milliseconds(2);
  // False: the time goes on only by Advance, which another task calls.
  bool advances_by_itself = true;
};

class VirtualClock {
 public:
  // The time begins as what it is.
  explicit VirtualClock(const VirtualClockOptions& options = {});
  ~VirtualClock();
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  // Lets the time pass; what is due then happens in the reactor's next turn.
  // REQUIRES: not negative.
  void Advance(Duration duration);
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_TESTING_VIRTUAL_CLOCK_H_
