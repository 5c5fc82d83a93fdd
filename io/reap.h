// ReapLater: waits, in the background, for a child that was killed.
#ifndef EDDY_IO_REAP_H_
#define EDDY_IO_REAP_H_

#include <eddy/io/fd.h>

#include <sys/types.h>

namespace eddy::io::internal {

// A task in the reactor's scope, which no stop reaches; where no reactor runs
// on this thread, the thread waits. REQUIRES: SIGKILL was sent to the child.
void ReapLater(pid_t pid, Fd pidfd) noexcept;

}  // namespace eddy::io::internal

#endif  // EDDY_IO_REAP_H_
