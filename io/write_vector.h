// WriteVector: the bytes of several buffers to a stream, one after the other,
// as if they were one.
//
// Result: the bytes written, in all. Fewer than given is normal, and may end
// within a buffer; WriteAll goes on. Of more than 1024 buffers the first 1024
// are used.
// Errors: those of writev(2), such as EPIPE, ENOSPC; kCanceled. (SIGPIPE is
// blocked while a reactor runs.)
// Lifetime: fd, the array of buffers, and the buffers live until the await
// returns.
// Stop: after kCanceled nothing was written.
// Cost: one operation. See writev(2); Write for one buffer, SendMessage for
// flags and control data.
#ifndef EDDY_IO_WRITE_VECTOR_H_
#define EDDY_IO_WRITE_VECTOR_H_

#include <eddy/io/fd_operation.h>
#include <eddy/io/iovec.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::io {

class [[nodiscard]] WriteVector final : public FdOperation<WriteVector> {
 public:
  WriteVector(const Fd& fd, std::span<const iovec> buffers) noexcept
      : FdOperation(fd), buffers_(ClampCount(buffers)) {}

  const char* name() const noexcept override { return "WriteVector"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    constexpr auto kCurrentPosition = ~std::uint64_t{0};
    io_uring_prep_writev(sqe, fd, buffers_.data(),
                         static_cast<unsigned>(buffers_.size()),
                         kCurrentPosition);
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  std::span<const iovec> buffers_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_WRITE_VECTOR_H_
