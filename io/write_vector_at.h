// WriteVectorAt: bytes of several buffers, one after the other, to a file at an
// offset.
//
// Result: the bytes written, in all; 0 where there are none. Fewer is possible,
// for instance on a disk that becomes full. Of more than 1024 buffers the first
// 1024 are used.
// Errors: those of pwritev(2), such as ENOSPC, EDQUOT, EFBIG, EIO; EINVAL for
// an offset beyond 2^63-1, and for direct I/O with a wrong alignment;
// kCanceled. Lifetime: fd, the array of buffers, and the buffers live until the
// await returns. Stop: as WriteAt. Not durable before a Sync. Cost: as WriteAt.
// See pwritev(2).
#ifndef EDDY_IO_WRITE_VECTOR_AT_H_
#define EDDY_IO_WRITE_VECTOR_AT_H_

#include <eddy/io/direct_alignment.h>
#include <eddy/io/fd_operation.h>
#include <eddy/io/iovec.h>

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::io {

class [[nodiscard]] WriteVectorAt final : public FdOperation<WriteVectorAt> {
 public:
  WriteVectorAt(const Fd& fd, std::uint64_t offset,
                std::span<const iovec> buffers,
                DirectAlignment alignment = {}) noexcept
      : FdOperation(fd),
        offset_(FileOffset(offset)),
        buffers_(ClampCount(buffers)),
        invalid_(alignment.Missed(offset, buffers_)) {}

  const char* name() const noexcept override { return "WriteVectorAt"; }
  int Invalid() const noexcept { return invalid_; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_writev(sqe, fd, buffers_.data(),
                         static_cast<unsigned>(buffers_.size()), offset_);
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  std::uint64_t offset_;
  std::span<const iovec> buffers_;
  int invalid_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_WRITE_VECTOR_AT_H_
