#include "examples/run_command/runner.h"
#include "tests/io/io_test_util.h"

#include <eddy/io/buffered_reader.h>
#include <eddy/io/command.h>
#include <eddy/io/exit_status.h>
#include <eddy/io/pipe.h>
#include <eddy/io/process.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/testing/co_test.h>

#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/examples/program.h"
#include "tests/sweeps.h"

namespace run_command {
namespace {

using eddy::Result;
using eddy::Task;
using eddy::Unexpected;
using eddy::io::BufferedReader;
using eddy::io::Command;
using eddy::io::ExitStatus;
using eddy::io::PipeReader;
using eddy::io::Process;
using eddy::io::Stdio;
using eddy::io_test::AnonymousFile;
using eddy::io_test::Bytes;
using eddy::io_test::TempDir;
using eddy::test::ExpectCleanSweeps;
using eddy::testing_examples::Program;
using eddy::testing_examples::Shell;
using namespace std::chrono_literals;

std::string RunCommand() { return Program::Example("run_command"); }

// A word for a shell.
std::string Quoted(const std::string& word) { return "'" + word + "'"; }

std::multiset<std::string> LinesOf(const std::string& text) {
  std::istringstream in(text);
  std::multiset<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.insert(line);
  return lines;
}

TEST(RunCommandTest, PrintsWholeLinesBehindTheirCommandsNumber) {
  Program run({RunCommand(), "--jobs=3", "echo one; echo err >&2",
               "printf 'no end'", "printf 'a\\n\\nb\\r\\n'"});
  EXPECT_EQ(LinesOf(run.ReadOutput()),
            (std::multiset<std::string>{"[1] one", "[2] no end", "[3] a",
                                        "[3] ", "[3] b\r"}));
  EXPECT_EQ(run.ReadErrors(), "[1] err\nrun_command: 3 commands, 0 failed\n");
  EXPECT_EQ(run.Wait(), 0);
}

TEST(RunCommandTest, LeavesOutWhatIsNotWanted) {
  Program run({RunCommand(), "--noprefix", "--nosummary", "echo one; exit 3"});
  EXPECT_EQ(run.ReadOutput(), "one\n");
  EXPECT_EQ(run.ReadErrors(), "");
  EXPECT_EQ(run.Wait(), 3);
}

TEST(RunCommandTest, TellsWhichHaveFailed) {
  Program run({RunCommand(), "--jobs=2", "true", "exit 7", "kill -KILL $$",
               "no-such-program-anywhere 2>/dev/null"});
  EXPECT_EQ(run.ReadErrors(),
            "run_command: [2] exit code 7: exit 7\n"
            "run_command: [3] killed by signal 9 (Killed): kill -KILL $$\n"
            "run_command: [4] exit code 127: no-such-program-anywhere "
            "2>/dev/null\n"
            "run_command: 4 commands, 3 failed\n");
  EXPECT_EQ(run.Wait(), 7);
}

TEST(RunCommandTest, TakesCommandsFromItsInput) {
  const auto [code, output] =
      Shell("printf '# not this\\n\\necho one\\necho two' | " +
            Quoted(RunCommand()) + " --jobs=1 2>&1");
  EXPECT_EQ(code, 0);
  EXPECT_EQ(output, "[1] one\n[2] two\nrun_command: 2 commands, 0 failed\n");
  const auto [none_code, none] =
      Shell(Quoted(RunCommand()) + " </dev/null 2>&1");
  EXPECT_EQ(none_code, 0);
  EXPECT_EQ(none, "run_command: 0 commands, 0 failed\n");
}

TEST(RunCommandTest, RunsSoManyAtOnce) {
  const TempDir dir;
  // Each looks for another one that runs.
  const std::string command = "mkdir " + dir.path() +
                              "/one || echo two at once; sleep 0.01; rmdir " +
                              dir.path() + "/one";
  Program one({RunCommand(), "--jobs=1", command, command, command, command});
  EXPECT_EQ(one.ReadOutput(), "");
  EXPECT_EQ(one.Wait(), 0);
  // Each waits for the other.
  const std::string a = dir / "a";
  const std::string b = dir / "b";
  Program two(
      {RunCommand(), "--jobs=2",
       "touch " + a + "; until test -e " + b + "; do sleep 0.01; done",
       "touch " + b + "; until test -e " + a + "; do sleep 0.01; done"});
  EXPECT_EQ(two.Wait(), 0);
}

TEST(RunCommandTest, EndsACommandWhoseTimeIsOverWithItsChildren) {
  Program run({RunCommand(), "--timeout=100ms", "--grace=50ms", "--jobs=3",
               "sleep 1000 & wait", "trap '' TERM; sleep 1000; sleep 1000",
               "sleep 1000 & echo started"});
  // Unless its time was over before.
  EXPECT_THAT(run.ReadOutput(), testing::AnyOf("", "[3] started\n"));
  const std::string errors = run.ReadErrors();
  for (const char* number : {"[1]", "[2]", "[3]"}) {
    EXPECT_NE(errors.find(std::string(number) + " timed out"),
              std::string::npos)
        << errors;
  }
  EXPECT_EQ(run.Wait(), 124);
}

TEST(RunCommandTest, PrintsTheLastWordsOfACommandThatIsEnded) {
  // It may get its signal before it has set its trap: then it says nothing;
  // or in between.
  Program run(
      {RunCommand(), "--timeout=200ms", "--grace=1h",
       "trap 'echo bye; exit 0' TERM; echo ready; while true; do sleep 0.01; "
       "done"});
  EXPECT_THAT(run.ReadOutput(),
              testing::AnyOf("", "[1] bye\n", "[1] ready\n[1] bye\n"));
  EXPECT_EQ(run.Wait(), 124);
}

TEST(RunCommandTest, ForwardsSignalsAndStartsNoMore) {
  for (const auto& [signal, name] :
       {std::pair(SIGINT, "INT"), std::pair(SIGTERM, "TERM"),
        std::pair(SIGHUP, "HUP"), std::pair(SIGQUIT, "QUIT")}) {
    Program run({RunCommand(), "--jobs=1",
                 std::string("trap 'echo got; exit 0' ") + name +
                     "; echo ready; while true; do sleep 0.01; done",
                 "echo never"});
    EXPECT_EQ(run.ReadLine(), "[1] ready");
    run.Signal(signal);
    EXPECT_EQ(run.ReadOutput(), "[1] got\n") << name;
    EXPECT_EQ(run.Wait(), 128 + signal);
  }
}

TEST(RunCommandTest, LeavesIgnoredWhatItsParentIgnores) {
  // As nohup(1) starts it.
  Program run({"/bin/sh", "-c",
               "trap '' HUP; exec " + Quoted(RunCommand()) +
                   " --jobs=1 'echo ready; kill -HUP $PPID; echo one' "
                   "'echo two'"});
  EXPECT_EQ(run.ReadOutput(), "[1] ready\n[1] one\n[2] two\n");
  EXPECT_EQ(run.Wait(), 0);
}

TEST(RunCommandTest, ReachesACommandThatIsStopped) {
  Program run({RunCommand(), "--grace=1h",
               "trap 'echo bye; exit 0' TERM; echo ready; kill -STOP $$; "
               "sleep 1000"});
  EXPECT_EQ(run.ReadLine(), "[1] ready");
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait(), 128 + SIGTERM);
}

TEST(RunCommandTest, RunsWhereSigchldIsIgnored) {
  Program run({"env", "--ignore-signal=CHLD", RunCommand(), "--nosummary",
               "echo one; exit 3"});
  EXPECT_EQ(run.ReadOutput(), "[1] one\n");
  EXPECT_EQ(run.Wait(), 3);
}

TEST(RunCommandTest, ASecondSignalKills) {
  Program run({RunCommand(), "--grace=1h",
               "trap 'echo no' TERM; echo ready; while true; do sleep 0.01; "
               "done"});
  EXPECT_EQ(run.ReadLine(), "[1] ready");
  run.Signal(SIGTERM);
  EXPECT_EQ(run.ReadLine(), "[1] no");
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait(), 128 + SIGTERM);
}

TEST(RunCommandTest, ASecondSignalKillsAlsoACommandWhoseTimeIsOver) {
  Program run({RunCommand(), "--timeout=300ms", "--grace=1h",
               "trap 'echo no' TERM; while true; do sleep 0.01; done"});
  if (run.ReadLine() != "[1] no") {
    EXPECT_EQ(run.Wait(), 124);
    GTEST_SKIP() << "its time was over before it had set its trap";
  }
  run.Signal(SIGTERM);
  EXPECT_EQ(run.ReadLine(), "[1] no");
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait(), 128 + SIGTERM);
}

// Both go to one pipe that is full at first, so that a line is written in two
// parts.
TEST(RunCommandTest, LinesOfBothStreamsAreWholeWhereBothAreOneFile) {
  const std::string lines =
      "'yes 1111111111111111111111 | head -n 60000' "
      "'yes 2222222222222222222222 | head -n 60000 >&2'";
  const auto [code, kinds] =
      Shell("{ " + Quoted(RunCommand()) + " --jobs=2 --noprefix --nosummary " +
            lines + "; } 2>&1 | { sleep 0.2; sort; } | uniq -c | wc -l");
  EXPECT_EQ(code, 0);
  EXPECT_EQ(kinds, "2\n");
}

CO_TEST(RunCommandTest, ASignalEndsTheWaitForCommands) {
  Command command(RunCommand());
  command.input = Stdio::Pipe();
  command.output = Stdio::Pipe();
  command.errors = Stdio::Discard();
  Result<Process> run = co_await Process::Start(command);
  CO_ASSERT_OK(run);
  CO_EXPECT_OK(co_await run->input().Write(Bytes("echo ready\n")));
  BufferedReader<PipeReader> output(run->output());
  CO_EXPECT_OK(co_await output.ReadLine());
  CO_EXPECT_OK(run->Kill(SIGINT));
  const Result<ExitStatus> done = co_await run->Wait();
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->code(), 128 + SIGINT);
}

TEST(RunCommandTest, CopiesManyAndLongLines) {
  const auto [code, lines] =
      Shell(Quoted(RunCommand()) +
            " --jobs=2 --nosummary 'seq 100000' 'seq 100000' | sort | uniq -c "
            "| wc -l");
  EXPECT_EQ(code, 0);
  EXPECT_EQ(lines, "200000\n");
  const auto [long_code, bytes] = Shell(
      Quoted(RunCommand()) +
      " --noprefix --nosummary 'head -c 1000000 /dev/zero' | tr -d '\\n' | wc "
      "-c");
  EXPECT_EQ(long_code, 0);
  EXPECT_EQ(bytes, "1000000\n");
}

CO_TEST(RunCommandTest, EndsWhenNobodyReads) {
  Command command(RunCommand(), "--jobs=2", "yes", "sleep 1000");
  command.output = Stdio::Pipe();
  command.errors = Stdio::Discard();
  Result<Process> run = co_await Process::Start(command);
  CO_ASSERT_OK(run);
  BufferedReader<PipeReader> output(run->output());
  CO_EXPECT_OK(co_await output.ReadLine());
  CO_EXPECT_OK(co_await run->output().Close());
  const Result<ExitStatus> done = co_await run->Wait();
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->code(), 128 + SIGPIPE);
}

CO_TEST(RunCommandTest, TellsWhyItCannotPrint) {
  Command command(RunCommand(), "--nosummary", "echo one");
  command.output = Stdio::AppendTo("/dev/full");
  command.errors = Stdio::Pipe();
  Result<Process> run = co_await Process::Start(command);
  CO_ASSERT_OK(run);
  BufferedReader<PipeReader> errors(run->errors());
  const Result<std::string_view> line = co_await errors.ReadLine();
  CO_ASSERT_OK(line);
  EXPECT_EQ(*line, "run_command: No space left on device");
  const Result<ExitStatus> done = co_await run->Wait();
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->code(), 125);
}

TEST(RunCommandTest, RefusesWhatMakesNoSense) {
  Program run({RunCommand(), "--jobs=-1", "true"});
  EXPECT_EQ(run.ReadErrors(), "run_command: --jobs must not be negative\n");
  EXPECT_EQ(run.Wait(), 125);
}

std::string NoChildren() {
  siginfo_t info{};
  const bool none = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 &&
                    errno == ECHILD;
  return none ? "" : "a child is left";
}

Task<Result<void>> TwoCommands() {
  const eddy::io::Fd output = AnonymousFile();
  const eddy::io::Fd errors = AnonymousFile();
  std::vector<std::string> all{"echo one; echo err >&2", "sleep 0.001; exit 2"};
  Options options;
  options.jobs = 2;
  options.grace = 1ms;
  Report report;
  EDDY_CO_CHECK(co_await RunCommands(CommandsOf(std::move(all)), options,
                                     output, errors, report));
  EXPECT_EQ(report.outcomes.size(), 2U);
  // A start that fails, for want of descriptors say, is the command's failure.
  for (const Outcome& outcome : report.outcomes) {
    if (outcome.error) co_return Unexpected(*outcome.error);
  }
  EXPECT_EQ(report.exit_code(), 2);
  co_return Result<void>();
}

TEST(RunCommandTest, LeavesNothingWhereverItIsStoppedOrFails) {
  eddy::SweepOptions options;
  options.check = NoChildren;
  ExpectCleanSweeps(TwoCommands, {.stops = 20, .failures = 8}, options);
}

}  // namespace
}  // namespace run_command
