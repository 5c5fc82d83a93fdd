#include <eddy/io/reap.h>

#include <eddy/io/poll.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>

#include <sys/wait.h>

#include <cerrno>
#include <new>
#include <utility>

namespace eddy::io::internal {
namespace {

Task<void> Reap(pid_t pid, Fd pidfd) {
  ReapPause pause;
  while (true) {
    const Result<short> ended = co_await Shield(Poll(pidfd, POLLIN));
    static_cast<void>(ended);  // where it fails: the pause is for that too
    if (waitpid(pid, nullptr, WNOHANG) != 0) co_return;
    static_cast<void>(co_await Shield(Sleep(pause.Next())));
  }
}

}  // namespace

void ReapLater(pid_t pid, Fd pidfd) noexcept {
  if (waitpid(pid, nullptr, WNOHANG) != 0) return;
  if (Reactor* reactor = Reactor::Current()) {
    try {
      reactor->scope().Spawn(Reap(pid, std::move(pidfd)));
      return;
    } catch (const std::bad_alloc&) {
      // It is not long until a killed process has ended.
    }
  }
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace eddy::io::internal
