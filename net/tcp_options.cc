#include <eddy/net/tcp_options.h>

#include <eddy/net/socket_option.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <limits>

namespace eddy::net::internal {
namespace {

// Of what the kernel keeps in 16 and 8 bits with a sign.
constexpr int kMaxKeepAliveSeconds = 32767;
constexpr int kMaxKeepAliveCount = 127;

}  // namespace

Result<void> CheckTcpOptions(const TcpOptions& options) noexcept {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  const KeepAlive keep_alive = options.keep_alive.value_or(KeepAlive{});
  const seconds longest(kMaxKeepAliveSeconds);
  const std::size_t largest = kMaxSocketBuffer;
  const bool valid =
      IsWithin(keep_alive.idle, seconds(1), longest) &&
      IsWithin(keep_alive.interval, seconds(1), longest) &&
      IsWithin(keep_alive.count, 1, kMaxKeepAliveCount) &&
      IsWithin(options.user_timeout, milliseconds(0),
               milliseconds(std::numeric_limits<int>::max())) &&
      IsWithin<std::size_t>(options.send_buffer, 1, largest) &&
      IsWithin<std::size_t>(options.receive_buffer, 1, largest) &&
      IsWithin<std::size_t>(options.unsent_limit, 1,
                            std::numeric_limits<int>::max()) &&
      IsWithin<std::uint8_t>(options.dscp, 0, kMaxDscp);
  if (!valid) return Unexpected(std::errc::invalid_argument);
  return {};
}

Result<void> ApplyTcpOptions(int socket, int family,
                             const TcpOptions& options) noexcept {
  SocketOptionSetter setter(socket);
  if (family != AF_INET && family != AF_INET6) {
    setter.Set(SOL_SOCKET, SO_SNDBUF, options.send_buffer);
    return setter.result();
  }
  setter.Set(IPPROTO_TCP, TCP_NODELAY, options.no_delay);
  if (const auto& keep_alive = options.keep_alive) {
    setter.Set(SOL_SOCKET, SO_KEEPALIVE, keep_alive->on);
    setter.Set(IPPROTO_TCP, TCP_KEEPIDLE, keep_alive->idle);
    setter.Set(IPPROTO_TCP, TCP_KEEPINTVL, keep_alive->interval);
    setter.Set(IPPROTO_TCP, TCP_KEEPCNT, keep_alive->count);
  }
  setter.Set(IPPROTO_TCP, TCP_USER_TIMEOUT, options.user_timeout);
  if (options.reset_on_close) {
    setter.SetAs(SOL_SOCKET, SO_LINGER,
                 linger{.l_onoff = *options.reset_on_close, .l_linger = 0});
  }
  setter.Set(SOL_SOCKET, SO_SNDBUF, options.send_buffer);
  setter.Set(SOL_SOCKET, SO_RCVBUF, options.receive_buffer);
  setter.Set(IPPROTO_TCP, TCP_NOTSENT_LOWAT, options.unsent_limit);
  setter.Set(IPPROTO_TCP, TCP_QUICKACK, options.quick_ack);
  setter.Set(IPPROTO_TCP, TCP_CORK, options.cork);
  if (options.dscp) {
    const int value = *options.dscp << kDscpShift;
    // An IPv6 socket may carry IPv4.
    setter.Set(IPPROTO_IP, IP_TOS, value);
    if (family == AF_INET6) setter.Set(IPPROTO_IPV6, IPV6_TCLASS, value);
  }
  return setter.result();
}

Result<TcpOptions> ReadTcpOptions(int socket) noexcept {
  using std::chrono::seconds;
  SocketOptionGetter getter(socket);
  TcpOptions options;
  const auto bytes = [&](int option) {
    return static_cast<std::size_t>(getter.Get(SOL_SOCKET, option) / 2);
  };
  const int family = getter.Get(SOL_SOCKET, SO_DOMAIN);
  options.send_buffer = bytes(SO_SNDBUF);
  options.receive_buffer = bytes(SO_RCVBUF);
  if (family == AF_INET || family == AF_INET6) {
    const auto tcp = [&](int option) {
      return getter.Get(IPPROTO_TCP, option);
    };
    options.no_delay = tcp(TCP_NODELAY) != 0;
    options.keep_alive =
        KeepAlive{.on = getter.Get(SOL_SOCKET, SO_KEEPALIVE) != 0,
                  .idle = seconds(tcp(TCP_KEEPIDLE)),
                  .interval = seconds(tcp(TCP_KEEPINTVL)),
                  .count = tcp(TCP_KEEPCNT)};
    options.user_timeout = std::chrono::milliseconds(tcp(TCP_USER_TIMEOUT));
    const auto how = getter.GetAs<linger>(SOL_SOCKET, SO_LINGER);
    options.reset_on_close = how.l_onoff != 0 && how.l_linger == 0;
    if (const int limit = tcp(TCP_NOTSENT_LOWAT); limit > 0) {
      options.unsent_limit = static_cast<std::size_t>(limit);
    }
    options.quick_ack = tcp(TCP_QUICKACK) != 0;
    options.cork = tcp(TCP_CORK) != 0;
    const int traffic_class = family == AF_INET6
                                  ? getter.Get(IPPROTO_IPV6, IPV6_TCLASS)
                                  : getter.Get(IPPROTO_IP, IP_TOS);
    options.dscp = static_cast<std::uint8_t>(traffic_class >> kDscpShift);
  }
  return getter.result().map([&] { return options; });
}

}  // namespace eddy::net::internal
