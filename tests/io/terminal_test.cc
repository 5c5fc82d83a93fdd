#include <eddy/io/terminal.h>

#include "tests/io/pty.h"

#include <eddy/io/close.h>
#include <eddy/io/shared_stream.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/until_stopped.h>

#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <stdexcept>
#include <utility>

#include "tests/sweeps.h"

namespace eddy::io_test {
namespace {

using io::TerminalMode;
using io::TerminalSize;
using io::TerminalSizes;
using test::ExpectCleanSweeps;

template <class F>
concept CanHaveAMode = requires(F fd) {
  TerminalMode::Raw(std::forward<F>(fd));
};
template <class F>
concept CanHaveSizes = requires(F fd) {
  TerminalSizes::Open(std::forward<F>(fd));
};
static_assert(CanHaveAMode<const io::Fd&> && !CanHaveAMode<io::Fd>);
static_assert(CanHaveSizes<const io::Fd&> && !CanHaveSizes<io::Fd>);

void Resize(const Pty& pty, unsigned short rows, unsigned short columns) {
  const winsize size{rows, columns, 0, 0};
  IO_TEST_CHECK(ioctl(pty.user.get(), TIOCSWINSZ, &size));
  // As the kernel tells the processes that this is the terminal of.
  kill(getpid(), SIGWINCH);
}

bool IsSame(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag &&
         a.c_cflag == b.c_cflag && a.c_lflag == b.c_lflag &&
         a.c_cc[VMIN] == b.c_cc[VMIN] && a.c_cc[VTIME] == b.c_cc[VTIME];
}

TEST(TerminalTest, IsToldFromOtherThings) {
  const Pty pty;
  const Pipe pipe;
  EXPECT_TRUE(io::IsTerminal(pty.terminal));
  EXPECT_FALSE(io::IsTerminal(pipe.reader));
  EXPECT_FALSE(io::IsTerminal(io::Fd()));
}

TEST(TerminalTest, HasASize) {
  const Pty pty;
  Resize(pty, 24, 80);
  CO_EXPECT_EQ(io::GetTerminalSize(pty.terminal), (TerminalSize{24, 80}));
  const Pipe pipe;
  CO_EXPECT_ERROR(io::GetTerminalSize(pipe.reader),
                  std::errc::inappropriate_io_control_operation);
  CO_EXPECT_ERROR(io::GetTerminalSize(io::Fd()),
                  std::errc::bad_file_descriptor);
}

CO_TEST(TerminalSizesTest, GivesTheSizeAndThenItsChanges) {
  const Pty pty;
  Resize(pty, 24, 80);
  Result<TerminalSizes> sizes = TerminalSizes::Open(pty.terminal);
  CO_ASSERT_OK(sizes);
  CO_EXPECT_EQ(co_await sizes->Next(), (TerminalSize{24, 80}));
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, sizes->Next()), kTimedOut);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      co_await Turn();
      Resize(pty, 25, 80);
    });
    CO_EXPECT_EQ(co_await sizes->Next(), (TerminalSize{25, 80}));
  });
  // Changes that come together are one; one to what it was is none.
  Resize(pty, 1, 1);
  Resize(pty, 50, 100);
  CO_EXPECT_EQ(co_await sizes->Next(), (TerminalSize{50, 100}));
  Resize(pty, 1, 1);
  Resize(pty, 50, 100);
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, sizes->Next()), kTimedOut);
}

TEST(TerminalSizesTest, NeedsATerminal) {
  const Pipe pipe;
  CO_EXPECT_ERROR(TerminalSizes::Open(pipe.reader),
                  std::errc::inappropriate_io_control_operation);
}

CO_TEST(TerminalSizesTest, TellsThatTheTerminalHasGone) {
  Pty pty;
  Result<TerminalSizes> sizes = TerminalSizes::Open(pty.terminal);
  CO_ASSERT_OK(sizes);
  CO_EXPECT_OK(co_await sizes->Next());
  CO_EXPECT_OK(co_await pty.user.Close());
  kill(getpid(), SIGWINCH);
  CO_EXPECT_ERROR(co_await sizes->Next(), std::errc::io_error);
}

CO_TEST(TerminalModeTest, RawGivesEachByteAsItComes) {
  const Pty pty;
  const termios before = pty.Mode();
  {
    const Result<TerminalMode> raw = TerminalMode::Raw(pty.terminal);
    CO_ASSERT_OK(raw);
    io::SharedStream stream(pty.terminal);
    std::array<std::byte, 8> buffer{};
    // Ctrl-C too.
    pty.Type("\x03");
    CO_EXPECT_EQ(*co_await stream.Read(buffer), 1U);
    EXPECT_EQ(buffer[0], std::byte{3});
    EXPECT_EQ(Drain(pty.user), "");
  }
  EXPECT_TRUE(IsSame(pty.Mode(), before));
}

CO_TEST(TerminalModeTest, CharactersKeepsTheKeysForSignals) {
  const Pty pty;
  const termios before = pty.Mode();
  {
    const Result<TerminalMode> mode = TerminalMode::Characters(pty.terminal);
    CO_ASSERT_OK(mode);
    EXPECT_NE(pty.Mode().c_lflag & static_cast<tcflag_t>(ISIG), 0U);
    io::SharedStream stream(pty.terminal);
    std::array<std::byte, 8> buffer{};
    pty.Type("k");
    CO_EXPECT_EQ(*co_await stream.Read(buffer), 1U);
    EXPECT_EQ(Drain(pty.user), "");
  }
  EXPECT_TRUE(IsSame(pty.Mode(), before));
}

CO_TEST(TerminalModeTest, NoEchoHidesWhatIsTyped) {
  const Pty pty;
  const termios before = pty.Mode();
  {
    const Result<TerminalMode> mode = TerminalMode::NoEcho(pty.terminal);
    CO_ASSERT_OK(mode);
    io::SharedStream stream(pty.terminal);
    std::array<std::byte, 32> buffer{};
    pty.Type("secret\n");
    CO_EXPECT_OK(co_await stream.Read(buffer));
    EXPECT_EQ(Drain(pty.user).find("secret"), std::string::npos);
  }
  EXPECT_TRUE(IsSame(pty.Mode(), before));
}

TEST(TerminalModeTest, NestsMovesAndSurvivesExceptions) {
  const Pty pty;
  const termios before = pty.Mode();
  try {
    Result<TerminalMode> outer = TerminalMode::NoEcho(pty.terminal);
    ASSERT_OK(outer);
    const termios no_echo = pty.Mode();
    {
      Result<TerminalMode> inner = TerminalMode::Raw(pty.terminal);
      ASSERT_OK(inner);
      const TerminalMode moved = *std::move(inner);
      inner = Unexpected(kClosed);
      EXPECT_FALSE(IsSame(pty.Mode(), no_echo));
    }
    EXPECT_TRUE(IsSame(pty.Mode(), no_echo));
    throw std::runtime_error("an error");
  } catch (const std::runtime_error&) {
  }
  EXPECT_TRUE(IsSame(pty.Mode(), before));
}

TEST(TerminalModeTest, NeedsATerminal) {
  const Pipe pipe;
  CO_EXPECT_ERROR(TerminalMode::Raw(pipe.reader),
                  std::errc::inappropriate_io_control_operation);
  const io::Fd none;
  CO_EXPECT_ERROR(TerminalMode::NoEcho(none), std::errc::bad_file_descriptor);
}

void WaitForByte(const io::Fd& fd) {
  char byte = 0;
  IO_TEST_CHECK(read(fd.get(), &byte, 1));
}

// A program that has the terminal, until it has said something to `ready`. Then
// it is in the background, and is told so by `go`.
using Program = bool (*)(const Pty&, const io::Fd& ready, const io::Fd& go);

// Ends with 0 where the program gives true, and is not stopped.
void RunInTheBackground(Program program) {
  alarm(60);
  const Pty pty;
  IO_TEST_CHECK(setsid());
  IO_TEST_CHECK(ioctl(pty.terminal.get(), TIOCSCTTY, 0));
  // To give the terminal away from the background.
  signal(SIGTTOU, SIG_IGN);
  const Pipe ready;
  const Pipe go;
  const pid_t child = IO_TEST_CHECK(fork());
  if (child == 0) {
    IO_TEST_CHECK(setpgid(0, 0));
    IO_TEST_CHECK(tcsetpgrp(pty.terminal.get(), getpid()));
    signal(SIGTTOU, SIG_DFL);
    _exit(program(pty, ready.writer, go.reader) ? 0 : 1);
  }
  WaitForByte(ready.reader);
  IO_TEST_CHECK(tcsetpgrp(pty.terminal.get(), getpid()));
  Put(go.writer, "x");
  int status = 0;
  IO_TEST_CHECK(waitpid(child, &status, WUNTRACED));
  kill(child, SIGKILL);
  if (WIFSTOPPED(status)) _exit(WSTOPSIG(status));
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 100);
}

bool SetsAMode(const Pty& pty, const io::Fd& ready, const io::Fd& go) {
  const termios before = pty.Mode();
  Put(ready, "x");
  WaitForByte(go);
  const Result<TerminalMode> mode = TerminalMode::Raw(pty.terminal);
  return !mode && mode.error() == std::errc::io_error &&
         IsSame(pty.Mode(), before);
}

// The mode is by then that of who has the terminal.
bool RestoresAMode(const Pty& pty, const io::Fd& ready, const io::Fd& go) {
  Result<TerminalMode> mode = TerminalMode::Raw(pty.terminal);
  if (!mode) return false;
  const termios raw = pty.Mode();
  Put(ready, "x");
  WaitForByte(go);
  mode = Unexpected(kClosed);
  return IsSame(pty.Mode(), raw);
}

TEST(TerminalModeDeathTest, SettingOneInTheBackgroundIsAnErrorAndNoStop) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(RunInTheBackground(SetsAMode), ::testing::ExitedWithCode(0), "");
}

TEST(TerminalModeDeathTest, RestoringOneInTheBackgroundChangesNothing) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(RunInTheBackground(RestoresAMode), ::testing::ExitedWithCode(0),
              "");
}

// Raw, until a key is pressed.
Task<Result<void>> PressAnyKey() {
  const Pty pty;
  const termios before = pty.Mode();
  Result<void> pressed;
  const auto wait = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(const TerminalMode raw, TerminalMode::Raw(pty.terminal));
    EDDY_CO_TRY(TerminalSizes sizes, TerminalSizes::Open(pty.terminal));
    EDDY_CO_CHECK(co_await sizes.Next());
    Resize(pty, 10, 20);
    EDDY_CO_CHECK(co_await sizes.Next());
    pty.Type("k");
    io::SharedStream stream(pty.terminal);
    std::array<std::byte, 8> buffer{};
    EDDY_CO_CHECK(co_await stream.Read(buffer));
    co_return Result<void>();
  };
  pressed = co_await wait();
  EXPECT_TRUE(IsSame(pty.Mode(), before));
  co_return pressed;
}

TEST(TerminalModeTest, IsRestoredWhereverATaskIsStoppedOrFails) {
  ExpectCleanSweeps(PressAnyKey, {.stops = 4, .failures = 1});
}

}  // namespace
}  // namespace eddy::io_test
