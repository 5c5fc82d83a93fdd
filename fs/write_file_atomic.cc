#include <eddy/fs/write_file_atomic.h>

#include <eddy/fs/directory.h>
#include <eddy/fs/file.h>
#include <eddy/fs/keep_mode.h>
#include <eddy/fs/path_parts.h>
#include <eddy/fs/temporary_name.h>
#include <eddy/io/open_at.h>
#include <eddy/io/rename_at.h>
#include <eddy/io/statx.h>
#include <eddy/io/unlink_at.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/with_stop.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

namespace eddy::fs {
namespace {

// The owner before the mode: who gives a file away loses its set-id bits.
Result<void> TakeOver(int fd, const struct statx& old,
                      const WriteAtomicOptions& options) {
  if (options.keep_owner && fchown(fd, old.stx_uid, old.stx_gid) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  if (!options.keep_mode) return {};
  return internal::KeepMode(fd, old.stx_mode, old.stx_uid, old.stx_gid);
}

Task<Result<void>> Fill(File& file, std::span<const std::byte> data,
                        const std::optional<struct statx>& old,
                        const WriteAtomicOptions& options) {
  EDDY_CO_CHECK(co_await file.WriteAllAt(0, data));
  if (old && (options.keep_mode || options.keep_owner)) {
    const auto take_over = [&] {
      return TakeOver(file.fd().get(), *old, options);
    };
    EDDY_CO_CHECK(co_await Blocking(take_over));
  }
  if (options.durable) EDDY_CO_CHECK(co_await file.Sync());
  co_return co_await file.Close();
}

Task<Result<void>> Replace(const Directory& folder, const std::string& name,
                           std::span<const std::byte> data,
                           const std::optional<struct statx>& old,
                           const WriteAtomicOptions& options) {
  io::OpenHow how;
  how.flags = O_WRONLY | O_CREAT | O_EXCL;
  how.mode = old && options.keep_mode ? internal::kModeBefore : options.mode;
  std::string temporary;
  Result<io::Fd> fd;
  for (int tries = 0; tries < internal::kMostTemporaryNames; ++tries) {
    temporary = NewTemporaryName();
    fd = co_await io::OpenAt(folder.fd(), temporary, how);
    if (fd || fd.error() != std::errc::file_exists) break;
  }
  Result<void> done;
  if (fd) {
    File file(*std::move(fd));
    done = co_await Fill(file, data, old, options);
    if (done) {
      done = co_await io::RenameAt(folder.fd(), temporary, folder.fd(), name);
    }
  } else {
    done = Unexpected(fd.error());
    if (fd.error() == std::errc::file_exists) co_return done;
  }
  if (!done) {
    // (An open that was stopped may have made the file.)
    static_cast<void>(co_await Shield(io::UnlinkAt(folder.fd(), temporary)));
  }
  co_return done;
}

}  // namespace

Task<Result<void>> WriteFileAtomic(std::string path,
                                   std::span<const std::byte> data,
                                   WriteAtomicOptions options) {
  const internal::SplitPath split = internal::Split(path);
  if (!internal::IsSingleName(split.name)) {
    co_return Unexpected(std::errc::invalid_argument);
  }
  EDDY_CO_TRY(const Directory folder, co_await Directory::Open(split.folder));
  std::optional<struct statx> old;
  const Result<struct statx> info =
      co_await io::Statx(folder.fd(), split.name, AT_SYMLINK_NOFOLLOW,
                         STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID);
  if (info && S_ISREG(info->stx_mode)) {
    old = *info;
  } else if (info && S_ISDIR(info->stx_mode)) {
    co_return Unexpected(std::errc::is_a_directory);
  } else if (info && !S_ISLNK(info->stx_mode)) {
    co_return Unexpected(std::errc::invalid_argument);
  } else if (!info && info.error() != std::errc::no_such_file_or_directory) {
    co_return Unexpected(info.error());
  }
  EDDY_CO_CHECK(co_await Replace(folder, split.name, data, old, options));
  if (options.durable) EDDY_CO_CHECK(co_await folder.Sync());
  co_return Result<void>();
}

Task<Result<void>> WriteFileAtomic(std::string path, std::string_view data,
                                   WriteAtomicOptions options) {
  return WriteFileAtomic(std::move(path), std::as_bytes(std::span(data)),
                         options);
}

}  // namespace eddy::fs
