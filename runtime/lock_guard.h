// LockGuard: holds a lock, and unlocks it when it goes. What Lock() and
// TryLock() of Mutex and SharedMutex give.
//
// It may be moved, to another task too; the last to have it unlocks. There is
// no other way to unlock, so nothing is unlocked that is not held.
#ifndef EDDY_RUNTIME_LOCK_GUARD_H_
#define EDDY_RUNTIME_LOCK_GUARD_H_

#include <eddy/runtime/misuse.h>

#include <utility>

namespace eddy::internal {

enum class LockKind : bool { kExclusive, kShared };

// `Lockable` is its friend, and has Unlock(), or UnlockShared().
template <class Lockable, LockKind kKind>
class [[nodiscard]] LockGuard {
 public:
  LockGuard(LockGuard&& other) noexcept
      : lock_(std::exchange(other.lock_, nullptr)) {}
  LockGuard& operator=(LockGuard&& other) noexcept {
    LockGuard(std::move(other)).Swap(*this);
    return *this;
  }
  ~LockGuard() {
    if (lock_ != nullptr) Release();
  }

  void Swap(LockGuard& other) noexcept { std::swap(lock_, other.lock_); }

  // Unlocks early. REQUIRES: holds the lock. Violations abort.
  void Unlock() noexcept {
    if (lock_ == nullptr) [[unlikely]] {
      Misuse(
          "Unlock of a guard that holds no lock: it was unlocked before, or "
          "moved from");
    }
    Release();
    lock_ = nullptr;
  }

  // False once it was unlocked or moved from.
  explicit operator bool() const noexcept { return lock_ != nullptr; }

 private:
  friend Lockable;

  explicit LockGuard(Lockable& lock) noexcept : lock_(&lock) {}

  void Release() noexcept {
    if constexpr (kKind == LockKind::kShared) {
      lock_->UnlockShared();
    } else {
      lock_->Unlock();
    }
  }

  Lockable* lock_;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_LOCK_GUARD_H_
