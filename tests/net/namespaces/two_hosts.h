// TwoHosts: two network namespaces, near and far, joined by a cable, so that
// tests can do to a network what loopback never does.
//
// While it lives, the calling thread is on the near host: sockets that it makes
// belong there. OnFar(f) makes others. The namespaces have no names and end
// with the last descriptor and thread, so that nothing is left behind, also
// where the program is killed.
#ifndef EDDY_TESTS_NET_NAMESPACES_TWO_HOSTS_H_
#define EDDY_TESTS_NET_NAMESPACES_TWO_HOSTS_H_

#include <eddy/io/fd.h>
#include <eddy/net/socket_address.h>
#include <eddy/runtime/result.h>

#include <cstdint>
#include <memory>
#include <string>

namespace eddy::net {

class TwoHosts {
 public:
  // Takes CAP_NET_ADMIN, CAP_SYS_ADMIN, and the program ip. Error: why there
  // are none, for GTEST_SKIP.
  static tl::expected<std::unique_ptr<TwoHosts>, std::string> Make();
  ~TwoHosts();
  TwoHosts(const TwoHosts&) = delete;
  TwoHosts& operator=(const TwoHosts&) = delete;

  // The far host's address; family AF_INET or AF_INET6.
  SocketAddress Far(int family = AF_INET, std::uint16_t port = 0) const;
  bool has_ipv6() const { return has_ipv6_; }

  template <class F>
  auto OnFar(F f) {
    const Visit visit(*this);
    return f();
  }

  // Runs a command line of the shell on a host; false where it fails.
  bool RunNear(const std::string& command);
  bool RunFar(const std::string& command);

  // Plugs the cable out and in at the far end. The near host sees no carrier,
  // keeps its routes, and what is sent is lost.
  void Unplug() { RunFar("ip link set far down"); }
  void PlugIn();

 private:
  // The thread is on the far host.
  class Visit {
   public:
    explicit Visit(const TwoHosts& hosts);
    ~Visit();
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    const TwoHosts& hosts_;
  };

  TwoHosts() = default;
  std::string SetUp();

  // Network namespaces.
  io::Fd home_;
  io::Fd near_;
  io::Fd far_;
  bool has_ipv6_ = false;
};

}  // namespace eddy::net

#endif  // EDDY_TESTS_NET_NAMESPACES_TWO_HOSTS_H_
