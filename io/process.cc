#include <eddy/io/process.h>

#include <eddy/io/open_at.h>
#include <eddy/io/poll.h>
#include <eddy/io/reap.h>
#include <eddy/io/spawn.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace eddy::io {
namespace {

using internal::SpawnPlan;

// Another number of the descriptor, above those of the standard streams.
Result<Fd> AboveStreams(const Fd& fd) {
  constexpr int kFirst = 3;
  Fd above(fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirst));
  if (!above.valid()) return Unexpected(Error::FromErrno(errno));
  return above;
}

int FlagsOf(Stdio::Kind kind) {
  switch (kind) {
    case Stdio::Kind::kWrite:
      return O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY;
    case Stdio::Kind::kAppend:
      return O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY;
    default:
      return O_RDONLY | O_NOCTTY;
  }
}

// One stream: the child's end, none for what needs no descriptor; and ours.
struct Stream {
  Fd theirs;
  Fd ours;
};

Result<Stream> MakePipe(bool input) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Unexpected(Error::FromErrno(errno));
  Stream stream;
  stream.theirs = Fd(ends[input ? 0 : 1]);
  stream.ours = Fd(ends[input ? 1 : 0]);
  return stream;
}

Task<Result<Stream>> MakeStream(const Stdio& stdio, int number) {
  Stream stream;
  switch (stdio.kind()) {
    case Stdio::Kind::kUnset:
    case Stdio::Kind::kInherit:
      co_return stream;
    case Stdio::Kind::kOutput:
      if (number != STDERR_FILENO) {
        co_return Unexpected(std::errc::invalid_argument);
      }
      co_return stream;
    case Stdio::Kind::kPipe: {
      EDDY_CO_TRY(stream, MakePipe(number == STDIN_FILENO));
      break;
    }
    case Stdio::Kind::kFd: {
      EDDY_CO_TRY(stream.theirs, AboveStreams(*stdio.fd()));
      co_return stream;
    }
    case Stdio::Kind::kRead:
    case Stdio::Kind::kWrite:
    case Stdio::Kind::kAppend: {
      OpenHow how;
      how.flags = FlagsOf(stdio.kind());
      EDDY_CO_TRY(stream.theirs,
                  co_await OpenAt(Fd::CurrentDirectory(), stdio.path(), how));
      break;
    }
  }
  if (stream.theirs.get() <= STDERR_FILENO) {
    // This process has closed one of its own.
    EDDY_CO_TRY(stream.theirs, AboveStreams(stream.theirs));
  }
  co_return stream;
}

int NumberOf(const Stdio& stdio, const Fd& theirs) {
  if (stdio.kind() == Stdio::Kind::kOutput) return SpawnPlan::kOutput;
  return theirs.valid() ? theirs.get() : SpawnPlan::kInherit;
}

class Terminating {
 public:
  explicit Terminating(int& count) noexcept : count_(count) { ++count_; }
  ~Terminating() { --count_; }
  Terminating(const Terminating&) = delete;
  Terminating& operator=(const Terminating&) = delete;

 private:
  int& count_;
};

}  // namespace

Task<Result<Process>> Process::Start(Command command) {
  SpawnPlan plan;
  EDDY_CO_TRY(plan.environment, internal::EnvironmentOf(command));
  plan.words = std::move(command.words);
  plan.folder = std::move(command.folder);
  plan.group = command.group;
  EDDY_CO_TRY(Stream input, co_await MakeStream(command.input, STDIN_FILENO));
  EDDY_CO_TRY(Stream output,
              co_await MakeStream(command.output, STDOUT_FILENO));
  EDDY_CO_TRY(Stream errors,
              co_await MakeStream(command.errors, STDERR_FILENO));
  plan.streams[0] = NumberOf(command.input, input.theirs);
  plan.streams[1] = NumberOf(command.output, output.theirs);
  plan.streams[2] = NumberOf(command.errors, errors.theirs);
  const SpawnPlan* const what = &plan;
  EDDY_CO_TRY(internal::Spawned spawned,
              co_await Blocking(internal::Spawn, what));
  Process process;
  process.pid_ = spawned.pid;
  process.pidfd_ = std::move(spawned.pidfd);
  process.has_group_ = command.group != ProcessGroup::kOurs;
  process.input_ = PipeWriter(std::move(input.ours));
  process.output_ = PipeReader(std::move(output.ours));
  process.errors_ = PipeReader(std::move(errors.ours));
  co_return process;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      has_group_(other.has_group_),
      reaped_(other.reaped_),
      pidfd_(std::move(other.pidfd_)),
      status_(other.status_),
      input_(std::move(other.input_)),
      output_(std::move(other.output_)),
      errors_(std::move(other.errors_)) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    End();
    pid_ = std::exchange(other.pid_, 0);
    has_group_ = other.has_group_;
    reaped_ = other.reaped_;
    pidfd_ = std::move(other.pidfd_);
    status_ = other.status_;
    input_ = std::move(other.input_);
    output_ = std::move(other.output_);
    errors_ = std::move(other.errors_);
  }
  return *this;
}

Process::~Process() { End(); }

void Process::End() noexcept {
  if (!exists()) return;
  static_cast<void>(KillAll(SIGKILL));
  internal::ReapLater(pid_, std::move(pidfd_));
  reaped_ = true;
}

Result<bool> Process::TryReap() {
  // What is left of the group can be reached until then, and no longer.
  if (terminating_ != 0) static_cast<void>(KillAll(SIGKILL));
  int status = 0;
  rusage usage{};
  const pid_t reaped = wait4(pid_, &status, WNOHANG, &usage);
  if (reaped == 0) return false;
  reaped_ = true;
  if (reaped < 0) return Unexpected(Error::FromErrno(errno));
  status_.emplace(status, usage);
  return true;
}

Task<Result<ExitStatus>> Process::Wait() {
  internal::ReapPause pause;
  while (!status_) {
    if (!exists()) co_return Unexpected(std::errc::no_child_process);
    EDDY_CO_CHECK(co_await Poll(pidfd_, POLLIN));
    // Another Wait may have been first.
    if (!exists()) continue;
    EDDY_CO_TRY(const bool reaped, TryReap());
    if (!reaped) EDDY_CO_CHECK(co_await Sleep(pause.Next()));
  }
  co_return *status_;
}

Result<void> Process::Kill(int signal) {
  if (!exists()) return Unexpected(std::errc::no_such_process);
  return internal::SendSignal(pidfd_, signal);
}

Result<void> Process::KillGroup(int signal) {
  // The group's number cannot be another one's before the process is reaped.
  if (!exists() || !has_group_) return Unexpected(std::errc::no_such_process);
  const int error = kill(-pid_, signal) == 0 ? 0 : errno;
  // It may have gone to another group.
  if (getpgid(pid_) != pid_) return Kill(signal);
  if (error != 0) return Unexpected(Error::FromErrno(error));
  return {};
}

Result<void> Process::KillAll(int signal) {
  return has_group_ ? KillGroup(signal) : Kill(signal);
}

Task<Result<ExitStatus>> Process::Terminate(Duration grace) {
  const Terminating terminating(terminating_);
  if (exists()) {
    static_cast<void>(KillAll(SIGTERM));
    // One that is stopped would not look at it.
    static_cast<void>(KillAll(SIGCONT));
    static_cast<void>(
        co_await Shield(WithTimeout(grace, Poll(pidfd_, POLLIN))));
    static_cast<void>(KillAll(SIGKILL));
  }
  co_return co_await Shield(Wait());
}

}  // namespace eddy::io
