#include <eddy/net/udp.h>

#include <eddy/net/socket_option.h>

#include <linux/sock_diag.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>

namespace eddy::net {
namespace {

Result<io::Fd> MakeSocket(int family, const UdpOptions& options) {
  if (const auto valid = internal::CheckUdpOptions(options); !valid) {
    return Unexpected(valid.error());
  }
  if (family != AF_INET && family != AF_INET6) {
    return Unexpected(std::errc::address_family_not_supported);
  }
  io::Fd fd(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Unexpected(Error::FromErrno(errno));
  // ReceivedDatagram::dropped.
  const Result<void> set =
      internal::SetSocketOption(fd.get(), SOL_SOCKET, SO_RXQ_OVFL, 1)
          .and_then([&] {
            return internal::ApplyUdpOptions(fd.get(), family, options);
          });
  if (!set) return Unexpected(set.error());
  return fd;
}

Result<void> ChangeMembership(int socket, int option,
                              const SocketAddress& group, unsigned interface) {
  group_req request{};
  request.gr_interface = interface;
  if (group.family() != AF_INET && group.family() != AF_INET6) {
    return Unexpected(std::errc::invalid_argument);
  }
  std::memcpy(&request.gr_group, group.native(), group.size());
  const int level = group.family() == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
  internal::SocketOptionSetter setter(socket);
  setter.SetAs(level, option, request);
  return setter.result();
}

}  // namespace

Result<UdpSocket> UdpSocket::Bind(const SocketAddress& address,
                                  const UdpOptions& options) {
  Result<io::Fd> fd = MakeSocket(address.family(), options);
  if (!fd) return Unexpected(fd.error());
  if (bind(fd->get(), address.native(), address.size()) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return UdpSocket(*std::move(fd));
}

Result<UdpSocket> UdpSocket::Connect(const SocketAddress& peer,
                                     const UdpOptions& options) {
  Result<io::Fd> fd = MakeSocket(peer.family(), options);
  if (!fd) return Unexpected(fd.error());
  UdpSocket socket(*std::move(fd));
  if (const auto connected = socket.ConnectTo(peer); !connected) {
    return Unexpected(connected.error());
  }
  return socket;
}

Result<void> UdpSocket::ConnectTo(const SocketAddress& peer) noexcept {
  if (connect(fd_.get(), peer.native(), peer.size()) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return {};
}

// The kernel takes a port that it had chosen back with the peer.
Result<void> UdpSocket::Disconnect() noexcept {
  const Result<SocketAddress> before = local_address();
  if (!before) return Unexpected(before.error());
  const sockaddr none{.sa_family = AF_UNSPEC, .sa_data = {}};
  if (connect(fd_.get(), &none, sizeof none) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  Result<SocketAddress> after = local_address();
  if (!after) return Unexpected(after.error());
  if (after->port() == before->port()) return {};
  after->set_port(before->port());
  if (bind(fd_.get(), after->native(), after->size()) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return {};
}

Result<std::uint32_t> UdpSocket::dropped() const noexcept {
  struct MemInfo {
    std::uint32_t values[SK_MEMINFO_VARS];
  };
  internal::SocketOptionGetter getter(fd_.get());
  const auto info = getter.GetAs<MemInfo>(SOL_SOCKET, SO_MEMINFO);
  return getter.result().map([&] { return info.values[SK_MEMINFO_DROPS]; });
}

Result<void> UdpSocket::SetOptions(const UdpOptions& options) noexcept {
  return internal::CheckUdpOptions(options)
      .and_then([&] { return internal::FamilyOf(fd_.get()); })
      .and_then([&](int family) {
        return internal::ApplyUdpOptions(fd_.get(), family, options);
      });
}

Result<UdpOptions> UdpSocket::options() const noexcept {
  return internal::ReadUdpOptions(fd_.get());
}

Result<void> UdpSocket::Join(const SocketAddress& group,
                             unsigned interface) noexcept {
  return ChangeMembership(fd_.get(), MCAST_JOIN_GROUP, group, interface);
}

Result<void> UdpSocket::Leave(const SocketAddress& group,
                              unsigned interface) noexcept {
  return ChangeMembership(fd_.get(), MCAST_LEAVE_GROUP, group, interface);
}

}  // namespace eddy::net
