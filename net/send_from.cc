#include <eddy/net/send_from.h>

#include <cstring>

namespace eddy::net {

SendFrom::SendFrom(const io::Fd& fd, const SocketAddress& source,
                   const SocketAddress& to,
                   std::span<const std::byte> data) noexcept
    : FdOperation(fd),
      // The kernel only reads it.
      buffer_{const_cast<std::byte*>(data.data()), data.size()} {
  message_.msg_name = const_cast<sockaddr*>(to.native());
  message_.msg_namelen = to.size();
  if (source.family() == AF_INET) {
    sockaddr_in native;
    std::memcpy(&native, source.native(), sizeof native);
    in_pktinfo info{};
    info.ipi_spec_dst = native.sin_addr;
    control_.Add(IPPROTO_IP, IP_PKTINFO, info);
  } else if (source.family() == AF_INET6) {
    sockaddr_in6 native;
    std::memcpy(&native, source.native(), sizeof native);
    in6_pktinfo info{};
    info.ipi6_addr = native.sin6_addr;
    info.ipi6_ifindex = native.sin6_scope_id;
    control_.Add(IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

}  // namespace eddy::net
