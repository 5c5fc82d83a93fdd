// Terminals: their size and its changes, and how they treat what is typed.
//
//   EDDY_CO_TRY(io::TerminalMode raw, io::TerminalMode::Raw(io::Stdin().fd()));
//   ...                        // each key as it comes; the end restores it
//
// Reading and writing: see shared_stream.h.
#ifndef EDDY_IO_TERMINAL_H_
#define EDDY_IO_TERMINAL_H_

#include <eddy/io/fd.h>
#include <eddy/io/signals.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <termios.h>

#include <optional>

namespace eddy::io {

// Cost: one system call.
bool IsTerminal(const Fd& fd) noexcept;

struct TerminalSize {
  unsigned rows = 0;
  unsigned columns = 0;

  friend bool operator==(const TerminalSize&, const TerminalSize&) = default;
};

// Result: 0 rows and columns where nobody has told the terminal.
// Errors: ENOTTY, EBADF. Cost: one system call. See ioctl_tty(2).
Result<TerminalSize> GetTerminalSize(const Fd& fd);

// The size and its changes.
//
// Lifetime: fd lives as long as it. It is made before threads are started, as
// Signals, by which (SIGWINCH) it learns of changes.
class TerminalSizes {
 public:
  // Errors: ENOTTY, EBADF; those of Signals::Block.
  static Result<TerminalSizes> Open(const Fd& fd);
  static Result<TerminalSizes> Open(const Fd&&) = delete;

  // Result: at first the size, then each time the one that it has changed to.
  // Changes that come together count once.
  // Errors: those of Signals::Next, and EIO where the terminal has gone;
  // kCanceled, after which no change is lost.
  // Cost: a frame and a system call; for a change also Signals::Next.
  Task<Result<TerminalSize>> Next();

 private:
  TerminalSizes(const Fd& fd, Signals signals) noexcept;

  const Fd* fd_;
  Signals signals_;
  std::optional<TerminalSize> last_;
};

// Another mode of a terminal until the end of the object, also where a task
// ends by an error, an exception or a stop. (A signal that kills the process
// leaves the terminal as it is: see UntilSignal.)
//
// Lifetime: fd lives as long as it. Where modes are nested, the inner ends
// first.
// In the background the terminal is another program's: there a mode is not set
// (EIO), nor restored: a shell has restored its own when it took the terminal
// back. Neither stops this process (SIGTTOU). Ctrl-Z does, and leaves the mode
// as it is.
//
// Errors: ENOTTY, EBADF, EIO (the terminal has gone, or this process is in its
// background).
// Cost: eight system calls, and seven in the destructor; neither waits for what
// is still to be printed. See termios(3).
class TerminalMode {
 public:
  // Each byte as it comes, nothing echoed, no key with a meaning: Ctrl-C is the
  // byte 3. Also what is written goes out as it is: lines end with "\r\n".
  static Result<TerminalMode> Raw(const Fd& fd);
  static Result<TerminalMode> Raw(const Fd&&) = delete;
  // Each byte as it comes, nothing echoed; Ctrl-C, Ctrl-Z and what is written
  // are treated as ever.
  static Result<TerminalMode> Characters(const Fd& fd);
  static Result<TerminalMode> Characters(const Fd&&) = delete;
  // Lines, but not echoed: for passwords.
  static Result<TerminalMode> NoEcho(const Fd& fd);
  static Result<TerminalMode> NoEcho(const Fd&&) = delete;

  TerminalMode(TerminalMode&& other) noexcept;
  TerminalMode& operator=(TerminalMode&&) = delete;
  ~TerminalMode();

 private:
  TerminalMode(const Fd& fd, const termios& before) noexcept
      : fd_(&fd), before_(before) {}
  static Result<TerminalMode> Set(const Fd& fd, void (*change)(termios&));

  // Null after a move.
  const Fd* fd_;
  termios before_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_TERMINAL_H_
