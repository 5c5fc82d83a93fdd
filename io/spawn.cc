#include <eddy/io/spawn.h>

#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace eddy::io::internal {
namespace {

bool HasZero(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

std::vector<char*> PointersTo(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

// What the child does between fork and exec.
class Actions {
 public:
  Actions() { posix_spawn_file_actions_init(&actions_); }
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  // The code of the error, or 0.
  int Fill(const SpawnPlan& plan) {
    for (int stream = 0; stream != 3; ++stream) {
      const int from = plan.streams[static_cast<std::size_t>(stream)];
      int error = 0;
      if (from == SpawnPlan::kOutput) {
        error = posix_spawn_file_actions_adddup2(&actions_, 1, stream);
      } else if (from != SpawnPlan::kInherit) {
        error = posix_spawn_file_actions_adddup2(&actions_, from, stream);
      }
      if (error != 0) return error;
    }
    if (!plan.folder.empty()) {
      const int error =
          posix_spawn_file_actions_addchdir_np(&actions_, plan.folder.c_str());
      if (error != 0) return error;
    }
    // Also what others have opened without close-on-exec.
    return posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  explicit Attributes(ProcessGroup group) {
    posix_spawnattr_init(&attributes_);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes_, &pipe);
    if (group == ProcessGroup::kNew) {
      flags |= POSIX_SPAWN_SETPGROUP;
      posix_spawnattr_setpgroup(&attributes_, 0);
    } else if (group == ProcessGroup::kNewSession) {
      flags |= POSIX_SPAWN_SETSID;
    }
    posix_spawnattr_setflags(&attributes_, flags);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

// Whether the kernel throws away how children have ended.
bool LosesExitStatuses() {
  struct sigaction action {};
  sigaction(SIGCHLD, nullptr, &action);
  return action.sa_handler == SIG_IGN || (action.sa_flags & SA_NOCLDWAIT) != 0;
}

Fd OpenPidfd(pid_t pid) {
  return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

}  // namespace

Result<std::vector<std::string>> EnvironmentOf(const Command& command) {
  std::vector<std::string> all;
  for (const auto& [name, value] : command.environment) {
    if (name.empty() || name.find('=') != std::string::npos || HasZero(name) ||
        (value && HasZero(*value))) {
      return Unexpected(std::errc::invalid_argument);
    }
    if (value) all.push_back(name + '=' + *value);
  }
  if (!command.inherit_environment) return all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!command.environment.contains(text.substr(0, text.find('=')))) {
      all.push_back(text);
    }
  }
  return all;
}

Result<Spawned> Spawn(const SpawnPlan* plan) {
  if (plan->words.empty() || HasZero(plan->folder) ||
      std::any_of(plan->words.begin(), plan->words.end(), HasZero)) {
    return Unexpected(std::errc::invalid_argument);
  }
  if (LosesExitStatuses()) return Unexpected(std::errc::no_child_process);
  Actions actions;
  if (const int error = actions.Fill(*plan); error != 0) {
    return Unexpected(Error::FromErrno(error));
  }
  const Attributes attributes(plan->group);
  const std::vector<char*> words = PointersTo(plan->words);
  const std::vector<char*> environment = PointersTo(plan->environment);
  // Its place is the child's: whether there is one is known before the start.
  Fd reserved = OpenPidfd(getpid());
  if (!reserved.valid()) return Unexpected(Error::FromErrno(errno));
  Spawned spawned;
  const int error =
      posix_spawnp(&spawned.pid, words[0], actions.get(), attributes.get(),
                   words.data(), environment.data());
  if (error != 0) return Unexpected(Error::FromErrno(error));
  reserved = Fd();
  spawned.pidfd = OpenPidfd(spawned.pid);
  if (!spawned.pidfd.valid()) {
    const Error no_pidfd = Error::FromErrno(errno);
    kill(spawned.pid, SIGKILL);
    while (waitpid(spawned.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return Unexpected(no_pidfd);
  }
  return spawned;
}

Result<void> SendSignal(const Fd& pidfd, int signal) {
  if (syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return {};
}

}  // namespace eddy::io::internal
