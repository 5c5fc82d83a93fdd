#include <eddy/runtime/parked.h>

#include <eddy/runtime/misuse.h>

namespace eddy::internal {

bool ParkedThread::WaitUntil(TimePoint deadline) noexcept {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [this] { return unparked_; });
}

void ParkedThread::CalledByTask(const char* call) noexcept {
  Misuse("%s was called by a task, whose loop it would stop; co_await instead",
         call);
}

}  // namespace eddy::internal
