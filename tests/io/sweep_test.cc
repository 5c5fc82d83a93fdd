// What is made of several operations, and what hands out descriptors, stopped
// and failed at every point.
#include "tests/io/io_test_util.h"

#include <eddy/io/accept.h>
#include <eddy/io/close.h>
#include <eddy/io/connect.h>
#include <eddy/io/copy.h>
#include <eddy/io/open_at.h>
#include <eddy/io/poll.h>
#include <eddy/io/read.h>
#include <eddy/io/read_exactly.h>
#include <eddy/io/receive.h>
#include <eddy/io/send.h>
#include <eddy/io/signals.h>
#include <eddy/io/until_signal.h>
#include <eddy/io/write_all.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/with_stop.h>

#include <poll.h>
#include <signal.h>

#include <array>
#include <cstdint>
#include <string>

#include "tests/sweeps.h"

namespace eddy::io_test {
namespace {

using test::ExpectCleanSweeps;

// --- Streams of bytes --------------------------------------------------------

// More than a pipe takes at once, so that both sides wait for each other. The
// counts are right wherever they stop.
Task<Result<void>> ThroughAPipe() {
  const Pipe pipe(4096);
  const std::vector<std::byte> data = Pattern(10'000);
  std::vector<std::byte> got(data.size(), kUntouched);
  std::size_t written = 0;
  std::size_t read = 0;
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([&]() -> Task<Result<void>> {
      co_return co_await io::WriteAll(pipe.writer, data, &written);
    });
    co_return co_await io::ReadExactly(pipe.reader, got, &read);
  };
  const Result<void> result = co_await WithScope(body);
  EXPECT_EQ(written, read + Readable(pipe.reader));
  EXPECT_TRUE(std::ranges::equal(std::span(got).first(read),
                                 std::span(data).first(read)));
  EXPECT_TRUE(IsUntouched(std::span(got).subspan(read)));
  if (result) {
    EXPECT_EQ(read, data.size());
  }
  co_return result;
}

TEST(IoSweepTest, ReadExactlyAndWriteAllCountRight) {
  ExpectCleanSweeps(ThroughAPipe, {.stops = 10, .failures = 4});
}

// Writer, copier and reader; the end travels along.
Task<Result<void>> CopiedBetweenPipes() {
  Pipe from(4096);
  Pipe to(4096);
  const std::vector<std::byte> data = Pattern(9'000, 2);
  std::vector<std::byte> got;
  std::uint64_t copied = 0;
  const auto writes = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await io::WriteAll(from.writer, data));
    co_return co_await from.writer.Close();
  };
  const auto copies = [&]() -> Task<Result<void>> {
    const Result<std::uint64_t> result =
        co_await io::Copy(from.reader, to.writer, &copied, 3000);
    if (!result) co_return Unexpected(result.error());
    EXPECT_EQ(*result, copied);
    co_return co_await to.writer.Close();
  };
  const auto reads = [&]() -> Task<Result<void>> {
    std::array<std::byte, 1024> block;
    while (true) {
      EDDY_CO_TRY(const std::size_t n, co_await io::Read(to.reader, block));
      if (n == 0) co_return Result<void>();
      got.insert(got.end(), block.begin(),
                 block.begin() + static_cast<std::ptrdiff_t>(n));
    }
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(writes);
    scope.Spawn(copies);
    scope.Spawn(reads);
    co_return;
  };
  const Result<void> result = co_await WithScope(body);
  EXPECT_EQ(copied, got.size() + Readable(to.reader));
  EXPECT_TRUE(std::ranges::equal(got, std::span(data).first(got.size())));
  if (result) {
    EXPECT_EQ(got.size(), data.size());
  }
  co_return result;
}

TEST(IoSweepTest, CopyCountsRight) {
  ExpectCleanSweeps(CopiedBetweenPipes, {.stops = 30, .failures = 10});
}

// What a loser took is with it, or still in its pipe.
Task<Result<void>> TheFirstOfTwoReads() {
  const Pipe one;
  const Pipe two;
  std::array<std::byte, 8> a;
  std::array<std::byte, 8> b;
  std::size_t taken = 0;
  Put(two.writer, "second");
  const auto reads = [&]() -> Task<Result<void>> {
    const auto first =
        co_await WhenAny(io::Read(one.reader, a), io::Read(two.reader, b));
    if (const auto* n = first.value<0>(); n != nullptr && *n) taken += **n;
    if (const auto* n = first.value<1>(); n != nullptr && *n) taken += **n;
    co_return Result<void>();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([&]() -> Task<void> {
      co_await Turn();
      Put(one.writer, "first");
    });
    co_return co_await reads();
  };
  const Result<void> result = co_await WithScope(body);
  EXPECT_EQ(taken + Readable(one.reader) + Readable(two.reader), 11U);
  co_return result;
}

TEST(IoSweepTest, WhenAnyLosesNoBytes) {
  ExpectCleanSweeps(TheFirstOfTwoReads, {.stops = 8, .failures = 2});
}

// --- Signals -----------------------------------------------------------------

// "" if the signal is not blocked, as before.
std::string StillBlocked() {
  sigset_t now;
  pthread_sigmask(SIG_BLOCK, nullptr, &now);
  return sigismember(&now, SIGUSR1) == 1 ? "SIGUSR1 is left blocked" : "";
}

Task<Result<void>> TwoSignals() {
  EDDY_CO_TRY(io::Signals signals, io::Signals::Block({SIGUSR1}));
  // One that nobody takes before the end must not end the test.
  signals.DiscardAtEnd();
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([]() -> Task<void> {
      co_await Turn();
      raise(SIGUSR1);
    });
    EDDY_CO_CHECK(co_await signals.Next());
    raise(SIGUSR1);
    EDDY_CO_CHECK(co_await WithTimeout(1h, signals.Next()));
    co_return Result<void>();
  };
  co_return co_await WithScope(body);
}

TEST(IoSweepTest, SignalsAreUnblocked) {
  SweepOptions options;
  options.check = StillBlocked;
  ExpectCleanSweeps(TwoSignals, {.stops = 8, .failures = 2}, options);
}

// The signal acts where the stop came before it was taken: nobody minds a
// SIGURG.
Task<Result<void>> EndedByASignal() {
  const auto body = [](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([]() -> Task<Result<void>> { co_return co_await Sleep(1h); });
    co_await Turn();
    raise(SIGURG);
    co_return co_await Sleep(1h);
  };
  co_return co_await io::UntilSignal(WithScope(body), SIGURG, SIGWINCH);
}

TEST(IoSweepTest, UntilSignalEndsCleanly) {
  ExpectCleanSweeps(EndedByASignal, {.stops = 8, .failures = 1});
}

// --- Descriptors -------------------------------------------------------------

// What was accepted although the stop came is a result, and dropped with it.
Task<Result<void>> AcceptAndConnect() {
  LoopbackListener listener;
  const auto connects = [&]() -> Task<Result<void>> {
    const io::Fd client = TcpSocket();
    EDDY_CO_CHECK(co_await io::Connect(client, listener.native(),
                                       sizeof listener.address));
    std::array<std::byte, 4> answer;
    EDDY_CO_TRY(const std::size_t n, co_await io::Receive(client, answer));
    co_return n == 0 ? Result<void>(Unexpected(kEndOfStream)) : Result<void>();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(connects);
    scope.Spawn(connects);
    EDDY_CO_TRY(const io::Fd first, co_await io::Accept(listener.fd));
    EDDY_CO_TRY(const io::Fd second,
                co_await WithTimeout(1h, io::Accept(listener.fd)));
    EDDY_CO_CHECK(co_await io::Send(first, Bytes("1")));
    EDDY_CO_CHECK(co_await io::Send(second, Bytes("2")));
    co_return Result<void>();
  };
  co_return co_await WithScope(body);
}

TEST(IoSweepTest, AcceptLeavesNoDescriptor) {
  ExpectCleanSweeps(AcceptAndConnect, {.stops = 20, .failures = 8});
}

// The loser of WhenAny is stopped in every run, and may win nevertheless.
Task<Result<void>> AcceptsThatLose() {
  LoopbackListener listener;
  const Pipe pipe;
  const io::Fd client = TcpSocket();
  const auto accepts = [&]() -> Task<Result<void>> {
    const auto first = co_await WhenAny(io::Accept(listener.fd),
                                        io::Poll(pipe.reader, POLLIN));
    if (first.index() == 0 && !std::get<0>(first)) {
      co_return Unexpected(std::get<0>(first).error());
    }
    if (first.index() == 1 && !std::get<1>(first)) {
      co_return Unexpected(std::get<1>(first).error());
    }
    co_return Result<void>();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(accepts);
    scope.Spawn([&]() -> Task<void> {
      co_await Turn();
      Put(pipe.writer, "x");
    });
    co_return co_await io::Connect(client, listener.native(),
                                   sizeof listener.address);
  };
  co_return co_await WithScope(body);
}

TEST(IoSweepTest, AnAcceptThatLostLeavesNoDescriptor) {
  ExpectCleanSweeps(AcceptsThatLose, {.stops = 8, .failures = 3});
}

// Several at once, and a file that is made: a worker of the kernel opens it.
Task<Result<void>> OpensFiles(const std::string& folder) {
  const io::Fd directory(
      IO_TEST_CHECK(open(folder.c_str(), O_PATH | O_CLOEXEC)));
  io::OpenHow nameless;
  nameless.flags = O_TMPFILE | O_RDWR;
  nameless.mode = 0600;
  io::OpenHow made;
  made.flags = O_CREAT | O_RDWR | O_TRUNC;
  const auto opens = [&](const io::OpenHow& how,
                         const char* path) -> Task<Result<void>> {
    EDDY_CO_TRY(io::Fd fd, co_await io::OpenAt(directory, path, how));
    EDDY_CO_CHECK(co_await io::WriteAll(fd, Bytes("contents")));
    co_return co_await fd.Close();
  };
  auto [a, b, c] =
      co_await WhenAll(opens(nameless, "."), opens(made, "made"),
                       WithTimeout(1h, io::OpenAt(directory, "there")));
  EDDY_CO_CHECK(std::move(a));
  EDDY_CO_CHECK(std::move(b));
  EDDY_CO_CHECK(std::move(c));
  co_return Result<void>();
}

TEST(IoSweepTest, OpenAtLeavesNoDescriptor) {
  const TempDir dir;
  Store(dir / "there", "");
  ExpectCleanSweeps([&] { return OpensFiles(dir.path()); },
                    {.stops = 10, .failures = 7});
}

// Closed, whatever becomes of the await.
Task<Result<void>> ClosesAtTheEnd() {
  SocketPair sockets;
  const auto closes = [](io::Fd& fd) -> Task<Result<void>> {
    std::array<std::byte, 4> buffer;
    const Result<std::size_t> n =
        co_await WithTimeout(1ms, io::Receive(fd, buffer));
    EDDY_CO_CHECK(co_await Shield(fd.Close()));
    EXPECT_FALSE(fd.valid());
    const bool timed_out = !n && n.error() == kTimedOut;
    if (!n && !timed_out) co_return Unexpected(n.error());
    co_return Result<void>();
  };
  EDDY_CO_CHECK(co_await closes(sockets.a));
  std::array<std::byte, 4> buffer;
  EDDY_CO_TRY(const std::size_t n, co_await io::Receive(sockets.b, buffer));
  co_return n == 0 ? Result<void>() : Unexpected(std::errc::bad_message);
}

TEST(IoSweepTest, CloseClosesInAnyCase) {
  ExpectCleanSweeps(ClosesAtTheEnd, {.stops = 6, .failures = 3});
}

}  // namespace
}  // namespace eddy::io_test
