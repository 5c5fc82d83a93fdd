// BriefMutex: a mutex of eddy's own that a task may have to wait for, since it
// is held for a few instructions only, and never across a call that waits.
//
// As std::mutex, but the blocking guard does not report it: there is nothing
// that a user of eddy could do about it.
#ifndef EDDY_RUNTIME_BRIEF_MUTEX_H_
#define EDDY_RUNTIME_BRIEF_MUTEX_H_

#include <eddy/runtime/allow_blocking.h>

#include <mutex>

namespace eddy::internal {

class BriefMutex {
 public:
  void lock() {
    if (mutex_.try_lock()) return;
    const AllowBlocking allow("a lock that eddy holds for a moment");
    mutex_.lock();
  }
  bool try_lock() noexcept { return mutex_.try_lock(); }
  void unlock() noexcept { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_BRIEF_MUTEX_H_
