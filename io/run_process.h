// RunProcess: runs a program to its end and gathers what it prints.
//
//   EDDY_CO_TRY(io::ProcessOutput git,
//               co_await io::RunProcess(io::Command("git", "status", "-s")));
//   if (git.status.success()) Use(git.output);
//
// The program gets `input`, or none; command.input, output and errors that were
// set are kept (errors = Stdio::Output() has all in `output`). It runs in a
// session of its own: the terminal's Ctrl-C does not reach it, a stop does; and
// one that asks the terminal (for a password) is told that there is none. (In
// ProcessGroup::kNew, where command.group says so, the kernel would stop it,
// for ever.)
//
// Result: how it has ended, whatever its exit code, and all that it has printed
// as it came, zero bytes too. Where a child of it keeps its output open, that
// is read for `grace` more; then what is left of the group is killed, and
// `output_complete` is false.
// Errors: those of Process::Start; EINVAL where there is an `input` and
// command.input was set to something else than a pipe; EMSGSIZE where it prints
// more than `most_output` to one of its streams; those of reading; kCanceled.
// In all cases the program has ended: it and its group had SIGTERM, and SIGKILL
// `grace` later (see Process::Terminate); what it prints meanwhile is read, and
// lost. That it does not read all of its input is no error.
// Children that hold none of its pipes run on after its own end, and in any
// case those that have left its group.
// Lifetime: what options.input refers to lives until the await returns.
// Stop: ends the program, which may take `grace`; its output is lost.
// Cost: Process::Start and Wait; 64 KiB for each pipe that is read, and what
// is gathered.
#ifndef EDDY_IO_RUN_PROCESS_H_
#define EDDY_IO_RUN_PROCESS_H_

#include <eddy/io/command.h>
#include <eddy/io/exit_status.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/time.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace eddy::io {

struct RunOptions {
  std::string_view input;
  // Of each stream.
  std::size_t most_output = std::size_t{16} << 20;
  Duration grace = std::chrono::seconds(5);
};

struct ProcessOutput {
  ExitStatus status;
  std::string output;
  std::string errors;
  bool output_complete = true;
};

Task<Result<ProcessOutput>> RunProcess(Command command,
                                       RunOptions options = {});

}  // namespace eddy::io

#endif  // EDDY_IO_RUN_PROCESS_H_
