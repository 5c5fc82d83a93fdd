#include <eddy/fs/link.h>

#include <eddy/fs/pool_call.h>
#include <eddy/io/link_at.h>
#include <eddy/io/symlink_at.h>
#include <eddy/runtime/blocking.h>

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

namespace eddy::fs {
namespace {

Result<std::string> ReadLinkNow(int directory, const char* path) {
  // No file system has longer ones.
  char text[PATH_MAX];
  const ssize_t size = readlinkat(directory, path, text, sizeof text);
  if (size < 0) return Unexpected(Error::FromErrno(errno));
  return std::string(text, static_cast<std::size_t>(size));
}

}  // namespace

Task<Result<std::string>> internal::ReadLinkAt(const io::Fd& folder,
                                               std::string path) {
  const io::PathView view(path);
  if (view.c_str() == nullptr) {
    co_return Unexpected(std::errc::invalid_argument);
  }
  const FdPin pin(folder);
  co_return co_await Blocking(&ReadLinkNow, folder.get(), view.c_str());
}

Task<Result<void>> Link(std::string from, std::string to) {
  const io::Fd& here = io::Fd::CurrentDirectory();
  co_return co_await io::LinkAt(here, from, here, to);
}

Task<Result<void>> Link(const File& file, std::string to) {
  const internal::FdPin pin(file.fd());
  const io::Fd& here = io::Fd::CurrentDirectory();
  const Result<void> linked =
      co_await io::LinkAt(file.fd(), "", here, to, AT_EMPTY_PATH);
  if (linked || linked.error() != std::errc::no_such_file_or_directory) {
    co_return linked;
  }
  // Older kernels let only the privileged link a descriptor, but everybody what
  // /proc leads to.
  const std::string path = "/proc/self/fd/" + std::to_string(file.fd().get());
  co_return co_await io::LinkAt(here, path, here, to, AT_SYMLINK_FOLLOW);
}

Task<Result<void>> Symlink(std::string target, std::string path) {
  co_return co_await io::SymlinkAt(target, io::Fd::CurrentDirectory(), path);
}

Task<Result<std::string>> ReadLink(std::string path) {
  return internal::ReadLinkAt(io::Fd::CurrentDirectory(), std::move(path));
}

}  // namespace eddy::fs
