#include <eddy/net/unix_datagram.h>

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
using io_test::TempDir;
using io_test::Text;

const SocketAddress kName = net_test::AbstractName("unix_datagram");

// The next datagram as text.
Task<Result<std::string>> Next(UnixDatagram& socket,
                               SocketAddress* sender = nullptr) {
  std::array<std::byte, 64> buffer;
  EDDY_CO_TRY(const UnixMessage message,
              co_await socket.Receive(buffer, sender));
  co_return Text(std::span(buffer).first(message.size));
}

CO_TEST(UnixDatagramTest, AnswersWhoHasSent) {
  const TempDir dir;
  Result<UnixDatagram> server = UnixDatagram::Bind(kName);
  CO_ASSERT_OK(server);
  Result<UnixDatagram> at_path = UnixDatagram::Bind(
      SocketAddress::Parse("unix:" + (dir / "socket")).value());
  CO_ASSERT_OK(at_path);
  Result<UnixDatagram> at_any = UnixDatagram::BindToAnyName();
  CO_ASSERT_OK(at_any);
  EXPECT_TRUE(at_any->local_address().value().ToString().starts_with("unix:@"));
  for (UnixDatagram* client : {&*at_path, &*at_any}) {
    CO_ASSERT_OK(co_await client->SendTo(kName, Bytes("question")));
    SocketAddress sender;
    CO_EXPECT_EQ(co_await Next(*server, &sender), "question");
    EXPECT_EQ(sender, client->local_address().value());
    CO_ASSERT_OK(co_await server->SendTo(sender, Bytes("answer")));
    CO_EXPECT_EQ(co_await Next(*client, &sender), "answer");
    EXPECT_EQ(sender, kName);
  }
}

CO_TEST(UnixDatagramTest, SendsWithoutAName) {
  Result<UnixDatagram> server = UnixDatagram::Bind(kName);
  CO_ASSERT_OK(server);
  Result<UnixDatagram> client = UnixDatagram::Open();
  CO_ASSERT_OK(client);
  CO_ASSERT_OK(co_await client->SendTo(kName, Bytes("anonymous")));
  SocketAddress sender = kName;
  CO_EXPECT_EQ(co_await Next(*server, &sender), "anonymous");
  EXPECT_EQ(sender.family(), AF_UNSPEC);
}

CO_TEST(UnixDatagramTest, ConnectsToOnePeer) {
  Result<UnixDatagram> server = UnixDatagram::Bind(kName);
  CO_ASSERT_OK(server);
  Result<UnixDatagram> client = UnixDatagram::BindToAnyName();
  CO_ASSERT_OK(client);
  CO_EXPECT_ERROR(co_await client->Send(Bytes("x")), std::errc::not_connected);
  CO_ASSERT_OK(client->Connect(kName));
  EXPECT_EQ(client->peer_address().value(), kName);
  CO_EXPECT_EQ(co_await client->Send(Bytes("hello")), 5U);
  CO_EXPECT_EQ(co_await Next(*server), "hello");
  // From another one nothing comes through.
  Result<UnixDatagram> stranger = UnixDatagram::Open();
  CO_ASSERT_OK(stranger);
  CO_EXPECT_ERROR(
      co_await stranger->SendTo(client->local_address().value(), Bytes("x")),
      std::errc::operation_not_permitted);
  CO_ASSERT_OK(co_await server->Close());
  CO_EXPECT_ERROR(co_await client->Send(Bytes("x")),
                  std::errc::connection_refused);
}

CO_TEST(UnixDatagramTest, KeepsTheBoundariesOfDatagrams) {
  auto pair = UnixDatagram::Pair();
  CO_ASSERT_OK(pair);
  auto& [a, b] = *pair;
  for (const char* data : {"one", "", "three"}) {
    CO_EXPECT_OK(co_await a.Send(Bytes(data)));
  }
  for (const char* data : {"one", "", "three"}) {
    CO_EXPECT_EQ(co_await Next(b), data);
  }
  EXPECT_EQ(a.peer_credentials().value().pid, getpid());
  EXPECT_EQ(fcntl(b.fd().get(), F_GETFD), FD_CLOEXEC);
  // No connection, no end.
  CO_ASSERT_OK(co_await a.Close());
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, Next(b)), kTimedOut);
  CO_EXPECT_ERROR(co_await b.Send(Bytes("x")), std::errc::connection_refused);
}

CO_TEST(UnixDatagramTest, TellsOfADatagramThatWasCutShort) {
  auto pair = UnixDatagram::Pair();
  CO_ASSERT_OK(pair);
  auto& [a, b] = *pair;
  CO_ASSERT_OK(co_await a.Send(Bytes("too long")));
  std::array<std::byte, 8> buffer;
  buffer.fill(kUntouched);
  const Result<UnixMessage> message =
      co_await b.Receive(std::span(buffer).first(3));
  CO_ASSERT_OK(message);
  EXPECT_EQ(Text(std::span(buffer).first(message->size)), "too");
  EXPECT_TRUE(message->truncated);
  EXPECT_TRUE(IsUntouched(std::span(buffer).subspan(3)));
}

CO_TEST(UnixDatagramTest, TellsWhyItCannotSend) {
  Result<UnixDatagram> client = UnixDatagram::Open();
  CO_ASSERT_OK(client);
  CO_EXPECT_ERROR(co_await client->SendTo(kName, Bytes("x")),
                  std::errc::connection_refused);
  const TempDir dir;
  const SocketAddress nowhere =
      SocketAddress::Parse("unix:" + (dir / "socket")).value();
  CO_EXPECT_ERROR(co_await client->SendTo(nowhere, Bytes("x")),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(client->Connect(nowhere),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(client->peer_credentials(), std::errc::not_connected);
  const Result<UnixDatagram> server = UnixDatagram::Bind(kName);
  CO_ASSERT_OK(server);
  const std::vector<std::byte> huge = Pattern(16 << 20);
  CO_EXPECT_ERROR(co_await client->SendTo(kName, huge),
                  std::errc::message_size);
  UnixDatagram none;
  CO_EXPECT_ERROR(co_await none.SendTo(kName, Bytes("x")),
                  std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(none.Connect(kName), std::errc::bad_file_descriptor);
}

CO_TEST(UnixDatagramTest, WaitsForASlowReceiverUntilStopped) {
  Result<UnixDatagram> server = UnixDatagram::Bind(kName);
  CO_ASSERT_OK(server);
  Result<UnixDatagram> client = UnixDatagram::Open();
  CO_ASSERT_OK(client);
  CO_ASSERT_OK(client->Connect(kName));
  std::size_t sent = 0;
  while (true) {
    const Result<std::size_t> n =
        co_await WithTimeout(5ms, client->Send(Bytes("datagram")));
    if (!n) {
      CO_EXPECT_ERROR(n, kTimedOut);
      break;
    }
    ++sent;
  }
  EXPECT_GT(sent, 1U);
  for (std::size_t i = 0; i < sent; ++i) {
    CO_EXPECT_EQ(co_await Next(*server), "datagram");
  }
  CO_EXPECT_ERROR(co_await WithTimeout(0ms, Next(*server)), kTimedOut);
  CO_EXPECT_OK(co_await client->Send(Bytes("datagram")));
}

CO_TEST(UnixDatagramTest, SendsDescriptorsToAnAddress) {
  Result<UnixDatagram> server = UnixDatagram::Bind(kName);
  CO_ASSERT_OK(server);
  Result<UnixDatagram> client = UnixDatagram::BindToAnyName();
  CO_ASSERT_OK(client);
  const io_test::Pipe pipe;
  io_test::Put(pipe.writer, "through");
  const int sent[] = {pipe.reader.get()};
  // It needs no data with it.
  CO_ASSERT_OK(co_await client->SendTo(kName, {}, sent));
  SocketAddress sender;
  std::array<std::byte, 8> buffer;
  const Result<UnixMessage> message =
      co_await server->ReceiveDescriptors(1, buffer, &sender);
  CO_ASSERT_OK(message);
  EXPECT_EQ(sender, client->local_address().value());
  EXPECT_EQ(message->size, 0U);
  CO_ASSERT_EQ(message->descriptors.size(), 1U);
  EXPECT_EQ(io_test::Drain(message->descriptors[0]), "through");
}

}  // namespace
}  // namespace eddy::net
