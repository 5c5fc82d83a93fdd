#include <eddy/io/signals.h>

#include <eddy/io/read.h>

#include <sys/signalfd.h>

#include <cerrno>
#include <ctime>
#include <span>
#include <utility>

namespace eddy::io {

Result<Signals> Signals::Block(std::initializer_list<int> signals) {
  sigset_t set;
  sigset_t before;
  sigset_t unblock;
  sigemptyset(&set);
  sigemptyset(&unblock);
  for (const int signal : signals) {
    if (sigaddset(&set, signal) != 0) {
      return Unexpected(std::errc::invalid_argument);
    }
  }
  Fd fd(signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd.valid()) return Unexpected(Error::FromErrno(errno));
  pthread_sigmask(SIG_BLOCK, &set, &before);
  for (const int signal : signals) {
    if (sigismember(&before, signal) == 0) sigaddset(&unblock, signal);
  }
  return Signals(std::move(fd), unblock);
}

Signals::Signals(Fd fd, const sigset_t& unblock) noexcept
    : fd_(std::move(fd)), unblock_(unblock) {}

Signals::Signals(Signals&& other) noexcept
    : fd_(std::move(other.fd_)),
      unblock_(other.unblock_),
      discard_at_end_(other.discard_at_end_) {
  sigemptyset(&other.unblock_);
}

Signals::~Signals() {
  if (discard_at_end_) {
    // What was blocked before waits on, for whoever has blocked it.
    const timespec at_once = {};
    while (sigtimedwait(&unblock_, nullptr, &at_once) != -1 || errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_UNBLOCK, &unblock_, nullptr);
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
