#include <eddy/runtime/inbox.h>

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/reactor.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace eddy::internal {
namespace {

// What messages let run at once may take long: other things have their turn.
constexpr int kMostPerTurn = 256;

}  // namespace

Result<std::shared_ptr<Inbox>> Inbox::Create() {
  const int fd = eventfd(0, EFD_CLOEXEC);
  if (fd < 0) return Unexpected(Error::FromErrno(errno));
  auto* const inbox = new (std::nothrow) Inbox(fd);
  if (inbox == nullptr) {
    close(fd);
    return Unexpected(std::errc::not_enough_memory);
  }
  try {
    return std::shared_ptr<Inbox>(inbox);
  } catch (const std::bad_alloc&) {  // which has deleted the inbox
    return Unexpected(std::errc::not_enough_memory);
  }
}

Inbox::~Inbox() { close(event_fd_); }

void Inbox::Send(Message& message) noexcept {
  MessageBatch batch;
  batch.Add(message);
  Send(batch);
}

void Inbox::Send(MessageBatch& batch) noexcept {
  Message* top = messages_.load(std::memory_order_relaxed);
  do {
    batch.first_->next_ = top;
    // Also a release: what the sender wrote is seen by who takes the message.
    // (Invariant 2 needs more.)
  } while (!messages_.compare_exchange_weak(
      top, batch.last_, std::memory_order_seq_cst, std::memory_order_relaxed));
  batch = {};
  if (!asleep_.load(std::memory_order_seq_cst)) return;
  // Relaxed: only one of several senders has to write.
  if (asleep_.exchange(false, std::memory_order_relaxed)) {
    eventfd_write(event_fd_, 1);
  }
}

void Inbox::ReadEvent(Reactor& reactor) noexcept {
  if (in_flight() || (expected_ == 0 && openings_ == 0)) return;
  io_uring_sqe* sqe = reactor.GetSqe();
  io_uring_prep_read(sqe, event_fd_, &event_, sizeof event_, 0);
  reactor.Track(sqe, *this);
}

bool Inbox::Sleep() noexcept {
  if (undelivered_ != nullptr) return false;
  asleep_.store(true, std::memory_order_seq_cst);
  if (messages_.load(std::memory_order_seq_cst) == nullptr) return true;
  Awake();
  return false;
}

void Inbox::EndReading(Reactor& reactor) noexcept {
  reactor.CancelOperation(*this);
}

// What has come is delivered in the next turn. A read that was interrupted, or
// failed for want of something, is made again before the next sleep.
void Inbox::Complete(std::int32_t result, std::uint32_t) noexcept {
  if (result == -EBADF || result == -EINVAL) {
    Misuse(
        "a reactor cannot read its eventfd any more (%s); was the "
        "descriptor closed by somebody else?",
        std::strerror(-result));
  }
}

void Inbox::Deliver() noexcept {
  if (!has_messages()) return;
  if (undelivered_ == nullptr) {
    // Acquire: pairs with the release in Send.
    Message* message = messages_.exchange(nullptr, std::memory_order_acquire);
    while (message != nullptr) {
      Message* next = message->next_;
      __builtin_prefetch(message->further_, 1);
      message->next_ = undelivered_;
      undelivered_ = message;
      message = next;
    }
  }
  for (int most = kMostPerTurn; undelivered_ != nullptr && most != 0; --most) {
    std::exchange(undelivered_, undelivered_->next_)->Deliver();
  }
}

}  // namespace eddy::internal
