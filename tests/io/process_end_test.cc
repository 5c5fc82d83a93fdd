// How processes are ended, by their objects and by their users.
#include <eddy/io/process.h>

#include "tests/io/process_util.h"

#include <eddy/io/poll.h>
#include <eddy/io/read_exactly.h>
#include <eddy/runtime/event.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <csignal>
#include <optional>
#include <string>
#include <utility>

#include "tests/sweeps.h"

namespace eddy::io_test {
namespace {

using io::Command;
using io::ExitStatus;
using io::Process;
using io::ProcessGroup;
using io::Stdio;
using test::ExpectCleanSweeps;

// A shell and its child, which keep `output` open. It has said "ready" when it
// is returned.
Task<Result<Process>> StartFamily(const std::string& trap, ProcessGroup group) {
  Command command = Command::Shell(trap + "sleep 1000 & echo ready; wait");
  command.output = Stdio::Pipe();
  command.group = group;
  EDDY_CO_TRY(Process shell, co_await Process::Start(command));
  std::array<std::byte, 6> ready{};
  EDDY_CO_CHECK(co_await io::ReadExactly(shell.output().fd(), ready));
  co_return shell;
}

TEST(ProcessEndTest, TheDestructorKillsAndTheReactorReaps) {
  SyncWait([]() -> Task<void> {
    const Result<Process> sleep =
        co_await Process::Start(Command("sleep", "1000"));
    CO_ASSERT_OK(sleep);
  }());
  EXPECT_FALSE(HasChildren());
}

TEST(ProcessEndTest, TheReactorReapsAlsoWhatIsDestroyedAtItsEnd) {
  SyncWait([]() -> Task<void> {
    Event runs;
    Reactor::Current()->scope().Spawn([&runs]() -> Task<void> {
      Result<Process> sleep = co_await Process::Start(Command("sleep", "1000"));
      runs.Set();
      CO_ASSERT_OK(sleep);
      CO_EXPECT_ERROR(co_await sleep->Wait(), kCanceled);
    });
    CO_EXPECT_OK(co_await runs.Wait());
  }());
  EXPECT_FALSE(HasChildren());
}

TEST(ProcessEndTest, WithoutReactorTheDestructorReaps) {
  {
    const Result<Process> sleep =
        SyncWait(Process::Start(Command("sleep", "1000")));
    ASSERT_OK(sleep);
    EXPECT_TRUE(HasChildren());
  }
  EXPECT_FALSE(HasChildren());
}

TEST(ProcessEndTest, OneThatHasEndedNeedsNoReaper) {
  SyncWait([]() -> Task<void> {
    const Result<Process> process = co_await Process::Start(Command("true"));
    CO_ASSERT_OK(process);
    CO_EXPECT_OK(co_await io::Poll(process->pidfd(), POLLIN));
    EXPECT_TRUE(HasChildren());
  }());
  EXPECT_FALSE(HasChildren());
}

CO_TEST(ProcessEndTest, AnotherProcessTakesThePlaceOfOneThatRuns) {
  Result<Process> process = co_await Process::Start(Command("sleep", "1000"));
  CO_ASSERT_OK(process);
  Result<Process> next = co_await Process::Start(Command("true"));
  CO_ASSERT_OK(next);
  const pid_t pid = next->pid();
  *process = *std::move(next);
  EXPECT_EQ(process->pid(), pid);
  const Result<ExitStatus> done = co_await process->Wait();
  CO_ASSERT_OK(done);
  EXPECT_TRUE(done->success());
}

CO_TEST(ProcessEndTest, TheWholeGroupGoesWithTheObject) {
  io::PipeReader output;
  {
    Result<Process> shell = co_await StartFamily("", ProcessGroup::kNew);
    CO_ASSERT_OK(shell);
    output = std::move(shell->output());
  }
  // Both have it open.
  CO_EXPECT_EQ(*co_await ReadAll(output), "");
}

CO_TEST(ProcessEndTest, TerminateAsksFirst) {
  Command command = Command::Shell("trap 'exit 7' TERM; echo; read line");
  command.input = Stdio::Pipe();
  command.output = Stdio::Pipe();
  Result<Process> shell = co_await Process::Start(command);
  CO_ASSERT_OK(shell);
  std::array<std::byte, 1> line{};
  CO_EXPECT_OK(co_await shell->output().Read(line));
  const Result<ExitStatus> done = co_await shell->Terminate(1h);
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->code(), 7);
  const Result<ExitStatus> again = co_await shell->Terminate(1h);
  CO_ASSERT_OK(again);
  EXPECT_EQ(again->code(), 7);
}

CO_TEST(ProcessEndTest, TerminateKillsWhoDoesNotListen) {
  for (const ProcessGroup group :
       {ProcessGroup::kNew, ProcessGroup::kNewSession}) {
    Result<Process> shell = co_await StartFamily("trap '' TERM; ", group);
    CO_ASSERT_OK(shell);
    const Result<ExitStatus> done = co_await shell->Terminate(1ms);
    CO_ASSERT_OK(done);
    EXPECT_EQ(done->signal(), SIGKILL);
    CO_EXPECT_EQ(*co_await ReadAll(shell->output()), "");
  }
}

CO_TEST(ProcessEndTest, TerminateKillsWhatIsLeftOfTheGroup) {
  // The child ignores what the shell does not.
  Command command = Command::Shell(
      "(trap '' TERM; sleep 1000) & (trap '' TERM; echo ready; sleep 1000) & "
      "wait");
  command.output = Stdio::Pipe();
  command.group = ProcessGroup::kNew;
  Result<Process> shell = co_await Process::Start(command);
  CO_ASSERT_OK(shell);
  std::array<std::byte, 6> ready{};
  CO_EXPECT_OK(co_await shell->output().Read(ready));
  const Result<ExitStatus> done = co_await shell->Terminate(1h);
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->signal(), SIGTERM);
  CO_EXPECT_OK(co_await ReadAll(shell->output()));
}

CO_TEST(ProcessEndTest, TerminateReachesAStoppedProcess) {
  Result<Process> sleep = co_await Process::Start(Command("sleep", "1000"));
  CO_ASSERT_OK(sleep);
  CO_EXPECT_OK(sleep->Kill(SIGSTOP));
  const Result<ExitStatus> done = co_await sleep->Terminate(1h);
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->signal(), SIGTERM);
}

CO_TEST(ProcessEndTest, NoStopReachesTerminate) {
  Result<Process> shell =
      co_await StartFamily("trap '' TERM; ", ProcessGroup::kNew);
  CO_ASSERT_OK(shell);
  StopSource source;
  source.RequestStop();
  const Result<ExitStatus> done =
      co_await WithStop(source.token(), shell->Terminate(5ms));
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->signal(), SIGKILL);
}

CO_TEST(ProcessEndTest, SignalsReachOneOrTheGroup) {
  Result<Process> shell = co_await StartFamily("", ProcessGroup::kNew);
  CO_ASSERT_OK(shell);
  CO_EXPECT_ERROR(shell->Kill(1000), std::errc::invalid_argument);
  CO_EXPECT_ERROR(shell->KillGroup(1000), std::errc::invalid_argument);
  CO_EXPECT_OK(shell->KillGroup(SIGINT));
  // (The shell lets its background jobs ignore SIGINT.)
  CO_EXPECT_OK(shell->KillGroup(SIGHUP));
  CO_EXPECT_EQ(*co_await ReadAll(shell->output()), "");
  CO_EXPECT_OK(co_await shell->Wait());
  CO_EXPECT_ERROR(shell->Kill(), std::errc::no_such_process);
  CO_EXPECT_ERROR(shell->KillGroup(), std::errc::no_such_process);
  // One that has ended and was not waited for can be signalled.
  Result<Process> process = co_await Process::Start(Command("true"));
  CO_ASSERT_OK(process);
  CO_EXPECT_OK(co_await io::Poll(process->pidfd(), POLLIN));
  CO_EXPECT_OK(process->Kill());
  CO_EXPECT_ERROR(process->KillGroup(), std::errc::no_such_process);
  const Result<ExitStatus> done = co_await process->Wait();
  CO_ASSERT_OK(done);
  EXPECT_TRUE(done->success());
}

using ProcessEndDeathTest = ::testing::Test;

Task<void> MoveWhileWaitedFor() {
  Result<Process> sleep = co_await Process::Start(Command("sleep", "1000"));
  CO_ASSERT_OK(sleep);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn(
        [&]() -> Task<void> { static_cast<void>(co_await sleep->Wait()); });
    co_await Turn();
    kill(sleep->pid(), SIGKILL);
    const Process moved = *std::move(sleep);
  });
}

TEST(ProcessEndDeathTest, AProcessIsNotMovedWhileItIsWaitedFor) {
  EXPECT_DEATH(SyncWait(MoveWhileWaitedFor()),
               "closed, moved or destroyed with 1 operations in flight");
}

Task<Result<void>> TerminateAFamily() {
  EDDY_CO_TRY(Process shell,
              co_await StartFamily("trap '' TERM; ", ProcessGroup::kNew));
  EDDY_CO_TRY(const ExitStatus status, co_await shell.Terminate(1ms));
  EXPECT_EQ(status.signal(), SIGKILL);
  co_return Result<void>();
}

Task<Result<void>> LeaveAFamily() {
  EDDY_CO_TRY(const Process shell,
              co_await StartFamily("", ProcessGroup::kNewSession));
  co_await Turn();
  co_return Result<void>();
}

TEST(ProcessEndTest, LeavesNothingWhereverItIsStoppedOrFails) {
  SweepOptions options;
  options.check = NoChildren;
  ExpectCleanSweeps(TerminateAFamily, {.stops = 5, .failures = 3}, options);
  ExpectCleanSweeps(LeaveAFamily, {.stops = 5, .failures = 2}, options);
}

}  // namespace
}  // namespace eddy::io_test
