#include <eddy/io/close.h>

#include "tests/io/io_test_util.h"

#include <eddy/io/read.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/with_stop.h>

#include <array>
#include <utility>

namespace eddy::io_test {
namespace {

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

CO_TEST(CloseTest, ClosesAndEmptiesTheFd) {
  Pipe pipe;
  const int number = pipe.writer.get();
  CO_EXPECT_OK(co_await pipe.writer.Close());
  EXPECT_FALSE(pipe.writer.valid());
  EXPECT_FALSE(IsOpen(number));
  std::array<std::byte, 4> buffer;
  CO_EXPECT_EQ(co_await io::Read(pipe.reader, buffer), 0U);
}

CO_TEST(CloseTest, TakesTheDescriptorOverAtTheCall) {
  Pipe pipe;
  const int number = pipe.writer.get();
  {
    io::Close close = pipe.writer.Close();
    EXPECT_FALSE(pipe.writer.valid());
    EXPECT_TRUE(IsOpen(number));
    io::Close moved = std::move(close);
    CO_EXPECT_OK(co_await std::move(moved));
    EXPECT_FALSE(IsOpen(number));
  }
  EXPECT_EQ(Reactor::Current()->stats().detached_errors, 0U);
}

CO_TEST(CloseTest, ClosesAlsoWhereItIsNotAwaited) {
  Pipe pipe;
  const int number = pipe.writer.get();
  { const io::Close dropped = pipe.writer.Close(); }
  while (IsOpen(number)) co_await Turn();
}

CO_TEST(CloseTest, IsNoStopPoint) {
  Pipe pipe;
  StopSource source;
  source.RequestStop();
  const int number = pipe.writer.get();
  CO_EXPECT_OK(co_await WithStop(source.token(), pipe.writer.Close()));
  EXPECT_FALSE(IsOpen(number));
}

CO_TEST(CloseTest, ClosesWhereAStopComesMeanwhile) {
  for (int turns = 0; turns < 4; ++turns) {
    Pipe pipe;
    const int number = pipe.writer.get();
    co_await InScope([&](TaskScope& scope) -> Task<void> {
      scope.Spawn(
          [&]() -> Task<void> { CO_EXPECT_OK(co_await pipe.writer.Close()); });
      for (int i = 0; i < turns; ++i) co_await Turn();
      scope.RequestStop();
    });
    EXPECT_FALSE(IsOpen(number));
  }
}

CO_TEST(CloseTest, GivesTheErrorsOfTheSystemCall) {
  io::Fd none;
  CO_EXPECT_ERROR(co_await none.Close(), std::errc::bad_file_descriptor);
  io::Fd wrong(1'000'000);
  CO_EXPECT_ERROR(co_await wrong.Close(), std::errc::bad_file_descriptor);
  EXPECT_FALSE(wrong.valid());
  EXPECT_EQ(Reactor::Current()->stats().detached_errors, 0U);
}

Task<void> CloseMany() {
  std::vector<Pipe> pipes(50);
  std::size_t closed = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    for (Pipe& pipe : pipes) {
      scope.Spawn([&]() -> Task<void> {
        CO_EXPECT_OK(co_await pipe.writer.Close());
        ++closed;
      });
    }
    co_return;
  });
  EXPECT_EQ(closed, pipes.size());
}

TEST(CloseTest, SeesNoFullSubmissionQueue) {
  ReactorOptions options;
  options.entries = 1;
  SyncWait(CloseMany(), options);
}

}  // namespace
}  // namespace eddy::io_test
