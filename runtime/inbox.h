// Inbox: how other threads reach a reactor.
//
// A lock-free stack of messages, which the loop looks at once a turn, and an
// eventfd that the reactor reads through its ring while it sleeps. Only where
// it sleeps does a sender write the eventfd, and of those that send meanwhile
// only the first: a batch of messages costs one wake-up, and a reactor that is
// awake none.
//
// Invariants:
//  1. Messages are pushed by any thread and taken, all at once, by the reactor.
//  2. Before the reactor sleeps it says so (asleep_) and then looks at the
//     stack; a sender pushes and then looks at asleep_. All four are
//     sequentially consistent: one of the two sees the other, and no message
//     waits for a reactor that sleeps.
//  3. While something may be sent to it, a reactor that sleeps has a read of
//     the eventfd in flight. The last one is cancelled when the reactor is to
//     end.
//  4. A sender may write the eventfd after its message was delivered: senders
//     share the ownership of the inbox, and a late write only lets a later read
//     return early. (A sender that does not get to run before its write keeps
//     the reactor asleep, whatever others send.)
#ifndef EDDY_RUNTIME_INBOX_H_
#define EDDY_RUNTIME_INBOX_H_

#include <eddy/runtime/operation.h>
#include <eddy/runtime/result.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace eddy::internal {

// Something for a reactor, sent once at a time.
class Message {
 public:
  // Called by the loop on the reactor's thread. May end the message's life.
  virtual void Deliver() noexcept = 0;

 protected:
  Message() noexcept = default;
  ~Message() = default;

 private:
  friend class Inbox;
  friend class MessageBatch;
  Message* next_ = nullptr;
  // One that comes some messages after this one in a batch: who takes it asks
  // for that one's memory, which another core has, ahead of time.
  Message* further_ = nullptr;
};

// Messages on their way to one inbox, in the order in which they were added.
class MessageBatch {
 public:
  bool empty() const noexcept { return last_ == nullptr; }
  void Add(Message& message) noexcept {
    message.next_ = last_;
    message.further_ = recent_[2];
    recent_[2] = recent_[1];
    recent_[1] = recent_[0];
    recent_[0] = last_;
    last_ = &message;
    if (first_ == nullptr) first_ = &message;
  }

 private:
  friend class Inbox;
  Message* first_ = nullptr;
  Message* last_ = nullptr;  // from where next_ leads back to the first
  Message* recent_[3] = {};
};

class Inbox final : private Operation {
 public:
  // Errors: EMFILE, ENFILE, ENOMEM.
  static Result<std::shared_ptr<Inbox>> Create();
  ~Inbox();

  // Any thread: delivers the message in one of the reactor's next turns. The
  // sender has to own the inbox until this returns.
  void Send(Message& message) noexcept;
  // The same for all of a batch, at once, which is empty then.
  // REQUIRES: not empty.
  void Send(MessageBatch& batch) noexcept;

  // What follows is for the reactor's thread.

  // One more message will come by itself, as that of a job does; it has come.
  // A virtual clock waits for it.
  void Expect() noexcept { ++expected_; }
  void Arrived() noexcept { --expected_; }
  bool expects_message() const noexcept { return expected_ != 0; }

  // Others may send from here on; not any more. (They are counted.)
  void Open() noexcept { ++openings_; }
  void Close() noexcept { --openings_; }
  bool is_open() const noexcept { return openings_ != 0; }

  bool has_messages() const noexcept {
    return undelivered_ != nullptr ||
           messages_.load(std::memory_order_relaxed) != nullptr;
  }

  // Once a turn: delivers what has come, up to a bound; more is for the next
  // turn.
  void Deliver() noexcept;

  // Before the reactor sleeps: lets a sender wake it. Takes an entry.
  void ReadEvent(Reactor& reactor) noexcept;
  // Then: false where a message has come, and it must not sleep.
  bool Sleep() noexcept;
  // After that.
  void Awake() noexcept { asleep_.store(false, std::memory_order_relaxed); }

  // Whether the read of the eventfd is in flight.
  bool reading() const noexcept { return in_flight(); }
  // Where nothing is to come any more: lets the reactor end.
  void EndReading(Reactor& reactor) noexcept;

 private:
  explicit Inbox(int event_fd) noexcept : event_fd_(event_fd) {}

  void Complete(std::int32_t result, std::uint32_t flags) noexcept override;
  const char* name() const noexcept override { return "Inbox"; }

  std::atomic<Message*> messages_ = nullptr;
  std::atomic<bool> asleep_ = false;
  const int event_fd_;
  // What follows belongs to the reactor's thread.
  // Taken from the stack; the first that came is the first.
  Message* undelivered_ = nullptr;
  std::uint64_t event_ = 0;
  std::size_t expected_ = 0;
  std::size_t openings_ = 0;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_INBOX_H_
