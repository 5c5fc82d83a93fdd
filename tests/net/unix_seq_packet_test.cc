#include <eddy/net/unix_seq_packet.h>

#include "tests/io/io_test_util.h"
#include "tests/net/abstract_name.h"

#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::Check;
using io_test::InScope;
using io_test::IsUntouched;
using io_test::kUntouched;
using io_test::Pattern;
using io_test::Text;

const SocketAddress kName = net_test::AbstractName("unix_seq_packet");

// The next packet as text.
Task<Result<std::string>> Next(UnixSeqPacket& socket) {
  std::array<std::byte, 64> buffer;
  EDDY_CO_TRY(const UnixMessage message, co_await socket.Receive(buffer));
  co_return Text(std::span(buffer).first(message.size));
}

CO_TEST(UnixSeqPacketTest, KeepsTheBoundariesOfPackets) {
  Result<UnixSeqPacketListener> listener = UnixSeqPacketListener::Bind(kName);
  CO_ASSERT_OK(listener);
  Result<UnixSeqPacket> client = co_await UnixSeqPacket::Connect(kName);
  CO_ASSERT_OK(client);
  Result<UnixSeqPacket> server = co_await listener->Accept();
  CO_ASSERT_OK(server);
  for (const char* packet : {"one", "two", "", "three"}) {
    CO_EXPECT_EQ(co_await client->Send(Bytes(packet)), std::strlen(packet));
  }
  for (const char* packet : {"one", "two", "", "three"}) {
    CO_EXPECT_EQ(co_await Next(*server), packet);
  }
  CO_EXPECT_OK(co_await server->Send(Bytes("answer")));
  CO_EXPECT_EQ(co_await Next(*client), "answer");
  EXPECT_EQ(client->peer_address().value(), kName);
  EXPECT_EQ(server->local_address().value(), kName);
  EXPECT_EQ(server->peer_credentials().value().pid, getpid());
  EXPECT_EQ(fcntl(server->fd().get(), F_GETFD), FD_CLOEXEC);
}

CO_TEST(UnixSeqPacketTest, TellsTheEndFromEmptyPackets) {
  auto pair = UnixSeqPacket::Pair();
  CO_ASSERT_OK(pair);
  auto& [a, b] = *pair;
  for (const char* packet : {"", "last", ""}) {
    CO_EXPECT_OK(co_await a.Send(Bytes(packet)));
  }
  CO_ASSERT_OK(co_await a.Shutdown());
  for (const char* packet : {"", "last", ""}) {
    CO_EXPECT_EQ(co_await Next(b), packet);
  }
  CO_EXPECT_ERROR(co_await Next(b), kEndOfStream);
  CO_EXPECT_ERROR(co_await Next(b), kEndOfStream);
  // The other direction goes on.
  CO_EXPECT_OK(co_await b.Send({}));
  CO_ASSERT_OK(co_await b.Close());
  CO_EXPECT_EQ(co_await Next(a), "");
  CO_EXPECT_ERROR(co_await Next(a), kEndOfStream);
  CO_EXPECT_ERROR(co_await a.Send(Bytes("x")), std::errc::broken_pipe);
}

CO_TEST(UnixSeqPacketTest, EndsWhileItWaits) {
  auto pair = UnixSeqPacket::Pair();
  CO_ASSERT_OK(pair);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (int i = 0; i < 3; ++i) co_await io_test::Turn();
      CO_EXPECT_OK(co_await pair->first.Close());
    });
    CO_EXPECT_ERROR(co_await Next(pair->second), kEndOfStream);
  });
}

// A packet that was sent before this side had taken the connection over.
CO_TEST(UnixSeqPacketTest, AnEmptyPacketThatWasThereBeforeIsNoEnd) {
  io_test::SocketPair raw(SOCK_SEQPACKET);
  IO_TEST_CHECK(send(raw.a.get(), "", 0, 0));
  raw.a = io::Fd();
  co_await io_test::Turn();
  UnixSeqPacket socket(std::move(raw.b));
  CO_EXPECT_EQ(co_await Next(socket), "");
  CO_EXPECT_ERROR(co_await Next(socket), kEndOfStream);
}

CO_TEST(UnixSeqPacketTest, TellsOfAPacketThatWasCutShort) {
  auto pair = UnixSeqPacket::Pair();
  CO_ASSERT_OK(pair);
  auto& [a, b] = *pair;
  CO_ASSERT_OK(co_await a.Send(Bytes("too long")));
  CO_ASSERT_OK(co_await a.Send(Bytes("fits")));
  std::array<std::byte, 8> buffer;
  buffer.fill(kUntouched);
  Result<UnixMessage> message = co_await b.Receive(std::span(buffer).first(4));
  CO_ASSERT_OK(message);
  EXPECT_EQ(message->size, 4U);
  EXPECT_TRUE(message->truncated);
  EXPECT_TRUE(IsUntouched(std::span(buffer).subspan(4)));
  message = co_await b.Receive(std::span(buffer).first(4));
  CO_ASSERT_OK(message);
  EXPECT_FALSE(message->truncated);
  EXPECT_EQ(Text(std::span(buffer).first(4)), "fits");
  // An empty buffer takes a packet as well.
  CO_ASSERT_OK(co_await a.Send(Bytes("gone")));
  message = co_await b.Receive({});
  CO_ASSERT_OK(message);
  EXPECT_EQ(message->size, 0U);
  EXPECT_TRUE(message->truncated);
}

CO_TEST(UnixSeqPacketTest, SendsNoPacketThatIsTooLong) {
  auto pair = UnixSeqPacket::Pair();
  CO_ASSERT_OK(pair);
  const std::vector<std::byte> huge = Pattern(16 << 20);
  CO_EXPECT_ERROR(co_await pair->first.Send(huge), std::errc::message_size);
  // One of 100 KiB arrives whole.
  const auto large = std::span(huge).first(100 * 1024);
  std::vector<std::byte> got(huge.size());
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_EQ(co_await pair->first.Send(large), large.size());
    });
    const Result<UnixMessage> message = co_await pair->second.Receive(got);
    CO_ASSERT_OK(message);
    EXPECT_EQ(message->size, large.size());
    EXPECT_FALSE(message->truncated);
  });
  EXPECT_TRUE(std::ranges::equal(std::span(got).first(large.size()), large));
}

CO_TEST(UnixSeqPacketTest, WaitsForASlowReceiverUntilStopped) {
  auto pair = UnixSeqPacket::Pair();
  CO_ASSERT_OK(pair);
  auto& [a, b] = *pair;
  std::size_t sent = 0;
  while (true) {
    const Result<std::size_t> n =
        co_await WithTimeout(5ms, a.Send(Bytes("packet")));
    if (!n) {
      CO_EXPECT_ERROR(n, kTimedOut);
      break;
    }
    ++sent;
  }
  EXPECT_GT(sent, 1U);
  for (std::size_t i = 0; i < sent; ++i)
    CO_EXPECT_EQ(co_await Next(b), "packet");
  // The one that was stopped was not sent.
  CO_EXPECT_ERROR(co_await WithTimeout(0ms, Next(b)), kTimedOut);
}

CO_TEST(UnixSeqPacketTest, TellsOfAPeerThatClosesWithoutHavingReceivedAll) {
  auto pair = UnixSeqPacket::Pair();
  CO_ASSERT_OK(pair);
  CO_ASSERT_OK(co_await pair->first.Send(Bytes("unread")));
  CO_ASSERT_OK(co_await pair->second.Close());
  CO_EXPECT_ERROR(co_await Next(pair->first), std::errc::connection_reset);
}

CO_TEST(UnixSeqPacketTest, TellsWhyItCannotConnect) {
  CO_EXPECT_ERROR(co_await UnixSeqPacket::Connect(SocketAddress::LoopbackV4(1)),
                  std::errc::address_family_not_supported);
  CO_EXPECT_ERROR(co_await UnixSeqPacket::Connect(kName),
                  std::errc::connection_refused);
  UnixSeqPacket none;
  std::array<std::byte, 8> buffer;
  CO_EXPECT_ERROR(co_await none.Receive(buffer),
                  std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(co_await none.Send(buffer), std::errc::bad_file_descriptor);
}

}  // namespace
}  // namespace eddy::net
