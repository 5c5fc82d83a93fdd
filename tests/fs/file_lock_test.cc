#include <eddy/fs/file_lock.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <eddy/fs/file.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <sys/file.h>
#include <sys/wait.h>

#include <optional>
#include <utility>
#include <vector>

namespace eddy::fs {
namespace {

using namespace std::chrono_literals;
using io_test::InScope;
using io_test::Store;
using io_test::TempDir;

class FileLockTest : public ::testing::Test {
 protected:
  FileLockTest() { Store(path_, ""); }

  static Task<void> KeepsOthersOut(std::string path) {
    Result<File> a = co_await File::Open(path);
    Result<File> b = co_await File::Open(path);
    CO_ASSERT_OK(a);
    CO_ASSERT_OK(b);
    Result<FileLock> lock = co_await a->TryLock(LockKind::kExclusive);
    CO_ASSERT_OK(lock);
    EXPECT_TRUE(lock->held());
    for (const LockKind kind : {LockKind::kShared, LockKind::kExclusive}) {
      CO_EXPECT_ERROR(co_await b->TryLock(kind),
                      std::errc::operation_would_block);
      CO_EXPECT_ERROR(co_await WithTimeout(5ms, b->Lock(kind)), kTimedOut);
    }
    // The file may go before its lock.
    CO_EXPECT_OK(co_await a->Close());
    CO_EXPECT_ERROR(co_await b->TryLock(LockKind::kShared),
                    std::errc::operation_would_block);
    lock->Unlock();
    EXPECT_FALSE(lock->held());
    lock->Unlock();
    CO_EXPECT_OK(co_await b->TryLock(LockKind::kExclusive));
  }
  static Task<void> IsShared(std::string path) {
    Result<File> a = co_await File::Open(path);
    Result<File> b = co_await File::Open(path);
    CO_ASSERT_OK(a);
    CO_ASSERT_OK(b);
    Result<FileLock> first = co_await a->Lock(LockKind::kShared);
    Result<FileLock> second = co_await b->Lock(LockKind::kShared);
    CO_ASSERT_OK(first);
    CO_ASSERT_OK(second);
    // A lock that cannot be changed is gone, as the kernel has it.
    CO_EXPECT_ERROR(co_await a->TryLock(LockKind::kExclusive),
                    std::errc::operation_would_block);
    second->Unlock();
    CO_EXPECT_OK(co_await b->TryLock(LockKind::kExclusive));
  }
  static Task<void> WaitsForAnother(std::string path) {
    Result<File> a = co_await File::Open(path);
    CO_ASSERT_OK(a);
    Result<FileLock> lock = co_await a->Lock(LockKind::kExclusive);
    CO_ASSERT_OK(lock);
    int holders = 0;
    int done = 0;
    co_await InScope([&](TaskScope& scope) -> Task<void> {
      for (int i = 0; i < 3; ++i) {
        scope.Spawn([&]() -> Task<void> {
          Result<File> file = co_await File::Open(path);
          CO_ASSERT_OK(file);
          const Result<FileLock> mine =
              co_await file->Lock(LockKind::kExclusive);
          CO_ASSERT_OK(mine);
          EXPECT_EQ(++holders, 1);
          co_await io_test::Turn();
          --holders;
          ++done;
        });
      }
      co_await io_test::Pause(3ms);
      EXPECT_EQ(done, 0);
      lock->Unlock();
    });
    EXPECT_EQ(done, 3);
  }
  static Task<void> Refuses() {
    const File none;
    CO_EXPECT_ERROR(co_await none.TryLock(LockKind::kShared),
                    std::errc::bad_file_descriptor);
    CO_EXPECT_ERROR(co_await none.Lock(LockKind::kShared),
                    std::errc::bad_file_descriptor);
  }

  const TempDir dir_;
  const std::string path_ = dir_ / "file";
};

TEST_F(FileLockTest, KeepsOthersOut) { SyncWait(KeepsOthersOut(path_)); }
TEST_F(FileLockTest, IsShared) { SyncWait(IsShared(path_)); }
TEST_F(FileLockTest, WaitsForAnother) { SyncWait(WaitsForAnother(path_)); }
TEST_F(FileLockTest, NeedsAFile) { SyncWait(Refuses()); }

// flock(1), and every other program that uses flock(2), sees it; and it ends
// with the process that has it.
TEST_F(FileLockTest, IsSeenByOtherProcesses) {
  int ready[2];
  IO_TEST_CHECK(pipe(ready));
  const pid_t child = fork();
  if (child == 0) {
    const int fd = open(path_.c_str(), O_RDONLY);
    if (fd < 0 || flock(fd, LOCK_EX) != 0) _exit(1);
    if (write(ready[1], "x", 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  close(ready[1]);
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  const auto test = [](std::string path, pid_t holder) -> Task<void> {
    Result<File> file = co_await File::Open(path);
    CO_ASSERT_OK(file);
    CO_EXPECT_ERROR(co_await file->TryLock(LockKind::kShared),
                    std::errc::operation_would_block);
    kill(holder, SIGKILL);
    CO_EXPECT_OK(co_await file->Lock(LockKind::kExclusive));
  };
  SyncWait(test(path_, child));
  waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace eddy::fs
