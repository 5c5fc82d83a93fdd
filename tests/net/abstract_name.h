// A name for a Unix socket that no other process has: tests run beside each
// other, and abstract names belong to the whole network namespace.
#ifndef EDDY_TESTS_NET_ABSTRACT_NAME_H_
#define EDDY_TESTS_NET_ABSTRACT_NAME_H_

#include <eddy/net/socket_address.h>

#include <unistd.h>

#include <string>

namespace eddy::net_test {

inline net::SocketAddress AbstractName(const std::string& what) {
  return net::SocketAddress::Parse("unix:@eddy_" + what + "_" +
                                   std::to_string(getpid()))
      .value();
}

}  // namespace eddy::net_test

#endif  // EDDY_TESTS_NET_ABSTRACT_NAME_H_
