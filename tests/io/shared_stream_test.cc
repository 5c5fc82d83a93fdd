#include <eddy/io/shared_stream.h>

#include "tests/io/pty.h"

#include <eddy/io/buffered_reader.h>
#include <eddy/io/close.h>
#include <eddy/io/copy.h>
#include <eddy/io/read.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/with_stop.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/sweeps.h"

namespace eddy::io_test {
namespace {

using test::ExpectCleanSweeps;

static_assert(std::is_constructible_v<io::SharedStream, const io::Fd&>);
static_assert(!std::is_constructible_v<io::SharedStream, io::Fd>);

// What came before a stop is given, or still there.
CO_TEST(SharedStreamTest, AStopLosesNothingThatWasTyped) {
  const Pty pty;
  pty.MakeRaw();
  io::SharedStream stream(pty.terminal);
  for (int i = 0; i < 200; ++i) {
    std::array<std::byte, 1> typed{static_cast<std::byte>('a' + i % 26)};
    std::array<std::byte, 8> buffer{};
    std::optional<Result<std::size_t>> read;
    co_await InScope([&](TaskScope& scope) -> Task<void> {
      scope.Spawn(
          [&]() -> Task<void> { read.emplace(co_await stream.Read(buffer)); });
      for (int turn = 0; turn < i % 3; ++turn) co_await Turn();
      Put(pty.user, typed);
      for (int turn = 0; turn < i / 3 % 4; ++turn) co_await Turn();
      scope.RequestStop();
    });
    CO_ASSERT_TRUE(read.has_value());
    if (!*read) {
      CO_EXPECT_ERROR(*read, kCanceled);
      read.emplace(co_await stream.Read(buffer));
    }
    CO_ASSERT_OK(*read);
    EXPECT_EQ(**read, 1U);
    EXPECT_EQ(buffer[0], typed[0]);
  }
}

CO_TEST(SharedStreamTest, WhereStoppedBeforeTheKernelSeesNothing) {
  const Pty pty;
  io::SharedStream stream(pty.terminal);
  std::array<std::byte, 8> buffer{};
  StopSource source;
  source.RequestStop();
  const std::uint64_t before = Submitted();
  CO_EXPECT_ERROR(co_await WithStop(source.token(), stream.Read(buffer)),
                  kCanceled);
  CO_EXPECT_ERROR(co_await WithStop(source.token(), stream.Write(buffer)),
                  kCanceled);
  EXPECT_EQ(Submitted(), before);
}

CO_TEST(SharedStreamTest, ReadsTheLinesOfATerminal) {
  const Pty pty;
  io::SharedStream stream(pty.terminal);
  EXPECT_TRUE(stream.is_terminal());
  io::BufferedReader<io::SharedStream> lines(stream);
  const auto type = [&]() -> Task<void> {
    pty.Type("no line yet", false);
    for (int i = 0; i < 3; ++i) co_await Turn();
    // The line is changed before it ends: Ctrl-U, and the key for one back.
    pty.Type("\x15hellp\x7fo\nnext\n", false);
  };
  const auto read = [&]() -> Task<void> {
    for (const std::string_view expected : {"hello", "next"}) {
      const Result<std::string_view> line = co_await lines.ReadLine();
      CO_ASSERT_OK(line);
      EXPECT_EQ(*line, expected);
    }
  };
  co_await WhenAll(read(), type());
  // Ctrl-D is an end of the input, after which more can be read.
  pty.Type("\x04");
  std::array<std::byte, 8> buffer{};
  CO_EXPECT_EQ(*co_await stream.Read(buffer), 0U);
  pty.Type("on\n");
  const Result<std::string_view> line = co_await lines.ReadLine();
  CO_ASSERT_OK(line);
  EXPECT_EQ(*line, "on");
}

CO_TEST(SharedStreamTest, TellsOfATerminalThatHasGone) {
  Pty pty;
  io::SharedStream stream(pty.terminal);
  CO_EXPECT_OK(co_await pty.user.Close());
  std::array<std::byte, 8> buffer{};
  // The end of the stream, or EIO: that is up to the kernel.
  const Result<std::size_t> read = co_await stream.Read(buffer);
  if (read) {
    EXPECT_EQ(*read, 0U);
  } else {
    CO_EXPECT_ERROR(read, std::errc::io_error);
  }
  CO_EXPECT_ERROR(co_await stream.Write(Bytes("lost")), std::errc::io_error);
}

// The terminal takes nothing more, and the loop goes on.
CO_TEST(SharedStreamTest, ATerminalThatIsNotReadDoesNotHoldUpTheLoop) {
  const Pty pty;
  pty.MakeRaw();
  io::SharedStream stream(pty.terminal);
  const std::vector<std::byte> data = Pattern(200'000);
  std::size_t written = 0;
  CO_EXPECT_ERROR(co_await WithTimeout(20ms, stream.Write(data, &written)),
                  kTimedOut);
  EXPECT_LT(written, data.size());
  // No byte more, and none less, has gone out.
  std::string got;
  while (got.size() < written) got += Drain(pty.user);
  CO_EXPECT_OK(co_await stream.Write(Bytes("!")));
  while (got.size() == written) got += Drain(pty.user);
  EXPECT_TRUE(got == Text(std::span(data).first(written)) + "!");
}

CO_TEST(SharedStreamTest, WritesAllToATerminalThatIsReadSlowly) {
  const Pty pty;
  pty.MakeRaw();
  io::SharedStream stream(pty.terminal);
  const std::vector<std::byte> data = Pattern(100'000);
  std::vector<std::byte> got;
  const auto read = [&]() -> Task<void> {
    std::vector<std::byte> part(3000);
    while (got.size() < data.size()) {
      const Result<std::size_t> n = co_await io::Read(pty.user, part);
      CO_ASSERT_OK(n);
      got.insert(got.end(), part.begin(),
                 part.begin() + static_cast<std::ptrdiff_t>(*n));
      co_await Turn();
    }
  };
  std::size_t written = 0;
  const auto [done, result] =
      co_await WhenAll(read(), stream.Write(data, &written));
  static_cast<void>(done);
  CO_EXPECT_OK(result);
  EXPECT_EQ(written, data.size());
  EXPECT_TRUE(got == data);
}

CO_TEST(SharedStreamTest, LeavesTheFlagsAndTheDescriptor) {
  const Pty pty;
  const Pipe pipe;
  const SocketPair sockets;
  for (const auto& [in, out] : {std::pair(&pty.terminal, &pty.user),
                                {&pipe.reader, &pipe.writer},
                                {&sockets.a, &sockets.b}}) {
    const int flags = fcntl(in->get(), F_GETFL);
    io::SharedStream stream(*in);
    std::array<std::byte, 8> buffer{};
    CO_EXPECT_ERROR(co_await WithTimeout(1ms, stream.Read(buffer)), kTimedOut);
    Put(*out, "x\n");
    CO_EXPECT_OK(co_await stream.Read(buffer));
    CO_EXPECT_OK(co_await stream.Shutdown());
    EXPECT_EQ(fcntl(in->get(), F_GETFL), flags);
  }
}

CO_TEST(SharedStreamTest, IsASourceAndASinkOfFilesToo) {
  const io::Fd in = AnonymousFile("contents of a file");
  const io::Fd out = AnonymousFile();
  IO_TEST_CHECK(lseek(in.get(), 0, SEEK_SET));
  io::SharedStream from(in);
  io::SharedStream to(out);
  EXPECT_FALSE(from.is_terminal());
  CO_EXPECT_EQ(*co_await io::Copy(from, to), 18U);
  IO_TEST_CHECK(lseek(out.get(), 0, SEEK_SET));
  EXPECT_EQ(Drain(out), "contents of a file");
}

CO_TEST(SharedStreamTest, SaysHowMuchWasWrittenBeforeTheReaderLeft) {
  Pipe pipe(4096);
  io::SharedStream stream(pipe.writer);
  std::size_t written = 99;
  const std::vector<std::byte> data = Pattern(10'000);
  const auto leave = [&]() -> Task<void> {
    co_await Pause(1ms);
    CO_EXPECT_OK(co_await pipe.reader.Close());
  };
  const auto [result, done] =
      co_await WhenAll(stream.Write(data, &written), leave());
  static_cast<void>(done);
  CO_EXPECT_ERROR(result, std::errc::broken_pipe);
  EXPECT_LE(written, 4096U);
}

Task<Result<void>> TypeAndAnswer() {
  const Pty pty;
  pty.MakeRaw();
  io::SharedStream stream(pty.terminal);
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([&]() -> Task<void> {
      co_await Turn();
      pty.Type("hello", false);
    });
    io::BufferedReader<io::SharedStream> reader(stream);
    EDDY_CO_CHECK(co_await reader.Peek(5));
    EDDY_CO_CHECK(co_await stream.Write(Bytes("hello yourself")));
    std::array<std::byte, 14> answer{};
    EDDY_CO_CHECK(co_await io::Read(pty.user, answer));
    co_return Result<void>();
  };
  co_return co_await WithScope(body);
}

TEST(SharedStreamTest, LeavesNothingWhereverItIsStoppedOrFails) {
  ExpectCleanSweeps(TypeAndAnswer, {.stops = 6, .failures = 3});
}

}  // namespace
}  // namespace eddy::io_test
