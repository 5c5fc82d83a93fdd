#include <eddy/io/run_process.h>

#include "tests/io/process_util.h"

#include <eddy/runtime/timeout.h>

#include <csignal>
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
