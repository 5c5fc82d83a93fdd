// The options of UDP sockets, groups and broadcast.
#include <eddy/net/udp_options.h>

#include "tests/io/io_test_util.h"

#include <eddy/net/udp.h>
#include <eddy/runtime/timeout.h>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <array>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;

TEST(UdpOptionsTest, AreReadBackAsTheyWereSet) {
  for (const SocketAddress& where :
       {SocketAddress::LoopbackV4(0), SocketAddress::LoopbackV6(0)}) {
    UdpOptions options;
    options.reuse_address = true;
    options.reuse_port = true;
    options.send_buffer = 10'000;
    options.receive_buffer = 20'000;
    options.packet_info = true;
    options.gro = true;
    options.broadcast = true;
    options.ttl = 17;
    options.dscp = 46;
    options.multicast_ttl = 0;
    options.multicast_loop = false;
    options.multicast_interface = if_nametoindex("lo");
    if (where.family() == AF_INET6) options.v6_only = true;
    Result<UdpSocket> socket = UdpSocket::Bind(where, options);
    if (!socket && where.family() == AF_INET6) continue;
    ASSERT_TRUE(socket.has_value()) << socket.error().message();
    Result<UdpOptions> read = socket->options();
    ASSERT_TRUE(read.has_value()) << read.error().message();
    if (where.family() == AF_INET) options.multicast_interface.reset();
    EXPECT_TRUE(*read == options) << where;
    // Those that are not given stay.
    UdpOptions change;
    change.gro = false;
    change.ttl = 18;
    ASSERT_TRUE(socket->SetOptions(change).has_value());
    options.gro = false;
    options.ttl = 18;
    read = socket->options();
    ASSERT_TRUE(read.has_value());
    EXPECT_TRUE(*read == options) << where;
  }
}

TEST(UdpOptionsTest, SetNothingWhereOneIsOutOfRange) {
  Result<UdpSocket> socket = UdpSocket::Bind(SocketAddress::LoopbackV4(0));
  ASSERT_TRUE(socket.has_value());
  const Result<UdpOptions> before = socket->options();
  std::vector<UdpOptions> wrong(9);
  wrong[0].ttl = 0;
  wrong[1].ttl = 256;
  wrong[2].dscp = 64;
  wrong[3].multicast_ttl = -1;
  wrong[4].multicast_ttl = 256;
  wrong[5].send_buffer = 0;
  wrong[6].receive_buffer = 0;
  wrong[7].receive_buffer = std::size_t{1} << 31;
  wrong[8].multicast_interface = 1U << 31;
  for (UdpOptions& options : wrong) {
    options.broadcast = true;
    EXPECT_EQ(socket->SetOptions(options).error(), std::errc::invalid_argument);
    EXPECT_EQ(UdpSocket::Bind(SocketAddress::LoopbackV4(0), options).error(),
              std::errc::invalid_argument);
  }
  EXPECT_TRUE(socket->options() == before);
}

CO_TEST(UdpOptionsTest, LetSocketsShareAPort) {
  UdpOptions options;
  options.reuse_port = true;
  Result<UdpSocket> first =
      UdpSocket::Bind(SocketAddress::LoopbackV4(0), options);
  CO_ASSERT_OK(first);
  const auto address = first->local_address();
  CO_ASSERT_OK(address);
  CO_EXPECT_ERROR(UdpSocket::Bind(*address), std::errc::address_in_use);
  Result<UdpSocket> second = UdpSocket::Bind(*address, options);
  CO_ASSERT_OK(second);
  // Each sender's go to one of them.
  Result<UdpSocket> sender = UdpSocket::Connect(*address);
  CO_ASSERT_OK(sender);
  for (int i = 0; i < 10; ++i) {
    CO_EXPECT_EQ(co_await sender->Send(Bytes("x")), 1U);
  }
  const bool to_first = io_test::Readable(first->fd()) != 0;
  EXPECT_NE(to_first, io_test::Readable(second->fd()) != 0);
}

CO_TEST(UdpOptionsTest, AllowBroadcast) {
  UdpOptions options;
  Result<UdpSocket> receiver = UdpSocket::Bind(SocketAddress::AnyV4(0));
  CO_ASSERT_OK(receiver);
  const auto bound = receiver->local_address();
  CO_ASSERT_OK(bound);
  auto all = SocketAddress::Parse("127.255.255.255:0");
  CO_ASSERT_OK(all);
  all->set_port(bound->port());
  Result<UdpSocket> sender = UdpSocket::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(sender);
  CO_EXPECT_ERROR(co_await sender->SendTo(*all, Bytes("all")),
                  std::errc::permission_denied);
  options.broadcast = true;
  CO_ASSERT_OK(sender->SetOptions(options));
  CO_EXPECT_EQ(co_await sender->SendTo(*all, Bytes("all")), 3U);
  std::array<std::byte, 8> buffer;
  CO_EXPECT_EQ(co_await receiver->Receive(buffer), 3U);
}

// --- Groups ------------------------------------------------------------------

struct Group {
  SocketAddress any;
  SocketAddress address;
};

Group GroupOf(int family) {
  if (family == AF_INET6) {
    return {SocketAddress::AnyV6(0), *SocketAddress::Parse("[ff15::ed]:0")};
  }
  return {SocketAddress::AnyV4(0), *SocketAddress::Parse("239.255.0.77:0")};
}

Task<void> SendToGroup(int family, const char* device) {
  Group group = GroupOf(family);
  const unsigned interface = if_nametoindex(device);
  UdpOptions options;
  options.packet_info = true;
  Result<UdpSocket> first = UdpSocket::Bind(group.any, options);
  CO_ASSERT_OK(first);
  const auto bound = first->local_address();
  CO_ASSERT_OK(bound);
  group.address.set_port(bound->port());

  CO_ASSERT_OK(first->Join(group.address, interface));
  CO_EXPECT_ERROR(first->Join(group.address, interface),
                  std::errc::address_in_use);
  UdpOptions sending;
  sending.multicast_interface = interface;
  Result<UdpSocket> sender = UdpSocket::Bind(group.any, sending);
  CO_ASSERT_OK(sender);
  std::array<std::byte, 8> buffer;
  Result<ReceivedDatagram> received = Unexpected(kTimedOut);
  // A device that has just come up has no address yet, or loses what is sent.
  for (int i = 0; i < 100 && !received; ++i) {
    const Result<std::size_t> sent =
        co_await sender->SendTo(group.address, Bytes("all"));
    if (!sent) {
      EXPECT_EQ(sent.error(), std::errc::address_not_available);
    } else {
      EXPECT_EQ(*sent, 3U);
    }
    received = co_await WithTimeout(100ms, first->ReceiveFrom(buffer));
  }
  CO_ASSERT_OK(received);
  EXPECT_EQ(received->size, 3U);
  CO_ASSERT_TRUE(received->packet_info.has_value());
  EXPECT_EQ(received->packet_info->interface, interface);
  SocketAddress destination = group.address;
  destination.set_port(0);
  EXPECT_EQ(received->packet_info->destination, destination);
  EXPECT_NE(received->packet_info->local, destination);

  // No member on this machine gets it.
  if (family == AF_INET) {
    CO_ASSERT_OK(first->Leave(group.address, interface));
    CO_EXPECT_ERROR(first->Leave(group.address, interface),
                    std::errc::address_not_available);
    UdpOptions members;
    members.multicast_ttl = 1;
    CO_ASSERT_OK(sender->SetOptions(members));
    CO_EXPECT_EQ(co_await sender->SendTo(group.address, Bytes("none")), 4U);
    CO_EXPECT_ERROR(co_await WithTimeout(1ms, first->Receive(buffer)),
                    kTimedOut);
  }
}

CO_TEST(UdpGroupTest, ReceivesWhatIsSentToAnIpv4Group) {
  co_await SendToGroup(AF_INET, "lo");
}

// A network of this thread alone with a device, as long as the descriptor is
// open: the loopback device has no route to IPv6 groups. No descriptor where
// that is not allowed.
io::Fd EnterNetworkWithDevice(const char* name) {
  if (unshare(CLONE_NEWNET) != 0) return io::Fd();
  // Its address is valid at once.
  std::ofstream("/proc/sys/net/ipv6/conf/default/accept_dad") << 0;
  io::Fd device(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  const io::Fd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (ioctl(device.get(), TUNSETIFF, &request) != 0) return io::Fd();
  request.ifr_flags = IFF_UP;
  if (ioctl(any.get(), SIOCSIFFLAGS, &request) != 0) return io::Fd();
  return device;
}

TEST(UdpGroupTest, ReceivesWhatIsSentToAnIpv6Group) {
  bool ran = false;
  std::thread([&] {
    const io::Fd device = EnterNetworkWithDevice("group0");
    ran = device.valid() && UdpSocket::Bind(SocketAddress::AnyV6(0));
    if (ran) SyncWait(SendToGroup(AF_INET6, "group0"));
  }).join();
  if (!ran) GTEST_SKIP() << "no IPv6, or no network of its own with a device";
}

CO_TEST(UdpGroupTest, EveryMemberGetsEachDatagram) {
  Group group = GroupOf(AF_INET);
  const unsigned loopback = if_nametoindex("lo");
  UdpOptions options;
  options.reuse_address = true;
  Result<UdpSocket> first = UdpSocket::Bind(group.any, options);
  CO_ASSERT_OK(first);
  const auto bound = first->local_address();
  CO_ASSERT_OK(bound);
  group.address.set_port(bound->port());
  Result<UdpSocket> second = UdpSocket::Bind(*bound, options);
  CO_ASSERT_OK(second);
  CO_ASSERT_OK(first->Join(group.address, loopback));
  CO_ASSERT_OK(second->Join(group.address, loopback));
  UdpOptions sending;
  sending.multicast_interface = loopback;
  Result<UdpSocket> sender = UdpSocket::Bind(group.any, sending);
  CO_ASSERT_OK(sender);
  CO_EXPECT_EQ(co_await sender->SendTo(group.address, Bytes("all")), 3U);
  std::array<std::byte, 8> buffer;
  CO_EXPECT_EQ(co_await WithTimeout(10s, first->Receive(buffer)), 3U);
  CO_EXPECT_EQ(co_await WithTimeout(10s, second->Receive(buffer)), 3U);
}

TEST(UdpGroupTest, RefusesWhatIsNoGroup) {
  Result<UdpSocket> socket = UdpSocket::Bind(SocketAddress::AnyV4(0));
  ASSERT_TRUE(socket.has_value());
  EXPECT_EQ(socket->Join(SocketAddress::LoopbackV4(0)).error(),
            std::errc::invalid_argument);
  EXPECT_EQ(socket->Join(SocketAddress()).error(), std::errc::invalid_argument);
  EXPECT_EQ(socket->Join(GroupOf(AF_INET).address, 99'999).error(),
            std::errc::no_such_device);
}

}  // namespace
}  // namespace eddy::net
