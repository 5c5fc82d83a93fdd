// TcpListener, TcpStream: TCP servers and clients.
//
//   EDDY_CO_TRY(auto listener, net::TcpListener::Bind(address));
//   EDDY_CO_TRY(auto stream, co_await listener.Accept());
//   EDDY_CO_TRY(std::size_t n, co_await stream.Read(buffer));
//   EDDY_CO_CHECK(co_await stream.Write(buffer.first(n)));
//
// Reading and writing are StreamSocket's (stream_socket.h), accepting is
// Listener's (listener.h).
#ifndef EDDY_NET_TCP_H_
#define EDDY_NET_TCP_H_

#include <eddy/io/byte_stream.h>
#include <eddy/io/fd.h>
#include <eddy/net/connect_options.h>
#include <eddy/net/listener.h>
#include <eddy/net/socket_address.h>
#include <eddy/net/stream_socket.h>
#include <eddy/net/tcp_info.h>
#include <eddy/net/tcp_options.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <chrono>
#include <optional>
#include <utility>

namespace eddy::net {

class TcpStream final : public StreamSocket {
 public:
  // No connection.
  TcpStream() noexcept = default;
  // Takes over a connected socket.
  explicit TcpStream(io::Fd fd) noexcept : StreamSocket(std::move(fd)) {}

  // Connects to an IPv4, IPv6 or Unix stream address. For a host's name there
  // is net::Connect (connect.h).
  // Errors: EINVAL for options out of their range; those of socket(2), bind(2),
  // setsockopt(2) and io::Connect; kTimedOut after ConnectOptions::timeout;
  // kCanceled. After any of them nothing is left.
  // Cost: three system calls that do not block, and one for each option, and
  // one operation.
  static Task<Result<TcpStream>> Connect(SocketAddress address);
  static Task<Result<TcpStream>> Connect(SocketAddress address,
                                         ConnectOptions options);

  // Changes the options that are given; reads all. See tcp_options.h.
  // Cost: one system call, and one for each option; none of them waits.
  Result<void> SetOptions(const TcpOptions& options) noexcept;
  Result<TcpOptions> options() const noexcept {
    return internal::ReadTcpOptions(fd().get());
  }

  // Lets the close break the connection (RST) instead of ending it: the peer's
  // reads fail with ECONNRESET, so that it does not take the part that it got
  // for the whole. What was not sent yet is dropped, and the close never waits.
  // Cost: one system call. See SO_LINGER in socket(7). A Unix socket ignores
  // it.
  Result<void> ResetOnClose() noexcept;

  // Round trips, retransmissions, the state. See tcp_info.h.
  Result<TcpInfo> info() const noexcept { return TcpInfo::Of(fd().get()); }
};

static_assert(io::ByteStream<TcpStream>);

struct ListenOptions {
  // Connections that wait to be accepted; limited by net.core.somaxconn.
  int backlog = 4096;
  // SO_REUSEADDR: bind while old connections of the port linger.
  bool reuse_address = true;
  // SO_REUSEPORT: several listeners share the port.
  bool reuse_port = false;
  // IPV6_V6ONLY: whether a listener on [::] leaves IPv4 alone. Not set: as
  // net.ipv6.bindv6only says. Of no effect on other addresses.
  std::optional<bool> v6_only = {};
  // TCP_FASTOPEN: how many connections that began with data may wait for the
  // end of their handshake; 0: none may begin so. The server's side has to be
  // allowed, too (net.ipv4.tcp_fastopen, bit 1): where it is not, clients
  // connect as ever, and TcpInfo::fast_open tells.
  int fast_open_queue = 0;
  // TCP_DEFER_ACCEPT: a connection is accepted when its first bytes are there,
  // or after about this time without any. 0: at once.
  std::chrono::seconds defer_accept = {};
  // Of every accepted stream, but for quick_ack, which none inherits.
  TcpOptions tcp = {};
};

class TcpListener final : public Listener<TcpStream> {
 public:
  // A socket that listens on an IPv4, IPv6 or Unix address. Port 0 takes a free
  // port; see local_address(). A Unix path must not exist.
  // Errors: EADDRINUSE, EACCES (a port below 1024), EADDRNOTAVAIL, and the
  // others of socket(2), bind(2) and listen(2); EINVAL for options out of their
  // range.
  // Cost: four to five system calls, and one for each option that is not the
  // default; none of them blocks.
  static Result<TcpListener> Bind(const SocketAddress& address,
                                  const ListenOptions& options = {});

  // Takes over a listening socket.
  explicit TcpListener(io::Fd fd) noexcept : Listener(std::move(fd)) {}
};

}  // namespace eddy::net

#endif  // EDDY_NET_TCP_H_
