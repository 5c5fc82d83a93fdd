// Latch: lets tasks wait until something has happened a number of times.
//
//   Latch ready(workers);
//
//   ready.CountDown();                    each worker, when it is ready
//   co_await ready.Wait();                who waits for all of them
//   co_await ready.ArriveAndWait();       both
//
// It opens when its count comes to 0, once and for ever. (For tasks that end, a
// scope waits by itself.)
//
// Result of Wait and ArriveAndWait: nothing. Errors: kCanceled.
// Stop: an ArriveAndWait that was stopped, before or while it waits, has not
// counted down: its count is taken back. One that was let go on before the stop
// came gives success.
//
// Lifetime: destroying a latch that tasks wait for aborts.
// REQUIRES: no more is counted down than is left. Violations abort.
// Thread safety: belongs to one reactor.
// Cost: no allocation, no system call, no atomic operation; the last CountDown
// is linear in the tasks that wait.
#ifndef EDDY_RUNTIME_LATCH_H_
#define EDDY_RUNTIME_LATCH_H_

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/wait_list.h>

#include <cstddef>

namespace eddy {

class Latch {
 public:
  explicit Latch(std::size_t count) noexcept : count_(count) {}
  Latch(const Latch&) = delete;
  Latch& operator=(const Latch&) = delete;
  ~Latch() { waiters_.ExpectEmpty("a Latch"); }

  // What is left; 0: it is open.
  std::size_t count() const noexcept { return count_; }

  void CountDown(std::size_t count = 1) noexcept {
    if (count > count_) [[unlikely]] {
      internal::Misuse("a Latch was counted down by %zu with %zu left", count,
                       count_);
    }
    count_ -= count;
    if (count_ != 0) return;
    while (!waiters_.empty()) waiters_.WakeFirst();
  }

  class [[nodiscard]] WaitAwaiter final
      : public internal::StoppableWait<WaitAwaiter> {
   public:
    WaitAwaiter(Latch& latch, std::size_t arrivals) noexcept
        : latch_(latch), arrivals_(arrivals) {}

    [[nodiscard]] Result<void> await_resume() const noexcept {
      return VoidResult();
    }

    const char* name() const noexcept override { return "Latch"; }

   private:
    friend class internal::StoppableWait<WaitAwaiter>;

    bool Take() noexcept {
      if (arrivals_ != 0) latch_.CountDown(arrivals_);
      return latch_.count_ == 0;
    }
    internal::WaitList<WaitAwaiter>& list() const noexcept {
      return latch_.waiters_;
    }
    void Cancel() noexcept override {
      StoppableWait::Cancel();
      latch_.count_ += arrivals_;
    }

    Latch& latch_;
    const std::size_t arrivals_;
  };
  WaitAwaiter Wait() noexcept { return {*this, 0}; }
  WaitAwaiter ArriveAndWait(std::size_t count = 1) noexcept {
    return {*this, count};
  }

 private:
  std::size_t count_;
  internal::WaitList<WaitAwaiter> waiters_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_LATCH_H_
