// TCP between two hosts, and what a user of TcpStream sees when the network or
// the peer misbehaves. The list in docs/network.md ("When the network
// misbehaves") says the same.
#include <eddy/net/tcp.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "tests/io/io_test_util.h"
#include "tests/net/namespaces/two_hosts.h"

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::Check;
using io_test::InScope;
using io_test::Pattern;
using io_test::Pause;
using io_test::Text;

// Only what hangs takes this long.
constexpr auto kPatience = 60s;

struct Connection {
  TcpStream near;
  TcpStream far;
};

struct Ends {
  ConnectOptions near;
  ListenOptions far;
};
const Ends kUsual;

void ResetOnClose(const TcpStream& stream) {
  const linger now{1, 0};
  IO_TEST_CHECK(
      setsockopt(stream.fd().get(), SOL_SOCKET, SO_LINGER, &now, sizeof now));
}

// Whether a write failed as it does when the peer has reset the connection.
bool TellsOfAReset(Error error) {
  return error == std::errc::connection_reset ||
         error == std::errc::broken_pipe;
}

// Whether a write failed as it does when the connection has timed out: the
// reason is lost where a part had been sent before.
bool TellsOfATimeout(Error error) {
  return error == std::errc::timed_out || error == std::errc::broken_pipe;
}

// Writes data and ends the direction.
Task<Result<void>> Send(TcpStream& stream, std::span<const std::byte> data) {
  EDDY_CO_CHECK(co_await WithTimeout(kPatience, stream.Write(data)));
  co_return co_await stream.Shutdown();
}

// What comes until the end.
Task<Result<std::vector<std::byte>>> ReceiveAll(TcpStream& stream,
                                                Duration pause = 0ns) {
  std::vector<std::byte> all;
  std::vector<std::byte> buffer(8 * 1024);
  while (true) {
    EDDY_CO_TRY(const std::size_t n,
                co_await WithTimeout(kPatience, stream.Read(buffer)));
    if (n == 0) co_return all;
    all.insert(all.end(), buffer.begin(),
               buffer.begin() + static_cast<std::ptrdiff_t>(n));
    if (pause != 0ns) co_await Pause(pause);
  }
}

class MisbehavingNetworkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TwoHosts::Make();
    if (!made) GTEST_SKIP() << made.error();
    hosts_ = *std::move(made);
  }

  Result<TcpListener> Listen(int family, const ListenOptions& options) {
    return hosts_->OnFar(
        [&] { return TcpListener::Bind(hosts_->Far(family), options); });
  }

  // Both ends of a connection between the hosts.
  Task<Result<Connection>> Connect(const Ends& ends, int family = AF_INET) {
    EDDY_CO_TRY(TcpListener listener, Listen(family, ends.far));
    EDDY_CO_TRY(const SocketAddress address, listener.local_address());
    Connection both;
    EDDY_CO_TRY(both.near, co_await TcpStream::Connect(address, ends.near));
    EDDY_CO_TRY(both.far, co_await listener.Accept());
    co_return both;
  }

  Task<void> CarriesBothWays(int family);

  std::unique_ptr<TwoHosts> hosts_;
};

// Data in both directions at once.
Task<void> MisbehavingNetworkTest::CarriesBothWays(int family) {
  Result<Connection> both = co_await Connect(kUsual, family);
  CO_ASSERT_OK(both);
  EXPECT_EQ(both->near.peer_address().value().family(), family);
  const std::vector<std::byte> up = Pattern(3 << 20, 1);
  const std::vector<std::byte> down = Pattern(3 << 20, 2);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    const auto send = [](TcpStream& stream,
                         const std::vector<std::byte>& data) -> Task<void> {
      CO_EXPECT_OK(co_await Send(stream, data));
    };
    const auto receive = [](TcpStream& stream,
                            const std::vector<std::byte>& data) -> Task<void> {
      const auto all = co_await ReceiveAll(stream);
      CO_ASSERT_OK(all);
      EXPECT_TRUE(*all == data);
    };
    scope.Spawn(send, std::ref(both->near), std::cref(up));
    scope.Spawn(send, std::ref(both->far), std::cref(down));
    scope.Spawn(receive, std::ref(both->near), std::cref(down));
    scope.Spawn(receive, std::ref(both->far), std::cref(up));
    co_return;
  });
}

CO_TEST_F(MisbehavingNetworkTest, OneThatBehavesCarriesAllOverIPv4) {
  co_await CarriesBothWays(AF_INET);
}

CO_TEST_F(MisbehavingNetworkTest, OneThatBehavesCarriesAllOverIPv6) {
  if (!hosts_->has_ipv6()) CO_SKIP("no IPv6");
  co_await CarriesBothWays(AF_INET6);
}

// --- Connecting --------------------------------------------------------------

CO_TEST_F(MisbehavingNetworkTest, NobodyListens) {
  CO_EXPECT_ERROR(co_await TcpStream::Connect(hosts_->Far(AF_INET, 9)),
                  std::errc::connection_refused);
  if (!hosts_->has_ipv6()) co_return;
  CO_EXPECT_ERROR(co_await TcpStream::Connect(hosts_->Far(AF_INET6, 9)),
                  std::errc::connection_refused);
}

CO_TEST_F(MisbehavingNetworkTest, NoRouteLeadsThere) {
  const auto v4 = SocketAddress::Parse("10.200.0.1:80").value();
  CO_EXPECT_ERROR(co_await TcpStream::Connect(v4),
                  std::errc::network_unreachable);
  const auto v6 = SocketAddress::Parse("[fd55::1]:80").value();
  if (!hosts_->has_ipv6()) co_return;
  CO_EXPECT_ERROR(co_await TcpStream::Connect(v6),
                  std::errc::network_unreachable);
}

CO_TEST_F(MisbehavingNetworkTest, NobodyHasTheAddress) {
  const auto v4 = SocketAddress::Parse("10.99.1.77:80").value();
  CO_EXPECT_ERROR(co_await WithTimeout(kPatience, TcpStream::Connect(v4)),
                  std::errc::host_unreachable);
  const auto v6 = SocketAddress::Parse("[fd99::77]:80").value();
  if (!hosts_->has_ipv6()) co_return;
  CO_EXPECT_ERROR(co_await WithTimeout(kPatience, TcpStream::Connect(v6)),
                  std::errc::host_unreachable);
}

CO_TEST_F(MisbehavingNetworkTest, ARouterSaysThatTheHostIsUnreachable) {
  CO_ASSERT_TRUE(hosts_->RunFar("ip route add unreachable 10.99.3.0/24") &&
                 hosts_->RunFar("echo 1 > /proc/sys/net/ipv4/ip_forward") &&
                 hosts_->RunNear("ip route add 10.99.3.0/24 via 10.99.1.2"));
  const auto beyond = SocketAddress::Parse("10.99.3.1:80").value();
  CO_EXPECT_ERROR(co_await WithTimeout(kPatience, TcpStream::Connect(beyond)),
                  std::errc::host_unreachable);
}

// The far host does not forward, and says nothing.
CO_TEST_F(MisbehavingNetworkTest, WhatIsSentThereIsDropped) {
  CO_ASSERT_TRUE(hosts_->RunFar("ip route add blackhole 10.99.4.0/24") &&
                 hosts_->RunFar("echo 1 > /proc/sys/net/ipv4/ip_forward") &&
                 hosts_->RunNear("ip route add 10.99.4.0/24 via 10.99.1.2"));
  const auto silent = SocketAddress::Parse("10.99.4.1:80").value();
  CO_EXPECT_ERROR(co_await WithTimeout(20ms, TcpStream::Connect(silent)),
                  kTimedOut);
  ConnectOptions bounded;
  bounded.timeout = 20ms;
  CO_EXPECT_ERROR(co_await TcpStream::Connect(silent, bounded), kTimedOut);
  // The kernel's own patience is minutes; this makes it less.
  ConnectOptions impatient;
  impatient.tcp.user_timeout = 100ms;
  CO_EXPECT_ERROR(
      co_await WithTimeout(kPatience, TcpStream::Connect(silent, impatient)),
      std::errc::timed_out);
}

// --- In the middle of a transfer ---------------------------------------------

CO_TEST_F(MisbehavingNetworkTest, TheCableIsPulledOutAndTheSenderNotices) {
  Ends ends;
  ends.near.tcp.user_timeout = 200ms;
  Result<Connection> both = co_await Connect(ends);
  CO_ASSERT_OK(both);
  const std::vector<std::byte> data = Pattern(16 << 20);
  std::size_t transferred = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      std::array<std::byte, 4096> buffer;
      CO_EXPECT_OK(co_await both->far.Read(buffer));
      hosts_->Unplug();
    });
    const Result<void> written =
        co_await WithTimeout(kPatience, both->near.Write(data, &transferred));
    CO_ASSERT_FALSE(written);
    EXPECT_TRUE(TellsOfATimeout(written.error())) << written.error();
  });
  EXPECT_LT(transferred, data.size());
  // Who reads it now need not wait.
  std::array<std::byte, 16> buffer;
  CO_EXPECT_OK(co_await WithTimeout(kPatience, both->near.Read(buffer)));
}

CO_TEST_F(MisbehavingNetworkTest, TheCableIsPulledOutAndAReaderSeesNothing) {
  Ends ends;
  ends.near.tcp.keep_alive = KeepAlive{.idle = 1s, .interval = 1s, .count = 1};
  Result<Connection> both = co_await Connect(ends);
  CO_ASSERT_OK(both);
  hosts_->Unplug();
  std::array<std::byte, 16> buffer;
  CO_EXPECT_ERROR(co_await WithTimeout(20ms, both->near.Read(buffer)),
                  kTimedOut);
  // Only its keep-alive probes tell it.
  CO_EXPECT_ERROR(co_await WithTimeout(kPatience, both->near.Read(buffer)),
                  std::errc::timed_out);
}

CO_TEST_F(MisbehavingNetworkTest, TheCableIsPulledOutAndInAgain) {
  Result<Connection> both = co_await Connect(kUsual);
  CO_ASSERT_OK(both);
  const std::vector<std::byte> data = Pattern(8 << 20);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn(
        [&]() -> Task<void> { CO_EXPECT_OK(co_await Send(both->near, data)); });
    std::vector<std::byte> first(64 * 1024);
    const Result<std::size_t> n = co_await both->far.Read(first);
    CO_ASSERT_OK(n);
    hosts_->Unplug();
    co_await Pause(50ms);
    hosts_->PlugIn();
    const auto rest = co_await ReceiveAll(both->far);
    CO_ASSERT_OK(rest);
    first.resize(*n);
    first.insert(first.end(), rest->begin(), rest->end());
    EXPECT_TRUE(first == data);
  });
}

CO_TEST_F(MisbehavingNetworkTest, ThePeerResetsAndTheReaderIsTold) {
  Result<Connection> both = co_await Connect(kUsual);
  CO_ASSERT_OK(both);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await both->far.Write(Bytes("half of")));
      co_await Pause(1ms);
      ResetOnClose(both->far);
      CO_EXPECT_OK(co_await both->far.Close());
    });
    const auto all = co_await ReceiveAll(both->near);
    CO_EXPECT_ERROR(all, std::errc::connection_reset);
  });
}

CO_TEST_F(MisbehavingNetworkTest, ThePeerResetsAndTheWriterIsTold) {
  Result<Connection> both = co_await Connect(kUsual);
  CO_ASSERT_OK(both);
  const std::vector<std::byte> data = Pattern(16 << 20);
  std::size_t transferred = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      std::array<std::byte, 4096> buffer;
      CO_EXPECT_OK(co_await both->far.Read(buffer));
      ResetOnClose(both->far);
      CO_EXPECT_OK(co_await both->far.Close());
    });
    const Result<void> written =
        co_await WithTimeout(kPatience, both->near.Write(data, &transferred));
    CO_ASSERT_FALSE(written);
    EXPECT_TRUE(TellsOfAReset(written.error())) << written.error();
  });
  EXPECT_LT(transferred, data.size());
}

// A close with something unread resets too; the answer that was sent before may
// be lost with it.
CO_TEST_F(MisbehavingNetworkTest, ThePeerClosesWithoutHavingReadAll) {
  Result<Connection> both = co_await Connect(kUsual);
  CO_ASSERT_OK(both);
  CO_ASSERT_OK(co_await both->near.Write(Bytes("unread")));
  std::array<std::byte, 1> one;
  CO_ASSERT_OK(co_await both->far.Read(one));
  CO_ASSERT_OK(co_await both->far.Close());
  std::array<std::byte, 16> buffer;
  CO_EXPECT_ERROR(co_await WithTimeout(kPatience, both->near.Read(buffer)),
                  std::errc::connection_reset);
}

// --- Slow and greedy peers ---------------------------------------------------

Ends SmallBuffers() {
  Ends ends;
  ends.near.tcp.send_buffer = 8 * 1024;
  ends.near.tcp.receive_buffer = 8 * 1024;
  ends.far.tcp.send_buffer = 8 * 1024;
  ends.far.tcp.receive_buffer = 8 * 1024;
  return ends;
}

CO_TEST_F(MisbehavingNetworkTest, TheReaderIsSlow) {
  const Ends ends = SmallBuffers();
  Result<Connection> both = co_await Connect(ends);
  CO_ASSERT_OK(both);
  const std::vector<std::byte> data = Pattern(512 << 10);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn(
        [&]() -> Task<void> { CO_EXPECT_OK(co_await Send(both->near, data)); });
    const auto all = co_await ReceiveAll(both->far, /*pause=*/200us);
    CO_ASSERT_OK(all);
    EXPECT_TRUE(*all == data);
  });
}

CO_TEST_F(MisbehavingNetworkTest, TheWriterIsSlow) {
  const Ends ends = SmallBuffers();
  Result<Connection> both = co_await Connect(ends);
  CO_ASSERT_OK(both);
  const std::vector<std::byte> data = Pattern(2000);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (std::size_t at = 0; at < data.size(); at += 20) {
        CO_EXPECT_OK(co_await both->far.Write(std::span(data).subspan(at, 20)));
        if (at % 100 == 0) co_await Pause(1ms);
      }
      CO_EXPECT_OK(co_await both->far.Shutdown());
    });
    const auto all = co_await ReceiveAll(both->near);
    CO_ASSERT_OK(all);
    EXPECT_TRUE(*all == data);
  });
}

CO_TEST_F(MisbehavingNetworkTest, TheLineIsSlowAndDropsPackets) {
  if (!hosts_->RunNear("tc qdisc add dev near root tbf rate 20mbit burst 16kb "
                       "limit 32kb")) {
    CO_SKIP("no tc, or no token bucket in this kernel");
  }
  Result<Connection> both = co_await Connect(kUsual);
  CO_ASSERT_OK(both);
  const std::vector<std::byte> data = Pattern(512 << 10);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn(
        [&]() -> Task<void> { CO_EXPECT_OK(co_await Send(both->near, data)); });
    const auto all = co_await ReceiveAll(both->far);
    CO_ASSERT_OK(all);
    EXPECT_TRUE(*all == data);
  });
}

// What nobody reads stays with the peer but for the socket's buffer.
CO_TEST_F(MisbehavingNetworkTest, ThePeerFloodsWhoDoesNotRead) {
  const Ends ends = SmallBuffers();
  Result<Connection> both = co_await Connect(ends);
  CO_ASSERT_OK(both);
  const std::vector<std::byte> flood = Pattern(16 << 20);
  std::size_t transferred = 0;
  CO_EXPECT_ERROR(
      co_await WithTimeout(50ms, both->far.Write(flood, &transferred)),
      kTimedOut);
  EXPECT_LT(transferred, 256U << 10);
  // Who has had enough closes.
  CO_ASSERT_OK(co_await both->near.Close());
  const Result<void> written =
      co_await WithTimeout(kPatience, both->far.Write(flood));
  CO_ASSERT_FALSE(written);
  EXPECT_TRUE(TellsOfAReset(written.error())) << written.error();
}

// A peer whose window stays closed: user_timeout bounds that too.
CO_TEST_F(MisbehavingNetworkTest, ThePeerNeverReads) {
  Ends ends = SmallBuffers();
  ends.near.tcp.user_timeout = 300ms;
  Result<Connection> both = co_await Connect(ends);
  CO_ASSERT_OK(both);
  const std::vector<std::byte> data = Pattern(16 << 20);
  const Result<void> written =
      co_await WithTimeout(kPatience, both->near.Write(data));
  CO_ASSERT_FALSE(written);
  EXPECT_TRUE(TellsOfATimeout(written.error())) << written.error();
}

// --- Half-closed peers -------------------------------------------------------

CO_TEST_F(MisbehavingNetworkTest, TheNearEndClosesItsHalfFirst) {
  Result<Connection> both = co_await Connect(kUsual);
  CO_ASSERT_OK(both);
  CO_ASSERT_OK(co_await Send(both->near, Bytes("question")));
  auto all = co_await ReceiveAll(both->far);
  CO_ASSERT_OK(all);
  EXPECT_EQ(Text(*all), "question");
  CO_ASSERT_OK(co_await Send(both->far, Bytes("answer")));
  all = co_await ReceiveAll(both->near);
  CO_ASSERT_OK(all);
  EXPECT_EQ(Text(*all), "answer");
}

CO_TEST_F(MisbehavingNetworkTest, TheFarEndClosesItsHalfFirst) {
  Result<Connection> both = co_await Connect(kUsual);
  CO_ASSERT_OK(both);
  CO_ASSERT_OK(co_await Send(both->far, Bytes("that is all")));
  auto all = co_await ReceiveAll(both->near);
  CO_ASSERT_OK(all);
  EXPECT_EQ(Text(*all), "that is all");
  // It reads on, however much.
  const std::vector<std::byte> data = Pattern(2 << 20);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn(
        [&]() -> Task<void> { CO_EXPECT_OK(co_await Send(both->near, data)); });
    all = co_await ReceiveAll(both->far);
    CO_ASSERT_OK(all);
    EXPECT_TRUE(*all == data);
  });
}

CO_TEST_F(MisbehavingNetworkTest, BothEndsCloseTheirHalvesAtOnce) {
  Result<Connection> both = co_await Connect(kUsual);
  CO_ASSERT_OK(both);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    for (TcpStream* stream : {&both->near, &both->far}) {
      scope.Spawn([stream]() -> Task<void> {
        CO_EXPECT_OK(co_await Send(*stream, Bytes("bye")));
        const auto all = co_await ReceiveAll(*stream);
        CO_ASSERT_OK(all);
        EXPECT_EQ(Text(*all), "bye");
      });
    }
    co_return;
  });
}

}  // namespace
}  // namespace eddy::net
