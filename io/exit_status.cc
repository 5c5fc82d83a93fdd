#include <eddy/io/exit_status.h>

#include <sys/wait.h>

#include <cstring>

namespace eddy::io {

std::optional<int> ExitStatus::code() const noexcept {
  if (!WIFEXITED(wait_status_)) return std::nullopt;
  return WEXITSTATUS(wait_status_);
}

std::optional<int> ExitStatus::signal() const noexcept {
  if (!WIFSIGNALED(wait_status_)) return std::nullopt;
  return WTERMSIG(wait_status_);
}

bool ExitStatus::core_dumped() const noexcept {
  return WIFSIGNALED(wait_status_) && WCOREDUMP(wait_status_);
}

int ExitStatus::shell_code() const noexcept {
  constexpr int kSignaled = 128;
  if (const std::optional<int> number = signal()) return kSignaled + *number;
  return WEXITSTATUS(wait_status_);
}

std::string ExitStatus::ToString() const {
  const std::optional<int> number = signal();
  if (!number) return "exit code " + std::to_string(WEXITSTATUS(wait_status_));
  std::string text = "killed by signal " + std::to_string(*number);
  if (const char* description = sigdescr_np(*number)) {
    text += " (" + std::string(description) + ')';
  }
  if (core_dumped()) text += ", core dumped";
  return text;
}

}  // namespace eddy::io
