#include <eddy/net/unix_socket.h>

#include <eddy/io/connect.h>
#include <eddy/runtime/allow_blocking.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

namespace eddy::net::internal {
namespace {

constexpr mode_t kPermissions = 07777;

// "" for an abstract name, and for none.
std::string PathOf(const SocketAddress& address) {
  constexpr std::size_t kOffset = offsetof(sockaddr_un, sun_path);
  if (address.size() <= kOffset) return "";
  const auto* native = reinterpret_cast<const sockaddr_un*>(address.native());
  std::string path(native->sun_path, address.size() - kOffset);
  return path.c_str();
}

bool IsSameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino &&
         a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
         a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

// Whether some process has the socket of this file open. A datagram socket that
// connects to it is told EPROTOTYPE by one of another type, also where that
// does not listen yet, and without a trace at its side.
bool IsOpen(const SocketAddress& address) {
  const Result<io::Fd> probe = MakeUnixSocket(SOCK_DGRAM | SOCK_NONBLOCK);
  return !probe ||
         connect(probe->get(), address.native(), address.size()) == 0 ||
         errno != ECONNREFUSED;
}

// Whether a stale socket file was in the way and is there no more.
bool RemoveStale(const SocketAddress& address, const std::string& path) {
  struct stat before;
  if (lstat(path.c_str(), &before) != 0) return errno == ENOENT;
  if (!S_ISSOCK(before.st_mode) || IsOpen(address)) return false;
  struct stat after;
  if (lstat(path.c_str(), &after) != 0) return errno == ENOENT;
  if (!IsSameFile(before, after)) return false;
  return unlink(path.c_str()) == 0 || errno == ENOENT;
}

// Binds the socket, with the permissions that are asked for.
int Bind(int socket, const SocketAddress& address, const std::string& path,
         const UnixBindOptions& options) {
  // The file is made with the mode of the socket, without the umask: at no
  // moment may anyone connect who is not meant to.
  if (options.mode && !path.empty() && fchmod(socket, *options.mode) != 0) {
    return -1;
  }
  const auto bind_it = [&] {
    return bind(socket, address.native(), address.size());
  };
  if (bind_it() == 0) return 0;
  if (errno != EADDRINUSE || !options.replace_stale || path.empty()) return -1;
  if (RemoveStale(address, path)) return bind_it();
  errno = EADDRINUSE;
  return -1;
}

// What the umask took away.
int RestoreMode(const std::string& path, mode_t mode) {
  struct stat status;
  if (lstat(path.c_str(), &status) != 0) return -1;
  if ((status.st_mode & kPermissions) == mode) return 0;
  return chmod(path.c_str(), mode);
}

}  // namespace

Result<io::Fd> MakeUnixSocket(int type) {
  io::Fd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Unexpected(Error::FromErrno(errno));
  return fd;
}

Task<Result<io::Fd>> ConnectUnixSocket(int type, SocketAddress address) {
  if (address.family() != AF_UNIX) {
    co_return Unexpected(std::errc::address_family_not_supported);
  }
  EDDY_CO_TRY(io::Fd fd, MakeUnixSocket(type));
  EDDY_CO_CHECK(co_await io::Connect(fd, address.native(), address.size()));
  co_return fd;
}

Result<std::pair<io::Fd, io::Fd>> MakeUnixPair(int type) {
  int ends[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return std::pair(io::Fd(ends[0]), io::Fd(ends[1]));
}

Result<BoundUnixSocket> BindUnixSocket(int type, const SocketAddress& address,
                                       const UnixBindOptions& options) {
  if (address.family() != AF_UNIX) {
    return Unexpected(std::errc::address_family_not_supported);
  }
  Result<io::Fd> made = MakeUnixSocket(type);
  if (!made) return Unexpected(made.error());
  const AllowBlocking allow("bind(2) itself makes the file of a Unix socket");
  // In this order, so that the name goes first.
  BoundUnixSocket bound{*std::move(made), UnixName()};
  const std::string path = PathOf(address);
  if (Bind(bound.fd.get(), address, path, options) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  if (!path.empty()) bound.name = UnixName(path);
  if (options.mode && !path.empty() && RestoreMode(path, *options.mode) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  if (type != SOCK_DGRAM && listen(bound.fd.get(), options.backlog) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  if (!options.unlink_at_close) bound.name.Keep();
  return bound;
}

}  // namespace eddy::net::internal
