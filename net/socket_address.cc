#include <eddy/net/socket_address.h>

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <ostream>

namespace eddy::net {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::size_t kUnixPathOffset = offsetof(sockaddr_un, sun_path);

// Decimal digits only, and no more than the type holds.
template <class Number>
bool ParseNumber(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

template <class GetName>
Result<SocketAddress> AddressOf(int socket, GetName get_name) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (get_name(socket, address, &size) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return SocketAddress::FromNative(address, size);
}

}  // namespace

SocketAddress::SocketAddress() noexcept : size_(0) {
  std::memset(&address_, 0, sizeof address_);
}

Result<SocketAddress> SocketAddress::Parse(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) {
    return ParseUnix(text.substr(kUnixPrefix.size()));
  }
  const std::size_t colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon == text.npos || !ParseNumber(text.substr(colon + 1), port)) {
    return Unexpected(std::errc::invalid_argument);
  }
  const std::string_view host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    return ParseV6(host.substr(1, host.size() - 2), port);
  }
  return ParseV4(host, port);
}

Result<SocketAddress> SocketAddress::ParseV4(std::string_view host,
                                             std::uint16_t port) {
  SocketAddress address = AnyV4(port);
  if (host.find('\0') != host.npos ||
      inet_pton(AF_INET, std::string(host).c_str(),
                &address.address_.v4.sin_addr) != 1) {
    return Unexpected(std::errc::invalid_argument);
  }
  return address;
}

Result<SocketAddress> SocketAddress::ParseV6(std::string_view host,
                                             std::uint16_t port) {
  SocketAddress address = AnyV6(port);
  if (host.find('\0') != host.npos) {
    return Unexpected(std::errc::invalid_argument);
  }
  const std::size_t percent = host.find('%');
  if (percent != host.npos) {
    const std::string_view scope = host.substr(percent + 1);
    std::uint32_t& id = address.address_.v6.sin6_scope_id;
    if (scope.empty()) return Unexpected(std::errc::invalid_argument);
    if (!ParseNumber(scope, id)) {
      id = if_nametoindex(std::string(scope).c_str());
      if (id == 0) return Unexpected(std::errc::no_such_device);
    }
  }
  if (inet_pton(AF_INET6, std::string(host.substr(0, percent)).c_str(),
                &address.address_.v6.sin6_addr) != 1) {
    return Unexpected(std::errc::invalid_argument);
  }
  return address;
}

Result<SocketAddress> SocketAddress::ParseUnix(std::string_view path) {
  SocketAddress address;
  sockaddr_un& native = address.address_.local;
  // A path is kept with a zero at its end; an abstract name starts with one.
  if (path.empty() || path == "@" || path.size() >= sizeof native.sun_path ||
      path.find('\0') != path.npos) {
    return Unexpected(std::errc::invalid_argument);
  }
  native.sun_family = AF_UNIX;
  std::memcpy(native.sun_path, path.data(), path.size());
  const bool abstract = path.front() == '@';
  if (abstract) native.sun_path[0] = '\0';
  address.size_ = static_cast<socklen_t>(kUnixPathOffset + path.size() +
                                         (abstract ? 0 : 1));
  return address;
}

SocketAddress SocketAddress::AnyV4(std::uint16_t port) noexcept {
  SocketAddress address;
  address.address_.v4.sin_family = AF_INET;
  address.address_.v4.sin_port = htons(port);
  address.size_ = sizeof(sockaddr_in);
  return address;
}

SocketAddress SocketAddress::AnyV6(std::uint16_t port) noexcept {
  SocketAddress address;
  address.address_.v6.sin6_family = AF_INET6;
  address.address_.v6.sin6_port = htons(port);
  address.size_ = sizeof(sockaddr_in6);
  return address;
}

SocketAddress SocketAddress::LoopbackV4(std::uint16_t port) noexcept {
  SocketAddress address = AnyV4(port);
  address.address_.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

SocketAddress SocketAddress::LoopbackV6(std::uint16_t port) noexcept {
  SocketAddress address = AnyV6(port);
  address.address_.v6.sin6_addr = in6addr_loopback;
  return address;
}

SocketAddress SocketAddress::FromNative(const sockaddr* address,
                                        socklen_t size) noexcept {
  SocketAddress copy;
  const int family =
      size >= sizeof(sa_family_t) ? address->sa_family : AF_UNSPEC;
  const bool known = (family == AF_INET && size >= sizeof(sockaddr_in)) ||
                     (family == AF_INET6 && size >= sizeof(sockaddr_in6)) ||
                     (family == AF_UNIX && size <= sizeof(sockaddr_un));
  if (!known) return copy;
  copy.size_ = family == AF_INET    ? sizeof(sockaddr_in)
               : family == AF_INET6 ? sizeof(sockaddr_in6)
                                    : size;
  std::memcpy(&copy.address_, address, copy.size_);
  if (family == AF_UNIX && size > kUnixPathOffset &&
      copy.address_.local.sun_path[0] != '\0') {
    // A path ends at its zero, however much was given or told behind it.
    const std::size_t length =
        strnlen(copy.address_.local.sun_path, size - kUnixPathOffset);
    copy.size_ = static_cast<socklen_t>(
        std::min(kUnixPathOffset + length + 1, sizeof(sockaddr_un)));
  }
  return copy;
}

Result<SocketAddress> SocketAddress::LocalOf(int socket) {
  return AddressOf(socket, getsockname);
}

Result<SocketAddress> SocketAddress::PeerOf(int socket) {
  return AddressOf(socket, getpeername);
}

std::uint16_t SocketAddress::port() const noexcept {
  if (family() == AF_INET) return ntohs(address_.v4.sin_port);
  if (family() == AF_INET6) return ntohs(address_.v6.sin6_port);
  return 0;
}

void SocketAddress::set_port(std::uint16_t port) noexcept {
  if (family() == AF_INET) address_.v4.sin_port = htons(port);
  if (family() == AF_INET6) address_.v6.sin6_port = htons(port);
}

std::string SocketAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  switch (family()) {
    case AF_INET:
      inet_ntop(AF_INET, &address_.v4.sin_addr, text, sizeof text);
      return std::string(text) + ':' + std::to_string(port());
    case AF_INET6: {
      inet_ntop(AF_INET6, &address_.v6.sin6_addr, text, sizeof text);
      std::string host = text;
      if (address_.v6.sin6_scope_id != 0) {
        host += '%' + std::to_string(address_.v6.sin6_scope_id);
      }
      return '[' + host + "]:" + std::to_string(port());
    }
    case AF_UNIX: {
      // An unnamed socket has no path at all.
      std::string path(address_.local.sun_path, size_ - kUnixPathOffset);
      if (!path.empty() && path.front() == '\0') {
        path.front() = '@';
      } else {
        path = path.c_str();
        if (path.starts_with('@')) path.insert(0, "./");
      }
      return std::string(kUnixPrefix) + path;
    }
    default:
      return "unspecified";
  }
}

bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept {
  if (a.family() != b.family() || a.port() != b.port()) return false;
  const auto& x = a.address_;
  const auto& y = b.address_;
  switch (a.family()) {
    case AF_INET:  // but not sin_zero, which may hold anything
      return x.v4.sin_addr.s_addr == y.v4.sin_addr.s_addr;
    case AF_INET6:
      return x.v6.sin6_scope_id == y.v6.sin6_scope_id &&
             std::memcmp(&x.v6.sin6_addr, &y.v6.sin6_addr,
                         sizeof x.v6.sin6_addr) == 0;
    default:
      return a.size_ == b.size_ && std::memcmp(&x, &y, a.size_) == 0;
  }
}

std::ostream& operator<<(std::ostream& out, const SocketAddress& address) {
  return out << address.ToString();
}

}  // namespace eddy::net
