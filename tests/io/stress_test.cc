// Everything at once, stopped at random turns: nothing hangs, nothing leaks,
// and (under the address sanitizer) nothing is touched that is gone.
#include "tests/io/io_test_util.h"

#include <eddy/io/accept.h>
#include <eddy/io/close.h>
#include <eddy/io/connect.h>
#include <eddy/io/open_at.h>
#include <eddy/io/poll.h>
#include <eddy/io/read.h>
#include <eddy/io/read_at.h>
#include <eddy/io/read_exactly.h>
#include <eddy/io/receive.h>
#include <eddy/io/send.h>
#include <eddy/io/shutdown.h>
#include <eddy/io/statx.h>
#include <eddy/io/sync.h>
#include <eddy/io/write_all.h>
#include <eddy/io/write_at.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>

#include <poll.h>

#include <random>

namespace eddy::io_test {
namespace {

Task<void> Echo(io::Fd socket) {
  std::vector<std::byte> buffer(512);
  while (true) {
    const Result<std::size_t> n = co_await io::Receive(socket, buffer);
    if (!n || *n == 0) break;
    const Result<void> sent =
        co_await io::WriteAll(socket, std::span(buffer).first(*n));
    if (!sent) break;
  }
  (void)co_await Shield(io::Shutdown(socket, SHUT_RDWR));
}

Task<void> Serve(const io::Fd& listener) {
  (void)co_await WithScope([&](TaskScope& scope) -> Task<void> {
    while (true) {
      Result<io::Fd> peer = co_await io::Accept(listener);
      if (!peer) break;
      scope.Spawn(Echo(*std::move(peer)));
    }
  });
}

Task<Result<void>> Call(LoopbackListener& listener, unsigned seed) {
  const io::Fd socket = TcpSocket();
  EDDY_CO_CHECK(
      co_await io::Connect(socket, listener.native(), sizeof listener.address));
  for (unsigned i = 0;; ++i) {
    const std::vector<std::byte> data = Pattern(1 + (seed + i) % 700, seed);
    EDDY_CO_CHECK(co_await io::WriteAll(socket, data));
    std::vector<std::byte> back(data.size());
    EDDY_CO_CHECK(co_await io::ReadExactly(socket, back));
    EXPECT_EQ(back, data);
  }
}

Task<Result<void>> UseFile(const std::string& path, unsigned seed) {
  io::OpenHow how;
  how.flags = O_RDWR | O_CREAT;
  for (unsigned i = 0;; ++i) {
    EDDY_CO_TRY(io::Fd file,
                co_await io::OpenAt(io::Fd::CurrentDirectory(), path, how));
    const std::vector<std::byte> data = Pattern(4096, seed);
    const std::uint64_t at = i % 8 * 4096;
    std::vector<std::byte> back(4096);
    for (std::size_t n = 0; n < data.size();) {
      EDDY_CO_TRY(
          const std::size_t more,
          co_await io::WriteAt(file, at + n, std::span(data).subspan(n)));
      n += more;
    }
    for (std::size_t n = 0; n < back.size();) {
      EDDY_CO_TRY(
          const std::size_t more,
          co_await io::ReadAt(file, at + n, std::span(back).subspan(n)));
      if (more == 0) co_return Unexpected(kEndOfStream);
      n += more;
    }
    EXPECT_EQ(back, data);
    EDDY_CO_TRY(const struct statx info, co_await io::Statx(file));
    EXPECT_GE(info.stx_size, 4096U);
    if (i % 2 == 0) EDDY_CO_CHECK(co_await file.Close());
  }
}

Task<void> UsePipe(const Pipe& pipe) {
  std::vector<std::byte> buffer(100);
  while (true) {
    // Stopped, timed out, and sometimes with something to read.
    const Result<std::size_t> n =
        co_await WithTimeout(50us, io::Read(pipe.reader, buffer));
    if (!n && n.error() != kTimedOut) co_return;
    const Result<short> events =
        co_await WithTimeout(20us, io::Poll(pipe.writer, POLLOUT));
    if (!events && events.error() != kTimedOut) co_return;
    const Result<void> written =
        co_await io::WriteAll(pipe.writer, Bytes("tick"));
    if (!written) co_return;
    const Result<void> slept = co_await Sleep(10us);
    if (!slept) co_return;
  }
}

Task<void> Iterate(const TempDir& dir, std::minstd_rand& random) {
  LoopbackListener listener;
  const Pipe pipe;
  const unsigned seed = static_cast<unsigned>(random());
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn(Serve(listener.fd));
    for (unsigned i = 0; i < 4; ++i) {
      scope.Spawn([&listener, s = seed + i]() -> Task<void> {
        CO_EXPECT_ERROR(co_await Call(listener, s % 1000), kCanceled);
      });
    }
    for (unsigned i = 0; i < 2; ++i) {
      scope.Spawn([&dir, i]() -> Task<void> {
        CO_EXPECT_ERROR(co_await UseFile(dir / std::to_string(i), i),
                        kCanceled);
      });
    }
    scope.Spawn(UsePipe(pipe));
    for (auto turns = random() % 60; turns != 0; --turns) {
      if (random() % 4 == 0) {
        co_await Yield();
      } else {
        co_await Turn();
      }
    }
    if (random() % 4 == 0) co_await Pause(std::chrono::microseconds(500));
    scope.RequestStop();
  });
}

void RunRounds(unsigned entries) {
  const TempDir dir;
  std::minstd_rand random(20240 + entries);
  const std::size_t before = OpenDescriptors();
  ReactorOptions options;
  options.entries = entries;
  for (int round = 0; round < 10; ++round) {
    SyncWait(
        [](const TempDir& files, std::minstd_rand& numbers) -> Task<void> {
          for (int i = 0; i < 10; ++i) co_await Iterate(files, numbers);
        }(dir, random),
        options);
    ASSERT_EQ(OpenDescriptors(), before) << "in round " << round;
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(StressTest, SocketsFilesAndTimersStoppedAtRandomTurns) { RunRounds(256); }

TEST(StressTest, TheSameWithASubmissionQueueThatIsAlwaysFull) { RunRounds(2); }

}  // namespace
}  // namespace eddy::io_test
