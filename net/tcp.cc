#include <eddy/net/tcp.h>

#include <eddy/io/connect.h>
#include <eddy/net/socket_option.h>
#include <eddy/runtime/timeout.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <limits>
#include <string>

namespace eddy::net {
namespace {

using internal::ApplyTcpOptions;
using internal::CheckTcpOptions;
using internal::SetSocketOption;

Result<io::Fd> MakeSocket(int family) {
  io::Fd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Unexpected(Error::FromErrno(errno));
  return fd;
}

bool IsInternet(const SocketAddress& address) {
  return address.family() == AF_INET || address.family() == AF_INET6;
}

// Unset: on.
TcpOptions WithNoDelay(TcpOptions options) {
  options.no_delay = options.no_delay.value_or(true);
  return options;
}

Result<void> BindTo(int socket, const SocketAddress& address) {
  if (bind(socket, address.native(), address.size()) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return {};
}

Result<void> BindLocally(int socket, const SocketAddress& address) {
  const Result<void> set =
      !IsInternet(address) ? Result<void>()
      : address.port() == 0
          ? SetSocketOption(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
          : SetSocketOption(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  return set.and_then([&] { return BindTo(socket, address); });
}

Result<void> BindToDevice(int socket, const std::string& device) {
  if (setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, device.data(),
                 static_cast<socklen_t>(device.size())) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return {};
}

// EOPNOTSUPP: not allowed on this machine.
Result<void> AskForFastOpen(int socket) {
  const Result<void> set =
      SetSocketOption(socket, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
  if (!set && set.error() == std::errc::operation_not_supported) return {};
  return set;
}

// A socket that is ready to connect to the address.
Result<io::Fd> MakeClient(const SocketAddress& address,
                          const ConnectOptions& options) {
  Result<void> done = CheckTcpOptions(options.tcp);
  if (!done) return Unexpected(done.error());
  Result<io::Fd> fd = MakeSocket(address.family());
  if (!fd) return fd;
  const int socket = fd->get();
  const TcpOptions tcp = WithNoDelay(options.tcp);
  done = ApplyTcpOptions(socket, address.family(), tcp);
  if (IsInternet(address)) {
    if (done && !options.device.empty()) {
      done = BindToDevice(socket, options.device);
    }
    if (done && options.fast_open) done = AskForFastOpen(socket);
  }
  if (done && options.local_address) {
    done = BindLocally(socket, *options.local_address);
  }
  if (!done) return Unexpected(done.error());
  return fd;
}

Result<void> CheckListenOptions(const ListenOptions& options) {
  if (options.fast_open_queue < 0 || options.defer_accept.count() < 0 ||
      options.defer_accept.count() > std::numeric_limits<int>::max()) {
    return Unexpected(std::errc::invalid_argument);
  }
  return CheckTcpOptions(options.tcp);
}

Result<void> ConfigureListener(int socket, int family,
                               const ListenOptions& options) {
  Result<void> done = ApplyTcpOptions(socket, family, WithNoDelay(options.tcp));
  const auto set = [&](int level, int option, int value) {
    if (done) done = SetSocketOption(socket, level, option, value);
  };
  if (options.reuse_address) set(SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port) set(SOL_SOCKET, SO_REUSEPORT, 1);
  if (family == AF_INET6 && options.v6_only) {
    set(IPPROTO_IPV6, IPV6_V6ONLY, *options.v6_only ? 1 : 0);
  }
  if (family != AF_UNIX && options.fast_open_queue > 0) {
    set(IPPROTO_TCP, TCP_FASTOPEN, options.fast_open_queue);
  }
  if (family != AF_UNIX && options.defer_accept.count() > 0) {
    set(IPPROTO_TCP, TCP_DEFER_ACCEPT,
        static_cast<int>(options.defer_accept.count()));
  }
  return done;
}

}  // namespace

Task<Result<TcpStream>> TcpStream::Connect(SocketAddress address) {
  return Connect(address, ConnectOptions());
}

Task<Result<TcpStream>> TcpStream::Connect(SocketAddress address,
                                           ConnectOptions options) {
  EDDY_CO_TRY(io::Fd fd, MakeClient(address, options));
  EDDY_CO_CHECK(co_await WithTimeout(
      options.timeout, io::Connect(fd, address.native(), address.size())));
  co_return TcpStream(std::move(fd));
}

Result<void> TcpStream::SetOptions(const TcpOptions& options) noexcept {
  const Result<void> valid = internal::CheckTcpOptions(options);
  if (!valid) return valid;
  const Result<int> family = internal::FamilyOf(fd().get());
  if (!family) return Unexpected(family.error());
  return internal::ApplyTcpOptions(fd().get(), *family, options);
}

Result<void> TcpStream::ResetOnClose() noexcept {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  internal::SocketOptionSetter options(fd().get());
  options.SetAs(SOL_SOCKET, SO_LINGER, at_once);
  return options.result();
}

Result<TcpListener> TcpListener::Bind(const SocketAddress& address,
                                      const ListenOptions& options) {
  const Result<void> valid = CheckListenOptions(options);
  if (!valid) return Unexpected(valid.error());
  Result<io::Fd> fd = MakeSocket(address.family());
  if (!fd) return Unexpected(fd.error());
  const int socket = fd->get();
  Result<void> done = ConfigureListener(socket, address.family(), options);
  if (done) done = BindTo(socket, address);
  if (!done) return Unexpected(done.error());
  if (listen(socket, options.backlog) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return TcpListener(*std::move(fd));
}

}  // namespace eddy::net
