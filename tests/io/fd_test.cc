#include <eddy/io/fd.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <eddy/io/accept.h>
#include <eddy/io/close.h>
#include <eddy/io/open_at.h>
#include <eddy/io/read.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <array>
#include <memory>
#include <optional>
#include <utility>

namespace eddy::io_test {
namespace {

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

int NewDescriptor() { return IO_TEST_CHECK(dup(0)); }

TEST(FdTest, IsEmptyByDefault) {
  const io::Fd fd;
  EXPECT_FALSE(fd.valid());
  EXPECT_EQ(fd.get(), -1);
}

TEST(FdTest, ClosesAtTheEndOfItsLifeWithoutAReactor) {
  const int number = NewDescriptor();
  {
    const io::Fd fd(number);
    EXPECT_TRUE(fd.valid());
    EXPECT_EQ(fd.get(), number);
    EXPECT_TRUE(IsOpen(number));
  }
  EXPECT_FALSE(IsOpen(number));
}

TEST(FdTest, MovesTheDescriptor) {
  const int number = NewDescriptor();
  io::Fd from(number);
  io::Fd to(std::move(from));
  EXPECT_FALSE(from.valid());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(to.get(), number);
  EXPECT_TRUE(IsOpen(number));
}

TEST(FdTest, MoveAssignmentClosesWhatWasHeld) {
  const int first = NewDescriptor();
  const int second = NewDescriptor();
  io::Fd to(first);
  io::Fd from(second);
  to = std::move(from);
  EXPECT_FALSE(IsOpen(first));
  EXPECT_TRUE(IsOpen(second));
  EXPECT_EQ(to.get(), second);
  EXPECT_FALSE(from.valid());  // NOLINT(bugprone-use-after-move)
  to = io::Fd();
  EXPECT_FALSE(IsOpen(second));
}

TEST(FdTest, SelfMoveKeepsTheDescriptor) {
  const int number = NewDescriptor();
  io::Fd fd(number);
  io::Fd& same = fd;
  fd = std::move(same);
  EXPECT_EQ(fd.get(), number);
  EXPECT_TRUE(IsOpen(number));
}

TEST(FdTest, ReleaseGivesUpTheDescriptor) {
  const int number = NewDescriptor();
  io::Fd fd(number);
  EXPECT_EQ(fd.Release(), number);
  EXPECT_FALSE(fd.valid());
  EXPECT_TRUE(IsOpen(number));
  EXPECT_EQ(fd.Release(), -1);
  close(number);
}

TEST(FdTest, CurrentDirectoryIsNeverClosed) {
  const io::Fd& here = io::Fd::CurrentDirectory();
  EXPECT_EQ(here.get(), AT_FDCWD);
  EXPECT_FALSE(here.valid());
  EXPECT_EQ(&here, &io::Fd::CurrentDirectory());
}

CO_TEST(FdTest, DestructorLeavesTheCloseToTheReactor) {
  const int number = NewDescriptor();
  const std::uint64_t before = Submitted();
  { const io::Fd fd(number); }
  // No system call was made; the close is queued.
  EXPECT_TRUE(IsOpen(number));
  EXPECT_EQ(Submitted(), before + 1);
  while (IsOpen(number)) co_await Turn();
}

TEST(FdTest, ReactorEndsAfterTheClosesOfDestructors) {
  std::vector<int> numbers;
  SyncWait([](std::vector<int>& all) -> Task<void> {
    for (int i = 0; i < 100; ++i) {
      const io::Fd fd(NewDescriptor());
      all.push_back(fd.get());
    }
    co_return;
  }(numbers));
  for (const int number : numbers) EXPECT_FALSE(IsOpen(number));
}

TEST(FdTest, DestructorsCloseMoreThanTheQueueHolds) {
  ReactorOptions options;
  options.entries = 1;
  SyncWait(
      []() -> Task<void> {
        std::vector<io::Fd> fds;
        for (int i = 0; i < 100; ++i) fds.emplace_back(NewDescriptor());
        co_return;
      }(),
      options);
}

CO_TEST(FdTest, FailedClosesOfDestructorsAreCounted) {
  { const io::Fd wrong(1'000'000); }
  { const io::Fd wrong(1'000'001); }
  { const io::Fd right(NewDescriptor()); }
  while (Reactor::Current()->stats().detached_errors < 2) co_await Turn();
  // The third does not fail.
  for (int i = 0; i < 20; ++i) co_await Turn();
  EXPECT_EQ(Reactor::Current()->stats().detached_errors, 2U);
}

CO_TEST(FdTest, MayGoOnceItsOperationWasStopped) {
  for (int i = 0; i < 50; ++i) {
    Pipe pipe;
    std::array<std::byte, 4> buffer;
    CO_EXPECT_ERROR(co_await WithTimeout(0ms, io::Read(pipe.reader, buffer)),
                    kTimedOut);
    CO_EXPECT_OK(co_await pipe.reader.Close());
  }
}

// A stopped accept or open that had succeeded gives its descriptor; where the
// result is dropped, the descriptor goes with it.
CO_TEST(FdTest, NoDescriptorLeaksWhereAcceptsAreStopped) {
  LoopbackListener listener;
  int accepted = 0;
  int canceled = 0;
  const std::size_t before = OpenDescriptors();
  for (int i = 0; i < 300; ++i) {
    io::Fd client = TcpSocket();
    co_await InScope([&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        const Result<io::Fd> fd = co_await io::Accept(listener.fd);
        ++(fd ? accepted : canceled);
      });
      for (int turn = 0; turn < i % 3; ++turn) co_await Turn();
      connect(client.get(), listener.native(), sizeof listener.address);
      if (i % 2 == 1) co_await Turn();
      scope.RequestStop();
    });
    // A connection that was not taken waits for the next one.
    while (true) {
      const Result<io::Fd> rest =
          co_await WithTimeout(0ms, io::Accept(listener.fd));
      if (!rest) break;
      ++accepted;
    }
  }
  EXPECT_EQ(accepted, 300);
  EXPECT_GT(canceled, 0);
  // The last closes are on their way.
  for (int i = 0; i < 100 && OpenDescriptors() != before; ++i) co_await Turn();
  EXPECT_EQ(OpenDescriptors(), before);
}

CO_TEST(FdTest, NoDescriptorLeaksWhereOpensAreStopped) {
  const TempDir dir;
  Store(dir / "file", "contents");
  int opened = 0;
  for (int i = 0; i < 300; ++i) {
    io::OpenHow how;
    how.flags = i % 2 == 0 ? O_RDONLY : O_RDWR | O_CREAT;
    co_await InScope([&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        const Result<io::Fd> fd =
            co_await io::OpenAt(io::Fd::CurrentDirectory(), dir / "file", how);
        if (fd) {
          ++opened;
        } else {
          CO_EXPECT_ERROR(fd, kCanceled);
        }
      });
      for (int turn = 0; turn < i % 5; ++turn) co_await Turn();
      scope.RequestStop();
    });
  }
  EXPECT_GT(opened, 0);
}

// --- Misuse ------------------------------------------------------------------

constexpr char kInFlight[] =
    "file descriptor [0-9]+ was closed, moved or destroyed with 1 operations? "
    "in flight on it; stop them";

// Does something to a descriptor while a read waits on it.
template <class F>
Task<void> Misuse(F f) {
  auto pipe = std::make_unique<Pipe>();
  std::array<std::byte, 4> buffer;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await io::Read(pipe->reader, buffer));
    });
    co_await Turn();
    co_await f(pipe);
  });
}

TEST(FdDeathTest, ClosingWithAnOperationInFlight) {
  EXPECT_DEATH(SyncWait(Misuse([](std::unique_ptr<Pipe>& pipe) -> Task<void> {
                 CO_EXPECT_OK(co_await pipe->reader.Close());
               })),
               kInFlight);
}

TEST(FdDeathTest, MovingWithAnOperationInFlight) {
  EXPECT_DEATH(SyncWait(Misuse([](std::unique_ptr<Pipe>& pipe) -> Task<void> {
                 const io::Fd moved = std::move(pipe->reader);
                 co_return;
               })),
               kInFlight);
}

TEST(FdDeathTest, AssigningWithAnOperationInFlight) {
  EXPECT_DEATH(SyncWait(Misuse([](std::unique_ptr<Pipe>& pipe) -> Task<void> {
                 pipe->reader = io::Fd();
                 co_return;
               })),
               kInFlight);
}

TEST(FdDeathTest, DestroyingWithAnOperationInFlight) {
  EXPECT_DEATH(SyncWait(Misuse([](std::unique_ptr<Pipe>& pipe) -> Task<void> {
                 pipe.reset();
                 co_return;
               })),
               kInFlight);
}

TEST(FdDeathTest, ReleasingWithAnOperationInFlight) {
  EXPECT_DEATH(SyncWait(Misuse([](std::unique_ptr<Pipe>& pipe) -> Task<void> {
                 pipe->reader.Release();
                 co_return;
               })),
               kInFlight);
}

// Also one without a descriptor: the operation refers to the object.
TEST(FdDeathTest, DestroyingAnEmptyOneWithAnOperationInFlight) {
  EDDY_SKIP_IN_CHAOS("under chaos: the second task may run first");
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 std::optional<io::Fd> none(std::in_place);
                 std::array<std::byte, 4> buffer;
                 co_await InScope([&](TaskScope& scope) -> Task<void> {
                   scope.Spawn([&]() -> Task<void> {
                     CO_EXPECT_OK(co_await io::Read(*none, buffer));
                   });
                   // The read is queued, and not yet given to the kernel.
                   scope.Spawn([&]() -> Task<void> {
                     none.reset();
                     co_return;
                   });
                   co_return;
                 });
               }()),
               "file descriptor -1 was closed, moved or destroyed");
}

}  // namespace
}  // namespace eddy::io_test
