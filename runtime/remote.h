// Remote: a way onto a reactor from any thread.
//
//   // In a task of the reactor:
//   const Result<Remote> remote = Remote::Create();
//
//   // On any thread, given a copy:
//   Result<Answer> answer = remote->Spawn(Ask, question).Wait();
//
// This is the seam between threads and tasks: a program whose threads stay as
// they are calls what runs on a reactor with it, and a task calls what runs on
// another reactor. ReactorThread runs a reactor beside a program's threads. For
// a stream of values, see SharedChannel.
//
// Lifetime: a Remote may be copied, and may outlive its reactor. It does not
// keep the reactor running: when that ends, the tasks that were spawned are
// stopped as all in Reactor::scope() are, and Spawn answers kClosed.
// Thread safety: all of it may be called by any thread, also at once.
#ifndef EDDY_RUNTIME_REMOTE_H_
#define EDDY_RUNTIME_REMOTE_H_

#include <eddy/runtime/error.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/remote_handle.h>
#include <eddy/runtime/remote_port.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <memory>
#include <type_traits>
#include <utility>

namespace eddy {

class Remote {
 public:
  // The way onto the reactor that runs on this thread. REQUIRES: one runs.
  // Errors: EMFILE, ENFILE: it needs an eventfd, one for all Remotes of the
  // reactor.
  // Cost: the first of a reactor spawns a task in its scope, which waits for
  // calls; it ends with the reactor.
  static Result<Remote> Create();

  // Starts f(args...), which returns a Task, in the scope of the reactor
  // (Reactor::scope()). What it gives is the handle's; its failure does not
  // stop the reactor. See RemoteHandle for the errors.
  // Lifetime: f and args are kept, by value, until the task has ended, and
  // destroyed on the reactor's thread (on this one where it is refused). They
  // must own what they use or share it with the usual care.
  // Cost: one allocation, and two blocks of the frame pool there; a mutex, and
  // where the reactor sleeps a system call.
  template <class F, class... Args>
  auto Spawn(F f, Args... args) const {
    using Returned = std::invoke_result_t<F&, Args&&...>;
    static_assert(internal::kIsTask<Returned>,
                  "a spawned callable has to return a Task");
    using T = typename Returned::ValueType;
    auto call = std::make_shared<internal::RemoteCallTo<T, F, Args...>>(
        std::move(f), std::move(args)...);
    const Result<void> started = port_->Start(call);
    if (!started) call->Refuse(started.error());
    return RemoteHandle<T>(std::move(call), port_);
  }

  // Requests a stop of all that runs on the reactor (Reactor::RequestStop).
  // Does nothing where it has ended.
  void RequestStop() const { port_->StopReactor(); }

 private:
  explicit Remote(std::shared_ptr<internal::RemotePort> port) noexcept
      : port_(std::move(port)) {}

  std::shared_ptr<internal::RemotePort> port_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_REMOTE_H_
