// Send: bytes, or one datagram, to a connected socket.
//
// `flags` are those of send(2); MSG_NOSIGNAL is always set. With MSG_WAITALL
// the kernel goes on until all is sent, an error, or a stop.
// Result: the bytes that the socket took, 1 to data.size(), 0 for empty data.
// Fewer than given is normal on a stream.
// Errors: those of send(2), such as EPIPE, ECONNRESET, EMSGSIZE; kCanceled.
// Lifetime: fd and data live until the await returns.
// Stop: after kCanceled nothing was sent; what had been sent before is counted
// in the result.
// Cost: one operation. See send(2), io_uring_prep_send(3).
#ifndef EDDY_IO_SEND_H_
#define EDDY_IO_SEND_H_

#include <eddy/io/fd_operation.h>

#include <sys/socket.h>

#include <cstddef>
#include <span>

namespace eddy::io {

class [[nodiscard]] Send final : public FdOperation<Send> {
 public:
  Send(const Fd& fd, std::span<const std::byte> data, int flags = 0) noexcept
      : FdOperation(fd), data_(data), flags_(flags | MSG_NOSIGNAL) {}

  const char* name() const noexcept override { return "Send"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_send(sqe, fd, data_.data(), ClampLength(data_.size()),
                       flags_);
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  std::span<const std::byte> data_;
  int flags_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_SEND_H_
