#include <eddy/fs/file.h>

#include <eddy/io/open_at.h>

#include <fcntl.h>

namespace eddy::fs {
namespace {

Result<io::OpenHow> HowOf(const OpenOptions& options) {
  if (!options.read && !options.write) {
    return Unexpected(std::errc::invalid_argument);
  }
  if (!options.write && (options.truncate || options.append)) {
    return Unexpected(std::errc::invalid_argument);
  }
  if (options.exclusive && !options.create) {
    return Unexpected(std::errc::invalid_argument);
  }
  io::OpenHow how;
  how.flags = options.read && options.write ? O_RDWR
              : options.write               ? O_WRONLY
                                            : O_RDONLY;
  if (options.create) how.flags |= O_CREAT;
  if (options.exclusive) how.flags |= O_EXCL;
  if (options.truncate) how.flags |= O_TRUNC;
  if (options.append) how.flags |= O_APPEND;
  if (options.direct) how.flags |= O_DIRECT;
  if (options.no_follow) how.flags |= O_NOFOLLOW;
  how.mode = options.mode;
  return how;
}

FileTime TimeOf(const statx_timestamp& time) {
  return FileTime(std::chrono::seconds(time.tv_sec) +
                  std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

Task<Result<File>> File::Open(std::string path, OpenOptions options) {
  EDDY_CO_TRY(const io::OpenHow how, HowOf(options));
  EDDY_CO_TRY(io::Fd fd,
              co_await io::OpenAt(io::Fd::CurrentDirectory(), path, how));
  co_return File(std::move(fd));
}

Task<Result<std::size_t>> File::ReadAllAt(std::uint64_t offset,
                                          std::span<std::byte> buffer) const {
  std::size_t done = 0;
  while (done < buffer.size()) {
    EDDY_CO_TRY(const std::size_t n,
                co_await ReadAt(offset + done, buffer.subspan(done)));
    if (n == 0) break;
    done += n;
  }
  co_return done;
}

Task<Result<void>> File::WriteAllAt(std::uint64_t offset,
                                    std::span<const std::byte> data) {
  std::size_t done = 0;
  while (done < data.size()) {
    EDDY_CO_TRY(const std::size_t n,
                co_await WriteAt(offset + done, data.subspan(done)));
    if (n == 0) co_return Unexpected(std::errc::io_error);
    done += n;
  }
  co_return Result<void>();
}

Task<Result<FileInfo>> File::Stat() const {
  EDDY_CO_TRY(const struct statx native, co_await io::Statx(fd_));
  FileInfo info;
  info.size = native.stx_size;
  info.mode = native.stx_mode;
  info.accessed = TimeOf(native.stx_atime);
  info.modified = TimeOf(native.stx_mtime);
  info.changed = TimeOf(native.stx_ctime);
  co_return info;
}

Task<Result<std::uint64_t>> File::Size() const {
  EDDY_CO_TRY(const FileInfo info, co_await Stat());
  co_return info.size;
}

}  // namespace eddy::fs
