// Advise: tells the kernel how a part of a file will be used.
//
// `advice` is one of posix_fadvise(2): POSIX_FADV_SEQUENTIAL, _RANDOM,
// _WILLNEED (reads ahead into the page cache), _DONTNEED (drops what is clean
// of it), _NORMAL. A size of 0 means: to the end. (What is longer than 4 GiB is
// advised up to there: the operation has 32 bits for the length.)
// Result: nothing, and no promise. Errors: those of posix_fadvise(2): EINVAL,
// ESPIPE; kCanceled.
// Lifetime: fd lives until the await returns.
// Cost: one operation; a kernel worker carries out what may wait. See
// posix_fadvise(2).
#ifndef EDDY_IO_ADVISE_H_
#define EDDY_IO_ADVISE_H_

#include <eddy/io/fd_operation.h>

#include <fcntl.h>

#include <algorithm>
#include <cstdint>

namespace eddy::io {

class [[nodiscard]] Advise final : public FdOperation<Advise> {
 public:
  Advise(const Fd& fd, std::uint64_t offset, std::uint64_t size,
         int advice) noexcept
      : FdOperation(fd), offset_(offset), size_(size), advice_(advice) {}

  const char* name() const noexcept override { return "Advise"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    constexpr std::uint64_t kMost = 0xffff'f000;
    io_uring_prep_fadvise(sqe, fd, offset_,
                          static_cast<off_t>(std::min(size_, kMost)), advice_);
  }
  [[nodiscard]] Result<void> await_resume() const { return VoidResult(); }

 private:
  std::uint64_t offset_;
  std::uint64_t size_;
  int advice_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_ADVISE_H_
