#include <eddy/io/receive_message.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/io/close.h>
#include <eddy/io/send_message.h>
#include <eddy/runtime/when_any.h>

#include <array>
#include <optional>

namespace eddy::io_test {
namespace {

// Sends the text with copies of the descriptor.
void PutWithDescriptor(const io::Fd& socket, std::string_view text, int fd,
                       std::size_t copies = 1) {
  const std::vector<int> fds(copies, fd);
  io::ControlBuffer<1100> control;
  control.Add(SOL_SOCKET, SCM_RIGHTS, std::as_bytes(std::span(fds)));
  iovec buffer{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = const_cast<std::byte*>(control.data().data());
  message.msg_controllen = control.size();
  IO_TEST_CHECK(sendmsg(socket.get(), &message, 0));
}

// The descriptors that are open once those that were dropped are closed, if
// there are so many then.
Task<std::size_t> OpenAfterCloses(std::size_t expected) {
  for (int i = 0; i < 100 && OpenDescriptors() != expected; ++i) {
    co_await Turn();
  }
  co_return OpenDescriptors();
}

// A datagram that carries a descriptor: none may leak, whatever happens.
class ReceiveMessageVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    io::ReceiveMessageOptions options;
    options.control = control_;
    EDDY_CO_TRY(received_, co_await io::ReceiveMessage(fd, buffer_, options));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return sockets_.a; }
  bool waits() const override { return true; }
  void Provide() override {
    PutWithDescriptor(sockets_.b, "data", sockets_.b.get());
    provided_ = 4;
  }
  void ExpectDone() override {
    ASSERT_EQ(received_.size, 4U);
    EXPECT_EQ(Text(std::span(buffer_).first(4)), "data");
    EXPECT_TRUE(IsUntouched(std::span(buffer_).subspan(4)));
    EXPECT_EQ(received_.flags, MSG_CMSG_CLOEXEC);
    ASSERT_EQ(received_.descriptors.size(), 1U);
    EXPECT_EQ(fcntl(received_.descriptors[0].get(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(Readable(sockets_.a), 0U);
  }
  void ExpectNoTrace() override {
    EXPECT_TRUE(IsUntouched(buffer_));
    EXPECT_TRUE(IsUntouched(control_));
    EXPECT_TRUE(received_.descriptors.empty());
    EXPECT_EQ(Readable(sockets_.a), provided_);
  }

 private:
  SocketPair sockets_{SOCK_DGRAM};
  std::vector<std::byte> buffer_ = std::vector<std::byte>(64, kUntouched);
  std::vector<std::byte> control_ = std::vector<std::byte>(64, kUntouched);
  std::size_t provided_ = 0;
  io::ReceivedMessage received_;
};
INSTANTIATE_TEST_SUITE_P(ReceiveMessage, OperationContractTest,
                         ::testing::Values(MakeVerb<ReceiveMessageVerb>));

CO_TEST(ReceiveMessageTest, FillsSeveralBuffersInTheirOrder) {
  const SocketPair sockets(SOCK_DGRAM);
  Put(sockets.b, "0123456789");
  std::array<char, 4> first;
  std::array<char, 8> second;
  const std::array<iovec, 3> buffers = {iovec{first.data(), first.size()},
                                        iovec{nullptr, 0},
                                        iovec{second.data(), second.size()}};
  const auto received = co_await io::ReceiveMessage(sockets.a, buffers);
  CO_ASSERT_OK(received);
  EXPECT_EQ(received->size, 10U);
  EXPECT_EQ(std::string_view(first.data(), 4), "0123");
  EXPECT_EQ(std::string_view(second.data(), 6), "456789");
}

CO_TEST(ReceiveMessageTest, TellsThatADatagramDidNotFit) {
  const SocketPair sockets(SOCK_DGRAM);
  for (int i = 0; i < 3; ++i) Put(sockets.b, "0123456789");
  std::array<std::byte, 4> small;
  auto received = co_await io::ReceiveMessage(sockets.a, small);
  CO_ASSERT_OK(received);
  EXPECT_EQ(received->size, 4U);
  EXPECT_NE(received->flags & MSG_TRUNC, 0);
  // Its whole size, as recvmsg(2) tells it.
  io::ReceiveMessageOptions options;
  options.flags = MSG_TRUNC;
  received = co_await io::ReceiveMessage(sockets.a, small, options);
  CO_ASSERT_OK(received);
  EXPECT_EQ(received->size, 10U);
  std::array<std::byte, 10> exact;
  received = co_await io::ReceiveMessage(sockets.a, exact);
  CO_ASSERT_OK(received);
  EXPECT_EQ(received->size, 10U);
  EXPECT_EQ(received->flags & MSG_TRUNC, 0);
}

CO_TEST(ReceiveMessageTest, GivesTheSendersAddress) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* native = reinterpret_cast<sockaddr*>(&address);
  io::Fd sockets[2];
  sockaddr_in bound[2];
  for (int i = 0; i < 2; ++i) {
    sockets[i] =
        io::Fd(IO_TEST_CHECK(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
    IO_TEST_CHECK(bind(sockets[i].get(), native, sizeof address));
    socklen_t size = sizeof bound[i];
    IO_TEST_CHECK(getsockname(sockets[i].get(),
                              reinterpret_cast<sockaddr*>(&bound[i]), &size));
  }
  const auto* to = reinterpret_cast<const sockaddr*>(&bound[0]);
  for (int i = 0; i < 2; ++i) {
    IO_TEST_CHECK(sendto(sockets[1].get(), "x", 1, 0, to, sizeof bound[0]));
  }
  std::array<std::byte, 4> buffer;
  sockaddr_storage from{};
  io::ReceiveMessageOptions options;
  options.address = reinterpret_cast<sockaddr*>(&from);
  options.address_size = sizeof from;
  const auto received =
      co_await io::ReceiveMessage(sockets[0], buffer, options);
  CO_ASSERT_OK(received);
  CO_ASSERT_EQ(received->address_size, sizeof bound[1]);
  EXPECT_EQ(std::memcmp(&from, &bound[1], 8), 0);
  // Not asked for.
  const auto other = co_await io::ReceiveMessage(sockets[0], buffer);
  CO_ASSERT_OK(other);
  EXPECT_EQ(other->address_size, 0U);
}

CO_TEST(ReceiveMessageTest, OwnsTheDescriptorsThatCame) {
  const SocketPair sockets;
  const io::Fd file = AnonymousFile("contents");
  PutWithDescriptor(sockets.b, "x", file.get(), 3);
  std::array<std::byte, 4> buffer;
  std::array<std::byte, io::ControlSpace(3 * sizeof(int))> control;
  io::ReceiveMessageOptions options;
  options.control = control;
  const std::size_t before = OpenDescriptors();
  std::optional<io::ReceivedMessage> message;
  {
    auto received = co_await io::ReceiveMessage(sockets.a, buffer, options);
    CO_ASSERT_OK(received);
    message = *std::move(received);
  }
  CO_ASSERT_EQ(message->descriptors.size(), 3U);
  char contents[8];
  EXPECT_EQ(pread(message->descriptors[2].get(), contents, 8, 0), 8);
  EXPECT_EQ(std::string_view(contents, 8), "contents");
  io::Fd taken = std::move(message->descriptors[0]);
  message.reset();
  CO_EXPECT_EQ(co_await OpenAfterCloses(before + 1), before + 1);
  CO_EXPECT_OK(co_await taken.Close());
}

CO_TEST(ReceiveMessageTest, LosesDescriptorsWithoutRoomAndSaysSo) {
  const SocketPair sockets;
  const std::size_t before = OpenDescriptors();
  std::array<std::byte, 4> buffer;
  {
    PutWithDescriptor(sockets.b, "x", 0, 253);
    std::array<std::byte, io::ControlSpace(2 * sizeof(int))> control;
    io::ReceiveMessageOptions options;
    options.control = control;
    const auto received =
        co_await io::ReceiveMessage(sockets.a, buffer, options);
    CO_ASSERT_OK(received);
    EXPECT_NE(received->flags & MSG_CTRUNC, 0);
    EXPECT_EQ(received->descriptors.size(), 2U);
    EXPECT_EQ(OpenDescriptors(), before + 2);
  }
  PutWithDescriptor(sockets.b, "x", 0);
  const auto received = co_await io::ReceiveMessage(sockets.a, buffer);
  CO_ASSERT_OK(received);
  EXPECT_NE(received->flags & MSG_CTRUNC, 0);
  EXPECT_TRUE(received->descriptors.empty());
  CO_EXPECT_EQ(co_await OpenAfterCloses(before), before);
}

// Two receive at once and one of the results is dropped.
CO_TEST(ReceiveMessageTest, LeaksNothingWhereAResultIsDropped) {
  const SocketPair sockets[2] = {SocketPair(SOCK_DGRAM),
                                 SocketPair(SOCK_DGRAM)};
  const std::size_t before = OpenDescriptors();
  std::array<std::byte, 4> buffers[2];
  std::array<std::byte, io::ControlSpace(sizeof(int))> controls[2];
  io::ReceiveMessageOptions options[2];
  for (int i = 0; i < 2; ++i) {
    PutWithDescriptor(sockets[i].b, "x", 0);
    options[i].control = controls[i];
  }
  {
    io::ReceiveMessage first(sockets[0].a, buffers[0], options[0]);
    io::ReceiveMessage second(sockets[1].a, buffers[1], options[1]);
    auto any = co_await WhenAny(std::move(first), std::move(second));
    static_cast<void>(any);
  }
  CO_EXPECT_EQ(co_await OpenAfterCloses(before), before);
}

CO_TEST(ReceiveMessageTest, GivesAStreamWithItsDescriptorInParts) {
  const SocketPair sockets;
  const std::string sent(300, 's');
  PutWithDescriptor(sockets.b, sent, sockets.b.get());
  std::string received;
  std::size_t descriptors = 0;
  while (received.size() < sent.size()) {
    std::array<std::byte, 200> buffer;
    std::array<std::byte, io::ControlSpace(sizeof(int))> control;
    io::ReceiveMessageOptions options;
    options.control = control;
    const auto part = co_await io::ReceiveMessage(sockets.a, buffer, options);
    CO_ASSERT_OK(part);
    received += Text(std::span(buffer).first(part->size));
    descriptors += part->descriptors.size();
  }
  EXPECT_EQ(received, sent);
  EXPECT_EQ(descriptors, 1U);
}

CO_TEST(ReceiveMessageTest, GivesNothingAtEndOfStream) {
  SocketPair sockets;
  CO_ASSERT_OK(co_await sockets.b.Close());
  std::array<std::byte, 8> buffer;
  const auto received = co_await io::ReceiveMessage(sockets.a, buffer);
  CO_ASSERT_OK(received);
  EXPECT_EQ(received->size, 0U);
  EXPECT_EQ(received->flags & MSG_TRUNC, 0);
}

CO_TEST(ReceiveMessageTest, GivesTheErrorsOfTheSystemCall) {
  std::array<std::byte, 8> buffer;
  const Pipe pipe;
  CO_EXPECT_ERROR(co_await io::ReceiveMessage(pipe.reader, buffer),
                  std::errc::not_a_socket);
  const io::Fd unconnected = TcpSocket();
  CO_EXPECT_ERROR(co_await io::ReceiveMessage(unconnected, buffer),
                  std::errc::not_connected);
  const SocketPair sockets(SOCK_DGRAM);
  const std::vector<iovec> many(2000, iovec{buffer.data(), 1});
  CO_EXPECT_ERROR(co_await io::ReceiveMessage(sockets.a, many),
                  std::errc::message_size);
}

}  // namespace
}  // namespace eddy::io_test
