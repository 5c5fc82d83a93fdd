// Barrier: lets a number of tasks wait for each other, phase after phase.
//
//   Barrier barrier(workers, [&] { Swap(now, next); });
//
//   for (...) {                             in each worker
//     Compute(part, now, next);
//     EDDY_CO_CHECK(co_await barrier.ArriveAndWait());
//   }
//   barrier.ArriveAndDrop();                takes no part any more
//
// A phase ends when as many have arrived as take part. The last one to arrive
// calls the completion function, where there is one; then all go on, and the
// next phase begins. ArriveAndDrop arrives without waiting, and the phases
// after this one have one less to wait for.
//
// Result of ArriveAndWait: nothing. Errors: kCanceled. Exceptions: one that the
// completion function throws is thrown by each ArriveAndWait of its phase, as
// none may go on as if all were well, and by the ArriveAndDrop that called it;
// the next phase begins all the same.
// Stop: an ArriveAndWait that was stopped, before or while it waits, has not
// arrived: its arrival is taken back, and the others wait for it. So a task
// that ends then calls ArriveAndDrop(), where the others are to go on without
// it. One whose phase had ended before the stop came, as it has in the
// completion function, gives success.
//
// Lifetime: destroying a barrier that tasks wait for aborts.
// REQUIRES: no more arrive in a phase than take part; the completion function
// does not arrive.
// Thread safety: belongs to one reactor.
//
// Cost: no allocation, no system call, no atomic operation; the last to arrive
// pays for the others, in their number.
#ifndef EDDY_RUNTIME_BARRIER_H_
#define EDDY_RUNTIME_BARRIER_H_

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/wait_list.h>

#include <cstddef>
#include <exception>
#include <type_traits>
#include <utility>

namespace eddy {

namespace internal {

struct NoCompletion {
  void operator()() const noexcept {}
};

}  // namespace internal

template <class Completion = internal::NoCompletion>
class Barrier {
  static_assert(std::is_void_v<std::invoke_result_t<Completion&>>,
                "a Barrier's completion is a function that returns nothing; it "
                "is no task");

 public:
  explicit Barrier(std::size_t tasks, Completion completion = Completion())
      : members_(tasks), missing_(tasks), completion_(std::move(completion)) {}
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;
  ~Barrier() { waiters_.ExpectEmpty("a Barrier"); }

  class [[nodiscard]] ArriveAwaiter final
      : public internal::StoppableWait<ArriveAwaiter> {
   public:
    explicit ArriveAwaiter(Barrier& barrier) noexcept : barrier_(barrier) {}

    [[nodiscard]] Result<void> await_resume() const {
      if (exception_) [[unlikely]] {
        std::rethrow_exception(exception_);
      }
      return this->VoidResult();
    }

    const char* name() const noexcept override { return "Barrier"; }

   private:
    friend class internal::StoppableWait<ArriveAwaiter>;
    friend class Barrier;

    bool Take() noexcept { return barrier_.Arrive(exception_); }
    internal::WaitList<ArriveAwaiter>& list() const noexcept {
      return barrier_.waiters_;
    }
    void Cancel() noexcept override {
      // Its phase has ended, and it is about to go on.
      if (barrier_.completes_) return;
      internal::StoppableWait<ArriveAwaiter>::Cancel();
      ++barrier_.missing_;
    }

    Barrier& barrier_;
    std::exception_ptr exception_;
  };
  ArriveAwaiter ArriveAndWait() noexcept { return ArriveAwaiter(*this); }

  void ArriveAndDrop() {
    if (members_ != 0) --members_;
    std::exception_ptr exception;
    Arrive(exception);
    if (exception) std::rethrow_exception(exception);
  }

 private:
  // True if that ended the phase; then `exception` is that of its completion.
  bool Arrive(std::exception_ptr& exception) noexcept {
    if (missing_ == 0 || completes_) [[unlikely]] {
      internal::Misuse(
          "a task arrived at a Barrier at which no more are expected");
    }
    if (--missing_ != 0) return false;
    completes_ = true;
    try {
      completion_();
    } catch (...) {
      exception = std::current_exception();
    }
    completes_ = false;
    missing_ = members_;
    while (!waiters_.empty()) {
      waiters_.front().exception_ = exception;
      waiters_.WakeFirst();
    }
    return true;
  }

  std::size_t members_;     // of the next phase
  std::size_t missing_;     // in this one
  bool completes_ = false;  // calls the completion function
  [[no_unique_address]] Completion completion_;
  internal::WaitList<ArriveAwaiter> waiters_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_BARRIER_H_
