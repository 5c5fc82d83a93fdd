#include <eddy/net/unix_name.h>

#include <eddy/runtime/allow_blocking.h>

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace eddy::net {

UnixName::UnixName(std::string path) : path_(std::move(path)) {
  struct stat status;
  if (lstat(path_.c_str(), &status) != 0) {
    path_.clear();
    return;
  }
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

UnixName::UnixName(UnixName&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

UnixName& UnixName::operator=(UnixName&& other) noexcept {
  if (this == &other) return *this;
  Remove();
  path_ = std::exchange(other.path_, {});
  device_ = other.device_;
  inode_ = other.inode_;
  return *this;
}

void UnixName::Remove() noexcept {
  if (path_.empty()) return;
  const AllowBlocking allow("a destructor removes the name of a Unix socket");
  // The socket is still open, so that no other file has its number.
  struct stat status;
  if (lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
      status.st_ino == inode_) {
    unlink(path_.c_str());
  }
  path_.clear();
}

}  // namespace eddy::net
