#include <eddy/io/run_process.h>

#include <eddy/io/pipe.h>
#include <eddy/io/poll.h>
#include <eddy/io/process.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>

#include <memory>
#include <span>
#include <system_error>
#include <utility>

namespace eddy::io {
namespace {

Task<Result<void>> Feed(PipeWriter& to, std::string_view input) {
  const Result<void> fed = co_await to.Write(std::as_bytes(std::span(input)));
  // Who has all it wants closes the pipe, or ends.
  if (!fed && fed.error() != std::errc::broken_pipe) co_return fed;
  co_return co_await to.Shutdown();
}

Task<Result<void>> Gather(PipeReader& from, std::size_t most,
                          std::string& text) {
  constexpr std::size_t kPart = 64 * 1024;
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(kPart);
  const std::span part(memory.get(), kPart);
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await from.Read(part));
    if (n == 0) co_return Result<void>();
    if (n > most - text.size()) co_return Unexpected(std::errc::message_size);
    text.append(reinterpret_cast<const char*>(part.data()), n);
  }
}

// What goes through its pipes, until they are closed.
Task<Result<void>> Transfer(Process& process, const RunOptions& options,
                            ProcessOutput& result) {
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    if (process.input().valid()) {
      scope.Spawn(Feed(process.input(), options.input));
    }
    if (process.output().valid()) {
      scope.Spawn(Gather(process.output(), options.most_output, result.output));
    }
    if (process.errors().valid()) {
      scope.Spawn(Gather(process.errors(), options.most_output, result.errors));
    }
    co_return Result<void>();
  };
  co_return co_await WithScope(body);
}

// Until it has ended, and its pipes are closed or `grace` is over.
Task<Result<void>> RunToEnd(Process& process, const RunOptions& options,
                            ProcessOutput& result) {
  StopSource closed;
  StopSource too_late;
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([&]() -> Task<Result<void>> {
      const Result<void> transferred = co_await WithStop(
          too_late.token(), Transfer(process, options, result));
      closed.RequestStop();
      if (!result.output_complete) co_return Result<void>();
      co_return transferred;
    });
    EDDY_CO_CHECK(co_await Poll(process.pidfd(), POLLIN));
    const Result<void> slept =
        co_await WithStop(closed.token(), Sleep(options.grace));
    if (slept && !closed.stop_requested()) {
      result.output_complete = false;
      too_late.RequestStop();
    }
    co_return Result<void>();
  };
  co_return co_await WithScope(body);
}

// Until it is closed or a stop.
Task<void> Discard(PipeReader& from) {
  constexpr std::size_t kPart = 16 * 1024;
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(kPart);
  while (true) {
    const Result<std::size_t> n =
        co_await from.Read(std::span(memory.get(), kPart));
    if (!n || *n == 0) co_return;
  }
}

// Ends it. One that waits for room in its pipes would not look at the time.
Task<void> End(Process& process, Duration grace) {
  const auto body = [&](TaskScope& scope) -> Task<void> {
    if (process.output().valid()) scope.Spawn(Discard(process.output()));
    if (process.errors().valid()) scope.Spawn(Discard(process.errors()));
    static_cast<void>(co_await process.Terminate(grace));
    scope.RequestStop();
  };
  static_cast<void>(co_await WithScope(body));
}

}  // namespace

Task<Result<ProcessOutput>> RunProcess(Command command, RunOptions options) {
  const auto unless_set = [](Stdio& stream, Stdio value) {
    if (stream.kind() == Stdio::Kind::kUnset) stream = std::move(value);
  };
  if (!options.input.empty() && command.input.kind() != Stdio::Kind::kUnset &&
      command.input.kind() != Stdio::Kind::kPipe) {
    co_return Unexpected(std::errc::invalid_argument);
  }
  unless_set(command.input,
             options.input.empty() ? Stdio::NoInput() : Stdio::Pipe());
  unless_set(command.output, Stdio::Pipe());
  unless_set(command.errors, Stdio::Pipe());
  if (command.group == ProcessGroup::kOurs) {
    command.group = ProcessGroup::kNewSession;
  }
  EDDY_CO_TRY(Process process, co_await Process::Start(std::move(command)));
  ProcessOutput result;
  const Result<void> ran = co_await RunToEnd(process, options, result);
  if (!ran) {
    co_await Shield(End(process, options.grace));
    co_return Unexpected(ran.error());
  }
  if (!result.output_complete) static_cast<void>(process.KillGroup());
  EDDY_CO_TRY(result.status, co_await Shield(process.Wait()));
  co_return result;
}

}  // namespace eddy::io
