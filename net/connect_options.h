// ConnectOptions: how a TCP connection is made, for TcpStream::Connect
// (tcp.h), and for Connect and ConnectAny (connect.h).
//
//   net::ConnectOptions options;
//   options.timeout = 5s;
//   options.tcp.keep_alive = net::KeepAlive{.idle = 30s};
//   EDDY_CO_TRY(auto stream, co_await net::TcpStream::Connect(address,
//   options));
#ifndef EDDY_NET_CONNECT_OPTIONS_H_
#define EDDY_NET_CONNECT_OPTIONS_H_

#include <eddy/net/socket_address.h>
#include <eddy/net/tcp_options.h>
#include <eddy/runtime/time.h>

#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <string>

namespace eddy::net {

struct ConnectOptions {
  // Set before the connection is made.
  TcpOptions tcp = {};
  // How long all of it may take: names and every attempt; then kTimedOut.
  // Duration::max(): as long as the kernel tries.
  Duration timeout = Duration::max();
  // Where the connection comes from. Port 0 takes a free one, which is chosen
  // only when the peer is known, so that ports do not run out before every peer
  // has used all; with another port, old connections of it may linger
  // (SO_REUSEADDR).
  std::optional<SocketAddress> local_address = {};
  // The interface that it goes through, such as "eth0"; "": by the routes.
  // (SO_BINDTODEVICE)
  std::string device = {};
  // The first Write is to go out with the SYN, where the peer has given a
  // cookie before: the connect then succeeds at once, and what the network says
  // about it comes with the first Write or Read. For peers that bear to get the
  // data twice. Where the kernel does not allow it (net.ipv4.tcp_fastopen, bit
  // 0) it is an ordinary connection; TcpInfo::fast_open tells which it was.
  // (TCP_FASTOPEN_CONNECT)
  bool fast_open = false;

  // Connect and ConnectAny only: how long an attempt is alone before the next
  // address is tried besides. RFC 8305 recommends 100 ms to 2 s; less than
  // 10 ms counts as 10 ms.
  Duration attempt_delay = std::chrono::milliseconds(250);
  // Connect only: AF_INET or AF_INET6 for addresses of this family alone.
  int family = AF_UNSPEC;
};

}  // namespace eddy::net

#endif  // EDDY_NET_CONNECT_OPTIONS_H_
