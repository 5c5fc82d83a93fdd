// Runs commands at the same time, so many at once.
#ifndef EDDY_EXAMPLES_RUN_COMMAND_RUNNER_H_
#define EDDY_EXAMPLES_RUN_COMMAND_RUNNER_H_

#include <eddy/io/exit_status.h>
#include <eddy/io/fd.h>
#include <eddy/io/shared_stream.h>
#include <eddy/runtime/error.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/stream.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/time.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace run_command {

struct Options {
  std::size_t jobs = 1;
  // For each command; zero: none.
  eddy::Duration limit = eddy::Duration::zero();
  // How long a command may take to end when it was asked to.
  eddy::Duration grace = std::chrono::seconds(5);
  // Each line begins with "[N] ".
  bool prefix = true;
};

struct Outcome {
  std::string command;
  // How it ended, where it was started.
  std::optional<eddy::io::ExitStatus> status;
  // Why it was not started.
  std::optional<eddy::Error> error;
  bool timed_out = false;

  bool succeeded() const { return status && status->success() && !timed_out; }
  // As timeout(1) and a shell have it: 124 where the time was over, 125 where
  // it was not started, else the exit code, or 128 and the signal.
  int exit_code() const;
  // "exit code 3", "timed out", ...
  std::string ToString() const;
};

struct Report {
  // In the order of the commands.
  std::deque<Outcome> outcomes;
  // SIGTERM, SIGINT, SIGHUP or SIGQUIT, where one came.
  std::optional<int> signal;

  // That of the first command that failed; 128 and the signal where one came.
  int exit_code() const;
  // A line for each that failed, and one of all.
  std::string ToString() const;
};

// Commands for the shell: those given, and the lines of a stream but for empty
// ones and those that begin with '#'.
using Commands = eddy::Stream<eddy::Result<std::string>>;
Commands CommandsOf(std::vector<std::string> all);
Commands CommandsFrom(eddy::io::SharedStream lines);

// Runs them all; `report` tells of those that were started, also where it
// fails. A SIGTERM, SIGINT, SIGHUP or SIGQUIT goes on to the commands that run,
// with all their children, and no more are started; when `grace` is over, or
// another one has come, they are killed. (But for SIGTERM, what this process
// ignores stays ignored.) Children of a command that have left its group
// (setsid) run on. The commands have no terminal.
// Errors: those of the stream of commands, and of writing; kCanceled. What runs
// is ended.
eddy::Task<eddy::Result<void>> RunCommands(Commands commands, Options options,
                                           const eddy::io::Fd& output,
                                           const eddy::io::Fd& errors,
                                           Report& report);

}  // namespace run_command

#endif  // EDDY_EXAMPLES_RUN_COMMAND_RUNNER_H_
