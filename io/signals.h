// Signals: signals such as SIGTERM as something to await.
//
//   EDDY_CO_TRY(io::Signals signals, io::Signals::Block({SIGINT, SIGTERM}));
//   EDDY_CO_TRY(int signal, co_await signals.Next());   // SIGINT or SIGTERM
//   scope.RequestStop();
//
// While the object lives, the signals do not act on this thread but wait for
// Next. Other threads that do not block them take them in the usual way: make
// the object before starting threads.
//
// Lifetime: its last Next has returned before it is destroyed, which unblocks
// the signals that it blocked. One that waits by then acts: a request to end
// the program is not lost because nobody asked for it in time. A program that
// ends by a first signal does not want to die by a second one, and says so with
// DiscardAtEnd.
#ifndef EDDY_IO_SIGNALS_H_
#define EDDY_IO_SIGNALS_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <signal.h>

#include <initializer_list>

namespace eddy::io {

class Signals {
 public:
  // Errors: EINVAL (no such signal), EMFILE, ENFILE, ENOMEM.
  // Cost: two system calls that do not block, and one in the destructor.
  static Result<Signals> Block(std::initializer_list<int> signals);

  Signals(Signals&& other) noexcept;
  Signals& operator=(Signals&&) = delete;
  ~Signals();

  // Result: the number of the next signal. Signals of one number that arrive
  // together count once.
  // Errors: those of io::Read; kCanceled: a stop consumes no signal.
  // Cost: a coroutine frame and one operation. See signalfd(2).
  Task<Result<int>> Next();

  // The destructor discards what waits by then, where it would act, instead of
  // letting it. What arrives after the destructor acts.
  // Cost: a system call in the destructor, and one for each signal discarded.
  void DiscardAtEnd() noexcept { discard_at_end_ = true; }

 private:
  Signals(Fd fd, const sigset_t& unblock) noexcept;

  Fd fd_;
  // Those that were not blocked before.
  sigset_t unblock_;
  bool discard_at_end_ = false;
};

}  // namespace eddy::io

#endif  // EDDY_IO_SIGNALS_H_
