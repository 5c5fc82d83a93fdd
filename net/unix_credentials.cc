#include <eddy/net/unix_credentials.h>

#include <sys/socket.h>

#include <cerrno>

namespace eddy::net {
namespace {

// <asm/socket.h> has it from Linux 6.5 on.
constexpr int kPeerPidFd = 77;

}  // namespace

Result<UnixCredentials> UnixCredentials::OfPeer(int socket) {
  ucred native{};
  socklen_t size = sizeof native;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &native, &size) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  // What the kernel gives where there is no peer.
  if (native.pid == 0 && native.uid == static_cast<uid_t>(-1) &&
      native.gid == static_cast<gid_t>(-1)) {
    return Unexpected(std::errc::not_connected);
  }
  UnixCredentials peer;
  peer.pid = native.pid;
  peer.uid = native.uid;
  peer.gid = native.gid;
  return peer;
}

Result<io::Fd> PeerProcess(int socket) {
  int fd = -1;
  socklen_t size = sizeof fd;
  if (getsockopt(socket, SOL_SOCKET, kPeerPidFd, &fd, &size) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return io::Fd(fd);
}

}  // namespace eddy::net
