#include <eddy/io/signals.h>

#include <eddy/io/read.h>

#include <sys/signalfd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <span>
#include <utility>

namespace eddy::io {

namespace {

// Of a signal, on this thread.
struct Blocked {
  int objects = 0;
  // Also before the first of them.
  bool was_blocked = false;
};

thread_local std::array<Blocked, _NSIG> blocked;

// Blocks them for one more object.
void BlockAll(const sigset_t& signals) noexcept {
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  for (int signal = 1; signal < _NSIG; ++signal) {
    if (sigismember(&signals, signal) != 1) continue;
    Blocked& state = blocked[static_cast<std::size_t>(signal)];
    if (state.objects++ == 0) {
      state.was_blocked = sigismember(&before, signal) == 1;
    }
  }
}

// One object goes: those of its signals that are to be unblocked.
sigset_t LastOf(const sigset_t& signals) noexcept {
  sigset_t last;
  sigemptyset(&last);
  for (int signal = 1; signal < _NSIG; ++signal) {
    if (sigismember(&signals, signal) != 1) continue;
    Blocked& state = blocked[static_cast<std::size_t>(signal)];
    if (--state.objects == 0 && !state.was_blocked) sigaddset(&last, signal);
  }
  return last;
}

}  // namespace

Result<Signals> Signals::Block(std::span<const int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) {
    if (sigaddset(&set, signal) != 0) {
      return Unexpected(std::errc::invalid_argument);
    }
  }
  Fd fd(signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd.valid()) return Unexpected(Error::FromErrno(errno));
  BlockAll(set);
  return Signals(std::move(fd), set);
}

Signals::Signals(Fd fd, const sigset_t& signals) noexcept
    : fd_(std::move(fd)), signals_(signals) {}

Signals::Signals(Signals&& other) noexcept
    : fd_(std::move(other.fd_)),
      signals_(other.signals_),
      discard_at_end_(other.discard_at_end_) {
  sigemptyset(&other.signals_);
}

Signals::~Signals() {
  const sigset_t unblock = LastOf(signals_);
  if (discard_at_end_) {
    // What stays blocked waits on, for whoever has blocked it.
    const timespec at_once = {};
    while (sigtimedwait(&unblock, nullptr, &at_once) != -1 || errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_UNBLOCK, &unblock, nullptr);
}

Task<Result<int>> Signals::Next() {
  EDDY_CO_TRY(const SignalInfo info, co_await NextInfo());
  co_return info.number;
}

Task<Result<SignalInfo>> Signals::NextInfo() {
  signalfd_siginfo raw;
  EDDY_CO_CHECK(co_await Read(fd_, std::as_writable_bytes(std::span(&raw, 1))));
  SignalInfo info;
  info.number = static_cast<int>(raw.ssi_signo);
  info.code = raw.ssi_code;
  info.sender = static_cast<pid_t>(raw.ssi_pid);
  info.user = raw.ssi_uid;
  info.value = raw.ssi_int;
  co_return info;
}

}  // namespace eddy::io
