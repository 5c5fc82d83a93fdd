// Semaphore: permits that tasks take, wait for, and give back.
//
//   Semaphore slots(8);                    at most 8 at the same time
//
//   EDDY_CO_TRY(Semaphore::Permit slot, co_await slots.Acquire());
//   co_await Fetch(url);                   the permit goes back with `slot`
//
//   Semaphore items(0);                    counts what others make
//   items.Release();                       in one task
//   EDDY_CO_TRY(Semaphore::Permit item, co_await items.Acquire());
//   item.Forget();                         in another: it is used up
//
// Result: Acquire(n) gives a Permit for n, which gives them back when it goes,
// or by Release(); Forget() keeps them from that. TryAcquire gives a Permit, or
// nothing where it would have to wait. (A Permit needs a name, or it goes back
// at once.) Release adds permits, as many as one likes. Errors: kCanceled.
// Order: first come, first served. One that wants many holds up those behind
// it, though there may be enough for them: so it gets its turn.
// Stop: a wait that was stopped has taken nothing; one that was given its
// permits before the stop came gives success.
//
// Lifetime: destroying a semaphore aborts where tasks wait for it, or a Permit
// of it lives.
// Thread safety: belongs to one reactor.
// Cost: no allocation, no system call, no atomic operation. Release is linear
// in the tasks that it lets go on.
#ifndef EDDY_RUNTIME_SEMAPHORE_H_
#define EDDY_RUNTIME_SEMAPHORE_H_

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/wait_list.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace eddy {

class Semaphore {
 public:
  explicit Semaphore(std::size_t permits) noexcept : available_(permits) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore() {
    waiters_.ExpectEmpty("a Semaphore");
    if (held_ != 0) [[unlikely]] {
      internal::Misuse(
          "a Semaphore was destroyed while a Permit of it lives; end the tasks "
          "that have one first");
    }
  }

  class [[nodiscard]] Permit {
   public:
    Permit(Permit&& other) noexcept
        : semaphore_(other.semaphore_),
          count_(std::exchange(other.count_, 0)) {}
    Permit& operator=(Permit&& other) noexcept {
      Permit(std::move(other)).Swap(*this);
      return *this;
    }
    ~Permit() { Release(); }

    void Swap(Permit& other) noexcept {
      std::swap(semaphore_, other.semaphore_);
      std::swap(count_, other.count_);
    }

    // Gives back what it has, early. Has nothing then.
    void Release() noexcept {
      if (count_ == 0) return;
      const std::size_t count = Take();
      semaphore_->Release(count);
    }
    // Has nothing any more, and gives nothing back.
    void Forget() noexcept {
      if (count_ != 0) Take();
    }

    std::size_t count() const noexcept { return count_; }

   private:
    friend class Semaphore;
    Permit(Semaphore& semaphore, std::size_t count) noexcept
        : semaphore_(&semaphore), count_(count) {}

    std::size_t Take() noexcept {
      semaphore_->held_ -= count_;
      return std::exchange(count_, 0);
    }

    Semaphore* semaphore_;
    std::size_t count_;
  };

  class [[nodiscard]] AcquireAwaiter final
      : public internal::StoppableWait<AcquireAwaiter> {
   public:
    AcquireAwaiter(Semaphore& semaphore, std::size_t count) noexcept
        : semaphore_(semaphore), count_(count) {}

    [[nodiscard]] Result<Permit> await_resume() const noexcept {
      if (stopped()) return Unexpected(kCanceled);
      return Permit(semaphore_, count_);
    }

    const char* name() const noexcept override { return "Semaphore"; }

   private:
    friend class internal::StoppableWait<AcquireAwaiter>;
    friend class Semaphore;

    bool Take() noexcept { return semaphore_.Take(count_); }
    internal::WaitList<AcquireAwaiter>& list() const noexcept {
      return semaphore_.waiters_;
    }
    void Cancel() noexcept override {
      StoppableWait::Cancel();
      semaphore_.LetGoOn();  // those behind may have waited for this one
    }

    Semaphore& semaphore_;
    const std::size_t count_;
  };
  AcquireAwaiter Acquire(std::size_t count = 1) noexcept {
    return {*this, count};
  }

  [[nodiscard]] std::optional<Permit> TryAcquire(
      std::size_t count = 1) noexcept {
    if (!Take(count)) return std::nullopt;
    return Permit(*this, count);
  }

  void Release(std::size_t count = 1) noexcept {
    if (count > SIZE_MAX - available_ - held_) [[unlikely]] {
      internal::Misuse(
          "a Semaphore was released more often than can be counted");
    }
    available_ += count;
    LetGoOn();
  }

  std::size_t available() const noexcept { return available_; }

 private:
  bool Take(std::size_t count) noexcept {
    if (!waiters_.empty() || count > available_) return false;
    Give(count);
    return true;
  }
  void Give(std::size_t count) noexcept {
    available_ -= count;
    held_ += count;
  }
  void LetGoOn() noexcept {
    while (!waiters_.empty() && waiters_.front().count_ <= available_) {
      Give(waiters_.front().count_);
      waiters_.WakeFirst();
    }
  }

  std::size_t available_;
  std::size_t held_ = 0;  // by permits
  internal::WaitList<AcquireAwaiter> waiters_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_SEMAPHORE_H_
