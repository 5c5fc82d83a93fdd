#include <eddy/fs/file.h>

#include <eddy/fs/pool_call.h>
#include <eddy/io/statx.h>
#include <eddy/io/truncate.h>
#include <eddy/runtime/reactor.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace eddy::fs {
namespace {

io::DirectAlignment AlignmentOf(const struct statx& native) {
  if ((native.stx_mask & STATX_DIOALIGN) == 0) return {};
  return {native.stx_dio_mem_align, native.stx_dio_offset_align};
}

timespec ToTimespec(std::optional<FileTime> time) {
  if (!time) return {0, UTIME_OMIT};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(*time);
  return {seconds.time_since_epoch().count(), (*time - seconds).count()};
}

}  // namespace

Result<io::OpenHow> internal::OpenHowOf(const OpenOptions& options) {
  const bool valid =
      (options.read || options.write) &&
      (options.write ||
       !(options.truncate || options.append || options.temporary)) &&
      (!options.exclusive || options.create || options.temporary) &&
      !(options.temporary && options.create);
  if (!valid) return Unexpected(std::errc::invalid_argument);
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
  if (options.temporary) how.flags |= O_TMPFILE;
  if (options.no_access_time) how.flags |= O_NOATIME;
  if (options.durability == Durability::kEveryData) how.flags |= O_DSYNC;
  if (options.durability == Durability::kEveryWrite) how.flags |= O_SYNC;
  how.mode = options.mode;
  return how;
}

Task<Result<io::DirectAlignment>> internal::AskAlignment(const io::Fd& fd) {
  EDDY_CO_TRY(const struct statx native,
              co_await io::Statx(fd, STATX_DIOALIGN));
  co_return AlignmentOf(native);
}

Task<Result<File>> File::Open(std::string path, OpenOptions options) {
  EDDY_CO_TRY(const io::OpenHow how, internal::OpenHowOf(options));
  EDDY_CO_TRY(io::Fd fd,
              co_await io::OpenAt(io::Fd::CurrentDirectory(), path, how));
  if (!options.direct) co_return File(std::move(fd));
  EDDY_CO_TRY(const io::DirectAlignment alignment,
              co_await internal::AskAlignment(fd));
  co_return File(std::move(fd), alignment);
}

Task<Result<std::size_t>> File::ReadAllAt(std::uint64_t offset,
                                          std::span<std::byte> buffer) const {
  std::size_t done = 0;
  while (done < buffer.size()) {
    EDDY_CO_TRY(const std::size_t n,
                co_await ReadAt(offset + done, buffer.subspan(done)));
    if (n == 0) break;
    done += n;
    // Short at the end of a direct file: what would follow is not aligned.
    if (alignment_.known() && done % alignment_.offset != 0) break;
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

Task<Result<void>> File::Truncate(std::uint64_t size) {
  if (Reactor::Current()->ring().Supports(io::Truncate::kOpcode)) {
    co_return co_await io::Truncate(fd_, size);
  }
  co_return co_await internal::PoolCall(
      fd_, [size](int fd) { return ftruncate(fd, static_cast<off_t>(size)); });
}

Task<Result<FileInfo>> File::Stat() const {
  EDDY_CO_TRY(const struct statx native,
              co_await io::Statx(fd_, kFileInfoMask));
  co_return ToFileInfo(native);
}

Task<Result<std::uint64_t>> File::Size() const {
  EDDY_CO_TRY(const FileInfo info, co_await Stat());
  co_return info.size;
}

Task<Result<void>> File::SetTimes(std::optional<FileTime> accessed,
                                  std::optional<FileTime> modified) {
  const std::array<timespec, 2> times{ToTimespec(accessed),
                                      ToTimespec(modified)};
  co_return co_await internal::PoolCall(
      fd_, [times](int fd) { return futimens(fd, times.data()); });
}

Task<Result<void>> File::SetMode(mode_t mode) {
  co_return co_await internal::PoolCall(
      fd_, [mode](int fd) { return fchmod(fd, mode); });
}

Task<Result<void>> File::SetOwner(std::optional<uid_t> owner,
                                  std::optional<gid_t> group) {
  constexpr auto kUnchanged = ~0U;
  co_return co_await internal::PoolCall(
      fd_,
      [owner = owner.value_or(kUnchanged), group = group.value_or(kUnchanged)](
          int fd) { return fchown(fd, owner, group); });
}

}  // namespace eddy::fs
