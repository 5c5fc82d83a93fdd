// RemotePort: where a reactor takes calls from other threads.
//
// Lists under a mutex, and a task in the reactor's scope that works them off.
// Who finds them without a message on its way to that task sends one: one for a
// batch.
//
// Invariants:
//  1. Open from Of() until the reactor's scope is stopped, which ends the task.
//     What is listed then is refused, as is all that comes later; so a call
//     that was listed is always answered.
//  2. Calls are begun, and stopped, on the reactor's thread alone: begun in the
//     order in which they came, and a bounded number a turn.
//  3. A call that is listed owns itself.
#ifndef EDDY_RUNTIME_REMOTE_PORT_H_
#define EDDY_RUNTIME_REMOTE_PORT_H_

#include <eddy/runtime/brief_mutex.h>
#include <eddy/runtime/error.h>
#include <eddy/runtime/event.h>
#include <eddy/runtime/inbox.h>
#include <eddy/runtime/intrusive_list.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace eddy {

class Reactor;
class TaskScope;

namespace internal {

// The lists of a port that a call can be in.
struct ToStart;
struct ToStop;

// Something to do on a reactor, shared by the threads that know of it.
class RemoteCall : public ListHook<ToStart>, public ListHook<ToStop> {
 public:
  virtual ~RemoteCall() = default;

  // On the reactor's thread, once. May throw std::bad_alloc.
  virtual void Start(TaskScope& scope, std::shared_ptr<RemoteCall> self) = 0;
  // On the reactor's thread, after Start().
  virtual void Stop() noexcept = 0;
  // Any thread, instead of Start().
  virtual void Refuse(Error error) noexcept = 0;

 private:
  friend class RemotePort;
  // This, while it is in the list.
  std::shared_ptr<RemoteCall> to_start_;
  std::shared_ptr<RemoteCall> to_stop_;
};

class RemotePort final : private Message {
 public:
  static constexpr std::size_t kMostQueued = std::size_t{1} << 16;

  // The port of a reactor, opened where it is not. REQUIRES: the reactor runs,
  // on this thread. Errors: EMFILE, ENFILE, ENOMEM.
  static Result<std::shared_ptr<RemotePort>> Of(Reactor& reactor);

  // Any thread.
  // Errors: kClosed; EAGAIN if kMostQueued are there that have not begun.
  Result<void> Start(const std::shared_ptr<RemoteCall>& call) noexcept;
  void Stop(const std::shared_ptr<RemoteCall>& call) noexcept;
  void StopReactor() noexcept;
  // A failure was dropped by the last who could have taken it.
  void CountFailure() noexcept;

 private:
  struct OfReactor;

  explicit RemotePort(std::shared_ptr<Inbox> inbox) noexcept;

  std::unique_lock<BriefMutex> Lock() noexcept;
  // Lets the task look at what was listed.
  void Ring(std::unique_lock<BriefMutex> lock) noexcept;

  static Task<void> Serve(std::shared_ptr<RemotePort> port,
                          std::shared_ptr<Inbox> inbox, Reactor& reactor);
  // The message has come.
  void Rung(Reactor& reactor) noexcept;
  // The next one that is listed, or null.
  std::shared_ptr<RemoteCall> TakeStart() noexcept;
  std::shared_ptr<RemoteCall> TakeStop() noexcept;
  // Returns whether a message is on its way still.
  bool Close() noexcept;
  void Deliver() noexcept override { rung_.Set(); }

  // The reactor's: set when the message has come.
  Event rung_{Event::Kind::kAutoReset};
  // In the child of a fork() it is not so many.
  const unsigned forks_;
  BriefMutex mutex_;
  IntrusiveList<RemoteCall, ToStart> to_start_;
  IntrusiveList<RemoteCall, ToStop> to_stop_;
  std::size_t queued_ = 0;  // to start
  std::uint64_t failures_ = 0;
  bool stop_reactor_ = false;
  // Whether the message was sent and has not come yet.
  bool rings_ = false;
  // Null once it is closed.
  std::shared_ptr<Inbox> inbox_;
};

}  // namespace internal
}  // namespace eddy

#endif  // EDDY_RUNTIME_REMOTE_PORT_H_
