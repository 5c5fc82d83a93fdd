// LockAlone: the exclusive lock of a log, for programs that are killed and
// started again at once.
//
// A program that was killed holds its lock for a moment longer: the kernel lets
// go of a ring's files when that is torn down. So this waits a little.
//
// Errors: EWOULDBLOCK where another process has it all the time; those of
// fs::File::Lock.
#ifndef EDDY_EXAMPLES_LOCK_ALONE_H_
#define EDDY_EXAMPLES_LOCK_ALONE_H_

#include <eddy/fs/file.h>
#include <eddy/fs/file_lock.h>
#include <eddy/runtime/timeout.h>

#include <chrono>
#include <system_error>

namespace examples {

inline eddy::Task<eddy::Result<eddy::fs::FileLock>> LockAlone(
    eddy::fs::File& file) {
  constexpr auto kMost = std::chrono::seconds(2);
  constexpr auto kExclusive = eddy::fs::LockKind::kExclusive;
  eddy::Result<eddy::fs::FileLock> lock = co_await file.TryLock(kExclusive);
  if (lock || lock.error() != std::errc::operation_would_block) co_return lock;
  lock = co_await eddy::WithTimeout(kMost, file.Lock(kExclusive));
  if (!lock && lock.error() == eddy::kTimedOut) {
    co_return eddy::Unexpected(std::errc::operation_would_block);
  }
  co_return lock;
}

}  // namespace examples

#endif  // EDDY_EXAMPLES_LOCK_ALONE_H_
