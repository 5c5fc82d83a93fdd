// Calls that sleep, and those that wait for signals.

#include <eddy/runtime/blocking_guard/real_function.h>
#include <eddy/runtime/blocking_guard/watch.h>

#include <signal.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

namespace eddy::internal::guard {
namespace {

constexpr char kSleep[] = "co_await Sleep";
constexpr char kSignals[] = "co_await io::Signals::Next";

}  // namespace

// A sleep until a point in time may be over, but seldom is.
EDDY_INTERPOSE(int, clock_nanosleep,
               (clockid_t clock, int flags, const timespec* time,
                timespec* left)) {
  const Watch watch(
      "clock_nanosleep", kSleep,
      (flags & TIMER_ABSTIME) != 0 ? Argument::None() : Argument::Time(time));
  return REAL(clock_nanosleep)(clock, flags, time, left);
}

// clang-format off
EDDY_GUARD(unsigned, sleep, (unsigned s), (s), Seconds(s), kSleep)
EDDY_GUARD(int, usleep, (useconds_t us), (us), Seconds(us / 1e6), kSleep)
EDDY_GUARD(int, nanosleep, (const timespec* time, timespec* left), (time, left), Time(time), kSleep)
EDDY_GUARD(int, thrd_sleep, (const timespec* time, timespec* left), (time, left), Time(time), kSleep)

EDDY_GUARD(int, pause, (), (), None(), kSignals)
EDDY_GUARD(int, sigpause, (int mask), (mask), None(), kSignals)
EDDY_GUARD(int, sigsuspend, (const sigset_t* mask), (mask), None(), kSignals)
EDDY_GUARD(int, sigwait, (const sigset_t* set, int* number), (set, number), None(), kSignals)
EDDY_GUARD(int, sigwaitinfo, (const sigset_t* set, siginfo_t* info), (set, info), None(), kSignals)
EDDY_GUARD(int, sigtimedwait, (const sigset_t* set, siginfo_t* info, const timespec* time), (set, info, time), Seconds(time == nullptr ? -1 : Argument::Time(time).seconds), kSignals)
// clang-format on

}  // namespace eddy::internal::guard
