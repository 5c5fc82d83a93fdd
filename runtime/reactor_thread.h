// ReactorThread: a thread that runs a reactor, beside a program's own threads.
//
//   Result<ReactorThread> network = ReactorThread::Start();
//   Result<Page> page = network->remote().Spawn(Fetch, url).Wait();
//
// The way to bring tasks into a program of threads: what it runs is spawned
// through remote(), and ends with it.
//
// Stop: Stop(), BlockingStop() and the end of the object request a stop of all
// that runs on the reactor, and wait until it has ended. In a task, await
// Stop() before the object goes: its destructor would stop the loop until then,
// and for ever where something on the other reactor waits for a task of this
// one. Thread safety: remote() and copies of what it gives may be used by any
// thread. The rest belongs to one thread at a time, and not to the reactor's
// own: that would wait for itself, and aborts.
// Cost: a thread and a reactor (see Reactor::Create).
#ifndef EDDY_RUNTIME_REACTOR_THREAD_H_
#define EDDY_RUNTIME_REACTOR_THREAD_H_

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/remote.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <memory>

namespace eddy {

class ReactorThread {
 public:
  // Errors: those of Reactor::Create and Remote::Create; EAGAIN where no thread
  // can be started.
  static Result<ReactorThread> Start(const ReactorOptions& options = {});

  ReactorThread(ReactorThread&& other) noexcept;
  ReactorThread& operator=(ReactorThread&& other) noexcept;
  ~ReactorThread();

  const Remote& remote() const noexcept;

  // Ends the reactor and the thread. The failure of what a task has spawned in
  // Reactor::scope() comes out, as from Reactor::Run; what the handles of
  // remote() give is none. A second call does nothing.
  // Stop() is for tasks, and no stop point. Errors besides: those of Blocking,
  // which has a thread of the pool wait; the thread goes on then.
  // BlockingStop() is for threads without a reactor; a task that calls it
  // aborts.
  Task<Result<void>> Stop();
  Result<void> BlockingStop();

 private:
  struct State;
  explicit ReactorThread(std::unique_ptr<State> state) noexcept;
  State& Checked() const noexcept;

  std::unique_ptr<State> state_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_REACTOR_THREAD_H_
