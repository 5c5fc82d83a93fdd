#include <eddy/fs/file_lock.h>

#include <eddy/runtime/blocking.h>
#include <eddy/runtime/timer.h>

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

namespace eddy::fs {
namespace {

using namespace std::chrono_literals;

// How often a lock that is held elsewhere is asked for: at first, and later.
constexpr Duration kFirstWait = 1ms;
constexpr Duration kLongestWait = 64ms;

// Whether it was free. On a network file system this waits for a server.
Result<bool> LockNow(int fd, LockKind kind) {
  const int how = kind == LockKind::kShared ? LOCK_SH : LOCK_EX;
  int result = -1;
  do {
    result = flock(fd, how | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return Unexpected(Error::FromErrno(errno));
}

}  // namespace

void FileLock::Unlock() noexcept {
  if (!held()) return;
  flock(fd_.get(), LOCK_UN);
  fd_ = io::Fd();
}

Task<Result<std::optional<FileLock>>> FileLock::TryOnce(const io::Fd& file,
                                                        LockKind kind) {
  const int copy = fcntl(file.get(), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) co_return Unexpected(Error::FromErrno(errno));
  // While the pool works on it the descriptor stays: it is ours.
  io::Fd fd(copy);
  EDDY_CO_TRY(const bool locked, co_await Blocking(LockNow, copy, kind));
  if (!locked) co_return std::nullopt;
  co_return FileLock(std::move(fd));
}

Task<Result<FileLock>> FileLock::TryTake(const io::Fd& file, LockKind kind) {
  EDDY_CO_TRY(std::optional<FileLock> lock, co_await TryOnce(file, kind));
  if (!lock) co_return Unexpected(std::errc::operation_would_block);
  co_return *std::move(lock);
}

// No thread waits for it: one that waits in flock(2) cannot be stopped, and
// might take the lock when nobody wants it any more.
Task<Result<FileLock>> FileLock::Take(const io::Fd& file, LockKind kind) {
  for (Duration wait = kFirstWait;; wait = std::min(2 * wait, kLongestWait)) {
    EDDY_CO_TRY(std::optional<FileLock> lock, co_await TryOnce(file, kind));
    if (lock) co_return *std::move(lock);
    EDDY_CO_CHECK(co_await Sleep(wait));
  }
}

}  // namespace eddy::fs
