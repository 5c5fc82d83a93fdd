// Reply: how another thread lets go on what waits on a reactor, once.
//
// What waits opens it, hands itself to the other thread, and then expects the
// reply; the other thread sends it; the reactor's loop calls Arrived().
//
// Invariants:
//  1. From Open() to Arrived() it shares the ownership of the inbox.
//  2. Sent at most once for each Open(). From then until Arrived() the object
//     stays where it is; as soon as it is sent it may be gone, so Send() is the
//     last that the sender does with it.
#ifndef EDDY_RUNTIME_REPLY_H_
#define EDDY_RUNTIME_REPLY_H_

#include <eddy/runtime/inbox.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>

#include <memory>
#include <utility>

namespace eddy::internal {

class Reply : private Message {
 protected:
  // Whether it comes by itself, or where others do something. A virtual clock
  // waits for what comes by itself.
  enum class Kind : bool { kOfJob, kOfOthers };

  explicit Reply(Kind kind = Kind::kOfJob) noexcept : kind_(kind) {}
  ~Reply() = default;

  // On the reactor's thread. Errors: EMFILE, ENFILE, ENOMEM.
  Result<void> Open(Reactor& reactor) noexcept {
    Result<std::shared_ptr<Inbox>> inbox = reactor.GetInbox();
    if (!inbox) return Unexpected(inbox.error());
    inbox_ = *std::move(inbox);
    return {};
  }
  // On the reactor's thread: it will be sent, or was.
  void Expect() noexcept {
    if (kind_ == Kind::kOfJob) {
      inbox_->Expect();
    } else {
      inbox_->Open();
    }
  }
  // Instead of Expect(): it will not be sent.
  void Close() noexcept { inbox_.reset(); }

  bool open() const noexcept { return inbox_ != nullptr; }

  // Any thread.
  void Send() noexcept {
    const std::shared_ptr<Inbox> inbox = inbox_;
    inbox->Send(*this);
  }

 private:
  // The reactor may end before this object.
  void Deliver() noexcept final {
    if (kind_ == Kind::kOfJob) {
      inbox_->Arrived();
    } else {
      inbox_->Close();
    }
    inbox_.reset();
    Arrived();
  }
  // On the reactor's thread, in its loop.
  virtual void Arrived() noexcept = 0;

  const Kind kind_;
  std::shared_ptr<Inbox> inbox_;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_REPLY_H_
