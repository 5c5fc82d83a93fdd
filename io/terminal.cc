#include <eddy/io/terminal.h>

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace eddy::io {
namespace {

// Whether it is the terminal of this process, and others have it now.
bool IsInBackground(const Fd& fd) noexcept {
  if (tcgetsid(fd.get()) != getsid(0)) return false;
  const pid_t group = tcgetpgrp(fd.get());
  return group != -1 && group != getpgrp();
}

// While it lives, nothing that this thread does with a terminal stops the
// process.
class NoStop {
 public:
  NoStop() noexcept {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  ~NoStop() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoStop(const NoStop&) = delete;
  NoStop& operator=(const NoStop&) = delete;

 private:
  sigset_t before_;
};

// The code of the error, or 0.
int SetAttributes(const Fd& fd, const termios& attributes) noexcept {
  // It may go to the background in this moment.
  const NoStop no_stop;
  if (IsInBackground(fd)) return EIO;
  // Not TCSADRAIN, which waits until all is printed.
  while (tcsetattr(fd.get(), TCSANOW, &attributes) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

bool IsTerminal(const Fd& fd) noexcept { return isatty(fd.get()) == 1; }

Result<TerminalSize> GetTerminalSize(const Fd& fd) {
  winsize size{};
  if (ioctl(fd.get(), TIOCGWINSZ, &size) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return TerminalSize{size.ws_row, size.ws_col};
}

TerminalSizes::TerminalSizes(const Fd& fd, Signals signals) noexcept
    : fd_(&fd), signals_(std::move(signals)) {}

Result<TerminalSizes> TerminalSizes::Open(const Fd& fd) {
  const Result<TerminalSize> size = GetTerminalSize(fd);
  if (!size) return Unexpected(size.error());
  Result<Signals> signals = Signals::Block({SIGWINCH});
  if (!signals) return Unexpected(signals.error());
  return TerminalSizes(fd, *std::move(signals));
}

Task<Result<TerminalSize>> TerminalSizes::Next() {
  while (true) {
    EDDY_CO_TRY(const TerminalSize size, GetTerminalSize(*fd_));
    if (size != last_) {
      last_ = size;
      co_return size;
    }
    EDDY_CO_CHECK(co_await signals_.Next());
  }
}

Result<TerminalMode> TerminalMode::Raw(const Fd& fd) {
  return Set(fd, [](termios& mode) { cfmakeraw(&mode); });
}

Result<TerminalMode> TerminalMode::Characters(const Fd& fd) {
  return Set(fd, [](termios& mode) {
    mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
  });
}

Result<TerminalMode> TerminalMode::NoEcho(const Fd& fd) {
  return Set(fd, [](termios& mode) {
    mode.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    // The end of the line is seen all the same.
    mode.c_lflag |= ECHONL;
  });
}

Result<TerminalMode> TerminalMode::Set(const Fd& fd, void (*change)(termios&)) {
  termios before{};
  if (tcgetattr(fd.get(), &before) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  termios changed = before;
  change(changed);
  if (const int error = SetAttributes(fd, changed); error != 0) {
    return Unexpected(Error::FromErrno(error));
  }
  return TerminalMode(fd, before);
}

TerminalMode::TerminalMode(TerminalMode&& other) noexcept
    : fd_(std::exchange(other.fd_, nullptr)), before_(other.before_) {}

TerminalMode::~TerminalMode() {
  if (fd_ != nullptr) SetAttributes(*fd_, before_);
}

}  // namespace eddy::io
