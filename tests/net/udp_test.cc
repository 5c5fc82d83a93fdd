#include <eddy/net/udp.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <net/if.h>

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::Check;
using io_test::InScope;
using io_test::Pattern;
using io_test::Readable;
using io_test::Text;
using io_test::Turn;

// A socket on the loopback device, and its address.
struct Bound {
  UdpSocket socket;
  SocketAddress address;
};

Bound Make(SocketAddress where = SocketAddress::LoopbackV4(0),
           const UdpOptions& options = {}) {
  Result<UdpSocket> socket = UdpSocket::Bind(where, options);
  EXPECT_TRUE(socket.has_value()) << socket.error().message();
  Bound bound{*std::move(socket), {}};
  bound.address = bound.socket.local_address().value_or(SocketAddress());
  return bound;
}

bool HasIpv6() {
  return UdpSocket::Bind(SocketAddress::LoopbackV6(0)).has_value();
}

// Puts datagrams into a socket, without the loop.
void Send(const Bound& from, const Bound& to, std::string_view text) {
  IO_TEST_CHECK(sendto(from.socket.fd().get(), text.data(), text.size(), 0,
                       to.address.native(), to.address.size()));
}

class UdpFamilyTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (GetParam() == AF_INET6 && !HasIpv6()) GTEST_SKIP() << "no IPv6 here";
  }
  static SocketAddress Loopback() {
    return GetParam() == AF_INET6 ? SocketAddress::LoopbackV6(0)
                                  : SocketAddress::LoopbackV4(0);
  }
  static SocketAddress Any() {
    return GetParam() == AF_INET6 ? SocketAddress::AnyV6(0)
                                  : SocketAddress::AnyV4(0);
  }
};
INSTANTIATE_TEST_SUITE_P(Families, UdpFamilyTest,
                         ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& family) {
                           return family.param == AF_INET6 ? "V6" : "V4";
                         });

// --- One datagram ------------------------------------------------------------

Task<void> AskAndAnswer(SocketAddress where) {
  Bound server = Make(where);
  Bound client = Make(where);
  CO_EXPECT_EQ(co_await client.socket.SendTo(server.address, Bytes("ask")), 3U);
  std::array<std::byte, 64> buffer;
  const auto asked = co_await server.socket.ReceiveFrom(buffer);
  CO_ASSERT_OK(asked);
  EXPECT_EQ(Text(std::span(buffer).first(asked->size)), "ask");
  EXPECT_EQ(asked->from, client.address);
  EXPECT_FALSE(asked->truncated);
  EXPECT_EQ(asked->segment_size, 0U);
  EXPECT_EQ(asked->dropped, 0U);
  EXPECT_FALSE(asked->packet_info.has_value());
  CO_EXPECT_EQ(co_await server.socket.SendTo(asked->from, Bytes("answer")), 6U);
  CO_EXPECT_EQ(co_await client.socket.Receive(buffer), 6U);
  EXPECT_EQ(Text(std::span(buffer).first(6)), "answer");
  CO_EXPECT_OK(co_await client.socket.Close());
}

TEST_P(UdpFamilyTest, AsksAndAnswers) { SyncWait(AskAndAnswer(Loopback())); }

CO_TEST(UdpSocketTest, WaitsForADatagram) {
  Bound receiver = Make();
  Bound sender = Make();
  std::array<std::byte, 8> buffer;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (int i = 0; i < 3; ++i) co_await Turn();
      CO_EXPECT_EQ(co_await sender.socket.SendTo(receiver.address, Bytes("x")),
                   1U);
    });
    CO_EXPECT_EQ(co_await receiver.socket.Receive(buffer), 1U);
  });
}

CO_TEST(UdpSocketTest, CarriesAnEmptyDatagram) {
  Bound receiver = Make();
  Bound sender = Make();
  for (int i = 0; i < 2; ++i) {
    CO_EXPECT_EQ(co_await sender.socket.SendTo(receiver.address, Bytes("")),
                 0U);
  }
  std::array<std::byte, 8> buffer;
  CO_EXPECT_EQ(co_await receiver.socket.Receive(buffer), 0U);
  const auto empty = co_await receiver.socket.ReceiveFrom(buffer);
  CO_ASSERT_OK(empty);
  EXPECT_EQ(empty->size, 0U);
  EXPECT_EQ(empty->from, sender.address);
  EXPECT_FALSE(empty->truncated);
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, receiver.socket.Receive(buffer)),
                  kTimedOut);
}

CO_TEST(UdpSocketTest, TellsWhereADatagramDidNotFit) {
  Bound receiver = Make();
  Bound sender = Make();
  for (int i = 0; i < 2; ++i) Send(sender, receiver, "0123456789");
  Send(sender, receiver, "next");
  std::array<std::byte, 4> buffer;
  // The size that it had.
  CO_EXPECT_EQ(co_await receiver.socket.Receive(buffer), 10U);
  EXPECT_EQ(Text(buffer), "0123");
  const auto cut = co_await receiver.socket.ReceiveFrom(buffer);
  CO_ASSERT_OK(cut);
  EXPECT_EQ(cut->size, 4U);
  EXPECT_TRUE(cut->truncated);
  EXPECT_EQ(cut->from, sender.address);
  // The rest is not the next datagram.
  const auto next = co_await receiver.socket.ReceiveFrom(buffer);
  CO_ASSERT_OK(next);
  EXPECT_EQ(Text(buffer), "next");
  EXPECT_FALSE(next->truncated);
}

Task<void> Largest(SocketAddress where, std::size_t most) {
  UdpOptions options;
  options.receive_buffer = 1 << 20;
  options.send_buffer = 1 << 20;
  Bound receiver = Make(where, options);
  Bound sender = Make(where, options);
  const std::vector<std::byte> data = Pattern(most + 1);
  CO_EXPECT_EQ(co_await sender.socket.SendTo(receiver.address,
                                             std::span(data).first(most)),
               most);
  std::vector<std::byte> buffer(most + 1);
  CO_EXPECT_EQ(co_await receiver.socket.Receive(buffer), most);
  buffer.pop_back();
  EXPECT_TRUE(std::equal(buffer.begin(), buffer.end(), data.begin()));
  CO_EXPECT_ERROR(co_await sender.socket.SendTo(receiver.address, data),
                  std::errc::message_size);
  EXPECT_EQ(Readable(receiver.socket.fd()), 0U);
}

TEST_P(UdpFamilyTest, CarriesTheLargestDatagramAndNoLarger) {
  SyncWait(Largest(Loopback(),
                   GetParam() == AF_INET6 ? 65527 : UdpSocket::kMostBytes));
}

// --- Connected ---------------------------------------------------------------

CO_TEST(UdpSocketTest, SendsAndReceivesOnlyToAndFromItsPeer) {
  Bound peer = Make();
  Bound stranger = Make();
  Result<UdpSocket> socket = UdpSocket::Connect(peer.address);
  CO_ASSERT_OK(socket);
  EXPECT_EQ(socket->peer_address().value_or(SocketAddress()), peer.address);
  const auto address = socket->local_address();
  CO_ASSERT_OK(address);
  CO_EXPECT_EQ(co_await stranger.socket.SendTo(*address, Bytes("strange")), 7U);
  CO_EXPECT_EQ(co_await peer.socket.SendTo(*address, Bytes("mine")), 4U);
  CO_EXPECT_EQ(co_await socket->Send(Bytes("hello")), 5U);
  std::array<std::byte, 64> buffer;
  CO_EXPECT_EQ(co_await socket->Receive(buffer), 4U);
  CO_EXPECT_EQ(co_await peer.socket.Receive(buffer), 5U);
  EXPECT_EQ(Readable(socket->fd()), 0U);
}

CO_TEST(UdpSocketTest, ConnectsABoundSocketAndTakesItBack) {
  Bound peer = Make();
  Bound other = Make();
  Bound socket = Make();
  CO_EXPECT_ERROR(co_await socket.socket.Send(Bytes("x")),
                  std::errc::destination_address_required);
  CO_EXPECT_ERROR(socket.socket.peer_address(), std::errc::not_connected);
  CO_ASSERT_OK(socket.socket.ConnectTo(peer.address));
  CO_EXPECT_EQ(co_await socket.socket.Send(Bytes("x")), 1U);
  CO_ASSERT_OK(socket.socket.Disconnect());
  CO_EXPECT_ERROR(co_await socket.socket.Send(Bytes("x")),
                  std::errc::destination_address_required);
  Send(other, socket, "y");
  std::array<std::byte, 8> buffer;
  CO_EXPECT_EQ(co_await socket.socket.Receive(buffer), 1U);
}

// The port of a socket that is closed: the kernel answers with ICMP.
SocketAddress DeafAddress() {
  Bound bound = Make();
  close(bound.socket.fd().Release());
  return bound.address;
}

CO_TEST(UdpSocketTest, HearsThatNobodyHasThePort) {
  Result<UdpSocket> socket = UdpSocket::Connect(DeafAddress());
  CO_ASSERT_OK(socket);
  std::array<std::byte, 8> buffer;
  for (int i = 0; i < 3; ++i) {
    CO_EXPECT_EQ(co_await socket->Send(Bytes("anyone?")), 7U);
    CO_EXPECT_ERROR(co_await socket->Receive(buffer),
                    std::errc::connection_refused);
  }
  // Also from the next send, which has then sent nothing.
  CO_EXPECT_EQ(co_await socket->Send(Bytes("anyone?")), 7U);
  CO_EXPECT_ERROR(co_await socket->Send(Bytes("anyone?")),
                  std::errc::connection_refused);
  // Once.
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, socket->Receive(buffer)),
                  kTimedOut);
}

CO_TEST(UdpSocketTest, HearsOfRefusalWhileItWaits) {
  Result<UdpSocket> socket = UdpSocket::Connect(DeafAddress());
  CO_ASSERT_OK(socket);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      co_await Turn();
      CO_EXPECT_EQ(co_await socket->Send(Bytes("anyone?")), 7U);
    });
    std::array<std::byte, 8> buffer;
    CO_EXPECT_ERROR(co_await socket->ReceiveFrom(buffer),
                    std::errc::connection_refused);
  });
}

CO_TEST(UdpSocketTest, HearsNothingWhereItIsNotConnected) {
  Bound socket = Make();
  const SocketAddress deaf = DeafAddress();
  for (int i = 0; i < 3; ++i) {
    CO_EXPECT_EQ(co_await socket.socket.SendTo(deaf, Bytes("anyone?")), 7U);
  }
  std::array<std::byte, 8> buffer;
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, socket.socket.Receive(buffer)),
                  kTimedOut);
}

// --- A flood -----------------------------------------------------------------

// A peer that sends more than fits: what is lost is counted, on both ways.
CO_TEST(UdpSocketTest, CountsWhatAFloodMadeItDrop) {
  UdpOptions options;
  options.receive_buffer = 4096;
  Bound receiver = Make(SocketAddress::LoopbackV4(0), options);
  Bound sender = Make();
  CO_EXPECT_EQ(receiver.socket.dropped(), 0U);
  constexpr std::uint32_t kSent = 500;
  const std::string flood(200, 'f');
  for (std::uint32_t i = 0; i < kSent; ++i) Send(sender, receiver, flood);
  const auto dropped = receiver.socket.dropped();
  CO_ASSERT_OK(dropped);
  EXPECT_GT(*dropped, 0U);
  std::uint32_t received = 0;
  std::array<std::byte, 256> buffer;
  for (; Readable(receiver.socket.fd()) != 0; ++received) {
    CO_EXPECT_EQ(co_await receiver.socket.Receive(buffer), 200U);
  }
  EXPECT_EQ(received + *dropped, kSent);
  // Those that come later tell, too.
  Send(sender, receiver, "late");
  const auto late = co_await receiver.socket.ReceiveFrom(buffer);
  CO_ASSERT_OK(late);
  EXPECT_EQ(late->dropped, *dropped);
}

// --- Packet info -------------------------------------------------------------

// A server that is bound to all addresses answers from the one that was asked.
Task<void> AnswerFromWhereItWasAsked(SocketAddress any, SocketAddress asked) {
  UdpOptions options;
  options.packet_info = true;
  Bound server = Make(any, options);
  asked.set_port(server.address.port());
  Result<UdpSocket> client = UdpSocket::Connect(asked);
  CO_ASSERT_OK(client);
  CO_EXPECT_EQ(co_await client->Send(Bytes("ask")), 3U);
  std::array<std::byte, 8> buffer;
  const auto question = co_await server.socket.ReceiveFrom(buffer);
  CO_ASSERT_OK(question);
  CO_ASSERT_TRUE(question->packet_info.has_value());
  const PacketInfo& info = *question->packet_info;
  EXPECT_EQ(info.interface, if_nametoindex("lo"));
  asked.set_port(0);
  EXPECT_EQ(info.destination, asked);
  EXPECT_EQ(info.local, asked);
  // The client is connected: it hears an answer from that address alone.
  CO_EXPECT_EQ(
      co_await server.socket.SendFrom(info.local, question->from, Bytes("yes")),
      3U);
  CO_EXPECT_EQ(co_await client->Receive(buffer), 3U);
  CO_EXPECT_EQ(co_await server.socket.SendFrom(SocketAddress(), question->from,
                                               Bytes("default")),
               7U);
}

TEST_P(UdpFamilyTest, AnswersFromWhereItWasAsked) {
  SyncWait(AnswerFromWhereItWasAsked(Any(), Loopback()));
}

CO_TEST(UdpSocketTest, AnswersFromAnAddressThatIsNotTheDefault) {
  const auto second = SocketAddress::Parse("127.0.0.77:0");
  CO_ASSERT_OK(second);
  co_await AnswerFromWhereItWasAsked(SocketAddress::AnyV4(0), *second);
}

CO_TEST(UdpSocketTest, SendsFromNoAddressOfAnotherMachine) {
  Bound socket = Make(SocketAddress::AnyV4(0));
  const auto foreign = SocketAddress::Parse("198.51.100.1:0");
  CO_ASSERT_OK(foreign);
  CO_EXPECT_ERROR(co_await socket.socket.SendFrom(
                      *foreign, SocketAddress::LoopbackV4(9), Bytes("x")),
                  std::errc::network_unreachable);
}

CO_TEST(UdpSocketTest, CarriesIpv4OnAnIpv6Socket) {
  if (!HasIpv6()) CO_SKIP("no IPv6 here");
  UdpOptions options;
  options.v6_only = false;
  options.packet_info = true;
  Bound server = Make(SocketAddress::AnyV6(0), options);
  Bound client = Make();
  CO_EXPECT_EQ(
      co_await client.socket.SendTo(
          SocketAddress::LoopbackV4(server.address.port()), Bytes("ask")),
      3U);
  std::array<std::byte, 8> buffer;
  const auto asked = co_await server.socket.ReceiveFrom(buffer);
  CO_ASSERT_OK(asked);
  EXPECT_EQ(asked->from.family(), AF_INET6);
  CO_ASSERT_TRUE(asked->packet_info.has_value());
  CO_EXPECT_EQ(co_await server.socket.SendFrom(asked->packet_info->local,
                                               asked->from, Bytes("yes")),
               3U);
  const auto answer = co_await client.socket.ReceiveFrom(buffer);
  CO_ASSERT_OK(answer);
  EXPECT_EQ(answer->from, SocketAddress::LoopbackV4(server.address.port()));
}

// --- Errors ------------------------------------------------------------------

TEST(UdpSocketTest, BindsToNoAddressThatIsTakenOrNone) {
  const Bound bound = Make();
  EXPECT_EQ(UdpSocket::Bind(bound.address).error(), std::errc::address_in_use);
  EXPECT_EQ(UdpSocket::Bind(SocketAddress()).error(),
            std::errc::address_family_not_supported);
  EXPECT_EQ(UdpSocket::Connect(*SocketAddress::Parse("unix:/x")).error(),
            std::errc::address_family_not_supported);
  EXPECT_EQ(UdpSocket::Bind(*SocketAddress::Parse("198.51.100.1:1")).error(),
            std::errc::address_not_available);
}

CO_TEST(UdpSocketTest, GivesTheErrorsOfTheSystemCalls) {
  UdpSocket none;
  std::array<std::byte, 8> buffer;
  CO_EXPECT_ERROR(co_await none.Send(Bytes("x")),
                  std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(co_await none.ReceiveFrom(buffer),
                  std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(none.dropped(), std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(none.options(), std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(none.SetOptions({}), std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(none.ConnectTo(SocketAddress::LoopbackV4(9)),
                  std::errc::bad_file_descriptor);
  Bound socket = Make();
  const auto unix_address = SocketAddress::Parse("unix:/some/where/far");
  CO_ASSERT_OK(unix_address);
  CO_EXPECT_ERROR(co_await socket.socket.SendTo(*unix_address, Bytes("x")),
                  std::errc::address_family_not_supported);
}

}  // namespace
}  // namespace eddy::net
