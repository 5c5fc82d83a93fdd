#include <eddy/runtime/inbox.h>

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/reactor.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace eddy::internal {

Result<std::shared_ptr<Inbox>> Inbox::Create() {
  const int fd = eventfd(0, EFD_CLOEXEC);
  if (fd < 0) return Unexpected(Error::FromErrno(errno));
  return std::shared_ptr<Inbox>(new Inbox(fd));
}

Inbox::~Inbox() { close(event_fd_); }

void Inbox::Send(Message& message) noexcept {
  Message* top = messages_.load(std::memory_order_relaxed);
  do {
    message.next_ = top;
    // Release: what the sender wrote is seen by who takes the message.
  } while (!messages_.compare_exchange_weak(
      top, &message, std::memory_order_release, std::memory_order_relaxed));
  if (top == nullptr) eventfd_write(event_fd_, 1);
}

void Inbox::Expect(Reactor& reactor) noexcept {
  ++expected_;
  // Once woken, DeliverAll is to come, and reads on.
  if (!reading_ && !woken_) ReadEvent(reactor);
}

void Inbox::ReadEvent(Reactor& reactor) noexcept {
  io_uring_sqe* sqe = reactor.GetSqe();
  io_uring_prep_read(sqe, event_fd_, &event_, sizeof event_, 0);
  reactor.Track(sqe, *this);
  reading_ = true;
}

void Inbox::Complete(std::int32_t result, std::uint32_t) noexcept {
  if (result < 0) {
    Misuse(
        "a reactor cannot read its eventfd any more (%s); was the "
        "descriptor closed by somebody else?",
        std::strerror(-result));
  }
  reading_ = false;
  woken_ = true;
}

void Inbox::DeliverAll(Reactor& reactor) noexcept {
  if (!woken_) return;
  woken_ = false;
  // Acquire: pairs with the release in Send.
  Message* message = messages_.exchange(nullptr, std::memory_order_acquire);
  Message* in_order = nullptr;
  while (message != nullptr) {
    Message* next = message->next_;
    message->next_ = in_order;
    in_order = message;
    message = next;
  }
  while (in_order != nullptr) {
    Message* next = in_order->next_;
    in_order->Deliver();
    in_order = next;
    --expected_;
  }
  if (expected_ != 0) ReadEvent(reactor);
}

}  // namespace eddy::internal
