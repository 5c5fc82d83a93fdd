// Operation: an awaiter that is one io_uring operation.
//
// The object lives in the awaiting coroutine's frame; its address is the
// entry's user_data. Awaiting it takes an SQE and prepares it; the completion
// stores the result and puts the coroutine on the ready queue. Nothing is
// allocated, and no system call is made: the loop submits once a turn.
//
// A verb is a class like this one:
//
//   class [[nodiscard]] Sync final : public SingleOperation<Sync> {
//    public:
//     explicit Sync(int fd) : fd_(fd) {}
//     const char* name() const noexcept override { return "Sync"; }
//     void Prepare(io_uring_sqe* sqe) const {
//       io_uring_prep_fsync(sqe, fd_, 0);
//     }
//     Result<void> await_resume() const { return VoidResult(); }
//    private:
//     int fd_;
//   };
//
// Stop: where a stop was requested before, the answer is kCanceled and the
// kernel never sees the operation. Stopped in flight, the kernel is asked to
// cancel; only the operation's own completion resumes the coroutine, with
// kCanceled or with whatever the operation achieved before. So after the await
// the kernel holds no reference to any buffer.
//
// Cancels are queued after the operation, and one that was asked for goes on
// only when the cancel has been answered too, so a cancel and its answer never
// meet a stranger.
#ifndef EDDY_RUNTIME_OPERATION_H_
#define EDDY_RUNTIME_OPERATION_H_

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/suspension.h>
#include <eddy/runtime/uring_abi.h>

#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstdint>

namespace eddy {

class Operation : public internal::Suspension {
 public:
  // The loop calls this for every completion; without IORING_CQE_F_MORE in
  // `flags` it is the last one. An override takes no SQE and resumes nothing.
  virtual void Complete(std::int32_t result, std::uint32_t flags) noexcept {
    result_ = result;
    if ((flags & IORING_CQE_F_MORE) == 0) Wake();
  }

  void Cancel() noexcept override {
    waiter()->context->reactor().CancelOperation(*this);
  }

  // The loop calls this where SubmitLater asked for it; it may take SQEs.
  virtual void Continue() noexcept {}

  bool await_ready() const noexcept { return false; }

 protected:
  Operation() noexcept = default;
  Operation(Operation&&) noexcept = default;
  ~Operation() = default;

  // The result as the kernel gave it: a count, a descriptor, or -errno.
  std::int32_t raw_result() const noexcept { return result_; }

  // Whether the kernel has it: from Track to just before its last completion is
  // given to Complete.
  bool in_flight() const noexcept { return in_flight_; }

  // Whether a cancel was requested that has not been answered yet.
  bool canceling() const noexcept { return canceling_; }

  // Whether the operation failed, and with what.
  bool failed() const noexcept { return result_ < 0; }
  Error error() const noexcept { return Error::FromErrno(-result_); }

  Result<void> VoidResult() const {
    if (failed()) return Unexpected(error());
    return {};
  }
  Result<std::size_t> CountResult() const {
    if (failed()) return Unexpected(error());
    return static_cast<std::size_t>(result_);
  }

  void set_raw_result(std::int32_t result) noexcept { result_ = result; }

 private:
  friend class Reactor;

  std::int32_t result_ = 0;
  // The last completion while it waits for the answer to a cancel.
  std::int32_t held_result_ = 0;
  std::uint32_t held_flags_ = 0;
  // Cancels that were submitted.
  std::uint8_t cancels_ = 0;
  // Whether a cancel was submitted that is not answered yet.
  bool canceling_ = false;
  // Whether the last completion is held.
  bool held_ = false;
  bool in_flight_ = false;
};

inline void Reactor::Track(io_uring_sqe* sqe, Operation& operation) noexcept {
  sqe->user_data = reinterpret_cast<std::uint64_t>(&operation);
  operation.in_flight_ = true;
  operation.cancels_ = 0;
  ++stats_.submitted;
}

// An operation of one entry. `Derived` has Prepare(io_uring_sqe*) and
// await_resume(). REQUIRES: awaited once, by a coroutine of eddy.
template <class Derived>
class SingleOperation : public Operation {
 public:
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    static_assert(std::is_base_of_v<internal::PromiseBase, Promise>,
                  "an operation can be awaited only in a coroutine of eddy");
    internal::PromiseBase& promise = waiter.promise();
    const int refusal = promise.context->stop_requested()
                            ? ECANCELED
                            : static_cast<Derived*>(this)->Refusal();
    if (refusal != 0) {
      set_raw_result(-refusal);
      return internal::AwaitBudget::Spend(promise);
    }
    Submit(promise);
    return true;
  }

  // The code of the error that answers without asking the kernel, or 0. What a
  // verb's arguments may be wrong in is told here, by a function that hides
  // this one.
  int Refusal() const noexcept { return 0; }

 protected:
  SingleOperation() noexcept = default;
  SingleOperation(SingleOperation&&) noexcept = default;
  ~SingleOperation() = default;

  // Submits without looking for a stop.
  void Submit(internal::PromiseBase& waiter) noexcept {
    Reactor& reactor = waiter.context->reactor();
    io_uring_sqe* sqe = reactor.GetSqe();
    static_cast<Derived*>(this)->Prepare(sqe);
    reactor.Track(sqe, *this);
    Suspend(waiter);
  }
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_OPERATION_H_
