#include <eddy/net/socket_option.h>

namespace eddy::net::internal {

Result<int> FamilyOf(int socket) noexcept {
  SocketOptionGetter getter(socket);
  const int family = getter.Get(SOL_SOCKET, SO_DOMAIN);
  return getter.result().map([&] { return family; });
}

Result<void> SetSocketOption(int socket, int level, int option,
                             int value) noexcept {
  SocketOptionSetter setter(socket);
  setter.Set(level, option, value);
  return setter.result();
}

}  // namespace eddy::net::internal
