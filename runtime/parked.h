// Parked: one that waits for other threads, a task or a plain thread, so that
// both can wait in one line.
//
// Invariants:
//  1. Unpark() is called once for each wait, by any thread, and ends it. The
//     object may be gone as soon as the one that waits sees that: nothing
//     touches it afterwards.
//  2. What is said to the one that waits is written before Unpark(), which
//     publishes it.
#ifndef EDDY_RUNTIME_PARKED_H_
#define EDDY_RUNTIME_PARKED_H_

#include <eddy/runtime/allow_blocking.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/reply.h>
#include <eddy/runtime/suspension.h>
#include <eddy/runtime/time.h>

#include <condition_variable>
#include <mutex>

namespace eddy::internal {

class Parked {
 public:
  virtual void Unpark() noexcept = 0;

 protected:
  Parked() noexcept = default;
  ~Parked() = default;
};

class ParkedThread final : public Parked {
 public:
  // Aborts where a reactor runs on this thread: `call` would stop its loop.
  explicit ParkedThread(const char* call) noexcept {
    if (Reactor::Current() != nullptr) [[unlikely]] {
      CalledByTask(call);
    }
  }

  void Unpark() noexcept override {
    const AllowBlocking allow("a parked thread's lock is held for a moment");
    // Under the mutex: the thread goes on, and this object goes, only then.
    const std::lock_guard lock(mutex_);
    unparked_ = true;
    changed_.notify_one();
  }

  void Wait() noexcept {
    std::unique_lock lock(mutex_);
    while (!unparked_) changed_.wait(lock);
  }
  // False if the time is over before; by the real clock.
  bool WaitUntil(TimePoint deadline) noexcept;

 private:
  [[noreturn]] static void CalledByTask(const char* call) noexcept;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool unparked_ = false;
};

class ParkedTask : public Parked, public Suspension, protected Reply {
 public:
  void Unpark() noexcept final { Send(); }

 protected:
  ParkedTask() noexcept : Reply(Kind::kOfOthers) {}
  ~ParkedTask() = default;

 private:
  void Arrived() noexcept final { Wake(); }
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_PARKED_H_
