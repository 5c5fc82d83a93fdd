// Allocate: gives a part of a file space on the device, or takes it.
//
// `mode` is one of fallocate(2): 0 makes the space and grows the file,
// FALLOC_FL_KEEP_SIZE does not grow it, FALLOC_FL_PUNCH_HOLE |
// FALLOC_FL_KEEP_SIZE gives it back (it reads as zeros), FALLOC_FL_ZERO_RANGE
// fills it with zeros, ...
// Result: nothing. A write within space that was made cannot fail for want of
// it.
// Errors: those of fallocate(2): ENOSPC, EDQUOT, EFBIG, EOPNOTSUPP (the file
// system has no such mode), EINVAL (an empty range), ESPIPE, ENODEV; kCanceled.
// Lifetime: fd lives until the await returns.
// Stop: after kCanceled a part of the space may have been made or given back.
// Cost: one operation, which a kernel worker carries out. See fallocate(2).
#ifndef EDDY_IO_ALLOCATE_H_
#define EDDY_IO_ALLOCATE_H_

#include <eddy/io/fd_operation.h>

#include <fcntl.h>

#include <cstdint>

namespace eddy::io {

class [[nodiscard]] Allocate final : public FdOperation<Allocate> {
 public:
  Allocate(const Fd& fd, std::uint64_t offset, std::uint64_t size,
           int mode = 0) noexcept
      : FdOperation(fd), offset_(offset), size_(size), mode_(mode) {}

  const char* name() const noexcept override { return "Allocate"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_fallocate(sqe, fd, mode_, static_cast<off_t>(offset_),
                            static_cast<off_t>(size_));
  }
  [[nodiscard]] Result<void> await_resume() const { return VoidResult(); }

 private:
  std::uint64_t offset_;
  std::uint64_t size_;
  int mode_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_ALLOCATE_H_
