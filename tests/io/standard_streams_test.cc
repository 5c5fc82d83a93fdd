#include <eddy/io/standard_streams.h>

#include "tests/io/pty.h"
#include "tests/io/replaced_stream.h"

#include <eddy/io/buffered_reader.h>
#include <eddy/io/close.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/timeout.h>

#include <unistd.h>

#include <array>
#include <cstddef>
#include <string_view>
#include <thread>

namespace eddy::io_test {
namespace {

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

CO_TEST(StandardStreamsTest, InputMayBeAPipe) {
  Pipe pipe;
  const Replaced input(STDIN_FILENO, pipe.reader.get());
  const int flags = fcntl(STDIN_FILENO, F_GETFL);
  io::SharedStream in = io::Stdin();
  EXPECT_FALSE(in.is_terminal());
  std::array<std::byte, 8> buffer{};
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, in.Read(buffer)), kTimedOut);
  Put(pipe.writer, "line\nrest");
  CO_EXPECT_OK(co_await pipe.writer.Close());
  io::BufferedReader<io::SharedStream> lines(in);
  const Result<std::string_view> line = co_await lines.ReadLine();
  CO_ASSERT_OK(line);
  EXPECT_EQ(*line, "line");
  CO_EXPECT_ERROR(co_await lines.ReadLine(), kEndOfStream);
  EXPECT_EQ(Text(lines.buffered()), "rest");
  EXPECT_EQ(fcntl(STDIN_FILENO, F_GETFL), flags);
}

CO_TEST(StandardStreamsTest, InputMayBeAFile) {
  const io::Fd file = AnonymousFile("first\n");
  IO_TEST_CHECK(lseek(file.get(), 0, SEEK_SET));
  const Replaced input(STDIN_FILENO, file.get());
  io::SharedStream in = io::Stdin();
  io::BufferedReader<io::SharedStream> lines(in);
  const Result<std::string_view> line = co_await lines.ReadLine();
  CO_ASSERT_OK(line);
  EXPECT_EQ(*line, "first");
  CO_EXPECT_ERROR(co_await lines.ReadLine(), kEndOfStream);
}

CO_TEST(StandardStreamsTest, InputMayBeATerminal) {
  const Pty pty;
  const Replaced input(STDIN_FILENO, pty.terminal.get());
  io::SharedStream in = io::Stdin();
  EXPECT_TRUE(in.is_terminal());
  std::array<std::byte, 8> buffer{};
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, in.Read(buffer)), kTimedOut);
  pty.Type("hi\n");
  io::BufferedReader<io::SharedStream> lines(in);
  const Result<std::string_view> line = co_await lines.ReadLine();
  CO_ASSERT_OK(line);
  EXPECT_EQ(*line, "hi");
}

CO_TEST(StandardStreamsTest, WhatIsClosedIsEbadf) {
  const Replaced input(STDIN_FILENO, -1);
  io::SharedStream in = io::Stdin();
  std::array<std::byte, 8> buffer{};
  CO_EXPECT_ERROR(co_await in.Read(buffer), std::errc::bad_file_descriptor);
}

CO_TEST(StandardStreamsTest, OutputAndErrorsAreWritten) {
  const Pipe one;
  const Pipe two;
  {
    const Replaced output(STDOUT_FILENO, one.writer.get());
    const Replaced errors(STDERR_FILENO, two.writer.get());
    CO_EXPECT_OK(co_await io::Stdout().Write(Bytes("output")));
    CO_EXPECT_OK(co_await io::Stderr().Write(Bytes("errors")));
  }
  EXPECT_EQ(Drain(one.reader), "output");
  EXPECT_EQ(Drain(two.reader), "errors");
}

CO_TEST(StandardStreamsTest, AReaderThatHasGoneIsAnError) {
  Pipe pipe;
  const Replaced output(STDOUT_FILENO, pipe.writer.get());
  CO_EXPECT_OK(co_await pipe.reader.Close());
  CO_EXPECT_ERROR(co_await io::Stdout().Write(Bytes("lost")),
                  std::errc::broken_pipe);
}

TEST(StandardStreamsTest, AreLeftOpenAtTheEndOfAThread) {
  std::thread([] {
    SyncWait([]() -> Task<void> {
      std::array<std::byte, 1> none{};
      CO_EXPECT_OK(co_await io::Stdin().Read(std::span(none).first(0)));
      CO_EXPECT_OK(co_await io::Stdout().Write({}));
      CO_EXPECT_OK(co_await io::Stderr().Write({}));
    }());
  }).join();
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    EXPECT_TRUE(IsOpen(fd));
  }
}

}  // namespace
}  // namespace eddy::io_test
