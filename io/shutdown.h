// Shutdown: ends one or both directions of a connected socket.
//
// `how` is SHUT_WR (the peer reads an end of stream), SHUT_RD or SHUT_RDWR.
// Result: nothing. Pending operations on the socket complete by themselves.
// Errors: ENOTCONN where the peer is gone already; kCanceled.
// Stop: a stop point; clean-up that must happen goes in a Shield.
// Cost: one operation, which a kernel worker carries out. See shutdown(2).
#ifndef EDDY_IO_SHUTDOWN_H_
#define EDDY_IO_SHUTDOWN_H_

#include <eddy/io/fd_operation.h>

namespace eddy::io {

class [[nodiscard]] Shutdown final : public FdOperation<Shutdown> {
 public:
  Shutdown(const Fd& fd, int how) noexcept : FdOperation(fd), how_(how) {}

  const char* name() const noexcept override { return "Shutdown"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_shutdown(sqe, fd, how_);
  }
  [[nodiscard]] Result<void> await_resume() const { return VoidResult(); }

 private:
  int how_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_SHUTDOWN_H_
