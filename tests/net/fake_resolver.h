// FakeResolver: what getaddrinfo answers while it lives. Names that it was not
// told of are not found. Its end waits for the calls that have not returned,
// so gates are opened before.
#ifndef EDDY_TESTS_NET_FAKE_RESOLVER_H_
#define EDDY_TESTS_NET_FAKE_RESOLVER_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/runtime/gate.h"

namespace eddy::net_test {

class FakeResolver {
 public:
  FakeResolver();
  ~FakeResolver();
  FakeResolver(const FakeResolver&) = delete;
  FakeResolver& operator=(const FakeResolver&) = delete;

  // Numeric addresses of IPv4 and IPv6, in this order.
  void Knows(const std::string& name, std::vector<std::string> addresses);
  // A code of getaddrinfo(3), and errno for EAI_SYSTEM.
  void Fails(const std::string& name, int code, int error = 0);
  // The answer comes when the gate is open.
  void Holds(const std::string& name, std::shared_ptr<test::Gate> gate);

  // Calls of getaddrinfo so far.
  int calls() const;
};

}  // namespace eddy::net_test

#endif  // EDDY_TESTS_NET_FAKE_RESOLVER_H_
