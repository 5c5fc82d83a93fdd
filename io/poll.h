// Poll: waits until a descriptor is ready; for libraries that do their own
// system calls on it.
//
// `events` are those of poll(2): POLLIN, POLLOUT, POLLPRI, POLLRDHUP.
// Result: the events that are there, never 0; may contain POLLERR and POLLHUP.
// A regular file is always ready for both.
// Errors: EBADF; kCanceled.
// Lifetime: fd lives until the await returns.
// Stop: nothing is consumed.
// Cost: one operation. See poll(2).
#ifndef EDDY_IO_POLL_H_
#define EDDY_IO_POLL_H_

#include <eddy/io/fd_operation.h>

#include <poll.h>

namespace eddy::io {

class [[nodiscard]] Poll final : public FdOperation<Poll> {
 public:
  Poll(const Fd& fd, short events) noexcept
      : FdOperation(fd), events_(events) {}

  const char* name() const noexcept override { return "Poll"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_poll_add(sqe, fd, static_cast<unsigned short>(events_));
  }
  [[nodiscard]] Result<short> await_resume() const {
    if (failed()) return Unexpected(error());
    return static_cast<short>(raw_result());
  }

 private:
  short events_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_POLL_H_
