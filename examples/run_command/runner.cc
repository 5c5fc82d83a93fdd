#include "examples/run_command/runner.h"

#include <eddy/io/buffered_reader.h>
#include <eddy/io/command.h>
#include <eddy/io/poll.h>
#include <eddy/io/process.h>
#include <eddy/io/signals.h>
#include <eddy/runtime/latch.h>
#include <eddy/runtime/semaphore.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <csignal>
#include <functional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "examples/run_command/line_output.h"

namespace run_command {
namespace {

namespace io = eddy::io;
using eddy::Latch;
using eddy::Result;
using eddy::Semaphore;
using eddy::StopSource;
using eddy::Task;
using eddy::TaskScope;
using eddy::TimePoint;
using eddy::Unexpected;
using eddy::WithDeadline;
using eddy::WithScope;
using eddy::WithStop;
using eddy::WithTimeout;
using io::ExitStatus;
using io::Process;

constexpr int kTimedOutCode = 124;
constexpr int kNotStartedCode = 125;
constexpr int kSignaledCode = 128;

// But for those that whoever has started this program wants to be ignored, as
// nohup(1) does, and a shell for what is to run in the background.
std::vector<int> SignalsThatEnd() {
  std::vector<int> numbers{SIGTERM};
  for (const int number : {SIGINT, SIGHUP, SIGQUIT}) {
    struct sigaction action {};
    sigaction(number, nullptr, &action);
    if (action.sa_handler != SIG_IGN) numbers.push_back(number);
  }
  return numbers;
}

class Runner {
 public:
  Runner(Options options, const io::Fd& output, const io::Fd& errors,
         Report& report)
      : options_(options),
        outputs_(output, errors),
        slots_(options.jobs),
        report_(report) {}

  Task<Result<void>> Run(Commands commands);

 private:
  Task<Result<void>> StartAll(Commands& commands, TaskScope& scope);
  Task<Result<void>> RunOne(Semaphore::Permit slot, std::size_t number,
                            Outcome& outcome);
  Task<Result<void>> Watch(Process& process, std::size_t number,
                           Outcome& outcome);
  Task<Result<void>> ForwardSignals(io::Signals& signals);
  void SignalAll(int signal);

  const Options options_;
  LineOutputs outputs_;
  Semaphore slots_;
  std::set<Process*> running_;
  StopSource no_more_;
  StopSource kill_all_;
  Report& report_;
};

Task<Result<void>> Runner::Run(Commands commands) {
  const std::vector<int> numbers = SignalsThatEnd();
  EDDY_CO_TRY(io::Signals signals, io::Signals::Block(numbers));
  signals.DiscardAtEnd();
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(ForwardSignals(signals));
    const auto run_all = [&](TaskScope& jobs) -> Task<Result<void>> {
      return StartAll(commands, jobs);
    };
    const Result<void> ran = co_await WithScope(run_all);
    scope.RequestStop();
    co_return ran;
  };
  co_return co_await WithScope(body);
}

Task<Result<void>> Runner::StartAll(Commands& commands, TaskScope& scope) {
  while (true) {
    Result<Semaphore::Permit> slot =
        co_await WithStop(no_more_.token(), slots_.Acquire());
    if (report_.signal) co_return Result<void>();
    if (!slot) co_return Unexpected(slot.error());
    std::optional<Result<std::string>> command =
        co_await WithStop(no_more_.token(), commands.Next());
    if (!command || report_.signal) co_return Result<void>();
    if (!*command) co_return Unexpected(command->error());
    Outcome& outcome = report_.outcomes.emplace_back();
    outcome.command = **std::move(command);
    scope.Spawn(RunOne(*std::move(slot), report_.outcomes.size(), outcome));
  }
}

Task<Result<void>> Runner::RunOne(Semaphore::Permit slot, std::size_t number,
                                  Outcome& outcome) {
  io::Command command = io::Command::Shell(outcome.command);
  command.input = io::Stdio::NoInput();
  command.output = io::Stdio::Pipe();
  command.errors = io::Stdio::Pipe();
  // Signals and the end of its time reach its children too; and it has no
  // terminal: who asks that for a password would be stopped until then.
  command.group = io::ProcessGroup::kNewSession;
  Result<Process> process = co_await Process::Start(std::move(command));
  if (!process) {
    outcome.error = process.error();
    if (process.error() == eddy::kCanceled)
      co_return Unexpected(*outcome.error);
    co_return Result<void>();
  }
  running_.insert(&*process);
  // One came while it was started.
  if (report_.signal) static_cast<void>(process->KillGroup(*report_.signal));
  const Result<void> watched =
      co_await WithStop(kill_all_.token(), Watch(*process, number, outcome));
  running_.erase(&*process);
  slot.Release();
  if (!watched && report_.signal && watched.error() == eddy::kCanceled) {
    co_return Result<void>();
  }
  co_return watched;
}

// Until it has ended and all that it printed is written, or its time is over.
Task<Result<void>> Runner::Watch(Process& process, std::size_t number,
                                 Outcome& outcome) {
  const std::string prefix =
      options_.prefix ? '[' + std::to_string(number) + "] " : "";
  const TimePoint deadline =
      options_.limit > eddy::Duration::zero()
          ? eddy::After(eddy::Clock::now(), options_.limit)
          : eddy::kNoDeadline;
  Latch streams(2);
  const auto copy = [&](io::PipeReader& from,
                        LineOutput& to) -> Task<Result<void>> {
    const Result<void> copied = co_await CopyLines(from, prefix, to);
    streams.CountDown();
    co_return copied;
  };
  const auto run = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(copy, std::ref(process.output()), std::ref(outputs_.output()));
    scope.Spawn(copy, std::ref(process.errors()), std::ref(outputs_.errors()));
    Result<void> ended;
    const Result<short> polled =
        co_await WithDeadline(deadline, io::Poll(process.pidfd(), POLLIN));
    if (!polled) ended = Unexpected(polled.error());
    // Children of it may go on printing.
    if (ended) ended = co_await WithDeadline(deadline, streams.Wait());
    if (!ended && ended.error() != eddy::kTimedOut) co_return ended;
    outcome.timed_out = !ended;
    if (ended) {
      EDDY_CO_TRY(outcome.status, co_await process.Wait());
    } else {
      EDDY_CO_TRY(outcome.status, co_await process.Terminate(options_.grace));
      // Its last words are still written; whom a signal to its group does not
      // reach is not waited for.
      static_cast<void>(co_await WithTimeout(options_.grace, streams.Wait()));
      scope.RequestStop();
    }
    co_return Result<void>();
  };
  const Result<void> ran = co_await WithScope(run);
  if (!outcome.status) {
    const Result<ExitStatus> status =
        co_await process.Terminate(eddy::Duration::zero());
    if (status) outcome.status = *status;
  }
  co_return ran;
}

// On a signal: no more commands; those that run get it, and when they do not
// end, or another one comes, SIGKILL.
Task<Result<void>> Runner::ForwardSignals(io::Signals& signals) {
  EDDY_CO_TRY(report_.signal, co_await signals.Next());
  no_more_.RequestStop();
  SignalAll(*report_.signal);
  // One that is stopped would not look at it.
  SignalAll(SIGCONT);
  const Result<int> another =
      co_await WithTimeout(options_.grace, signals.Next());
  if (!another && another.error() != eddy::kTimedOut) {
    co_return Unexpected(another.error());
  }
  // Also those whose time is over, and which are waited for: no stop reaches
  // that.
  SignalAll(SIGKILL);
  kill_all_.RequestStop();
  co_return Result<void>();
}

void Runner::SignalAll(int signal) {
  for (Process* process : running_) {
    static_cast<void>(process->KillGroup(signal));
  }
}

}  // namespace

int Outcome::exit_code() const {
  if (timed_out) return kTimedOutCode;
  return status ? status->shell_code() : kNotStartedCode;
}

std::string Outcome::ToString() const {
  if (timed_out) return "timed out";
  if (status) return status->ToString();
  return "not started: " + (error ? error->message() : "stopped before");
}

int Report::exit_code() const {
  if (signal) return kSignaledCode + *signal;
  for (const Outcome& outcome : outcomes) {
    if (!outcome.succeeded()) return outcome.exit_code();
  }
  return 0;
}

std::string Report::ToString() const {
  std::string text;
  std::size_t number = 0;
  std::size_t failed = 0;
  for (const Outcome& outcome : outcomes) {
    ++number;
    if (outcome.succeeded()) continue;
    ++failed;
    text += "run_command: [" + std::to_string(number) + "] " +
            outcome.ToString() + ": " + outcome.command + '\n';
  }
  if (signal) {
    text += "run_command: ended by signal " + std::to_string(*signal) + '\n';
  }
  return text + "run_command: " + std::to_string(number) + " commands, " +
         std::to_string(failed) + " failed\n";
}

Commands CommandsOf(std::vector<std::string> all) {
  for (std::string& command : all) {
    co_yield Result<std::string>(std::move(command));
  }
}

Commands CommandsFrom(io::SharedStream lines) {
  io::BufferedReader<io::SharedStream> reader(lines);
  while (true) {
    const Result<std::string_view> line = co_await reader.ReadLine();
    std::string command;
    if (line) {
      command = *line;
    } else if (line.error() == eddy::kEndOfStream) {
      // The last one may have no end.
      const auto rest = reader.buffered();
      command.assign(reinterpret_cast<const char*>(rest.data()), rest.size());
    } else {
      co_yield Result<std::string>(Unexpected(line.error()));
      co_return;
    }
    if (!command.empty() && command[0] != '#') {
      co_yield Result<std::string>(std::move(command));
    }
    if (!line) co_return;
  }
}

Task<Result<void>> RunCommands(Commands commands, Options options,
                               const io::Fd& output, const io::Fd& errors,
                               Report& report) {
  Runner runner(options, output, errors, report);
  co_return co_await runner.Run(std::move(commands));
}

}  // namespace run_command
