// ReadVectorAt: bytes of a file from an offset into several buffers, one after
// the other.
//
//   const iovec parts[] = {io::ToIovec(header), io::ToIovec(payload)};
//   EDDY_CO_TRY(std::size_t n, co_await io::ReadVectorAt(fd, 0, parts));
//
// Result: the bytes read, in all; 0 at or beyond the end of the file, or where
// there is no room in the buffers. Fewer than there is room for is possible. Of
// more than 1024 buffers the first 1024 are used.
// Errors: those of preadv(2); EINVAL for an offset beyond 2^63-1, and for
// direct I/O with a wrong alignment; kCanceled. Lifetime: fd, the array of
// buffers, and the buffers live until the await returns. Stop: as ReadAt. Cost:
// as ReadAt. See preadv(2).
#ifndef EDDY_IO_READ_VECTOR_AT_H_
#define EDDY_IO_READ_VECTOR_AT_H_

#include <eddy/io/direct_alignment.h>
#include <eddy/io/fd_operation.h>
#include <eddy/io/iovec.h>

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::io {

class [[nodiscard]] ReadVectorAt final : public FdOperation<ReadVectorAt> {
 public:
  ReadVectorAt(const Fd& fd, std::uint64_t offset,
               std::span<const iovec> buffers,
               DirectAlignment alignment = {}) noexcept
      : FdOperation(fd),
        offset_(FileOffset(offset)),
        buffers_(ClampCount(buffers)),
        invalid_(alignment.Missed(offset, buffers_)) {}

  const char* name() const noexcept override { return "ReadVectorAt"; }
  int Invalid() const noexcept { return invalid_; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_readv(sqe, fd, buffers_.data(),
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

#endif  // EDDY_IO_READ_VECTOR_AT_H_
