// A program under measurement, in its own process: started on a given core,
// its standard output readable, its CPU time read from outside, its end
// checked.

#ifndef EDDY_BENCH_LIB_PROCESS_H_
#define EDDY_BENCH_LIB_PROCESS_H_

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace eddy::bench {

class Process {
 public:
  // Runs `command` (path or name, then arguments) on core `cpu`, or where the
  // starter may run for kAnyCore. It gets a
  // SIGTERM should the starter die. Its standard output is a pipe: who prints
  // more than a pipe holds before it is read will wait.
  static constexpr int kAnyCore = -1;
  static absl::StatusOr<Process> Start(const std::vector<std::string>& command,
                                       int cpu);

  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  // Kills what still runs.
  ~Process();

  // The next line of its standard output, without the line feed. Errors:
  // DeadlineExceeded, or Unavailable at the end of the output.
  absl::StatusOr<std::string> ReadLine(std::chrono::milliseconds timeout);

  pid_t pid() const { return pid_; }

  // The CPU time, user and kernel, that the process and its direct children
  // (a master's workers) have used since they started. Nanosecond resolution;
  // kernel workers of io_uring count as threads of the process.
  std::chrono::nanoseconds CpuTime() const;

  // Waits until it ends by itself. Ok means exit code 0.
  absl::Status Wait(std::chrono::milliseconds timeout);

  // Waits until it ends by itself, however long that takes. Its CPU time, as
  // CpuTime says, and that of the children that it has waited for.
  absl::StatusOr<std::chrono::nanoseconds> Finish();

  // Asks it to end. Ok means exit code 0 within 20 s.
  absl::Status Stop(int signal = SIGTERM);

 private:
  Process(pid_t pid, int output) : pid_(pid), output_(output) {}

  pid_t pid_;
  int output_;
  std::string unread_;
};

// The path of a program that PATH or a system folder has; empty if none does.
std::string FindProgram(const std::string& name);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_PROCESS_H_
