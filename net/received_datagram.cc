#include <eddy/net/received_datagram.h>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

namespace eddy::net::internal {
namespace {

SocketAddress AddressOf(const in_addr& address) noexcept {
  sockaddr_in native{};
  native.sin_family = AF_INET;
  native.sin_addr = address;
  return SocketAddress::FromNative(reinterpret_cast<const sockaddr*>(&native),
                                   sizeof native);
}

SocketAddress AddressOf(const in6_pktinfo& info) noexcept {
  sockaddr_in6 native{};
  native.sin6_family = AF_INET6;
  native.sin6_addr = info.ipi6_addr;
  if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ||
      IN6_IS_ADDR_MC_LINKLOCAL(&info.ipi6_addr)) {
    native.sin6_scope_id = info.ipi6_ifindex;
  }
  return SocketAddress::FromNative(reinterpret_cast<const sockaddr*>(&native),
                                   sizeof native);
}

}  // namespace

std::size_t SegmentSizeOf(io::ControlMessages control) noexcept {
  for (const io::ControlMessage& message : control) {
    if (!message.Is(IPPROTO_UDP, UDP_GRO)) continue;
    const int size = message.As<int>().value_or(0);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
  }
  return 0;
}

std::uint32_t DroppedOf(io::ControlMessages control) noexcept {
  for (const io::ControlMessage& message : control) {
    if (message.Is(SOL_SOCKET, SO_RXQ_OVFL)) {
      return message.As<std::uint32_t>().value_or(0);
    }
  }
  return 0;
}

std::optional<PacketInfo> PacketInfoOf(io::ControlMessages control) noexcept {
  for (const io::ControlMessage& message : control) {
    if (message.Is(IPPROTO_IP, IP_PKTINFO)) {
      if (const auto info = message.As<in_pktinfo>()) {
        return PacketInfo{AddressOf(info->ipi_addr),
                          AddressOf(info->ipi_spec_dst),
                          static_cast<unsigned>(info->ipi_ifindex)};
      }
    } else if (message.Is(IPPROTO_IPV6, IPV6_PKTINFO)) {
      if (const auto info = message.As<in6_pktinfo>()) {
        const SocketAddress destination = AddressOf(*info);
        const bool group = IN6_IS_ADDR_MULTICAST(&info->ipi6_addr);
        return PacketInfo{destination, group ? SocketAddress() : destination,
                          info->ipi6_ifindex};
      }
    }
  }
  return std::nullopt;
}

}  // namespace eddy::net::internal
