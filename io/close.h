// Close: closes a descriptor and tells whether that failed.
//
//   EDDY_CO_CHECK(co_await file_fd.Close());
//
// Result: nothing. The descriptor is gone whatever the result (close(2),
// "Dealing with error returns from close()").
// Errors: EIO, ENOSPC, EDQUOT: an earlier write was lost. EBADF: no descriptor.
// Stop: not a stop point; closing always happens.
// Lifetime: takes the descriptor over at the call; an awaitable that is dropped
// instead of awaited closes like the destructor of Fd.
// Cost: one operation. See close(2).
#ifndef EDDY_IO_CLOSE_H_
#define EDDY_IO_CLOSE_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/operation.h>

#include <coroutine>
#include <utility>

namespace eddy::io {

class [[nodiscard]] Close final : public SingleOperation<Close> {
 public:
  explicit Close(Fd fd) noexcept : fd_(std::move(fd)) {}
  Close(Close&&) noexcept = default;

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    Submit(waiter.promise());
  }
  void Cancel() noexcept override {}
  const char* name() const noexcept override { return "Close"; }
  void Prepare(io_uring_sqe* sqe) noexcept {
    io_uring_prep_close(sqe, fd_.Release());
  }
  [[nodiscard]] Result<void> await_resume() const { return VoidResult(); }

 private:
  Fd fd_;
};

inline Close Fd::Close() noexcept { return io::Close(std::move(*this)); }

}  // namespace eddy::io

#endif  // EDDY_IO_CLOSE_H_
