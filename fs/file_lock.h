// FileLock: holds an advisory lock of a file, until it is destroyed.
//
//   EDDY_CO_TRY(fs::FileLock lock, co_await
//   file.Lock(fs::LockKind::kExclusive));
//
// Advisory: it keeps out those who ask for a lock too. It is one of flock(2):
// of the whole file, between open files (two File::Open of one path, in one
// process or two), gone when the process ends. Two locks of
// one File are one lock, of the kind asked for last, and gone with the first of
// them; where a lock cannot be changed to another kind, it is gone, too (the
// kernel gives up the old one first). It keeps nobody out of a File that was
// opened once and is shared by tasks: use a Mutex there.
//
// Lifetime: independent of the File; the lock holds on to the open file.
#ifndef EDDY_FS_FILE_LOCK_H_
#define EDDY_FS_FILE_LOCK_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <optional>
#include <utility>

namespace eddy::fs {

enum class LockKind {
  kShared,     // others may have shared ones
  kExclusive,  // no other has any
};

class [[nodiscard]] FileLock {
 public:
  // No lock.
  FileLock() noexcept = default;
  FileLock(FileLock&&) noexcept = default;
  FileLock& operator=(FileLock&& other) noexcept {
    if (this != &other) {
      Unlock();
      fd_ = std::move(other.fd_);
    }
    return *this;
  }
  ~FileLock() { Unlock(); }

  bool held() const noexcept { return fd_.valid(); }

  // Cost: a system call that does not wait (on a local file system), and a
  // close.
  void Unlock() noexcept;

  // Takes the lock of an open file, now or never; see File::TryLock.
  static Task<Result<FileLock>> TryTake(const io::Fd& file, LockKind kind);
  // Takes it when it is free; see File::Lock.
  static Task<Result<FileLock>> Take(const io::Fd& file, LockKind kind);

 private:
  explicit FileLock(io::Fd fd) noexcept : fd_(std::move(fd)) {}
  // None where another has it.
  static Task<Result<std::optional<FileLock>>> TryOnce(const io::Fd& file,
                                                       LockKind kind);

  // Another descriptor of the open file.
  io::Fd fd_;
};

}  // namespace eddy::fs

#endif  // EDDY_FS_FILE_LOCK_H_
