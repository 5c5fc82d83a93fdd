#include <eddy/fs/directory.h>

#include <eddy/fs/link.h>
#include <eddy/fs/path_parts.h>
#include <eddy/io/link_at.h>
#include <eddy/io/make_directory_at.h>
#include <eddy/io/rename_at.h>
#include <eddy/io/symlink_at.h>
#include <eddy/io/unlink_at.h>

#include <fcntl.h>

#include <cerrno>

namespace eddy::fs {
namespace {

constexpr int kOpenFolder = O_RDONLY | O_DIRECTORY;

// The kernel gives up on a ".." where anything was renamed meanwhile.
constexpr int kMostTries = 32;

constexpr Error kNoSingleName = std::errc::invalid_argument;

}  // namespace

Task<Result<Directory>> Directory::Open(std::string path) {
  io::OpenHow how;
  how.flags = kOpenFolder;
  EDDY_CO_TRY(io::Fd fd,
              co_await io::OpenAt(io::Fd::CurrentDirectory(), path, how));
  co_return Directory(std::move(fd));
}

Task<Result<io::Fd>> Directory::OpenBeneath(const std::string& path,
                                            io::OpenHow how) const {
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  Result<io::Fd> fd;
  for (int tries = 0; tries < kMostTries; ++tries) {
    fd = co_await io::OpenAt(fd_, path, how);
    if (fd || fd.error() != std::errc::resource_unavailable_try_again) break;
  }
  co_return fd;
}

Task<Result<File>> Directory::OpenFile(std::string path,
                                       OpenOptions options) const {
  EDDY_CO_TRY(io::OpenHow how, internal::OpenHowOf(options));
  const int flags = how.flags;
  // A FIFO would be waited for.
  how.flags |= O_NONBLOCK | O_NOCTTY;
  EDDY_CO_TRY(io::Fd fd, co_await OpenBeneath(path, how));
  // Else the kernel would answer EAGAIN where it has to wait for the disk.
  fcntl(fd.get(), F_SETFL, flags);
  if (!options.direct) co_return File(std::move(fd));
  EDDY_CO_TRY(const io::DirectAlignment alignment,
              co_await internal::AskAlignment(fd));
  co_return File(std::move(fd), alignment);
}

Task<Result<Directory>> Directory::OpenDirectory(std::string path) const {
  io::OpenHow how;
  how.flags = kOpenFolder;
  EDDY_CO_TRY(io::Fd fd, co_await OpenBeneath(path, how));
  co_return Directory(std::move(fd));
}

Task<Result<FileInfo>> Directory::Stat(std::string path, bool follow) const {
  io::OpenHow how;
  how.flags = follow ? O_PATH : O_PATH | O_NOFOLLOW;
  EDDY_CO_TRY(io::Fd fd, co_await OpenBeneath(path, how));
  const File file(std::move(fd));
  co_return co_await file.Stat();
}

Result<Directory> Directory::Duplicate() const {
  const int fd = fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return Unexpected(Error::FromErrno(errno));
  return Directory(io::Fd(fd));
}

Task<Result<void>> Directory::MakeDirectory(std::string name,
                                            mode_t mode) const {
  if (!internal::IsSingleName(name)) co_return Unexpected(kNoSingleName);
  co_return co_await io::MakeDirectoryAt(fd_, name, mode);
}

Task<Result<void>> Directory::Unlink(std::string name) const {
  if (!internal::IsSingleName(name)) co_return Unexpected(kNoSingleName);
  co_return co_await io::UnlinkAt(fd_, name);
}

Task<Result<void>> Directory::RemoveDirectory(std::string name) const {
  if (!internal::IsSingleName(name)) co_return Unexpected(kNoSingleName);
  co_return co_await io::UnlinkAt(fd_, name, AT_REMOVEDIR);
}

Task<Result<void>> Directory::Rename(std::string name, const Directory& to,
                                     std::string to_name,
                                     RenameMode mode) const {
  if (!internal::IsSingleName(name) || !internal::IsSingleName(to_name)) {
    co_return Unexpected(kNoSingleName);
  }
  co_return co_await io::RenameAt(fd_, name, to.fd_, to_name,
                                  internal::RenameFlags(mode));
}

Task<Result<void>> Directory::Link(std::string name, const Directory& to,
                                   std::string to_name) const {
  if (!internal::IsSingleName(name) || !internal::IsSingleName(to_name)) {
    co_return Unexpected(kNoSingleName);
  }
  co_return co_await io::LinkAt(fd_, name, to.fd_, to_name);
}

Task<Result<void>> Directory::Symlink(std::string target,
                                      std::string name) const {
  if (!internal::IsSingleName(name)) co_return Unexpected(kNoSingleName);
  co_return co_await io::SymlinkAt(target, fd_, name);
}

Task<Result<std::string>> Directory::ReadLink(std::string name) const {
  if (!internal::IsSingleName(name)) co_return Unexpected(kNoSingleName);
  co_return co_await internal::ReadLinkAt(fd_, std::move(name));
}

}  // namespace eddy::fs
