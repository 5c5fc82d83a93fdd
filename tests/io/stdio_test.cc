// What a child's standard streams are.
#include <eddy/io/stdio.h>

#include "tests/io/process_util.h"

#include <eddy/io/process.h>
#include <eddy/runtime/when_all.h>

#include <unistd.h>

#include <string>
#include <utility>

#include "tests/io/replaced_stream.h"

namespace eddy::io_test {
namespace {

using io::Command;
using io::ExitStatus;
using io::Process;
using io::Stdio;

template <class F>
concept CanBeUsed = requires(F fd) {
  Stdio::Use(std::forward<F>(fd));
};

// A temporary would have gone by the start.
static_assert(CanBeUsed<io::Fd&> && CanBeUsed<const io::Fd&>);
static_assert(!CanBeUsed<io::Fd> && !CanBeUsed<const io::Fd>);

CO_TEST(StdioTest, FilesAreReadWrittenAndAppendedTo) {
  const TempDir dir;
  Store(dir / "in", "one\n");
  Store(dir / "out", "what was there before\n");
  Command command("cat");
  command.input = Stdio::ReadFrom(dir / "in");
  command.output = Stdio::WriteTo(dir / "out");
  CO_EXPECT_OK(co_await StatusOf(command));
  EXPECT_EQ(Load(dir / "out"), "one\n");
  command.output = Stdio::AppendTo(dir / "out");
  CO_EXPECT_OK(co_await StatusOf(command));
  EXPECT_EQ(Load(dir / "out"), "one\none\n");
}

CO_TEST(StdioTest, DescriptorsOfTheCallerAreUsedAndStayOpen) {
  const io::Fd in = AnonymousFile("first second");
  const io::Fd out = AnonymousFile();
  IO_TEST_CHECK(lseek(in.get(), 6, SEEK_SET));
  Command command("cat");
  command.input = Stdio::Use(in);
  command.output = Stdio::Use(out);
  CO_EXPECT_OK(co_await StatusOf(command));
  // They share one position.
  EXPECT_EQ(lseek(out.get(), 0, SEEK_CUR), 6);
  IO_TEST_CHECK(lseek(out.get(), 0, SEEK_SET));
  EXPECT_EQ(Drain(out), "second");
}

CO_TEST(StdioTest, ErrorsGoWhereOutputGoes) {
  Command command = Command::Shell("echo out; echo err >&2; echo out");
  command.errors = Stdio::Output();
  CO_EXPECT_EQ(*co_await OutputOf(command), "out\nerr\nout\n");
  const Pipe pipe;
  const Replaced output(STDOUT_FILENO, pipe.writer.get());
  Command inherited = Command::Shell("echo err >&2");
  inherited.errors = Stdio::Output();
  CO_EXPECT_OK(co_await StatusOf(inherited));
  EXPECT_EQ(Drain(pipe.reader), "err\n");
}

CO_TEST(StdioTest, UnsetAndInheritAreThoseOfThisProcess) {
  for (const Stdio& stdio : {Stdio(), Stdio::Inherit()}) {
    const io::Fd file = AnonymousFile("inherited");
    IO_TEST_CHECK(lseek(file.get(), 0, SEEK_SET));
    const Replaced input(STDIN_FILENO, file.get());
    Command command("cat");
    command.input = stdio;
    CO_EXPECT_EQ(*co_await OutputOf(command), "inherited");
  }
}

CO_TEST(StdioTest, NothingIsReadAndWhatIsWrittenIsGone) {
  Command command("cat");
  command.input = Stdio::NoInput();
  CO_EXPECT_EQ(*co_await OutputOf(command), "");
  Command echo("echo", "hello");
  echo.output = Stdio::Discard();
  const Result<ExitStatus> done = co_await StatusOf(echo);
  CO_ASSERT_OK(done);
  EXPECT_TRUE(done->success());
}

CO_TEST(StdioTest, PipesWorkWhereThisProcessHasClosedItsOwn) {
  const Replaced input(STDIN_FILENO, -1);
  const Replaced output(STDOUT_FILENO, -1);
  Command command("cat");
  command.input = Stdio::Pipe();
  command.output = Stdio::Pipe();
  command.errors = Stdio::NoInput();
  Result<Process> cat = co_await Process::Start(command);
  CO_ASSERT_OK(cat);
  CO_EXPECT_OK(co_await cat->input().Write(Bytes("through")));
  CO_EXPECT_OK(co_await cat->input().Shutdown());
  CO_EXPECT_EQ(*co_await ReadAll(cat->output()), "through");
  CO_EXPECT_OK(co_await cat->Wait());
  // Those that are ours go before the standard streams come back.
  cat->output() = io::PipeReader();
  cat = Unexpected(kClosed);
  for (int i = 0; i < 3; ++i) co_await Turn();
}

CO_TEST(StdioTest, AllThreeArePipesAtTheSameTime) {
  Command command = Command::Shell("tee /dev/stderr");
  command.input = Stdio::Pipe();
  command.output = Stdio::Pipe();
  command.errors = Stdio::Pipe();
  Result<Process> tee = co_await Process::Start(command);
  CO_ASSERT_OK(tee);
  const std::string sent = Text(Pattern(1'000'000));
  const auto feed = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await tee->input().Write(Bytes(sent)));
    co_return co_await tee->input().Shutdown();
  };
  auto [fed, output, errors, status] = co_await WhenAll(
      feed(), ReadAll(tee->output()), ReadAll(tee->errors()), tee->Wait());
  CO_ASSERT_OK(fed);
  CO_ASSERT_OK(output);
  CO_ASSERT_OK(errors);
  CO_ASSERT_OK(status);
  EXPECT_TRUE(*output == sent);
  EXPECT_TRUE(*errors == sent);
}

CO_TEST(StdioTest, WhoDoesNotReadBreaksThePipe) {
  Command command("true");
  command.input = Stdio::Pipe();
  Result<Process> process = co_await Process::Start(command);
  CO_ASSERT_OK(process);
  CO_EXPECT_OK(co_await process->Wait());
  CO_EXPECT_ERROR(co_await process->input().Write(Bytes("lost")),
                  std::errc::broken_pipe);
}

}  // namespace
}  // namespace eddy::io_test
