#include <eddy/net/send_batch.h>

#include <eddy/io/fd_operation.h>
#include <eddy/runtime/misuse.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace eddy::net {

void SendBatch::Add(const SocketAddress& to, std::span<const std::byte> data) {
  AssertIdle();
  datagrams_.emplace_back(to, data);
}

void SendBatch::UsedInFlight() noexcept {
  eddy::internal::Misuse(
      "a SendBatch was changed, sent or destroyed while it is being sent; wait "
      "until its Send has returned");
}

SendBatch::Datagram::Datagram(const SocketAddress& to,
                              std::span<const std::byte> data) noexcept
    // The kernel only reads it.
    : buffer_{const_cast<std::byte*>(data.data()), data.size()} {
  // An address of another family is as long as the room: the kernel refuses it.
  if (to.family() == AF_UNSPEC) return;
  to_size_ = std::min<socklen_t>(to.size(), sizeof to_);
  std::memcpy(&to_, to.native(), to_size_);
}

void SendBatch::Datagram::Submit(SendBatchAwaiter& awaiter, const io::Fd& fd,
                                 Reactor& reactor) noexcept {
  awaiter_ = &awaiter;
  message_.msg_name = to_size_ != 0 ? &to_ : nullptr;
  message_.msg_namelen = to_size_;
  message_.msg_iov = &buffer_;
  message_.msg_iovlen = 1;
  io_uring_sqe* sqe = reactor.GetSqe();
  io_uring_prep_sendmsg(sqe, fd.get(), &message_, MSG_NOSIGNAL);
  reactor.Track(sqe, *this);
}

void SendBatch::Datagram::Complete(std::int32_t result,
                                   std::uint32_t) noexcept {
  set_raw_result(awaiter_->Ended(result));
}

bool SendBatchAwaiter::Start(eddy::internal::PromiseBase& waiter) noexcept {
  batch_->AssertIdle();
  auto& datagrams = batch_->datagrams_;
  if (waiter.context->stop_requested()) {
    for (SendBatch::Datagram& datagram : datagrams) datagram.End(-ECANCELED);
  }
  if (waiter.context->stop_requested() || datagrams.empty()) return false;
  batch_->in_flight_ = true;
  left_ = datagrams.size();
  fd_->Pin();
  Suspend(waiter);
  Reactor& reactor = waiter.context->reactor();
  // (A full queue lets the first of them end meanwhile.)
  for (SendBatch::Datagram& datagram : datagrams) {
    datagram.Submit(*this, *fd_, reactor);
  }
  return true;
}

std::int32_t SendBatchAwaiter::Ended(std::int32_t result) noexcept {
  const bool stopped =
      io::WasInterrupted(result) && waiter()->context->stop_requested();
  if (--left_ == 0) {
    fd_->Unpin();
    batch_->in_flight_ = false;
    Wake();
  }
  return stopped ? -ECANCELED : result;
}

void SendBatchAwaiter::Cancel() noexcept {
  Reactor& reactor = waiter()->context->reactor();
  for (SendBatch::Datagram& datagram : batch_->datagrams_) {
    reactor.CancelOperation(datagram);
  }
}

Result<void> SendBatchAwaiter::await_resume() const noexcept {
  for (const SendBatch::Datagram& datagram : batch_->datagrams_) {
    if (const auto result = datagram.result(); !result) {
      return Unexpected(result.error());
    }
  }
  return {};
}

}  // namespace eddy::net
