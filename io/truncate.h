// Truncate: sets the size of a file. What is beyond is dropped; what is new
// reads as zeros and takes no space.
//
// Result: nothing. Errors: those of ftruncate(2), such as EFBIG, EINVAL (not
// open for writing, no regular file, or a size beyond 2^63-1), EPERM; EINVAL
// also where the kernel lacks the operation (before Linux 6.9: see
// Ring::Supports; fs::File::Truncate needs no such question); kCanceled.
// Lifetime: fd lives until the await returns.
// Stop: after kCanceled the size is as it was.
// Cost: one operation, which a kernel worker carries out. See ftruncate(2).
#ifndef EDDY_IO_TRUNCATE_H_
#define EDDY_IO_TRUNCATE_H_

#include <eddy/io/fd_operation.h>

#include <cstdint>

namespace eddy::io {

class [[nodiscard]] Truncate final : public FdOperation<Truncate> {
 public:
  static constexpr std::uint8_t kOpcode = eddy::internal::kOpFtruncate;

  Truncate(const Fd& fd, std::uint64_t size) noexcept
      : FdOperation(fd), size_(size) {}

  const char* name() const noexcept override { return "Truncate"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_rw(kOpcode, sqe, fd, nullptr, 0, size_);
  }
  [[nodiscard]] Result<void> await_resume() const { return VoidResult(); }

 private:
  std::uint64_t size_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_TRUNCATE_H_
