#include <eddy/runtime/testing/virtual_clock.h>

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/reactor.h>

namespace eddy {
namespace {

constinit thread_local internal::VirtualTime this_threads_time{};

}  // namespace

VirtualClock::VirtualClock(const VirtualClockOptions& options) {
  internal::VirtualTime& time = this_threads_time;
  if (time.held) {
    internal::Misuse("a thread has one VirtualClock at a time");
  }
  // Not before: a clock that ended may have left its time for this run.
  time.now = Clock::now();
  time.settle = options.settle;
  time.advances = options.advances_by_itself;
  time.held = true;
  internal::VirtualTime::current = &time;
}

VirtualClock::~VirtualClock() {
  internal::VirtualTime& time = this_threads_time;
  time.held = false;
  time.advances = true;
  if (Reactor::Current() == nullptr) internal::VirtualTime::current = nullptr;
}

void VirtualClock::Advance(Duration duration) {
  if (duration < Duration::zero()) {
    internal::Misuse("VirtualClock::Advance was given a negative duration");
  }
  internal::VirtualTime& time = *internal::VirtualTime::current;
  time.now = After(time.now, duration);
}

}  // namespace eddy
