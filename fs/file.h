// File: a regular file, read and written at offsets.
//
//   EDDY_CO_TRY(fs::File file, co_await fs::File::Open("notes.txt"));
//   EDDY_CO_TRY(std::size_t n, co_await file.ReadAt(0, buffer));
//
// There is no hidden position: every transfer names its offset, and any number
// may be in flight. Destroying a file closes it without blocking the loop;
// `co_await file.Close()` tells whether an earlier write was lost.
#ifndef EDDY_FS_FILE_H_
#define EDDY_FS_FILE_H_

#include <eddy/io/close.h>
#include <eddy/io/fd.h>
#include <eddy/io/read_at.h>
#include <eddy/io/statx.h>
#include <eddy/io/sync.h>
#include <eddy/io/write_at.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace eddy::fs {

// How to open a file. The default reads an existing one.
struct OpenOptions {
  bool read = true;
  bool write = false;
  bool create = false;     // make the file if it is not there
  bool exclusive = false;  // with create: fail with EEXIST if it is there
  bool truncate = false;   // drop what is in it; with write
  bool append = false;     // every write goes to the end, whatever its offset
  bool direct = false;     // O_DIRECT: aligned transfers, no page cache
  bool no_follow = false;  // fail with ELOOP if the path is a symbolic link
  mode_t mode = 0666;      // of a created file, before the umask

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
};

using FileTime = std::chrono::sys_time<std::chrono::nanoseconds>;

struct FileInfo {
  std::uint64_t size = 0;  // bytes
  mode_t mode = 0;         // type and permissions, as stat(2)'s st_mode
  FileTime accessed{};
  FileTime modified{};
  FileTime changed{};

  bool is_regular() const noexcept { return (mode & S_IFMT) == S_IFREG; }
  bool is_directory() const noexcept { return (mode & S_IFMT) == S_IFDIR; }
};

class File {
 public:
  // No file.
  File() noexcept = default;
  // Takes over an open file.
  explicit File(io::Fd fd) noexcept : fd_(std::move(fd)) {}

  // Errors: those of open(2), such as ENOENT, EACCES, EEXIST, EMFILE; EINVAL
  // for options that contradict each other or a path with a zero byte;
  // kCanceled. See io::OpenAt for the cost and what a stop leaves.
  static Task<Result<File>> Open(std::string path, OpenOptions options = {});

  // One transfer; may be short. See io::ReadAt, io::WriteAt.
  io::ReadAt ReadAt(std::uint64_t offset,
                    std::span<std::byte> buffer) const noexcept {
    return io::ReadAt(fd_, offset, buffer);
  }
  io::WriteAt WriteAt(std::uint64_t offset,
                      std::span<const std::byte> data) noexcept {
    return io::WriteAt(fd_, offset, data);
  }

  // As many bytes as there are: fewer than buffer.size() only at the end of the
  // file. Result: the bytes read.
  Task<Result<std::size_t>> ReadAllAt(std::uint64_t offset,
                                      std::span<std::byte> buffer) const;
  // All of `data`. After an error or a stop a part may have been written.
  Task<Result<void>> WriteAllAt(std::uint64_t offset,
                                std::span<const std::byte> data);

  // Size, mode and times. Cost: one operation by a kernel worker.
  Task<Result<FileInfo>> Stat() const;
  Task<Result<std::uint64_t>> Size() const;

  // Every write that has completed is durable afterwards. See io::Sync.
  io::Sync Sync() noexcept { return io::Sync(fd_, io::SyncKind::kAll); }
  io::Sync DataSync() noexcept { return io::Sync(fd_, io::SyncKind::kData); }

  // See io::Close. The file is empty from the call on.
  io::Close Close() noexcept { return fd_.Close(); }

  const io::Fd& fd() const noexcept { return fd_; }

 private:
  io::Fd fd_;
};

}  // namespace eddy::fs

#endif  // EDDY_FS_FILE_H_
