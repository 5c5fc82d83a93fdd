#include <eddy/io/run_process.h>

#include "tests/io/process_util.h"
#include "tests/io/pty.h"

#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/timeout.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <utility>

#include "tests/sweeps.h"

namespace eddy::io_test {
namespace {

using io::Command;
using io::ProcessOutput;
using io::RunOptions;
using io::RunProcess;
using io::Stdio;
using test::ExpectCleanSweeps;

CO_TEST(RunProcessTest, GathersBothStreamsAndTheStatus) {
  const Result<ProcessOutput> done =
      co_await RunProcess(Command::Shell("echo out; echo err >&2; exit 4"));
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->output, "out\n");
  EXPECT_EQ(done->errors, "err\n");
  EXPECT_EQ(done->status.code(), 4);
  EXPECT_TRUE(done->output_complete);
}

CO_TEST(RunProcessTest, HasNoInputUnlessGivenOne) {
  const Result<ProcessOutput> none = co_await RunProcess(Command("cat"));
  CO_ASSERT_OK(none);
  EXPECT_EQ(none->output, "");
  RunOptions options;
  options.input = "given";
  const Result<ProcessOutput> some =
      co_await RunProcess(Command("cat"), options);
  CO_ASSERT_OK(some);
  EXPECT_EQ(some->output, "given");
}

CO_TEST(RunProcessTest, KeepsStreamsThatWereSet) {
  const TempDir dir;
  Store(dir / "in", "from a file");
  Command command = Command::Shell("cat; echo err >&2");
  command.input = Stdio::ReadFrom(dir / "in");
  command.errors = Stdio::Output();
  const Result<ProcessOutput> done = co_await RunProcess(command);
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->output, "from a fileerr\n");
  EXPECT_EQ(done->errors, "");
}

CO_TEST(RunProcessTest, CarriesManyMegabytesOfAnyBytesBothWays) {
  // More than all pipes hold, so that it deadlocks where one is not served.
  const std::string sent = Text(Pattern(test::InChaos() ? 400'000 : 8'000'000));
  RunOptions options;
  options.input = sent;
  const Result<ProcessOutput> done =
      co_await RunProcess(Command::Shell("tee /dev/stderr"), options);
  CO_ASSERT_OK(done);
  EXPECT_TRUE(done->output == sent);
  EXPECT_TRUE(done->errors == sent);
}

CO_TEST(RunProcessTest, InputThatNobodyReadsIsNoError) {
  const std::string sent(1'000'000, 'x');
  RunOptions options;
  options.input = sent;
  const Result<ProcessOutput> done =
      co_await RunProcess(Command("true"), options);
  CO_ASSERT_OK(done);
  EXPECT_TRUE(done->status.success());
}

CO_TEST(RunProcessTest, EndsWhoPrintsTooMuch) {
  RunOptions options;
  options.most_output = 100'000;
  for (const char* text : {"yes", "yes >&2", "trap '' TERM PIPE; yes"}) {
    options.grace = 10ms;
    CO_EXPECT_ERROR(co_await RunProcess(Command::Shell(text), options),
                    std::errc::message_size);
    EXPECT_FALSE(HasChildren());
  }
  const Result<ProcessOutput> exactly =
      co_await RunProcess(Command("head", "-c100000", "/dev/zero"), options);
  CO_ASSERT_OK(exactly);
  EXPECT_EQ(exactly->output, std::string(100'000, '\0'));
}

// It has more to say when it is asked to end than its pipes hold.
CO_TEST(RunProcessTest, ReadsOnWhileItEndsAProgram) {
  RunOptions options;
  options.most_output = 10;
  options.grace = 1h;
  const TempDir dir;
  const std::string last_words =
      "trap 'head -c 500000 /dev/zero; head -c 500000 /dev/zero >&2; echo > " +
      dir.path() + "/said; exit' TERM; ";
  CO_EXPECT_ERROR(
      co_await RunProcess(
          Command::Shell(last_words +
                         "echo more than ten bytes; while :; do sleep 0.01; "
                         "done"),
          options),
      std::errc::message_size);
  EXPECT_TRUE(std::filesystem::exists(dir / "said"));
}

CO_TEST(RunProcessTest, RefusesAnInputThatNobodyWouldGet) {
  const TempDir dir;
  RunOptions options;
  options.input = "given";
  Command command("touch", dir / "started");
  for (const Stdio& input : {Stdio::NoInput(), Stdio::Inherit()}) {
    command.input = input;
    CO_EXPECT_ERROR(co_await RunProcess(command, options),
                    std::errc::invalid_argument);
  }
  EXPECT_FALSE(std::filesystem::exists(dir / "started"));
  command.input = Stdio::Pipe();
  CO_EXPECT_OK(co_await RunProcess(command, options));
}

// Where it is the terminal of this process. (In a session of its own the
// program has none; in a group of its own it would be stopped for ever.)
void RunWhatAsksTheTerminal() {
  alarm(60);
  const Pty pty;
  IO_TEST_CHECK(setsid());
  IO_TEST_CHECK(ioctl(pty.terminal.get(), TIOCSCTTY, 0));
  const Result<ProcessOutput> done =
      SyncWait(RunProcess(Command::Shell("head -n 1 /dev/tty || echo none")));
  _exit(done && done->output == "none\n" ? 0 : 1);
}

TEST(RunProcessDeathTest, AProgramThatAsksTheTerminalIsToldThatThereIsNone) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(RunWhatAsksTheTerminal(), ::testing::ExitedWithCode(0), "");
}

CO_TEST(RunProcessTest, GivesTheErrorOfTheStart) {
  CO_EXPECT_ERROR(co_await RunProcess(Command("no-such-program-anywhere")),
                  std::errc::no_such_file_or_directory);
}

CO_TEST(RunProcessTest, AStopEndsTheWholeFamily) {
  RunOptions options;
  options.grace = 5ms;
  for (const char* text :
       {"sleep 1000", "sleep 1000 & wait", "trap '' TERM; sleep 1000 & wait",
        "kill -STOP $$"}) {
    CO_EXPECT_ERROR(
        co_await WithTimeout(20ms, RunProcess(Command::Shell(text), options)),
        kTimedOut);
    EXPECT_FALSE(HasChildren());
  }
}

CO_TEST(RunProcessTest, DoesNotWaitForGrandchildrenForEver) {
  RunOptions options;
  options.grace = 100ms;
  const Result<ProcessOutput> done = co_await RunProcess(
      Command::Shell("sleep 1000 & echo hello; exit 5"), options);
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->output, "hello\n");
  EXPECT_EQ(done->status.code(), 5);
  EXPECT_FALSE(done->output_complete);
}

CO_TEST(RunProcessTest, ReadsWhatGrandchildrenPrintSoonAfterwards) {
  const Result<ProcessOutput> done = co_await RunProcess(
      Command::Shell("(sleep 0.05; echo late) & echo first"));
  CO_ASSERT_OK(done);
  EXPECT_EQ(done->output, "first\nlate\n");
  EXPECT_TRUE(done->output_complete);
}

Task<Result<void>> RunAFilter() {
  RunOptions options;
  options.input = "hello";
  options.grace = 1ms;
  EDDY_CO_TRY(
      const ProcessOutput done,
      co_await RunProcess(Command::Shell("cat; echo err >&2"), options));
  EXPECT_EQ(done.output, "hello");
  EXPECT_EQ(done.errors, "err\n");
  co_return Result<void>();
}

TEST(RunProcessTest, LeavesNothingWhereverItIsStoppedOrFails) {
  SweepOptions options;
  options.check = NoChildren;
  ExpectCleanSweeps(RunAFilter, {.stops = 15, .failures = 6}, options);
}

}  // namespace
}  // namespace eddy::io_test
