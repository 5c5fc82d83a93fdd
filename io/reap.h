// ReapLater: waits, in the background, for a child that was killed. ReapPause:
// how long to wait for one that has ended and cannot be reaped.
#ifndef EDDY_IO_REAP_H_
#define EDDY_IO_REAP_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/time.h>

#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace eddy::io::internal {

// A child that another process traces (a debugger, strace) is given to that one
// first: its pidfd tells of its end, and waitpid() gives nothing, until the
// tracer has looked or has gone. The kernel has no event for that.
class ReapPause {
 public:
  Duration Next() noexcept {
    constexpr Duration kLongest = std::chrono::milliseconds(100);
    return std::exchange(next_, std::min(2 * next_, kLongest));
  }

 private:
  Duration next_ = std::chrono::milliseconds(1);
};

// A task in the reactor's scope, which no stop reaches; where no reactor runs
// on this thread, the thread waits. REQUIRES: SIGKILL was sent to the child.
void ReapLater(pid_t pid, Fd pidfd) noexcept;

}  // namespace eddy::io::internal

#endif  // EDDY_IO_REAP_H_
