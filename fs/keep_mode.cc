#include <eddy/fs/keep_mode.h>

#include <sys/stat.h>

#include <cerrno>

namespace eddy::fs::internal {

Result<void> KeepMode(int new_fd, mode_t mode, uid_t owner, gid_t group) {
  struct stat now;
  if (fstat(new_fd, &now) != 0) return Unexpected(Error::FromErrno(errno));
  mode &= 07777;
  if (now.st_uid != owner || now.st_gid != group) mode &= 0777;
  if (now.st_gid != group) {
    const mode_t both = mode & (mode >> 3) & 07;
    mode = (mode & 0700) | both << 3 | both;
  }
  if (fchmod(new_fd, mode) != 0) return Unexpected(Error::FromErrno(errno));
  return {};
}

}  // namespace eddy::fs::internal
