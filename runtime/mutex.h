// Mutex: one task at a time, across awaits.
//
//   Mutex mutex;
//
//   Mutex::Guard guard = co_await mutex.Lock();
//   co_await file.Append(record);       // no other task is in here meanwhile
//   guard.Unlock();                     // or at the end of the guard's block
//
// Between two awaits a task of a reactor is alone anyway: a mutex is for what
// has to stay as it is across one.
//
// Result: Lock gives a guard, which holds the mutex until it goes; TryLock a
// guard, or nothing where the mutex is locked. A guard may be moved, also to
// another task; it needs a name: `if (mutex.TryLock())` holds the mutex for as
// long as the condition, `if (auto guard = mutex.TryLock())` for the block.
// Errors: none.
// Order: first come, first served. Unlock gives the mutex to the task that has
// waited longest; no TryLock or Lock comes in between.
// Stop: none, as in POSIX. A task that is stopped gets the mutex all the same
// when its turn comes, so that what it cleans up is not disturbed. So a
// WithTimeout does not cut a Lock short: late, it gives kTimedOut and the mutex
// back. A wait that has to end early is one for a Semaphore(1).
//
// Lifetime: destroying a mutex that is locked aborts; so does destroying one
// that tasks wait for, as it is locked then.
// REQUIRES: a task does not lock what it holds. It would wait for ever;
// Reactor::DumpTasks() shows it as one that waits for a Mutex, with the lines
// of its awaits.
// Thread safety: belongs to one reactor. What threads share needs a std::mutex,
// which is not to be held across an await.
// Cost: no allocation, no system call, no atomic operation.
#ifndef EDDY_RUNTIME_MUTEX_H_
#define EDDY_RUNTIME_MUTEX_H_

#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/lock_guard.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/promise.h>
#include <eddy/runtime/wait_list.h>

#include <coroutine>
#include <optional>
#include <utility>

namespace eddy {

namespace internal {

// Waits for a mutex; of a ConditionVariable, first for that.
class MutexWait : public ListedWait<MutexWait> {};

}  // namespace internal

class Mutex {
 public:
  using Guard = internal::LockGuard<Mutex, internal::LockKind::kExclusive>;

  Mutex() noexcept = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  ~Mutex() {
    if (locked_ || to_lock_ != 0) [[unlikely]] {
      internal::Misuse(
          "a Mutex was destroyed while it is locked; end what holds it, and "
          "what waits for it or for a ConditionVariable with it, first");
    }
  }

  class [[nodiscard]] LockAwaiter final : public internal::MutexWait {
   public:
    explicit LockAwaiter(Mutex& mutex) noexcept : mutex_(mutex) {}

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
      internal::PromiseBase& promise = waiter.promise();
      if (mutex_.Take()) return internal::AwaitBudget::Spend(promise);
      WaitIn(mutex_.waiters_, promise);
      return true;
    }
    [[nodiscard]] Guard await_resume() const noexcept { return Guard(mutex_); }

    const char* name() const noexcept override { return "Mutex"; }

   private:
    void Cancel() noexcept override {}

    Mutex& mutex_;
  };
  LockAwaiter Lock() noexcept { return LockAwaiter(*this); }

  [[nodiscard]] std::optional<Guard> TryLock() noexcept {
    if (!Take()) return std::nullopt;
    return Guard(*this);
  }

  bool locked() const noexcept { return locked_; }

 private:
  friend class ConditionVariable;
  friend Guard;

  bool Take() noexcept { return !std::exchange(locked_, true); }
  void Unlock() noexcept {
    if (waiters_.empty()) {
      locked_ = false;
    } else {
      waiters_.WakeFirst();  // has it now
    }
  }

  // For ConditionVariable: what the guard holds, out of it, and back.
  static const Mutex* Of(const Guard& guard) noexcept { return guard.lock_; }
  static Mutex* Detach(Guard& guard) noexcept {
    ++guard.lock_->to_lock_;
    return std::exchange(guard.lock_, nullptr);
  }
  static void Attach(Guard& guard, Mutex& mutex) noexcept {
    guard.lock_ = &mutex;
  }
  // Lets a suspended one go on once it has the mutex.
  void WakeLocked(internal::MutexWait& wait) noexcept {
    --to_lock_;
    if (Take()) {
      wait.Wake();
    } else {
      waiters_.PushBack(wait);
    }
  }

  bool locked_ = false;
  // Those that wait for a ConditionVariable, and lock it again then.
  unsigned to_lock_ = 0;
  internal::WaitList<internal::MutexWait> waiters_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_MUTEX_H_
