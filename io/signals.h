// Signals: signals such as SIGTERM as something to await.
//
//   EDDY_CO_TRY(io::Signals signals, io::Signals::Block({SIGINT, SIGTERM}));
//   EDDY_CO_TRY(int signal, co_await signals.Next());   // SIGINT or SIGTERM
//   scope.RequestStop();
//
// While the object lives, the signals do not act on this thread but wait for
// Next. Other threads that do not block them take them in the usual way: make
// the object before starting threads, which inherit what is blocked. (Those of
// eddy block all.) So does a child that fork and exec make; one that Process
// starts has nothing blocked.
//
// A signal waits once for each number: those of one number that come before it
// was taken count once, and are told as the first of them was sent. Signals
// from SIGRTMIN on are all kept, in order, each with its value (sigqueue(3)).
//
// Several readers: each signal is given once, to one of the Next that wait for
// it, of one object or of several. To tell all, let one task read and spread
// the word.
//
// A signal that this process ignores is given all the same.
//
// Lifetime: its last Next has returned before it is destroyed, on the thread on
// which it was made. The last object of a signal unblocks it, in whatever order
// they end, unless it was blocked before the first one. One that waits by then
// acts: a request to end the program is not lost because nobody asked for it in
// time. A program that ends by a first signal does not want to die by a second
// one, and says so with DiscardAtEnd.
#ifndef EDDY_IO_SIGNALS_H_
#define EDDY_IO_SIGNALS_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <signal.h>
#include <sys/types.h>

#include <initializer_list>
#include <span>

namespace eddy::io {

struct SignalInfo {
  int number = 0;
  // SI_USER, SI_QUEUE, SI_KERNEL, CLD_EXITED, ...: see sigaction(2).
  int code = 0;
  // Who sent it, where it was a process (kill, sigqueue) or a child that has
  // ended (SIGCHLD); 0 from outside of this process's namespace.
  pid_t sender = 0;
  uid_t user = 0;
  // What sigqueue(3) was given, where the code is SI_QUEUE.
  int value = 0;
};

class Signals {
 public:
  // Errors: EINVAL (no such signal), EMFILE, ENFILE, ENOMEM.
  // Cost: two system calls that do not block, and one in the destructor.
  static Result<Signals> Block(std::span<const int> signals);
  static Result<Signals> Block(std::initializer_list<int> signals) {
    return Block(std::span(signals.begin(), signals.size()));
  }

  Signals(Signals&& other) noexcept;
  Signals& operator=(Signals&&) = delete;
  ~Signals();

  // Result: the number of the next signal.
  // Errors: those of io::Read; kCanceled: a stop consumes no signal.
  // Cost: two coroutine frames and one operation. See signalfd(2).
  Task<Result<int>> Next();

  // The same, with all that is known of it.
  // Cost: a coroutine frame and one operation.
  Task<Result<SignalInfo>> NextInfo();

  // The destructor discards what waits by then, where it would act, instead of
  // letting it: signals that another object blocks wait on for that. What
  // arrives after the destructor acts.
  // Cost: a system call in the destructor, and one for each signal discarded.
  void DiscardAtEnd() noexcept { discard_at_end_ = true; }

 private:
  Signals(Fd fd, const sigset_t& signals) noexcept;

  Fd fd_;
  sigset_t signals_;
  bool discard_at_end_ = false;
};

}  // namespace eddy::io

#endif  // EDDY_IO_SIGNALS_H_
