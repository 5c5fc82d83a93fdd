#include <eddy/net/udp_options.h>

#include <eddy/net/socket_option.h>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cerrno>
#include <limits>

namespace eddy::net::internal {
namespace {

constexpr int kMaxHops = 255;

// An IPv6 socket may carry IPv4, so what concerns packets is set for both.
void SetForBoth(SocketOptionSetter& setter, int family, int v4, int v6,
                const std::optional<int>& value) {
  setter.Set(IPPROTO_IP, v4, value);
  if (family == AF_INET6) setter.Set(IPPROTO_IPV6, v6, value);
}

// The 1-byte options of IPv4 are accepted and given as int, too.
void SetMulticast(SocketOptionSetter& setter, int family,
                  const UdpOptions& options) {
  std::optional<int> loop;
  if (options.multicast_loop) loop = *options.multicast_loop ? 1 : 0;
  SetForBoth(setter, family, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS,
             options.multicast_ttl);
  SetForBoth(setter, family, IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, loop);
  if (!options.multicast_interface) return;
  ip_mreqn by_index{};
  by_index.imr_ifindex = static_cast<int>(*options.multicast_interface);
  setter.SetAs(IPPROTO_IP, IP_MULTICAST_IF, by_index);
  if (family == AF_INET6) {
    setter.Set(IPPROTO_IPV6, IPV6_MULTICAST_IF,
               static_cast<int>(*options.multicast_interface));
  }
}

}  // namespace

Result<void> CheckUdpOptions(const UdpOptions& options) noexcept {
  const std::size_t largest = kMaxSocketBuffer;
  const bool valid =
      IsWithin<std::size_t>(options.send_buffer, 1, largest) &&
      IsWithin<std::size_t>(options.receive_buffer, 1, largest) &&
      IsWithin(options.ttl, 1, kMaxHops) &&
      IsWithin<std::uint8_t>(options.dscp, 0, kMaxDscp) &&
      IsWithin(options.multicast_ttl, 0, kMaxHops) &&
      IsWithin<unsigned>(options.multicast_interface, 0,
                         std::numeric_limits<int>::max());
  if (!valid) return Unexpected(std::errc::invalid_argument);
  return {};
}

Result<void> ApplyUdpOptions(int socket, int family,
                             const UdpOptions& options) noexcept {
  SocketOptionSetter setter(socket);
  setter.Set(SOL_SOCKET, SO_REUSEADDR, options.reuse_address);
  setter.Set(SOL_SOCKET, SO_REUSEPORT, options.reuse_port);
  if (family == AF_INET6) {
    setter.Set(IPPROTO_IPV6, IPV6_V6ONLY, options.v6_only);
  }
  setter.Set(SOL_SOCKET, SO_SNDBUF, options.send_buffer);
  setter.Set(SOL_SOCKET, SO_RCVBUF, options.receive_buffer);
  if (family == AF_INET6) {
    setter.Set(IPPROTO_IPV6, IPV6_RECVPKTINFO, options.packet_info);
  } else {
    setter.Set(IPPROTO_IP, IP_PKTINFO, options.packet_info);
  }
  setter.Set(SOL_SOCKET, SO_BROADCAST, options.broadcast);
  SetForBoth(setter, family, IP_TTL, IPV6_UNICAST_HOPS, options.ttl);
  std::optional<int> traffic_class;
  if (options.dscp) traffic_class = *options.dscp << kDscpShift;
  SetForBoth(setter, family, IP_TOS, IPV6_TCLASS, traffic_class);
  SetMulticast(setter, family, options);
  if (!setter.result() || !options.gro) return setter.result();
  const Result<void> coalesces =
      SetSocketOption(socket, IPPROTO_UDP, UDP_GRO, *options.gro ? 1 : 0);
  if (!coalesces && coalesces.error() == std::errc::no_protocol_option) {
    return {};
  }
  return coalesces;
}

Result<UdpOptions> ReadUdpOptions(int socket) noexcept {
  SocketOptionGetter getter(socket);
  const bool v6 = getter.Get(SOL_SOCKET, SO_DOMAIN) == AF_INET6;
  const auto flag = [&](int level, int option) {
    return getter.Get(level, option) != 0;
  };
  const auto bytes = [&](int option) {
    return static_cast<std::size_t>(getter.Get(SOL_SOCKET, option) / 2);
  };
  const auto either = [&](int v4_option, int v6_option) {
    return v6 ? getter.Get(IPPROTO_IPV6, v6_option)
              : getter.Get(IPPROTO_IP, v4_option);
  };
  UdpOptions options;
  options.reuse_address = flag(SOL_SOCKET, SO_REUSEADDR);
  options.reuse_port = flag(SOL_SOCKET, SO_REUSEPORT);
  if (v6) options.v6_only = flag(IPPROTO_IPV6, IPV6_V6ONLY);
  options.send_buffer = bytes(SO_SNDBUF);
  options.receive_buffer = bytes(SO_RCVBUF);
  options.packet_info = either(IP_PKTINFO, IPV6_RECVPKTINFO) != 0;
  options.broadcast = flag(SOL_SOCKET, SO_BROADCAST);
  options.ttl = either(IP_TTL, IPV6_UNICAST_HOPS);
  options.dscp =
      static_cast<std::uint8_t>(either(IP_TOS, IPV6_TCLASS) >> kDscpShift);
  options.multicast_ttl = either(IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS);
  options.multicast_loop = either(IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP) != 0;
  if (v6) {
    options.multicast_interface =
        static_cast<unsigned>(getter.Get(IPPROTO_IPV6, IPV6_MULTICAST_IF));
  }
  if (!getter.result()) return Unexpected(getter.result().error());
  // Not known before 5.0: off.
  SocketOptionGetter newer(socket);
  options.gro = newer.Get(IPPROTO_UDP, UDP_GRO) != 0;
  return options;
}

}  // namespace eddy::net::internal
