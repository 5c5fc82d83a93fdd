// Connect: connects a socket to an address.
//
// Result: nothing; the socket is connected.
// Errors: those of connect(2), such as ECONNREFUSED, ETIMEDOUT (TCP's own),
// ENETUNREACH, EADDRNOTAVAIL; kCanceled.
// Lifetime: fd and address live until the await returns.
// Stop: after kCanceled the socket's state is not known; close it.
// Cost: one operation, and a system call (getpeername(2)) where it succeeded.
// See connect(2).
#ifndef EDDY_IO_CONNECT_H_
#define EDDY_IO_CONNECT_H_

#include <eddy/io/fd_operation.h>

#include <sys/socket.h>

namespace eddy::io {

class [[nodiscard]] Connect final : public FdOperation<Connect> {
 public:
  Connect(const Fd& fd, const sockaddr* address, socklen_t size) noexcept
      : FdOperation(fd), address_(address), size_(size) {}

  const char* name() const noexcept override { return "Connect"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_connect(sqe, fd, address_, size_);
  }
  [[nodiscard]] Result<void> await_resume() const;

 private:
  const sockaddr* address_;
  socklen_t size_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_CONNECT_H_
