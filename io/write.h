// Write: bytes to a stream: a pipe, a socket, a file at its current position,
// or a terminal, which holds up the loop while it is not read: SharedStream.
//
// Result: the bytes written, 1 to data.size(), or 0 for empty data. Fewer than
// given is normal; WriteAll goes on.
// Errors: those of write(2), such as EPIPE, ENOSPC, EDQUOT; kCanceled. (SIGPIPE
// is blocked while a reactor runs.)
// Lifetime: fd and data live until the await returns.
// Stop: after kCanceled nothing was written.
// One write at a time on a file's position: for several use WriteAt.
// Cost: one operation. See write(2); for sockets, Send takes flags.
#ifndef EDDY_IO_WRITE_H_
#define EDDY_IO_WRITE_H_

#include <eddy/io/fd_operation.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::io {

class [[nodiscard]] Write final : public FdOperation<Write> {
 public:
  Write(const Fd& fd, std::span<const std::byte> data) noexcept
      : FdOperation(fd), data_(data) {}

  const char* name() const noexcept override { return "Write"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    constexpr auto kCurrentPosition = ~std::uint64_t{0};
    io_uring_prep_write(sqe, fd, data_.data(), ClampLength(data_.size()),
                        kCurrentPosition);
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  std::span<const std::byte> data_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_WRITE_H_
