// Making Unix sockets: what the types of Unix sockets have in common.
#ifndef EDDY_NET_UNIX_SOCKET_H_
#define EDDY_NET_UNIX_SOCKET_H_

#include <eddy/io/fd.h>
#include <eddy/net/socket_address.h>
#include <eddy/net/unix_name.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <utility>

namespace eddy::net::internal {

// All of them are close-on-exec; `type` is SOCK_STREAM, SOCK_SEQPACKET or
// SOCK_DGRAM.
Result<io::Fd> MakeUnixSocket(int type);

// Two that are connected to each other.
Result<std::pair<io::Fd, io::Fd>> MakeUnixPair(int type);

// One that is connected to a listener. EAFNOSUPPORT for another address.
Task<Result<io::Fd>> ConnectUnixSocket(int type, SocketAddress address);

// The name is destroyed first.
struct BoundUnixSocket {
  io::Fd fd;
  UnixName name;
};

// One that is bound, and that listens if the type is one of connections.
// EAFNOSUPPORT for another address.
Result<BoundUnixSocket> BindUnixSocket(int type, const SocketAddress& address,
                                       const UnixBindOptions& options);

}  // namespace eddy::net::internal

#endif  // EDDY_NET_UNIX_SOCKET_H_
