// How processes are ended, by their objects and by their users.
#include <eddy/io/process.h>

#include "tests/io/process_util.h"

#include <eddy/io/poll.h>
#include <eddy/io/read_exactly.h>
#include <eddy/runtime/event.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/with_stop.h>

#include <sys/ptrace.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdint>
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

// A shell that ends by SIGTERM, and children of it that do not.
Task<Result<Process>> StartStubbornChildren() {
  Command command = Command::Shell(
      "(trap '' TERM; sleep 1000) & (trap '' TERM; echo ready; sleep 1000) & "
      "wait");
  command.output = Stdio::Pipe();
  command.group = ProcessGroup::kNew;
  EDDY_CO_TRY(Process shell, co_await Process::Start(command));
  std::array<std::byte, 6> ready{};
  EDDY_CO_CHECK(co_await io::ReadExactly(shell.output().fd(), ready));
  co_return shell;
}

CO_TEST(ProcessEndTest, TerminateKillsWhatIsLeftOfTheGroup) {
  Result<Process> shell = co_await StartStubbornChildren();
  CO_ASSERT_OK(shell);
  const Result<ExitStatus> done = co_await shell->Terminate(1h);
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->signal(), SIGTERM);
  CO_EXPECT_OK(co_await ReadAll(shell->output()));
}

CO_TEST(ProcessEndTest, TerminateKillsWhatIsLeftAlsoWhereAWaitSeesTheEnd) {
  for (const bool waits_first : {true, false}) {
    Result<Process> shell = co_await StartStubbornChildren();
    CO_ASSERT_OK(shell);
    io::PipeReader output = std::move(shell->output());
    std::optional<Result<ExitStatus>> waited;
    std::optional<Result<ExitStatus>> ended;
    co_await InScope([&](TaskScope& scope) -> Task<void> {
      const auto wait = [&]() -> Task<void> {
        waited.emplace(co_await shell->Wait());
      };
      const auto end = [&]() -> Task<void> {
        ended.emplace(co_await shell->Terminate(1h));
      };
      if (waits_first) scope.Spawn(wait);
      scope.Spawn(end);
      if (!waits_first) scope.Spawn(wait);
      co_return;
    });
    CO_ASSERT_OK(*waited);
    CO_ASSERT_OK(*ended);
    EXPECT_EQ((*waited)->signal(), SIGTERM);
    EXPECT_EQ((*ended)->signal(), SIGTERM);
    // They had it open.
    CO_EXPECT_OK(co_await WithTimeout(1min, ReadAll(output)));
  }
}

// A program that has gone to the group of this process.
Task<Result<Process>> StartDeserter() {
  Command command("perl", "-e",
                  "setpgrp(0, getpgrp(getppid())); $| = 1; print 'x'; "
                  "sleep 1000");
  command.output = Stdio::Pipe();
  command.group = ProcessGroup::kNew;
  EDDY_CO_TRY(Process perl, co_await Process::Start(command));
  std::array<std::byte, 1> ready{};
  EDDY_CO_CHECK(co_await io::ReadExactly(perl.output().fd(), ready));
  co_return perl;
}

CO_TEST(ProcessEndTest, TerminateReachesOneThatHasLeftItsGroup) {
  Result<Process> perl = co_await StartDeserter();
  if (!perl && perl.error() == std::errc::no_such_file_or_directory) {
    CO_SKIP("needs perl");
  }
  CO_ASSERT_OK(perl);
  EXPECT_EQ(getpgid(perl->pid()), getpgrp());
  const Result<ExitStatus> done = co_await perl->Terminate(1h);
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->signal(), SIGTERM);
}

CO_TEST(ProcessEndTest, TheDestructorReachesOneThatHasLeftItsGroup) {
  io::PipeReader output;
  {
    Result<Process> perl = co_await StartDeserter();
    if (!perl && perl.error() == std::errc::no_such_file_or_directory) {
      CO_SKIP("needs perl");
    }
    CO_ASSERT_OK(perl);
    output = std::move(perl->output());
  }
  CO_EXPECT_OK(co_await WithTimeout(1min, ReadAll(output)));
}

// Another process that traces one. While it lives and does not look, the end of
// what it traces is not told to the parent.
class Tracer {
 public:
  explicit Tracer(pid_t traced) {
    const Pipe pipe;
    pid_ = IO_TEST_CHECK(fork());
    if (pid_ == 0) {
      const char ok = ptrace(PTRACE_SEIZE, traced, nullptr, nullptr) == 0;
      if (write(pipe.writer.get(), &ok, 1) == 1) pause();
      _exit(1);
    }
    char ok = 0;
    IO_TEST_CHECK(read(pipe.reader.get(), &ok, 1));
    works_ = ok != 0;
  }
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;
  ~Tracer() { End(); }

  bool works() const { return works_; }
  void End() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, 0), nullptr, 0);
  }

 private:
  pid_t pid_ = 0;
  bool works_ = false;
};

// What the loop does in many turns.
Task<std::uint64_t> EntriesOfManyTurns() {
  const std::uint64_t before = Submitted();
  for (int i = 0; i < 2000; ++i) co_await Turn();
  co_return Submitted() - before;
}

CO_TEST(ProcessEndTest, WaitDoesNotSpinWhereATracerKeepsTheEnd) {
  Result<Process> sleep = co_await Process::Start(Command("sleep", "1000"));
  CO_ASSERT_OK(sleep);
  Tracer tracer(sleep->pid());
  if (!tracer.works()) CO_SKIP("needs the right to trace a process");
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      const Result<ExitStatus> done = co_await sleep->Wait();
      CO_ASSERT_OK(done);
      EXPECT_EQ(done->signal(), SIGKILL);
    });
    co_await Turn();
    CO_EXPECT_OK(sleep->Kill());
    CO_EXPECT_OK(co_await io::Poll(sleep->pidfd(), POLLIN));
    CO_EXPECT_TRUE(co_await EntriesOfManyTurns() < 500U);
    tracer.End();
  });
}

TEST(ProcessEndTest, TheReaperDoesNotSpinWhereATracerKeepsTheEnd) {
  SyncWait([]() -> Task<void> {
    Result<Process> sleep = co_await Process::Start(Command("sleep", "1000"));
    CO_ASSERT_OK(sleep);
    Tracer tracer(sleep->pid());
    if (!tracer.works()) CO_SKIP("needs the right to trace a process");
    sleep = Unexpected(kClosed);
    CO_EXPECT_TRUE(co_await EntriesOfManyTurns() < 500U);
    tracer.End();
  }());
  EXPECT_FALSE(HasChildren());
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
