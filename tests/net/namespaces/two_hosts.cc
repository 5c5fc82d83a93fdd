#include "tests/net/namespaces/two_hosts.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>

namespace eddy::net {
namespace {

io::Fd ThisNamespace() {
  return io::Fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

void Enter(const io::Fd& ns) {
  if (setns(ns.get(), CLONE_NEWNET) != 0) {
    std::perror("setns");
    std::abort();
  }
}

bool Shell(const std::string& command) {
  return std::system((command + " 2>/dev/null").c_str()) == 0;
}

// How fast a host that does not answer is given up on, instead of in 3 s.
void AskNeighboursOften() {
  for (const char* family : {"ipv4", "ipv6"}) {
    std::ofstream(std::string("/proc/sys/net/") + family +
                  "/neigh/near/retrans_time_ms")
        << 10;
  }
}

}  // namespace

tl::expected<std::unique_ptr<TwoHosts>, std::string> TwoHosts::Make() {
  std::unique_ptr<TwoHosts> hosts(new TwoHosts);
  const std::string why_not = hosts->SetUp();
  if (!why_not.empty()) return tl::unexpected(why_not);
  return hosts;
}

std::string TwoHosts::SetUp() {
  if (!Shell("ip -V >/dev/null"))
    return "the program ip (Debian: iproute2) is missing";
  home_ = ThisNamespace();
  for (io::Fd* host : {&far_, &near_}) {
    if (unshare(CLONE_NEWNET) != 0) {
      return std::string("no network namespaces for this user: ") +
             std::strerror(errno);
    }
    *host = ThisNamespace();
  }
  // On the near host. The commands of a batch are one program's.
  const std::string far =
      "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(far_.get());
  if (!RunNear("printf '%s\\n' 'link set lo up' "
               "'link add near type veth peer name far netns " +
               far +
               "' 'addr add 10.99.1.1/24 dev near' 'link set near up' "
               "| ip -batch -") ||
      !RunFar("printf '%s\\n' 'link set lo up' "
              "'addr add 10.99.1.2/24 dev far' 'link set far up' "
              "| ip -batch -")) {
    return "no veth pair can be made here";
  }
  has_ipv6_ = RunNear("ip addr add fd99::1/64 dev near nodad") &&
              RunFar("ip addr add fd99::2/64 dev far nodad");
  AskNeighboursOften();
  return "";
}

TwoHosts::~TwoHosts() {
  // Not where this user may not leave it.
  if (far_.valid()) Enter(home_);
}

TwoHosts::Visit::Visit(const TwoHosts& hosts) : hosts_(hosts) {
  Enter(hosts_.far_);
}
TwoHosts::Visit::~Visit() { Enter(hosts_.near_); }

bool TwoHosts::RunNear(const std::string& command) { return Shell(command); }
bool TwoHosts::RunFar(const std::string& command) {
  return OnFar([&] { return Shell(command); });
}

SocketAddress TwoHosts::Far(int family, std::uint16_t port) const {
  const std::string_view host =
      family == AF_INET ? "10.99.1.2:0" : "[fd99::2]:0";
  SocketAddress address = SocketAddress::Parse(host).value();
  address.set_port(port);
  return address;
}

void TwoHosts::PlugIn() {
  RunFar("ip link set far up");
  // An IPv6 address goes with the link.
  if (has_ipv6_) RunFar("ip addr replace fd99::2/64 dev far nodad");
}

}  // namespace eddy::net
