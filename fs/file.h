// File: a regular file, read and written at offsets.
//
//   EDDY_CO_TRY(fs::File file, co_await fs::File::Open("notes.txt"));
//   EDDY_CO_TRY(std::size_t n, co_await file.ReadAt(0, buffer));
//
// There is no hidden position: every transfer names its offset, and any number
// may be in flight. For reading or writing from one end to the other, with
// several transfers in flight, there are fs::Reader and fs::Writer. Destroying
// a file closes it without blocking the loop; `co_await file.Close()` tells
// whether an earlier write was lost.
//
// What is not durable yet is lost with the power: see Sync. For replacing a
// file as a whole there is fs::WriteFileAtomic.
//
// Lifetime: a File lives until its operations have returned; one that is
// destroyed before aborts.
#ifndef EDDY_FS_FILE_H_
#define EDDY_FS_FILE_H_

#include <eddy/fs/file_info.h>
#include <eddy/fs/file_lock.h>
#include <eddy/io/advise.h>
#include <eddy/io/allocate.h>
#include <eddy/io/append.h>
#include <eddy/io/close.h>
#include <eddy/io/direct_alignment.h>
#include <eddy/io/fd.h>
#include <eddy/io/open_at.h>
#include <eddy/io/read_at.h>
#include <eddy/io/read_vector_at.h>
#include <eddy/io/sync.h>
#include <eddy/io/sync_range.h>
#include <eddy/io/write_at.h>
#include <eddy/io/write_vector_at.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace eddy::fs {

// Which writes are durable when they return.
enum class Durability {
  kSynced,      // those that Sync or DataSync came after
  kEveryData,   // each, as if DataSync followed (O_DSYNC)
  kEveryWrite,  // each, as if Sync followed (O_SYNC)
};

// How to open a file. The default reads an existing one.
struct OpenOptions {
  bool read = true;
  bool write = false;
  bool create = false;     // make the file if it is not there
  bool exclusive = false;  // with create: fail with EEXIST if it is there
  bool truncate = false;   // drop what is in it; with write
  bool append = false;     // every write goes to the end, whatever its offset
  bool no_follow = false;  // fail with ELOOP if the path is a symbolic link
  // Past the page cache, in aligned transfers (O_DIRECT); see
  // File::alignment.
  bool direct = false;
  // A new file without a name, in the folder that `path` names; with write.
  // fs::Link gives it a name, unless `exclusive` is set; without one it is gone
  // when it is closed. (O_TMPFILE.)
  bool temporary = false;
  // Reading does not change the time of the last access; for the file's owner
  // (O_NOATIME).
  bool no_access_time = false;
  Durability durability = Durability::kSynced;
  mode_t mode = 0666;  // of a created file, before the umask

  static OpenOptions ReadOnly() { return {}; }
  static OpenOptions ReadWrite() {
    OpenOptions options;
    options.write = true;
    return options;
  }
  // Made if it is not there, emptied if it is.
  static OpenOptions Rewrite() {
    OpenOptions options;
    options.write = options.create = options.truncate = true;
    return options;
  }
  // Made if it is not there; every write goes to its end.
  static OpenOptions AppendTo() {
    OpenOptions options;
    options.write = options.create = options.append = true;
    return options;
  }
};

namespace internal {

// As openat2(2) takes them. Errors: EINVAL where they contradict each other.
Result<io::OpenHow> OpenHowOf(const OpenOptions& options);

// What direct I/O on an open file demands. Errors: as io::Statx.
Task<Result<io::DirectAlignment>> AskAlignment(const io::Fd& fd);

}  // namespace internal

class File {
 public:
  // No file.
  File() noexcept = default;
  // Takes over an open file.
  explicit File(io::Fd fd, io::DirectAlignment alignment = {}) noexcept
      : fd_(std::move(fd)), alignment_(alignment) {}

  // Errors: those of open(2), such as ENOENT, EACCES, EEXIST, EMFILE; EINVAL
  // for options that contradict each other, a path with a zero byte, or direct
  // I/O on a file system that has none; EOPNOTSUPP for a temporary file on one
  // that has none; kCanceled. See io::OpenAt for the cost and what a stop
  // leaves. With `direct` a second operation asks for the alignment.
  static Task<Result<File>> Open(std::string path, OpenOptions options = {});

  // --- Transfers ------------------------------------------------------------

  // One transfer; may be short. Of a direct file, what is not aligned is
  // refused with the name of what it is: kMisalignedOffset, kMisalignedLength,
  // kMisalignedMemory. See io::ReadAt, io::WriteAt.
  io::ReadAt ReadAt(std::uint64_t offset,
                    std::span<std::byte> buffer) const noexcept {
    return io::ReadAt(fd_, offset, buffer, alignment_);
  }
  io::WriteAt WriteAt(std::uint64_t offset,
                      std::span<const std::byte> data) noexcept {
    return io::WriteAt(fd_, offset, data, alignment_);
  }
  // The same with an AlignedBuffer, or a part of one.
  io::ReadAt ReadAt(std::uint64_t offset,
                    io::RegisteredSpan buffer) const noexcept {
    return io::ReadAt(fd_, offset, buffer, alignment_);
  }
  io::WriteAt WriteAt(std::uint64_t offset, io::RegisteredSpan data) noexcept {
    return io::WriteAt(fd_, offset, data, alignment_);
  }
  // Of several buffers, one after the other. See io::ReadVectorAt,
  // io::WriteVectorAt.
  io::ReadVectorAt ReadAt(std::uint64_t offset,
                          std::span<const iovec> buffers) const noexcept {
    return io::ReadVectorAt(fd_, offset, buffers, alignment_);
  }
  io::WriteVectorAt WriteAt(std::uint64_t offset,
                            std::span<const iovec> buffers) noexcept {
    return io::WriteVectorAt(fd_, offset, buffers, alignment_);
  }

  // To the end of the file, however it was opened. See io::Append.
  io::Append Append(std::span<const std::byte> data) noexcept {
    return io::Append(fd_, data, alignment_);
  }

  // As many bytes as there are: fewer than buffer.size() only at the end of the
  // file. Result: the bytes read.
  Task<Result<std::size_t>> ReadAllAt(std::uint64_t offset,
                                      std::span<std::byte> buffer) const;
  // All of `data`. After an error or a stop a part may have been written.
  Task<Result<void>> WriteAllAt(std::uint64_t offset,
                                std::span<const std::byte> data);

  // What a direct file demands of its transfers, asked from the kernel; zeros
  // where the file is not direct, or the kernel does not tell (before
  // Linux 6.1, and some file systems), where a wrong transfer gives EINVAL.
  // AlignedBuffer meets every demand on memory.
  io::DirectAlignment alignment() const noexcept { return alignment_; }

  // --- Durability -----------------------------------------------------------

  // Every write that has completed is durable afterwards. The name of a file
  // that is new is not, before its folder is synced: see Directory::Sync. See
  // io::Sync.
  io::Sync Sync() noexcept { return io::Sync(fd_, io::SyncKind::kAll); }
  io::Sync DataSync() noexcept { return io::Sync(fd_, io::SyncKind::kData); }
  // Brings a part to the device ahead of a Sync; durable only after one. See
  // io::SyncRange.
  io::SyncRange SyncRange(std::uint64_t offset, std::uint64_t size) noexcept {
    return io::SyncRange(fd_, offset, size);
  }

  // --- Size and space -------------------------------------------------------

  // Sets the size: drops what is beyond, or adds zeros that take no space.
  // Errors: those of ftruncate(2), such as EFBIG, EINVAL (not open for
  // writing); kCanceled. Cost: one operation by a kernel worker, or, before
  // Linux 6.9, a call on the blocking pool.
  Task<Result<void>> Truncate(std::uint64_t size);

  // Makes space on the device for a part of the file, which grows if need be:
  // writes to it cannot fail for want of space. See io::Allocate.
  io::Allocate Allocate(std::uint64_t offset, std::uint64_t size) noexcept {
    return io::Allocate(fd_, offset, size);
  }
  // Gives the space of a part back; it reads as zeros, the size stays.
  io::Allocate PunchHole(std::uint64_t offset, std::uint64_t size) noexcept {
    return io::Allocate(fd_, offset, size,
                        FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
  }

  // POSIX_FADV_SEQUENTIAL, _WILLNEED, _DONTNEED, ... A size of 0 means: to the
  // end. See io::Advise.
  io::Advise Advise(int advice, std::uint64_t offset = 0,
                    std::uint64_t size = 0) const noexcept {
    return io::Advise(fd_, offset, size, advice);
  }

  // --- What is known of it --------------------------------------------------

  // Cost: one operation by a kernel worker.
  Task<Result<FileInfo>> Stat() const;
  Task<Result<std::uint64_t>> Size() const;

  // Change what Stat tells; what is not given stays. Errors: those of
  // futimens(2), fchmod(2), fchown(2), such as EPERM, EROFS; kCanceled.
  // Stop: what a thread has begun is done. Cost: a call on the blocking pool.
  Task<Result<void>> SetTimes(std::optional<FileTime> accessed,
                              std::optional<FileTime> modified);
  Task<Result<void>> SetMode(mode_t mode);
  Task<Result<void>> SetOwner(std::optional<uid_t> owner,
                              std::optional<gid_t> group);

  // --- Locks ----------------------------------------------------------------

  // Waits until the lock is free, and takes it. It asks again and again, every
  // 1 to 64 ms, so that the wait can be stopped: among those that wait, chance
  // decides. Errors: ENOLCK, EMFILE; kCanceled: it is not taken.
  // Cost: a call on the blocking pool each time.
  Task<Result<FileLock>> Lock(LockKind kind) const {
    return FileLock::Take(fd_, kind);
  }
  // Takes it if it is free. Errors: as Lock, and EWOULDBLOCK where it is not.
  Task<Result<FileLock>> TryLock(LockKind kind) const {
    return FileLock::TryTake(fd_, kind);
  }

  // See io::Close. The file is empty from the call on.
  io::Close Close() noexcept { return fd_.Close(); }

  const io::Fd& fd() const noexcept { return fd_; }

 private:
  io::Fd fd_;
  io::DirectAlignment alignment_;
};

}  // namespace eddy::fs

#endif  // EDDY_FS_FILE_H_
