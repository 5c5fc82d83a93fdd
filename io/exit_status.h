// ExitStatus: how a process has ended, and what it has used.
#ifndef EDDY_IO_EXIT_STATUS_H_
#define EDDY_IO_EXIT_STATUS_H_

#include <sys/resource.h>

#include <optional>
#include <string>

namespace eddy::io {

class ExitStatus {
 public:
  // Exit code 0.
  ExitStatus() noexcept = default;
  // What wait4(2) gave.
  ExitStatus(int wait_status, const rusage& usage) noexcept
      : wait_status_(wait_status), usage_(usage) {}

  // It has ended by itself, with exit code 0.
  bool success() const noexcept { return wait_status_ == 0; }
  // The exit code, where it has ended by itself.
  std::optional<int> code() const noexcept;
  // The signal that has ended it, where one has.
  std::optional<int> signal() const noexcept;
  bool core_dumped() const noexcept;

  // One number, as a shell has it in $?: the exit code, or 128 and the signal.
  int shell_code() const noexcept;

  // Time, memory, ... of the process, and of those of its children that it has
  // waited for. See getrusage(2).
  const rusage& usage() const noexcept { return usage_; }

  // "exit code 3", "killed by signal 11 (Segmentation fault), core dumped".
  std::string ToString() const;

 private:
  int wait_status_ = 0;
  rusage usage_{};
};

}  // namespace eddy::io

#endif  // EDDY_IO_EXIT_STATUS_H_
