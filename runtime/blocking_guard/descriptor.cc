#include <eddy/runtime/blocking_guard/descriptor.h>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace eddy::internal::guard {
namespace {

DescriptorKind KindOfFile(int fd) noexcept {
  struct statfs system;
  if (fstatfs(fd, &system) != 0) return DescriptorKind::kFile;
  switch (static_cast<unsigned long>(system.f_type)) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
    case HUGETLBFS_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
      return DescriptorKind::kMemoryFile;
    case AFS_SUPER_MAGIC:
    case CEPH_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case FUSE_SUPER_MAGIC:
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case V9FS_MAGIC:
      return DescriptorKind::kRemoteFile;
    default:
      return DescriptorKind::kFile;
  }
}

// The kernel's name for what is open there.
std::size_t ReadName(int fd, char* text, std::size_t size) noexcept {
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, text, size - 1);
  const auto end = length < 0 ? 0 : static_cast<std::size_t>(length);
  text[end] = '\0';
  return end;
}

bool IsEventFd(int fd) noexcept {
  char name[32];
  return std::string_view(name, ReadName(fd, name, sizeof name)) ==
         "anon_inode:[eventfd]";
}

const char* SocketFamily(int fd) noexcept {
  int family = 0;
  int type = 0;
  socklen_t size = sizeof family;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 ||
      getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
    return nullptr;
  }
  switch (family) {
    case AF_UNIX:
      return "Unix";
    case AF_INET:
    case AF_INET6:
      return type == SOCK_STREAM ? "TCP" : type == SOCK_DGRAM ? "UDP" : "IP";
    default:
      return nullptr;
  }
}

}  // namespace

Descriptor Examine(int fd) noexcept {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return {DescriptorKind::kBad, false};
  const bool nonblocking = (flags & O_NONBLOCK) != 0;
  struct stat info;
  if (fstat(fd, &info) != 0) return {DescriptorKind::kOther, nonblocking};
  switch (info.st_mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
      return {KindOfFile(fd), nonblocking};
    case S_IFBLK:
      return {DescriptorKind::kFile, nonblocking};
    case S_IFSOCK:
      return {DescriptorKind::kSocket, nonblocking};
    case S_IFIFO:
      return {DescriptorKind::kStream, nonblocking};
    case S_IFCHR: {
      // /dev/null, /dev/zero, /dev/random, ...: they never wait.
      constexpr unsigned kMemoryDevices = 1;
      const bool memory = (info.st_rdev >> 8) == kMemoryDevices;
      return {memory ? DescriptorKind::kMemoryFile : DescriptorKind::kStream,
              nonblocking};
    }
    default:
      return {IsEventFd(fd) ? DescriptorKind::kEvent : DescriptorKind::kOther,
              nonblocking};
  }
}

std::size_t Describe(int fd, char* text, std::size_t size) noexcept {
  char name[128];
  const std::size_t length = ReadName(fd, name, sizeof name);
  const char* family = nullptr;
  if (std::string_view(name, length).substr(0, 7) == "socket:") {
    family = SocketFamily(fd);
  }
  const int written = std::snprintf(
      text, size, "fd %d (%s%s%s)", fd, length != 0 ? name : "not open",
      family != nullptr ? ", " : "", family != nullptr ? family : "");
  return std::min(static_cast<std::size_t>(std::max(written, 0)), size - 1);
}

}  // namespace eddy::internal::guard
