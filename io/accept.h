// Accept: the next connection of a listening socket.
//
// Result: the connected socket, close-on-exec.
// Errors: those of accept4(2). ECONNABORTED and the network errors listed there
// concern one connection: accept again. EMFILE, ENFILE, ENOBUFS and ENOMEM
// leave the connection in the backlog: wait before accepting again. kCanceled.
// Lifetime: the listening Fd lives until the await returns.
// Stop: after kCanceled no connection was taken; one that was taken before the
// stop came is the result.
// Cost: one operation. See accept4(2).
#ifndef EDDY_IO_ACCEPT_H_
#define EDDY_IO_ACCEPT_H_

#include <eddy/io/fd_operation.h>

#include <sys/socket.h>

namespace eddy::io {

class [[nodiscard]] Accept : public FdOperation<Accept> {
 public:
  explicit Accept(const Fd& listener) noexcept : FdOperation(listener) {}

  const char* name() const noexcept override { return "Accept"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_accept(sqe, fd, nullptr, nullptr, SOCK_CLOEXEC);
  }
  [[nodiscard]] Result<Fd> await_resume() const {
    if (failed()) return Unexpected(error());
    return Fd(raw_result());
  }
};

}  // namespace eddy::io

#endif  // EDDY_IO_ACCEPT_H_
