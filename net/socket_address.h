// SocketAddress: an IPv4, IPv6 or Unix address, with its port.
//
// Text form, which Parse reads and ToString writes (a round trip of a parsed
// address gives an equal one):
//   127.0.0.1:8080          IPv4
//   [::1]:8080              IPv6
//   [fe80::1%2]:8080        IPv6 with a scope: an interface's name or index
//   unix:/run/eddy.sock     a Unix socket of this path
//   unix:@name              an abstract Unix socket (unix(7)); for a path that
//                           begins with @, write ./@
//   unix:                   an unnamed Unix socket, such as a client's; Parse
//                           refuses it, since no one can be reached by it
#ifndef EDDY_NET_SOCKET_ADDRESS_H_
#define EDDY_NET_SOCKET_ADDRESS_H_

#include <eddy/runtime/result.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace eddy::net {

class SocketAddress {
 public:
  // No address (AF_UNSPEC).
  SocketAddress() noexcept;

  // Errors: EINVAL for a text that is no address (host names are not), a port
  // above 65535, a Unix path that is empty, has a zero byte, or is longer than
  // 107 bytes; ENODEV for an unknown interface.
  static Result<SocketAddress> Parse(std::string_view text);

  // Any local address / the loopback address of the machine.
  static SocketAddress AnyV4(std::uint16_t port) noexcept;
  static SocketAddress AnyV6(std::uint16_t port) noexcept;
  static SocketAddress LoopbackV4(std::uint16_t port) noexcept;
  static SocketAddress LoopbackV6(std::uint16_t port) noexcept;

  // A copy of what the kernel gave. `size` at most sizeof(sockaddr_storage);
  // an unknown family gives no address.
  static SocketAddress FromNative(const sockaddr* address,
                                  socklen_t size) noexcept;

  // The address that a socket is bound to / connected to.
  // Errors: those of getsockname(2) / getpeername(2), such as ENOTCONN.
  static Result<SocketAddress> LocalOf(int socket);
  static Result<SocketAddress> PeerOf(int socket);

  // AF_INET, AF_INET6, AF_UNIX or AF_UNSPEC.
  int family() const noexcept { return address_.any.sa_family; }
  // In the host's byte order; 0 for other families.
  std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;

  const sockaddr* native() const noexcept { return &address_.any; }
  socklen_t size() const noexcept { return size_; }

  std::string ToString() const;

  // Whether the family, the address, and the port are the same, and with IPv6
  // the scope; not the flow label, which only native() has.
  friend bool operator==(const SocketAddress& a,
                         const SocketAddress& b) noexcept;

 private:
  static Result<SocketAddress> ParseV4(std::string_view host,
                                       std::uint16_t port);
  static Result<SocketAddress> ParseV6(std::string_view host,
                                       std::uint16_t port);
  static Result<SocketAddress> ParseUnix(std::string_view path);

  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un local;
  } address_;
  socklen_t size_;
};

std::ostream& operator<<(std::ostream& out, const SocketAddress& address);

}  // namespace eddy::net

#endif  // EDDY_NET_SOCKET_ADDRESS_H_
