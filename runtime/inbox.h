// Inbox: how other threads reach a reactor.
//
// A lock-free stack of messages and an eventfd that the reactor reads through
// its ring. The thread that finds the stack empty writes the eventfd, so a
// batch of messages costs one wake-up.
//
// Invariants:
//  1. Messages are pushed by any thread and taken, all at once, by the reactor.
//  2. While a message is expected, a read of the eventfd is in flight; when
//  none
//     is expected, none stays behind.
//  3. A sender may write the eventfd after its message was delivered (an
//  earlier
//     write woke the reactor): senders share the ownership of the inbox, and a
//     late write only makes a later read return early.
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
  Message* next_ = nullptr;
};

class Inbox final : private Operation {
 public:
  // Errors: EMFILE, ENFILE, ENOMEM.
  static Result<std::shared_ptr<Inbox>> Create();
  ~Inbox();

  // Any thread: delivers the message in one of the reactor's next turns. The
  // sender has to own the inbox until this returns.
  void Send(Message& message) noexcept;

  // The reactor's thread: one more message will be sent.
  void Expect(Reactor& reactor) noexcept;

  // The reactor's thread: whether a message is still to come.
  bool expects_message() const noexcept { return expected_ != 0; }

  // The reactor's thread, once a turn: delivers what has come.
  void DeliverAll(Reactor& reactor) noexcept;

 private:
  explicit Inbox(int event_fd) noexcept : event_fd_(event_fd) {}

  void Complete(std::int32_t result, std::uint32_t flags) noexcept override;
  const char* name() const noexcept override { return "Inbox"; }
  void ReadEvent(Reactor& reactor) noexcept;

  std::atomic<Message*> messages_ = nullptr;
  const int event_fd_;
  // What follows belongs to the reactor's thread.
  std::uint64_t event_ = 0;
  std::size_t expected_ = 0;
  bool reading_ = false;
  bool woken_ = false;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_INBOX_H_
