// TcpOptions, KeepAlive: the options of a TCP connection, with types.
//
//   net::TcpOptions options;
//   options.keep_alive = net::KeepAlive{.idle = 30s, .interval = 5s, .count =
//   3}; options.user_timeout = 20s; EDDY_CO_CHECK(stream.SetOptions(options));
//
// The same struct is given to TcpStream::Connect (ConnectOptions::tcp), to
// TcpListener::Bind (ListenOptions::tcp), where every accepted stream inherits
// it, and to TcpStream::SetOptions. A member that is not set leaves the option
// as it is.
//
// Durations have the kernel's own resolution, so that a value which it would
// round does not compile.
//
// Errors: EINVAL for a value out of its range, and then nothing was set. What
// the kernel itself refuses comes as its error, and options before it in the
// struct are set; a socket that Connect or Bind was making is closed.
//
// Unix sockets have only send_buffer; the others are ignored there.
//
// No linger time: a close that lingers waits in the kernel for as long, also as
// an operation of the ring, and with it the whole loop. To know that the peer
// has got everything, Shutdown() and Read() until the end of the stream, under
// a WithTimeout.
#ifndef EDDY_NET_TCP_OPTIONS_H_
#define EDDY_NET_TCP_OPTIONS_H_

#include <eddy/runtime/result.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace eddy::net {

// Probes on a connection that carries nothing, so that a peer that is gone
// without a word is noticed (ETIMEDOUT, or the error that comes back).
struct KeepAlive {
  bool on = true;
  // How long nothing may come before the first probe, 1 to 32767 s.
  // (TCP_KEEPIDLE; not set: net.ipv4.tcp_keepalive_time, two hours.)
  std::optional<std::chrono::seconds> idle = {};
  // Between probes, 1 to 32767 s. (TCP_KEEPINTVL)
  std::optional<std::chrono::seconds> interval = {};
  // Probes without an answer that end the connection, 1 to 127. (TCP_KEEPCNT)
  std::optional<int> count = {};

  friend bool operator==(const KeepAlive&, const KeepAlive&) = default;
};

struct TcpOptions {
  // Send small writes at once. Connect and Bind set it where it is not given.
  // (TCP_NODELAY)
  std::optional<bool> no_delay = {};
  std::optional<KeepAlive> keep_alive = {};
  // How long what was sent may stay unacknowledged, or the window closed,
  // before the connection ends with ETIMEDOUT; 0: the kernel's own, minutes. It
  // also bounds how long a connect tries, and overrides KeepAlive::count.
  // (TCP_USER_TIMEOUT)
  std::optional<std::chrono::milliseconds> user_timeout = {};
  // Closing resets the connection: what was not sent yet is lost, the peer
  // reads ECONNRESET, and no TIME_WAIT is left. (SO_LINGER of 0 s)
  std::optional<bool> reset_on_close = {};
  // Bytes that the kernel keeps for the connection, 1 to 2^30 - 1; cut to
  // net.core.wmem_max and rmem_max. Where they are set, the kernel no longer
  // grows them by need. receive_buffer bounds the window from the handshake on,
  // so it belongs to Connect or Bind. (SO_SNDBUF, SO_RCVBUF)
  std::optional<std::size_t> send_buffer = {};
  std::optional<std::size_t> receive_buffer = {};
  // A write waits while so many bytes have not been sent yet, though the send
  // buffer has room: less waits in line in the kernel. At least 1.
  // (TCP_NOTSENT_LOWAT)
  std::optional<std::size_t> unsent_limit = {};
  // Acknowledge at once. Not for good: the kernel goes back to what it thinks
  // best. (TCP_QUICKACK)
  std::optional<bool> quick_ack = {};
  // Send only full segments until it is off again, or for 200 ms. For a single
  // write there is WriteSome(data, MSG_MORE). (TCP_CORK)
  std::optional<bool> cork = {};
  // Differentiated services code point of the packets, 0 to 63. (IP_TOS,
  // IPV6_TCLASS, without the two bits of ECN)
  std::optional<std::uint8_t> dscp = {};

  friend bool operator==(const TcpOptions&, const TcpOptions&) = default;
};

namespace internal {

// EINVAL for a value out of its range.
Result<void> CheckTcpOptions(const TcpOptions& options) noexcept;

// Sets what is given on a socket of this family. REQUIRES: checked.
Result<void> ApplyTcpOptions(int socket, int family,
                             const TcpOptions& options) noexcept;

// All of them, as they are. On a Unix socket only the buffers.
Result<TcpOptions> ReadTcpOptions(int socket) noexcept;

}  // namespace internal
}  // namespace eddy::net

#endif  // EDDY_NET_TCP_OPTIONS_H_
