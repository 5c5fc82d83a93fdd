#include <eddy/io/fd.h>

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/reactor.h>

#include <fcntl.h>
#include <unistd.h>

namespace eddy::io {

void Fd::Reset() noexcept {
  const int fd = Release();
  if (fd < 0) return;
  if (Reactor* reactor = Reactor::Current()) {
    reactor->SubmitDetached(
        [fd](io_uring_sqe* sqe) { io_uring_prep_close(sqe, fd); });
  } else {
    ::close(fd);
  }
}

void Fd::UsedInFlight() const noexcept {
  internal::Misuse(
      "file descriptor %d was closed, moved or destroyed with %u operations in "
      "flight on it; stop them and await their end first",
      fd_, operations_);
}

const Fd& Fd::CurrentDirectory() noexcept {
  static thread_local const Fd directory(AT_FDCWD);
  return directory;
}

}  // namespace eddy::io
