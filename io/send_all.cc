#include <eddy/io/send_all.h>

#include <sys/socket.h>

#include <cerrno>

namespace eddy::io {

void SendAll::Submit() noexcept {
  Reactor& reactor = waiter()->context->reactor();
  io_uring_sqe* sqe = reactor.GetSqe();
  io_uring_prep_send(sqe, fd_->get(), rest_.data(), ClampLength(rest_.size()),
                     MSG_NOSIGNAL | MSG_WAITALL);
  reactor.Track(sqe, *this);
}

// The descriptor stays pinned between two parts; that a part has gone counts.
void SendAll::Complete(std::int32_t result, std::uint32_t) noexcept {
  fd_->Unpin();
  fd_->Pin();
  if (result < 0) {
    const bool stopped =
        WasInterrupted(result) && waiter()->context->stop_requested();
    End(stopped ? -ECANCELED : result);
    return;
  }
  const auto sent = static_cast<std::size_t>(result);
  rest_ = rest_.subspan(sent);
  if (transferred_ != nullptr) *transferred_ += sent;
  if (rest_.empty()) {
    End(0);
  } else if (sent == 0) {
    End(-EIO);
  } else {
    waiter()->context->reactor().SubmitLater(*this);
  }
}

// Between two parts Continue sees the stop.
void SendAll::Cancel() noexcept {
  if (in_flight()) Operation::Cancel();
}

void SendAll::Continue() noexcept {
  if (waiter()->context->stop_requested()) {
    End(-ECANCELED);
  } else {
    Submit();
  }
}

}  // namespace eddy::io
