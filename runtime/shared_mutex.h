// SharedMutex: many readers or one writer, across awaits.
//
//   SharedMutex mutex;
//
//   SharedMutex::SharedGuard guard = co_await mutex.LockShared();   // to read
//   SharedMutex::Guard guard = co_await mutex.Lock();               // to write
//
// Result: Lock and LockShared give a guard, which holds the mutex until it
// goes; TryLock and TryLockShared a guard, or nothing where they would have to
// wait. Errors: none.
// Order: first come, first served. Readers come in together, until a writer is
// next: no reader that comes later overtakes a writer that waits. When it has
// ended, all readers up to the next writer come in at once.
// Stop: none, as for a Mutex.
//
// Lifetime: destroying a mutex that is locked aborts.
// REQUIRES: a task does not lock what it holds, not even as a reader what it
// reads: with a writer between the two it would wait for ever.
// Thread safety: belongs to one reactor.
// Cost: no allocation, no system call, no atomic operation. An unlock that lets
// readers in is linear in their number.
#ifndef EDDY_RUNTIME_SHARED_MUTEX_H_
#define EDDY_RUNTIME_SHARED_MUTEX_H_

#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/lock_guard.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/promise.h>
#include <eddy/runtime/wait_list.h>

#include <coroutine>
#include <optional>

namespace eddy {

class SharedMutex {
  using Kind = internal::LockKind;

  class Wait : public internal::ListedWait<Wait> {
   public:
    explicit Wait(Kind kind) noexcept : kind_(kind) {}
    Kind kind() const noexcept { return kind_; }

   private:
    Kind kind_;
  };

  template <Kind kKind>
  class [[nodiscard]] Awaiter final : public Wait {
    using Guard = internal::LockGuard<SharedMutex, kKind>;

   public:
    explicit Awaiter(SharedMutex& mutex) noexcept
        : Wait(kKind), mutex_(mutex) {}

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
      internal::PromiseBase& promise = waiter.promise();
      if (mutex_.Take(kKind)) return internal::AwaitBudget::Spend(promise);
      this->WaitIn(mutex_.waiters_, promise);
      return true;
    }
    [[nodiscard]] Guard await_resume() const noexcept { return Guard(mutex_); }

    const char* name() const noexcept override {
      return kKind == Kind::kShared ? "SharedMutex, to read"
                                    : "SharedMutex, to write";
    }

   private:
    void Cancel() noexcept override {}

    SharedMutex& mutex_;
  };

 public:
  using Guard = internal::LockGuard<SharedMutex, Kind::kExclusive>;
  using SharedGuard = internal::LockGuard<SharedMutex, Kind::kShared>;
  using LockAwaiter = Awaiter<Kind::kExclusive>;
  using LockSharedAwaiter = Awaiter<Kind::kShared>;

  SharedMutex() noexcept = default;
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;
  ~SharedMutex() {
    if (holders_ != 0) [[unlikely]] {
      internal::Misuse(
          "a SharedMutex was destroyed while it is locked; end what holds it, "
          "and what waits for it, first");
    }
  }

  LockAwaiter Lock() noexcept { return LockAwaiter(*this); }
  LockSharedAwaiter LockShared() noexcept { return LockSharedAwaiter(*this); }

  [[nodiscard]] std::optional<Guard> TryLock() noexcept {
    if (!Take(Kind::kExclusive)) return std::nullopt;
    return Guard(*this);
  }
  [[nodiscard]] std::optional<SharedGuard> TryLockShared() noexcept {
    if (!Take(Kind::kShared)) return std::nullopt;
    return SharedGuard(*this);
  }

 private:
  friend Guard;
  friend SharedGuard;

  static constexpr int kWriter = -1;

  bool IsFreeFor(Kind kind) const noexcept {
    return kind == Kind::kShared ? holders_ != kWriter : holders_ == 0;
  }
  void Add(Kind kind) noexcept {
    holders_ = kind == Kind::kShared ? holders_ + 1 : kWriter;
  }
  bool Take(Kind kind) noexcept {
    if (!waiters_.empty() || !IsFreeFor(kind)) return false;
    Add(kind);
    return true;
  }
  void Unlock() noexcept {
    holders_ = 0;
    LetIn();
  }
  void UnlockShared() noexcept {
    if (--holders_ == 0) LetIn();
  }
  void LetIn() noexcept {
    while (!waiters_.empty() && IsFreeFor(waiters_.front().kind())) {
      Add(waiters_.front().kind());
      waiters_.WakeFirst();
    }
  }

  int holders_ = 0;  // the number of readers, or kWriter
  internal::WaitList<Wait> waiters_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_SHARED_MUTEX_H_
