// What is set on listeners, on clients and on connections, what accepted
// streams inherit, and what is refused.
#include <eddy/net/tcp_options.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"
#include "tests/runtime/test_verbs.h"

#include <eddy/net/tcp.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/when_all.h>

#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <array>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::OpenDescriptors;
using io_test::TempDir;
using io_test::Text;

struct Connection {
  TcpStream client;
  TcpStream server;
};

Task<Result<Connection>> Connect(TcpListener& listener,
                                 ConnectOptions options) {
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  Connection both;
  EDDY_CO_TRY(both.client, co_await TcpStream::Connect(address, options));
  EDDY_CO_TRY(both.server, co_await listener.Accept());
  co_return both;
}

// Each of them other than the kernel's default.
TcpOptions Unusual() {
  TcpOptions options;
  options.no_delay = false;
  options.keep_alive =
      KeepAlive{.on = true, .idle = 61s, .interval = 7s, .count = 5};
  options.user_timeout = 12345ms;
  options.reset_on_close = true;
  options.send_buffer = 20'000;
  options.receive_buffer = 30'000;
  options.unsent_limit = 4321;
  options.quick_ack = false;
  options.cork = true;
  options.dscp = std::uint8_t{46};
  return options;
}

class TcpOptionsFamilyTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    address_ = SocketAddress::Parse(GetParam()).value();
    const Result<TcpListener> probe = TcpListener::Bind(address_);
    if (!probe) GTEST_SKIP() << "no such family: " << probe.error();
  }

  static Task<void> AllOnAConnection(SocketAddress address) {
    Result<TcpListener> listener = TcpListener::Bind(address);
    CO_ASSERT_OK(listener);
    Result<Connection> both = co_await Connect(*listener, ConnectOptions());
    CO_ASSERT_OK(both);
    const Result<TcpOptions> before = both->server.options();
    CO_ASSERT_OK(before);
    EXPECT_EQ(before->no_delay, true);
    CO_EXPECT_OK(both->client.SetOptions(Unusual()));
    CO_EXPECT_EQ(both->client.options().value(), Unusual());
    // What is not given stays.
    CO_EXPECT_OK(both->client.SetOptions({.no_delay = true}));
    TcpOptions expected = Unusual();
    expected.no_delay = true;
    CO_EXPECT_EQ(both->client.options().value(), expected);
    // And back.
    CO_EXPECT_OK(both->client.SetOptions(*before));
    CO_EXPECT_EQ(both->client.options()->keep_alive, before->keep_alive);
    CO_EXPECT_EQ(both->client.options()->reset_on_close, false);
    CO_EXPECT_EQ(both->client.options()->cork, false);
  }

  static Task<void> AllOfAListener(SocketAddress address) {
    ListenOptions options;
    options.tcp = Unusual();
    Result<TcpListener> listener = TcpListener::Bind(address, options);
    CO_ASSERT_OK(listener);
    Result<Connection> both = co_await Connect(*listener, ConnectOptions());
    CO_ASSERT_OK(both);
    TcpOptions inherited = both->server.options().value();
    inherited.quick_ack = Unusual().quick_ack;
    EXPECT_EQ(inherited, Unusual());
  }

  static Task<void> AllOfAClient(SocketAddress address) {
    Result<TcpListener> listener = TcpListener::Bind(address);
    CO_ASSERT_OK(listener);
    ConnectOptions options;
    options.tcp = Unusual();
    Result<Connection> both = co_await Connect(*listener, options);
    CO_ASSERT_OK(both);
    TcpOptions set = both->client.options().value();
    set.quick_ack = Unusual().quick_ack;
    EXPECT_EQ(set, Unusual());
    CO_EXPECT_EQ(both->server.options()->user_timeout, 0ms);
  }

  SocketAddress address_;
};

TEST_P(TcpOptionsFamilyTest, AConnectionsAreSetAndRead) {
  SyncWait(AllOnAConnection(address_));
}
TEST_P(TcpOptionsFamilyTest, AcceptedStreamsInheritTheListeners) {
  SyncWait(AllOfAListener(address_));
}
TEST_P(TcpOptionsFamilyTest, AClientHasThemFromTheStart) {
  SyncWait(AllOfAClient(address_));
}
INSTANTIATE_TEST_SUITE_P(Families, TcpOptionsFamilyTest,
                         ::testing::Values("127.0.0.1:0", "[::1]:0"));

// Each out of its range in one way.
std::vector<TcpOptions> Invalid() {
  std::vector<TcpOptions> all;
  const auto add = [&](auto change) {
    TcpOptions options;
    options.cork = true;
    change(options);
    all.push_back(options);
  };
  for (const auto bad : {0s, -1s, 32768s}) {
    add([&](auto& o) { o.keep_alive = KeepAlive{.idle = bad}; });
    add([&](auto& o) { o.keep_alive = KeepAlive{.interval = bad}; });
  }
  for (const int bad : {0, -1, 128}) {
    add([&](auto& o) { o.keep_alive = KeepAlive{.count = bad}; });
  }
  for (const auto bad : {-1ms, 2147483648ms}) {
    add([&](auto& o) { o.user_timeout = bad; });
  }
  for (const std::size_t bad : {std::size_t{0}, std::size_t{1} << 30,
                                std::numeric_limits<std::size_t>::max()}) {
    add([&](auto& o) { o.send_buffer = bad; });
    add([&](auto& o) { o.receive_buffer = bad; });
  }
  for (const std::size_t bad : {std::size_t{0}, std::size_t{1} << 31}) {
    add([&](auto& o) { o.unsent_limit = bad; });
  }
  add([](auto& o) { o.dscp = std::uint8_t{64}; });
  return all;
}

CO_TEST(TcpOptionsTest, AValueOutOfItsRangeSetsNothing) {
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(listener);
  const SocketAddress address = listener->local_address().value();
  Result<Connection> both = co_await Connect(*listener, ConnectOptions());
  CO_ASSERT_OK(both);
  const TcpOptions before = both->client.options().value();
  for (const TcpOptions& invalid : Invalid()) {
    CO_EXPECT_ERROR(both->client.SetOptions(invalid),
                    std::errc::invalid_argument);
    CO_EXPECT_EQ(both->client.options()->cork, before.cork);
    ConnectOptions connect;
    connect.tcp = invalid;
    CO_EXPECT_ERROR(co_await TcpStream::Connect(address, connect),
                    std::errc::invalid_argument);
    ListenOptions listen;
    listen.tcp = invalid;
    CO_EXPECT_ERROR(TcpListener::Bind(address, listen),
                    std::errc::invalid_argument);
  }
  ListenOptions listen;
  listen.fast_open_queue = -1;
  CO_EXPECT_ERROR(TcpListener::Bind(SocketAddress::LoopbackV4(0), listen),
                  std::errc::invalid_argument);
  listen.fast_open_queue = 0;
  listen.defer_accept = -1s;
  CO_EXPECT_ERROR(TcpListener::Bind(SocketAddress::LoopbackV4(0), listen),
                  std::errc::invalid_argument);
}

CO_TEST(TcpOptionsTest, BuffersBeyondTheLimitsAreCut) {
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(listener);
  ConnectOptions options;
  options.tcp.send_buffer = (std::size_t{1} << 30) - 1;
  Result<Connection> both = co_await Connect(*listener, options);
  CO_ASSERT_OK(both);
  const std::size_t set = both->client.options()->send_buffer.value();
  EXPECT_GT(set, 0U);
  EXPECT_LE(set, (std::size_t{1} << 30) - 1);
}

CO_TEST(TcpOptionsTest, AUnixSocketHasOnlyItsSendBuffer) {
  const TempDir dir;
  const SocketAddress path =
      SocketAddress::Parse("unix:" + (dir / "socket")).value();
  ListenOptions listen;
  listen.tcp = Unusual();
  listen.v6_only = true;
  listen.fast_open_queue = 5;
  listen.defer_accept = 5s;
  Result<TcpListener> listener = TcpListener::Bind(path, listen);
  CO_ASSERT_OK(listener);
  ConnectOptions options;
  options.tcp = Unusual();
  options.device = "lo";
  options.fast_open = true;
  Result<Connection> both = co_await Connect(*listener, options);
  CO_ASSERT_OK(both);
  const TcpOptions set = both->client.options().value();
  EXPECT_EQ(set.send_buffer, 20'000U);
  EXPECT_FALSE(set.no_delay);
  EXPECT_FALSE(set.keep_alive);
  CO_EXPECT_OK(both->server.SetOptions(Unusual()));
  CO_EXPECT_ERROR(both->client.info(), std::errc::operation_not_supported);
}

CO_TEST(TcpOptionsTest, NoDescriptorIsAnError) {
  TcpStream none;
  CO_EXPECT_ERROR(none.SetOptions({.cork = true}),
                  std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(none.options(), std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(none.info(), std::errc::bad_file_descriptor);
  co_return;
}

CO_TEST(TcpOptionsTest, ResetOnCloseIsSeenByThePeer) {
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(listener);
  ConnectOptions options;
  options.tcp.reset_on_close = true;
  Result<Connection> both = co_await Connect(*listener, options);
  CO_ASSERT_OK(both);
  CO_ASSERT_OK(co_await both->client.Close());
  std::array<std::byte, 8> buffer;
  CO_EXPECT_ERROR(co_await both->server.Read(buffer),
                  std::errc::connection_reset);
}

CO_TEST(ListenOptionsTest, V6OnlyLeavesIPv4ToAnother) {
  ListenOptions options;
  options.v6_only = true;
  Result<TcpListener> v4 = Unexpected(std::errc::address_in_use);
  // Somebody else may have the other family's port.
  for (int i = 0; i < 20 && !v4; ++i) {
    Result<TcpListener> v6 =
        TcpListener::Bind(SocketAddress::AnyV6(0), options);
    if (!v6) CO_SKIP("no IPv6");
    const std::uint16_t port = v6->local_address()->port();
    v4 = TcpListener::Bind(SocketAddress::AnyV4(port));
    CO_EXPECT_OK(co_await TcpStream::Connect(SocketAddress::LoopbackV6(port)));
  }
  CO_EXPECT_OK(v4);
}

CO_TEST(ListenOptionsTest, DeferAcceptWaitsForTheFirstBytes) {
  const VirtualClock clock;
  ListenOptions options;
  options.defer_accept = 30s;
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0), options);
  CO_ASSERT_OK(listener);
  Result<TcpStream> client =
      co_await TcpStream::Connect(listener->local_address().value());
  CO_ASSERT_OK(client);
  CO_EXPECT_ERROR(co_await WithTimeout(5s, listener->Accept()), kTimedOut);
  CO_ASSERT_OK(co_await client->Write(Bytes("hello")));
  CO_EXPECT_OK(co_await listener->Accept());
}

CO_TEST(ConnectOptionsTest, TheTimeoutEndsAConnectThatNobodyAnswers) {
  const VirtualClock clock;
  io_test::LoopbackListener silent(0);
  std::vector<io::Fd> others;
  for (int i = 0; i < 2; ++i) {
    others.push_back(io_test::TcpSocket());
    io_test::SetNonBlocking(others.back(), true);
    connect(others.back().get(), silent.native(), sizeof silent.address);
  }
  const SocketAddress address =
      SocketAddress::FromNative(silent.native(), sizeof silent.address);
  ConnectOptions options;
  options.timeout = 5s;
  const TimePoint start = Clock::now();
  CO_EXPECT_ERROR(co_await TcpStream::Connect(address, options), kTimedOut);
  EXPECT_EQ(Clock::now() - start, 5s);
}

CO_TEST(ConnectOptionsTest, ComesFromTheLocalAddress) {
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(listener);
  ConnectOptions options;
  options.local_address = SocketAddress::Parse("127.0.0.2:0").value();
  Result<Connection> both = co_await Connect(*listener, options);
  CO_ASSERT_OK(both);
  SocketAddress from = both->server.peer_address().value();
  const std::uint16_t port = from.port();
  EXPECT_NE(port, 0);
  from.set_port(0);
  EXPECT_EQ(from, *options.local_address);
  // Whoever closes first keeps the port for a while.
  CO_ASSERT_OK(co_await both->server.Close());
  std::array<std::byte, 8> buffer;
  CO_EXPECT_EQ(co_await both->client.Read(buffer), 0U);
  CO_ASSERT_OK(co_await both->client.Close());
  // A port of one's own, and again while its last connection lingers.
  options.local_address->set_port(port);
  for (int i = 0; i < 2; ++i) {
    Result<TcpListener> other = TcpListener::Bind(SocketAddress::LoopbackV4(0));
    CO_ASSERT_OK(other);
    both = co_await Connect(*other, options);
    CO_ASSERT_OK(both);
    EXPECT_EQ(both->server.peer_address().value(), *options.local_address);
    CO_ASSERT_OK(co_await both->client.Close());
    CO_EXPECT_EQ(co_await both->server.Read(buffer), 0U);
    CO_ASSERT_OK(co_await both->server.Close());
  }
  options.local_address = SocketAddress::Parse("192.0.2.1:0").value();
  CO_EXPECT_ERROR(co_await Connect(*listener, options),
                  std::errc::address_not_available);
  // Of another family.
  options.local_address = SocketAddress::AnyV6(0);
  const Result<Connection> mixed = co_await Connect(*listener, options);
  EXPECT_FALSE(mixed);
}

CO_TEST(ConnectOptionsTest, GoesThroughTheDevice) {
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(listener);
  ConnectOptions options;
  options.device = "no_such_dev0";
  CO_EXPECT_ERROR(co_await Connect(*listener, options),
                  std::errc::no_such_device);
  options.device = "a name that is far too long for any interface";
  const Result<Connection> refused = co_await Connect(*listener, options);
  EXPECT_FALSE(refused);
  options.device = "lo";
  CO_EXPECT_OK(co_await Connect(*listener, options));
}

CO_TEST(TcpInfoTest, TellsStatesAndTimes) {
  Result<TcpListener> listener =
      TcpListener::Bind(SocketAddress::LoopbackV4(0));
  CO_ASSERT_OK(listener);
  CO_EXPECT_EQ(TcpInfo::Of(listener->fd().get())->state, TcpState::kListen);
  Result<Connection> both = co_await Connect(*listener, ConnectOptions());
  CO_ASSERT_OK(both);
  const Result<TcpInfo> info = both->client.info();
  CO_ASSERT_OK(info);
  EXPECT_EQ(info->state, TcpState::kEstablished);
  EXPECT_GT(info->round_trip_time, 0us);
  EXPECT_EQ(info->retransmits, 0U);
  EXPECT_GT(info->segment_size, 0U);
  EXPECT_GT(info->congestion_window, 0U);
  EXPECT_FALSE(info->fast_open);
  CO_ASSERT_OK(co_await both->client.Close());
  std::array<std::byte, 8> buffer;
  CO_EXPECT_EQ(co_await both->server.Read(buffer), 0U);
  CO_EXPECT_EQ(both->server.info()->state, TcpState::kCloseWait);
}

// --- Fast open ---------------------------------------------------------------

// A network of this process alone, where fast open is as `sysctl` says. False
// where that is not allowed.
bool EnterNetwork(const char* sysctl) {
  if (unshare(CLONE_NEWNET) != 0 &&
      unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return false;
  }
  const io::Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback{};
  std::strcpy(loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP;
  if (ioctl(fd.get(), SIOCSIFFLAGS, &loopback) != 0) return false;
  std::ofstream out("/proc/sys/net/ipv4/tcp_fastopen");
  return static_cast<bool>(out << sysctl << std::flush);
}

// Whether the second of two connections began with its data; the data arrives
// in any case.
Task<Result<bool>> SecondIsFast() {
  ListenOptions listen;
  listen.fast_open_queue = 10;
  EDDY_CO_TRY(TcpListener listener,
              TcpListener::Bind(SocketAddress::LoopbackV4(0), listen));
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  ConnectOptions options;
  options.fast_open = true;
  bool fast = false;
  for (int i = 0; i < 2; ++i) {
    EDDY_CO_TRY(TcpStream client,
                co_await TcpStream::Connect(address, options));
    EDDY_CO_CHECK(co_await client.Write(Bytes("early")));
    EDDY_CO_TRY(TcpStream server, co_await listener.Accept());
    std::array<std::byte, 5> buffer;
    EDDY_CO_TRY(const std::size_t n, co_await server.Read(buffer));
    if (n == 0) co_return Unexpected(kEndOfStream);
    // The server's answer has acknowledged the data.
    EDDY_CO_CHECK(co_await server.Write(Bytes("x")));
    EDDY_CO_TRY(const std::size_t answer, co_await client.Read(buffer));
    if (answer == 0) co_return Unexpected(kEndOfStream);
    EDDY_CO_TRY(const TcpInfo info, client.info());
    fast = info.fast_open;
  }
  co_return fast;
}

std::string FastOpenWith(const char* sysctl) {
  return test::InChild([&]() -> std::string {
    if (!EnterNetwork(sysctl)) return "skip";
    const Result<bool> fast = SyncWait(SecondIsFast());
    if (!fast) return fast.error().message();
    return *fast ? "fast" : "ordinary";
  });
}

TEST(FastOpenTest, TheSecondConnectionBeginsWithItsData) {
  const std::string seen = FastOpenWith("3");
  if (seen == "skip") GTEST_SKIP() << "no network of its own here";
  EXPECT_EQ(seen, "fast");
}

TEST(FastOpenTest, IsAnOrdinaryConnectionWhereItIsNotAllowed) {
  for (const char* sysctl : {"0", "1", "2"}) {
    const std::string seen = FastOpenWith(sysctl);
    if (seen == "skip") GTEST_SKIP() << "no network of its own here";
    EXPECT_EQ(seen, "ordinary") << sysctl;
  }
}

}  // namespace
}  // namespace eddy::net
