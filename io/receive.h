// Receive: bytes, or one datagram, from a connected socket.
//
// Result: the bytes received. On a stream 1 to buffer.size(), 0 at its end. Of
// a datagram, its size as far as it fits. For an empty buffer 0, without asking
// the socket.
// `flags` are those of recv(2): MSG_PEEK, MSG_WAITALL, MSG_TRUNC, ...
// Errors: those of recv(2), such as ECONNRESET; kCanceled.
// Lifetime: fd and buffer live until the await returns.
// Stop: after kCanceled nothing was consumed; bytes that had arrived before the
// stop took effect are the result.
// Cost: one operation. See recv(2).
#ifndef EDDY_IO_RECEIVE_H_
#define EDDY_IO_RECEIVE_H_

#include <eddy/io/fd_operation.h>

#include <cstddef>
#include <span>

namespace eddy::io {

class [[nodiscard]] Receive final : public FdOperation<Receive> {
 public:
  Receive(const Fd& fd, std::span<std::byte> buffer, int flags = 0) noexcept
      : FdOperation(fd), buffer_(buffer), flags_(flags) {}

  const char* name() const noexcept override { return "Receive"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    // recv(2) waits for data also where there is no room for it.
    if (buffer_.empty()) return io_uring_prep_nop(sqe);
    io_uring_prep_recv(sqe, fd, buffer_.data(), ClampLength(buffer_.size()),
                       flags_);
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  std::span<std::byte> buffer_;
  int flags_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_RECEIVE_H_
