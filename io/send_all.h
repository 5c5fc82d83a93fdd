// SendAll: all of some bytes, to a connected stream socket.
//
// Result: nothing; the kernel has taken all of `data`.
//
// Errors: those of send(2), such as EPIPE, ECONNRESET; kCanceled. After an
// error or a stop a part may have been sent; `transferred`, if not null, gets
// how much.
//
// Lifetime: fd, data and transferred live until the await returns.
//
// Stop: as Send; what was sent before is counted in `transferred`.
//
// Cost: one entry, nearly always: the kernel itself goes on after a part
// (MSG_WAITALL). See send(2), io_uring_prep_send(3).
#ifndef EDDY_IO_SEND_ALL_H_
#define EDDY_IO_SEND_ALL_H_

#include <eddy/io/fd_operation.h>
#include <eddy/runtime/await_budget.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::io {

class [[nodiscard]] SendAll final : public Operation {
 public:
  SendAll(const Fd& fd, std::span<const std::byte> data,
          std::size_t* transferred = nullptr) noexcept
      : fd_(&fd), rest_(data), transferred_(transferred) {
    if (transferred_ != nullptr) *transferred_ = 0;
  }

  const char* name() const noexcept override { return "Write"; }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    static_assert(std::is_base_of_v<eddy::internal::PromiseBase, Promise>,
                  "an operation can be awaited only in a coroutine of eddy");
    eddy::internal::PromiseBase& promise = waiter.promise();
    if (rest_.empty() || promise.context->stop_requested()) {
      if (!rest_.empty()) set_raw_result(-ECANCELED);
      return eddy::internal::AwaitBudget::Spend(promise);
    }
    Suspend(promise);
    fd_->Pin();
    Submit();
    return true;
  }
  [[nodiscard]] Result<void> await_resume() const { return VoidResult(); }

  void Complete(std::int32_t result, std::uint32_t flags) noexcept override;
  void Cancel() noexcept override;
  void Continue() noexcept override;

 private:
  void Submit() noexcept;
  void End(std::int32_t result) noexcept {
    fd_->Unpin();
    set_raw_result(result);
    Wake();
  }

  const Fd* fd_;
  std::span<const std::byte> rest_;
  std::size_t* transferred_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_SEND_ALL_H_
