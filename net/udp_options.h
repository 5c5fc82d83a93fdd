// UdpOptions: the options of a UDP socket, with types.
//
//   net::UdpOptions options;
//   options.receive_buffer = 4 << 20;
//   options.packet_info = true;
//   EDDY_CO_TRY(auto socket, net::UdpSocket::Bind(address, options));
//
// The same struct is given to UdpSocket::Bind, Connect and SetOptions. A member
// that is not set leaves the option as it is.
//
// Errors: EINVAL for a value out of its range, and then nothing was set. What
// the kernel itself refuses comes as its error, and options before it in the
// struct are set.
#ifndef EDDY_NET_UDP_OPTIONS_H_
#define EDDY_NET_UDP_OPTIONS_H_

#include <eddy/runtime/result.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace eddy::net {

struct UdpOptions {
  // Only before the socket is bound, so with Bind or Connect: several sockets
  // may be bound to one address (SO_REUSEADDR: for multicast, where each gets
  // every datagram; of unicast the last one bound gets all), or share what
  // comes to it by sender (SO_REUSEPORT: as for one socket a core).
  std::optional<bool> reuse_address = {};
  std::optional<bool> reuse_port = {};
  // An IPv6 socket carries no IPv4. Only with Bind or Connect. (IPV6_V6ONLY)
  std::optional<bool> v6_only = {};

  // Bytes that may wait, 1 to 2^30 - 1; cut to net.core.wmem_max and rmem_max.
  // What comes while the receive buffer is full is dropped, and counted: see
  // UdpSocket::dropped. (SO_SNDBUF, SO_RCVBUF)
  std::optional<std::size_t> send_buffer = {};
  std::optional<std::size_t> receive_buffer = {};

  // Tell with each datagram where it was sent to and through which interface
  // it came. (IP_PKTINFO, IPV6_RECVPKTINFO)
  std::optional<bool> packet_info = {};
  // Datagrams of one size from one sender may come together, as segments of
  // one: many for the cost of one. Where the kernel has no such thing (before
  // 5.0) they come one by one. (UDP_GRO)
  std::optional<bool> gro = {};

  // Sending to broadcast addresses is allowed. (SO_BROADCAST)
  std::optional<bool> broadcast = {};
  // How many routers a datagram may pass, 1 to 255. (IP_TTL,
  // IPV6_UNICAST_HOPS)
  std::optional<int> ttl = {};
  // Differentiated services code point of the packets, 0 to 63. (IP_TOS,
  // IPV6_TCLASS, without the two bits of ECN)
  std::optional<std::uint8_t> dscp = {};

  // What is sent to a group: how many routers it may pass, 0 to 255, 0 being
  // this machine; whether members on this machine get it; and the interface it
  // leaves through, by its index, 0: by the routes. (IP_MULTICAST_TTL, _LOOP,
  // _IF; IPV6_MULTICAST_HOPS, _LOOP, _IF)
  std::optional<int> multicast_ttl = {};
  std::optional<bool> multicast_loop = {};
  std::optional<unsigned> multicast_interface = {};

  friend bool operator==(const UdpOptions&, const UdpOptions&) = default;
};

namespace internal {

// EINVAL for a value out of its range.
Result<void> CheckUdpOptions(const UdpOptions& options) noexcept;

// Sets what is given on a socket of this family. REQUIRES: checked.
Result<void> ApplyUdpOptions(int socket, int family,
                             const UdpOptions& options) noexcept;

// All of them, as they are.
Result<UdpOptions> ReadUdpOptions(int socket) noexcept;

}  // namespace internal
}  // namespace eddy::net

#endif  // EDDY_NET_UDP_OPTIONS_H_
