#include <eddy/io/accept_stream.h>

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace eddy::io::internal {

AcceptOperation::~AcceptOperation() {
  while (!accepted_.empty()) {
    const int accepted = accepted_.Pop();
    // (It may be the loop that destroys this, where no entry can be taken.)
    if (accepted >= 0) ::close(accepted);
  }
}

Result<Fd> AcceptOperation::Take() {
  const int accepted = accepted_.Pop();
  if (accepted < 0) return Unexpected(Error::FromErrno(-accepted));
  return Fd(accepted);
}

void AcceptOperation::Prepare(io_uring_sqe* sqe) noexcept {
  if (multishot_) {
    io_uring_prep_multishot_accept(sqe, fd_, nullptr, nullptr, SOCK_CLOEXEC);
  } else {
    io_uring_prep_accept(sqe, fd_, nullptr, nullptr, SOCK_CLOEXEC);
  }
}

void AcceptOperation::Deliver(std::int32_t result, std::uint32_t) noexcept {
  if (result == -ECANCELED) return;
  if (result == -EINVAL && multishot_) {
    // The kernel does not know it, or the socket does not listen; which one,
    // the plain accept will tell.
    multishot_ = false;
    return;
  }
  accepted_.Push(result);
  if (accepted_.size() >= AcceptStream::kMostWaiting) Pause();
}

}  // namespace eddy::io::internal
