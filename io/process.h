// Process: a program that runs as a child of this one.
//
//   io::Command command("sort", "-n");
//   command.input = io::Stdio::ReadFrom("numbers");
//   command.output = io::Stdio::Pipe();
//   EDDY_CO_TRY(io::Process sort, co_await io::Process::Start(command));
//   ...                                      // read sort.output()
//   EDDY_CO_TRY(io::ExitStatus status, co_await sort.Wait());
//
// RunProcess (run_process.h) does all of that in one call, and gathers what the
// program prints.
//
// A process ends with its object: the destructor of one that was not waited for
// sends SIGKILL, to its whole group where it has one of its own, and its
// reactor reaps it, and does not end before. (Without a reactor on this thread
// the destructor waits.) Terminate asks politely first. So there is no zombie,
// and nothing runs that nobody waits for.
//
// Out of its reach: children of this process run on when this process itself is
// killed by a signal (await Signals to end them). So do the children of a
// process that have left its group (setsid, setpgid), as daemons do. One that
// runs as another user by now is not killed, and is waited for as long as it
// lives; so is one that a debugger holds, for as long as that does.
//
// A pipe to or from the process is not a part of its end: read output() to its
// end before, or while, Wait is awaited, since a process that writes to a full
// pipe waits; close input() (Shutdown) to let it find the end of its input. A
// child of the process may keep its pipes open when it has ended.
//
// REQUIRES: nobody waits for any child whatever (wait(2)), and nobody lets
// SIGCHLD be ignored after the start; else the exit status is lost, and Wait is
// ECHILD.
// Thread safety: one thread, that of the reactor which uses it.
#ifndef EDDY_IO_PROCESS_H_
#define EDDY_IO_PROCESS_H_

#include <eddy/io/command.h>
#include <eddy/io/exit_status.h>
#include <eddy/io/fd.h>
#include <eddy/io/pipe.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/time.h>

#include <signal.h>
#include <sys/types.h>

#include <optional>

namespace eddy::io {

class Process {
 public:
  // Starts the program; returns when it runs.
  //
  // Errors: of the program: ENOENT, EACCES, ENOEXEC, ENOTDIR, ELOOP, E2BIG;
  // ENOENT, ENOTDIR and EACCES also of the folder; of files for its streams:
  // those of OpenAt; EBADF (Use of no descriptor); EMFILE, ENFILE; EAGAIN
  // (RLIMIT_NPROC, the blocking pool is full); ENOMEM; EINVAL (no words, a zero
  // byte, a wrong name in the environment, Output for another stream than
  // errors); ECHILD: this process ignores SIGCHLD, maybe because the one that
  // has started it did, so that the exit status would be lost: call
  // signal(SIGCHLD, SIG_DFL) in main; ENOSYS or EPERM where a sandbox forbids
  // pidfd_open(2); kCanceled.
  // Lifetime: what Stdio::Use was given lives until the await returns.
  // Stop: after kCanceled nothing has run; files may have been made or emptied.
  // Cost: a thread of the blocking pool, whom posix_spawn suspends until the
  // program is loaded (0.5 to 1 ms, whatever the size of this process); for
  // each stream at most one operation and two system calls; a descriptor, and
  // one for each pipe; allocates. See posix_spawn(3).
  static Task<Result<Process>> Start(Command command);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  // Also when it has ended; then others may have the number.
  pid_t pid() const noexcept { return pid_; }

  // The other ends of its pipes; without a descriptor where the stream is no
  // pipe. They can be moved out.
  PipeWriter& input() noexcept { return input_; }
  PipeReader& output() noexcept { return output_; }
  PipeReader& errors() noexcept { return errors_; }

  // Waits for its end. Again later it gives the same.
  // Errors: ECHILD (see REQUIRES), those of Poll; kCanceled.
  // Stop: the process goes on, and Wait can be called again.
  // Cost: a coroutine frame, one operation, and a system call, which does not
  // block (about 10 us: the kernel takes the process apart).
  // REQUIRES: it is not moved meanwhile.
  Task<Result<ExitStatus>> Wait();

  // Sends a signal. Race-free: no other process gets it.
  // Errors: ESRCH (it was waited for), EPERM (it runs as another user by now),
  // EINVAL. Cost: one system call. See pidfd_send_signal(2).
  Result<void> Kill(int signal = SIGKILL);

  // Sends a signal to its group, where it has one of its own, and to it also
  // where it has left that.
  // Errors: as Kill; ESRCH where it has none. Once it was waited for, its group
  // cannot be reached any more: signal before.
  // Cost: at most three system calls. See kill(2).
  Result<void> KillGroup(int signal = SIGKILL);

  // Ends it, and waits for that: SIGTERM, and SIGCONT for one that is stopped
  // (SIGSTOP, or SIGTTIN where it has asked the terminal); SIGKILL when `grace`
  // is over. All go to its group where it has one of its own; what is left of
  // that when the process has ended gets SIGKILL at once. Others may await Wait
  // or Terminate at the same time.
  //
  // Result: how it has ended; also where it had ended already.
  // Errors: as Wait. Stop: none reaches it, so it can be used for cleaning up.
  // Cost: as Wait twice, and about ten system calls.
  Task<Result<ExitStatus>> Terminate(Duration grace);

  // Whether Wait would not wait.
  bool waited_for() const noexcept { return status_.has_value(); }

  // Readable when it has ended, as Poll can wait for it, without reaping it.
  const Fd& pidfd() const noexcept { return pidfd_; }

 private:
  Process() noexcept = default;

  // Whether there is a process that was not reaped.
  bool exists() const noexcept { return pid_ > 0 && !reaped_; }
  // False where it is not there to be reaped, although it has ended.
  Result<bool> TryReap();
  Result<void> KillAll(int signal);
  void End() noexcept;

  pid_t pid_ = 0;
  bool has_group_ = false;
  bool reaped_ = false;
  // Calls of Terminate under way.
  int terminating_ = 0;
  Fd pidfd_;
  std::optional<ExitStatus> status_;
  PipeWriter input_;
  PipeReader output_;
  PipeReader errors_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_PROCESS_H_
