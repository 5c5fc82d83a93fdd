// Runs shell commands at the same time and prints what they print, as it comes.
// Run:  examples/run run_command --jobs 2 'sleep 1; echo one' 'echo two' false
//       ls *.cc | sed 's/.*/wc -l &/' | examples/run run_command
// See:  "[2] two", "[1] one": each line whole, behind the command's number;
//       then which have failed, on the standard error. --timeout 10s ends a
//       command that takes longer, with all its children. Ctrl-C, SIGQUIT,
//       SIGTERM and a hangup go on to the commands; a second one kills them.
//       The exit code is 0 if all succeeded, else that of the first one that
//       failed: 124 where its time was over, 128 and the number of a signal;
//       125 where run_command itself fails.
// Shows: io::Process with pipes, io::Signals, standard streams, a Semaphore.
#include <eddy/io/standard_streams.h>
#include <eddy/runtime/sync_wait.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/time.h"
#include "examples/run_command/runner.h"
#include "examples/usage.h"

ABSL_FLAG(int, jobs, 0,
          "how many commands run at once; 0: as many as there are processors");
ABSL_FLAG(absl::Duration, timeout, absl::ZeroDuration(),
          "how long each command may run; 0: for ever");
ABSL_FLAG(absl::Duration, grace, absl::Seconds(5),
          "how long a command may take to end after it got a SIGTERM");
ABSL_FLAG(bool, prefix, true, "each line begins with its command's number");
ABSL_FLAG(bool, summary, true, "tell at the end which commands have failed");

namespace {

using eddy::Result;

constexpr int kFailed = 125;

int Refuse(const std::string& why) {
  std::fprintf(stderr, "run_command: %s\n", why.c_str());
  return kFailed;
}

eddy::Task<Result<void>> Run(std::vector<std::string> words,
                             run_command::Options options,
                             run_command::Report& report) {
  run_command::Commands commands =
      words.empty() ? run_command::CommandsFrom(eddy::io::Stdin())
                    : run_command::CommandsOf(std::move(words));
  co_return co_await run_command::RunCommands(std::move(commands), options,
                                              eddy::io::Stdout().fd(),
                                              eddy::io::Stderr().fd(), report);
}

}  // namespace

int main(int argc, char** argv) {
  // Whoever has started it may have had that ignored; then the kernel would
  // throw away how the commands have ended.
  std::signal(SIGCHLD, SIG_DFL);
  examples::SetUsage(
      "Runs shell commands at the same time. run_command [FLAG...] "
      "[COMMAND...]; without commands, each line of the input is one.");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  const int jobs = absl::GetFlag(FLAGS_jobs);
  if (jobs < 0) return Refuse("--jobs must not be negative");
  const unsigned processors = std::max(1U, std::thread::hardware_concurrency());
  run_command::Options options;
  options.jobs = jobs != 0 ? static_cast<std::size_t>(jobs) : processors;
  options.limit = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_timeout));
  options.grace = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_grace));
  options.prefix = absl::GetFlag(FLAGS_prefix);
  run_command::Report report;
  const Result<void> ran = eddy::SyncWait(
      Run(std::vector<std::string>(words.begin() + 1, words.end()), options,
          report));
  if (absl::GetFlag(FLAGS_summary)) {
    std::fputs(report.ToString().c_str(), stderr);
  }
  if (ran) return report.exit_code();
  // As a program that does not block SIGPIPE.
  if (ran.error() == std::errc::broken_pipe) return 128 + SIGPIPE;
  return Refuse(ran.error().message());
}
