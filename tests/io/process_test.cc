#include <eddy/io/process.h>

#include "tests/io/process_util.h"

#include <eddy/io/signals.h>
#include <eddy/io/write.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/when_all.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/io/descriptor_limit.h"
#include "tests/sweeps.h"

namespace eddy::io_test {
namespace {

using io::Command;
using io::ExitStatus;
using io::Process;
using io::ProcessGroup;
using io::Stdio;
using test::ExpectCleanSweeps;

CO_TEST(ProcessTest, GivesTheExitCode) {
  const Result<ExitStatus> done = co_await StatusOf(Command("true"));
  CO_ASSERT_OK(done);
  EXPECT_TRUE(done->success());
  EXPECT_EQ(done->code(), 0);
  const Result<ExitStatus> three = co_await StatusOf(Command::Shell("exit 3"));
  CO_ASSERT_OK(three);
  EXPECT_FALSE(three->success());
  EXPECT_EQ(three->code(), 3);
  EXPECT_EQ(three->signal(), std::nullopt);
  EXPECT_EQ(three->shell_code(), 3);
  EXPECT_EQ(three->ToString(), "exit code 3");
  EXPECT_GT(three->usage().ru_maxrss, 0);
}

CO_TEST(ProcessTest, GivesTheSignalThatEndedIt) {
  const Result<ExitStatus> done =
      co_await StatusOf(Command::Shell("ulimit -c 0; kill -SEGV $$"));
  CO_ASSERT_OK(done);
  EXPECT_FALSE(done->success());
  EXPECT_EQ(done->code(), std::nullopt);
  EXPECT_EQ(done->signal(), SIGSEGV);
  EXPECT_FALSE(done->core_dumped());
  EXPECT_EQ(done->shell_code(), 139);
  EXPECT_EQ(done->ToString(), "killed by signal 11 (Segmentation fault)");
}

TEST(ExitStatusTest, TellsOfADumpedCore) {
  const ExitStatus status(SIGABRT | 0x80, {});
  EXPECT_TRUE(status.core_dumped());
  EXPECT_EQ(status.signal(), SIGABRT);
  EXPECT_EQ(status.ToString(), "killed by signal 6 (Aborted), core dumped");
}

CO_TEST(ProcessTest, AnyNumberOfWaitsGivesTheSame) {
  Command command("cat");
  command.input = Stdio::Pipe();
  Result<Process> cat = co_await Process::Start(command);
  CO_ASSERT_OK(cat);
  EXPECT_FALSE(cat->waited_for());
  const auto end = [&]() -> Task<Result<void>> {
    co_await Turn();
    co_return co_await cat->input().Shutdown();
  };
  const auto [first, second, ended] =
      co_await WhenAll(cat->Wait(), cat->Wait(), end());
  CO_ASSERT_OK(first);
  CO_ASSERT_OK(second);
  CO_ASSERT_OK(ended);
  EXPECT_TRUE(first->success() && second->success());
  EXPECT_TRUE(cat->waited_for());
  const Result<ExitStatus> third = co_await cat->Wait();
  CO_ASSERT_OK(third);
  EXPECT_TRUE(third->success());
}

CO_TEST(ProcessTest, AStoppedWaitLeavesTheProcess) {
  Result<Process> sleep = co_await Process::Start(Command("sleep", "1000"));
  CO_ASSERT_OK(sleep);
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, sleep->Wait()), kTimedOut);
  EXPECT_EQ(kill(sleep->pid(), 0), 0);
  CO_EXPECT_OK(sleep->Kill(SIGTERM));
  const Result<ExitStatus> done = co_await sleep->Wait();
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->signal(), SIGTERM);
}

CO_TEST(ProcessTest, TellsWhyAProgramCannotBeStarted) {
  const TempDir dir;
  Store(dir / "not_executable", "#!/bin/sh\n");
  Store(dir / "no_program", "neither ELF nor script\n");
  IO_TEST_CHECK(chmod((dir / "no_program").c_str(), 0700));
  Store(dir / "bad_interpreter", "#!/no/such/interpreter\n");
  IO_TEST_CHECK(chmod((dir / "bad_interpreter").c_str(), 0700));
  const auto start = [](Command command) -> Task<Result<void>> {
    EDDY_CO_TRY(Process process, co_await Process::Start(std::move(command)));
    co_return Result<void>();
  };
  CO_EXPECT_ERROR(co_await start(Command("no-such-program-anywhere")),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await start(Command("/no/such/program")),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await start(Command("")),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await start(Command(dir / "not_executable")),
                  std::errc::permission_denied);
  CO_EXPECT_ERROR(co_await start(Command(dir.path())),
                  std::errc::permission_denied);
  CO_EXPECT_ERROR(co_await start(Command(dir / "no_program")),
                  std::errc::executable_format_error);
  CO_EXPECT_ERROR(co_await start(Command(dir / "bad_interpreter")),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await start(Command(dir / "no_program/x")),
                  std::errc::not_a_directory);
  CO_EXPECT_ERROR(co_await start(Command("true", std::string(1 << 20, 'x'))),
                  std::errc::argument_list_too_long);
  CO_EXPECT_ERROR(co_await start(Command(std::vector<std::string>())),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await start(Command("true", std::string("a\0b", 3))),
                  std::errc::invalid_argument);
  Command command("true");
  command.folder = dir / "no_folder";
  CO_EXPECT_ERROR(co_await start(command),
                  std::errc::no_such_file_or_directory);
  command.folder = dir / "no_program";
  CO_EXPECT_ERROR(co_await start(command), std::errc::not_a_directory);
  command.folder = std::string("/\0", 2);
  CO_EXPECT_ERROR(co_await start(command), std::errc::invalid_argument);
  EXPECT_FALSE(HasChildren());
}

CO_TEST(ProcessTest, TellsWhyAStreamCannotBe) {
  const TempDir dir;
  const auto start = [](Command command) -> Task<Result<void>> {
    EDDY_CO_TRY(Process process, co_await Process::Start(std::move(command)));
    co_return Result<void>();
  };
  const io::Fd none;
  Command command("true");
  command.input = Stdio::Use(none);
  CO_EXPECT_ERROR(co_await start(command), std::errc::bad_file_descriptor);
  command.input = Stdio::ReadFrom(dir / "nothing");
  CO_EXPECT_ERROR(co_await start(command),
                  std::errc::no_such_file_or_directory);
  command.input = Stdio::Output();
  CO_EXPECT_ERROR(co_await start(command), std::errc::invalid_argument);
  command.input = Stdio::Inherit();
  command.output = Stdio::Output();
  CO_EXPECT_ERROR(co_await start(command), std::errc::invalid_argument);
  command.output = Stdio::WriteTo(dir.path());
  CO_EXPECT_ERROR(co_await start(command), std::errc::is_a_directory);
  EXPECT_FALSE(HasChildren());
}

CO_TEST(ProcessTest, NothingIsStartedWithoutDescriptors) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  // The reactor has its inbox from here on.
  CO_ASSERT_OK(co_await StatusOf(Command("true")));
  co_await Turn();
  const TempDir dir;
  Command command("touch", dir / "started");
  command.input = Stdio::NoInput();
  command.output = Stdio::Pipe();
  command.errors = Stdio::Pipe();
  bool started = false;
  // Closed descriptors are given back by the loop, a little later.
  for (std::size_t further = 0; !started && further != 10; ++further) {
    for (int i = 0; i < 3; ++i) co_await Turn();
    const DescriptorLimit limit(further);
    Result<Process> touch = co_await Process::Start(command);
    started = touch.has_value();
    if (started) {
      CO_EXPECT_OK(co_await touch->Wait());
    } else {
      CO_EXPECT_ERROR(touch, std::errc::too_many_files_open);
      EXPECT_FALSE(std::filesystem::exists(dir / "started"));
    }
  }
  EXPECT_TRUE(started);
  EXPECT_TRUE(std::filesystem::exists(dir / "started"));
}

CO_TEST(ProcessTest, ChangesTheEnvironment) {
  setenv("EDDY_TEST_KEPT", "kept", 1);
  setenv("EDDY_TEST_CHANGED", "old", 1);
  setenv("EDDY_TEST_REMOVED", "there", 1);
  Command command("env");
  command.environment["EDDY_TEST_CHANGED"] = "new=er";
  command.environment["EDDY_TEST_REMOVED"] = std::nullopt;
  command.environment["EDDY_TEST_ADDED"] = "";
  const Result<std::string> changed = co_await OutputOf(command);
  CO_ASSERT_OK(changed);
  const std::string lines = "\n" + *changed;
  for (const char* line : {"\nEDDY_TEST_KEPT=kept\n", "\nEDDY_TEST_ADDED=\n",
                           "\nEDDY_TEST_CHANGED=new=er\n"}) {
    EXPECT_NE(lines.find(line), std::string::npos) << line << lines;
  }
  EXPECT_EQ(lines.find("=old"), std::string::npos) << lines;
  EXPECT_EQ(lines.find("EDDY_TEST_REMOVED"), std::string::npos) << lines;
  command.inherit_environment = false;
  CO_EXPECT_EQ(*co_await OutputOf(command),
               "EDDY_TEST_ADDED=\nEDDY_TEST_CHANGED=new=er\n");
  for (const char* name : {"", "A=B"}) {
    Command wrong("true");
    wrong.environment[name] = "x";
    CO_EXPECT_ERROR(co_await OutputOf(wrong), std::errc::invalid_argument);
  }
  command.environment["A"] = std::string("a\0b", 3);
  CO_EXPECT_ERROR(co_await OutputOf(command), std::errc::invalid_argument);
  for (const char* name :
       {"EDDY_TEST_KEPT", "EDDY_TEST_CHANGED", "EDDY_TEST_REMOVED"}) {
    unsetenv(name);
  }
}

CO_TEST(ProcessTest, StartsInItsFolder) {
  const TempDir dir;
  const std::string path = std::filesystem::canonical(dir.path());
  Command command("pwd");
  command.folder = path;
  // A shell that trusted it would print it.
  command.environment["PWD"] = std::nullopt;
  CO_EXPECT_EQ(*co_await OutputOf(command), path + "\n");
  Store(dir / "script", "#!/bin/sh\necho here\n");
  IO_TEST_CHECK(chmod((dir / "script").c_str(), 0700));
  Command script("./script");
  script.folder = path;
  CO_EXPECT_EQ(*co_await OutputOf(script), "here\n");
}

CO_TEST(ProcessTest, LeaksNoDescriptors) {
  // One as libraries open them, without close-on-exec.
  const io::Fd leaky(IO_TEST_CHECK(fcntl(0, F_DUPFD, 40)));
  const Pipe pipe;
  Command command("ls", "/proc/self/fd");
  command.input = Stdio::Pipe();
  command.errors = Stdio::Pipe();
  // The last one is the folder that ls reads.
  CO_EXPECT_EQ(*co_await OutputOf(command), "0\n1\n2\n3\n");
}

CO_TEST(ProcessTest, StartsWithoutBlockedSignals) {
  Result<io::Signals> signals = io::Signals::Block({SIGUSR1, SIGTERM});
  CO_ASSERT_OK(signals);
  const auto pipe_before = signal(SIGPIPE, SIG_IGN);
  const auto hup_before = signal(SIGHUP, SIG_IGN);
  const Result<std::string> lines =
      co_await OutputOf(Command("grep", "Sig[BI]", "/proc/self/status"));
  signal(SIGPIPE, pipe_before);
  signal(SIGHUP, hup_before);
  CO_ASSERT_OK(lines);
  EXPECT_NE(lines->find("SigBlk:\t0000000000000000\n"), std::string::npos)
      << *lines;
  const std::size_t ignored = lines->find("SigIgn:\t");
  CO_ASSERT_TRUE(ignored != std::string::npos);
  const unsigned long set = std::stoul(lines->substr(ignored + 8), nullptr, 16);
  EXPECT_EQ(set & (1UL << (SIGPIPE - 1)), 0U) << *lines;
  EXPECT_NE(set & (1UL << (SIGHUP - 1)), 0U) << *lines;
}

CO_TEST(ProcessTest, HasAGroupOrSessionOfItsOwn) {
  // Its number, its group's and its session's.
  Command command("cut", "-d ", "-f1,5,6", "/proc/self/stat");
  const std::string group = std::to_string(getpgrp());
  const std::string session = std::to_string(getsid(0));
  for (const ProcessGroup which :
       {ProcessGroup::kOurs, ProcessGroup::kNew, ProcessGroup::kNewSession}) {
    command.group = which;
    const Result<std::string> line = co_await OutputOf(command);
    CO_ASSERT_OK(line);
    const std::string pid = line->substr(0, line->find(' '));
    const bool new_group = which != ProcessGroup::kOurs;
    const bool new_session = which == ProcessGroup::kNewSession;
    EXPECT_EQ(*line, pid + ' ' + (new_group ? pid : group) + ' ' +
                         (new_session ? pid : session) + '\n');
  }
}

CO_TEST(ProcessTest, TellsOfAStatusThatOthersTook) {
  Result<Process> process = co_await Process::Start(Command("true"));
  CO_ASSERT_OK(process);
  EXPECT_EQ(waitpid(process->pid(), nullptr, 0), process->pid());
  CO_EXPECT_ERROR(co_await process->Wait(), std::errc::no_child_process);
  CO_EXPECT_ERROR(co_await process->Wait(), std::errc::no_child_process);
  CO_EXPECT_ERROR(process->Kill(), std::errc::no_such_process);
}

CO_TEST(ProcessTest, StartsNothingWhoseStatusWouldBeLost) {
  const TempDir dir;
  const Command command("touch", dir / "started");
  const auto before = signal(SIGCHLD, SIG_IGN);
  CO_EXPECT_ERROR(co_await StatusOf(command), std::errc::no_child_process);
  struct sigaction no_wait {};
  no_wait.sa_handler = SIG_DFL;
  no_wait.sa_flags = SA_NOCLDWAIT;
  sigaction(SIGCHLD, &no_wait, nullptr);
  CO_EXPECT_ERROR(co_await StatusOf(command), std::errc::no_child_process);
  signal(SIGCHLD, before);
  EXPECT_FALSE(std::filesystem::exists(dir / "started"));
}

Task<void> RunInARow(int count) {
  for (int i = 0; i < count; ++i) {
    const Result<ExitStatus> done = co_await StatusOf(Command("/bin/true"));
    CO_ASSERT_OK(done);
    EXPECT_TRUE(done->success());
  }
}

TEST(ProcessTest, AThousandShortOnesLeaveNothing) {
  // What is made once is there before anything is counted.
  SyncWait(RunInARow(1));
  const std::size_t before = OpenDescriptors();
  SyncWait([]() -> Task<void> {
    // Two rows, for machines of two cores. A process with a sanitizer's memory
    // takes many times as long to start one.
    const bool slow = test::InChaos() || EDDY_SANITIZER_NEEDS_DESCRIPTORS != 0;
    const int each = slow ? 50 : 500;
    co_await WhenAll(RunInARow(each), RunInARow(each));
    EXPECT_FALSE(HasChildren());
  }());
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(ProcessTest, AHundredAtTheSameTimeLeaveNothing) {
  SyncWait(RunInARow(1));
  const std::size_t before = OpenDescriptors();
  SyncWait([]() -> Task<void> {
    std::vector<Task<Result<std::string>>> all;
    for (int i = 0; i < 100; ++i) {
      all.push_back(OutputOf(Command("printf", "%s", std::to_string(i))));
    }
    const std::vector<Result<std::string>> done =
        co_await WhenAll(std::move(all));
    for (std::size_t i = 0; i < done.size(); ++i) {
      CO_ASSERT_OK(done[i]);
      EXPECT_EQ(*done[i], std::to_string(i));
    }
    EXPECT_FALSE(HasChildren());
  }());
  EXPECT_EQ(OpenDescriptors(), before);
}

Task<Result<void>> ReadAndWait() {
  Command command("cat");
  command.input = Stdio::Pipe();
  command.output = Stdio::Pipe();
  command.errors = Stdio::Discard();
  EDDY_CO_TRY(Process cat, co_await Process::Start(command));
  EDDY_CO_CHECK(co_await cat.input().Write(Bytes("hello")));
  EDDY_CO_CHECK(co_await cat.input().Shutdown());
  EDDY_CO_TRY(const std::string text, co_await ReadAll(cat.output()));
  EXPECT_EQ(text, "hello");
  EDDY_CO_TRY(const ExitStatus status, co_await cat.Wait());
  EXPECT_TRUE(status.success());
  co_return Result<void>();
}

TEST(ProcessTest, LeavesNothingWhereverItIsStoppedOrFails) {
  SweepOptions options;
  options.check = NoChildren;
  ExpectCleanSweeps(ReadAndWait, {.stops = 12, .failures = 6}, options);
}

}  // namespace
}  // namespace eddy::io_test
