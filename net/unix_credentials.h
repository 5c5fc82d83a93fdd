// UnixCredentials: who is at the other end of a Unix socket; the kernel says
// it, not the peer.
//
//   EDDY_CO_TRY(net::UnixCredentials peer, stream.peer_credentials());
//   if (peer.uid != geteuid()) co_return
//   Unexpected(std::errc::permission_denied);
//
// They are those that the peer had when it connected or began to listen, or
// when the pair was made; it may have handed its socket on since. Where the
// name of a server is abstract, which anyone may take, a client too has reason
// to look.
#ifndef EDDY_NET_UNIX_CREDENTIALS_H_
#define EDDY_NET_UNIX_CREDENTIALS_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>

#include <sys/types.h>

namespace eddy::net {

struct UnixCredentials {
  // 0 for a process outside of the own process namespace. The number may have
  // gone to another process by now; see PeerProcess.
  pid_t pid = 0;
  // The effective user and group.
  uid_t uid = 0;
  gid_t gid = 0;

  // Errors: ENOTCONN (also a datagram socket that is no half of a pair), and
  // those of getsockopt(2).
  // Cost: one system call. See SO_PEERCRED in unix(7).
  static Result<UnixCredentials> OfPeer(int socket);

  friend bool operator==(const UnixCredentials&,
                         const UnixCredentials&) = default;
};

// The process at the other end of a Unix socket, as a descriptor that stands
// for it and no other one: io::Poll(fd, POLLIN) waits for its end, and
// pidfd_send_signal(2) takes it.
// Errors: ENOPROTOOPT before Linux 6.5; ESRCH, EINVAL where it has ended;
// ENODATA, EOPNOTSUPP, EINVAL where there is no peer; EMFILE, ENFILE.
// Cost: one system call. See SO_PEERPIDFD in unix(7).
Result<io::Fd> PeerProcess(int socket);

}  // namespace eddy::net

#endif  // EDDY_NET_UNIX_CREDENTIALS_H_
