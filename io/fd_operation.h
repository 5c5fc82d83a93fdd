// FdOperation: a SingleOperation on a file descriptor, which stays with its Fd
// until the kernel has completed the operation.
//
// A derived verb has `void Prepare(io_uring_sqe*, int fd)`, name() and
// await_resume(); and `int Invalid() const` where its arguments may be invalid:
// the code of the error, or 0.
#ifndef EDDY_IO_FD_OPERATION_H_
#define EDDY_IO_FD_OPERATION_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/operation.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace eddy::io {

// The most that one call transfers (read(2), NOTES).
inline constexpr std::size_t kMaxTransfer = 0x7ffff000;

// A length as the kernel's 32-bit field takes it.
inline unsigned ClampLength(std::size_t size) noexcept {
  return static_cast<unsigned>(std::min(size, kMaxTransfer));
}

// An offset as the kernel takes it. All ones would mean the file's current
// position; it becomes the next lower value, which the kernel refuses.
inline std::uint64_t FileOffset(std::uint64_t offset) noexcept {
  return std::min(offset, ~std::uint64_t{1});
}

// Whether a kernel worker was interrupted while it waited, as the cancel of an
// operation does: EINTR, or where the system call would have been restarted,
// ERESTARTSYS to ERESTARTNOHAND, which user space never sees elsewhere.
inline bool WasInterrupted(std::int32_t result) noexcept {
  return result == -EINTR || (result <= -512 && result >= -514);
}

template <class Derived>
class FdOperation : public SingleOperation<FdOperation<Derived>> {
 public:
  void Prepare(io_uring_sqe* sqe) noexcept {
    static_cast<Derived*>(this)->Prepare(sqe, fd_->get());
    fd_->Pin();
  }
  int Refusal() const noexcept {
    return static_cast<const Derived*>(this)->Invalid();
  }
  int Invalid() const noexcept { return 0; }
  void Complete(std::int32_t result, std::uint32_t flags) noexcept final {
    if ((flags & IORING_CQE_F_MORE) == 0) fd_->Unpin();
    if (WasInterrupted(result) && this->waiter()->context->stop_requested()) {
      result = -ECANCELED;
    }
    Operation::Complete(result, flags);
  }

 protected:
  explicit FdOperation(const Fd& fd) noexcept : fd_(&fd) {}
  FdOperation(FdOperation&&) noexcept = default;
  ~FdOperation() = default;

  const Fd& fd() const noexcept { return *fd_; }

 private:
  const Fd* fd_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_FD_OPERATION_H_
