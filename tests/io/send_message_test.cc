#include <eddy/io/send_message.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/io/close.h>
#include <eddy/io/control_message.h>
#include <eddy/runtime/timeout.h>

#include <array>

namespace eddy::io_test {
namespace {

// The socket is full until Provide() drains it.
class SendMessageVerb final : public Verb {
 public:
  SendMessageVerb() {
    const int size = 4096;
    IO_TEST_CHECK(setsockopt(sockets_.a.get(), SOL_SOCKET, SO_SNDBUF, &size,
                             sizeof size));
    Fill(sockets_.a);
    full_ = Readable(sockets_.b);
  }

  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(count_, co_await io::SendMessage(fd, Bytes("data")));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return sockets_.a; }
  bool waits() const override { return true; }
  void Provide() override {
    // No more: on some kernels the send goes on while this reads.
    Drain(sockets_.b, full_);
    full_ = 0;
  }
  void ExpectDone() override {
    const std::string sent = Drain(sockets_.b);
    EXPECT_EQ(sent.size(), count_);
    EXPECT_PRED2(test::IsAllOrShort, sent, "data");
  }
  void ExpectNoTrace() override { EXPECT_EQ(Readable(sockets_.b), full_); }

 private:
  SocketPair sockets_;
  std::size_t full_ = 0;
  std::size_t count_ = 0;
};
INSTANTIATE_TEST_SUITE_P(SendMessage, OperationContractTest,
                         ::testing::Values(MakeVerb<SendMessageVerb>));

iovec Part(std::string_view text) {
  return {const_cast<char*>(text.data()), text.size()};
}

CO_TEST(SendMessageTest, SendsSeveralBuffersInTheirOrder) {
  const SocketPair sockets(SOCK_DGRAM);
  const std::array<iovec, 3> parts = {Part("one,"), Part(""), Part("two")};
  CO_EXPECT_EQ(co_await io::SendMessage(sockets.a, parts), 7U);
  EXPECT_EQ(Drain(sockets.b, 1), "o");  // one datagram: the rest is gone
  EXPECT_EQ(Drain(sockets.b), "");
  CO_EXPECT_EQ(co_await io::SendMessage(sockets.a, parts), 7U);
  EXPECT_EQ(Drain(sockets.b), "one,two");
}

CO_TEST(SendMessageTest, SendsToAnAddress) {
  LoopbackListener taken;  // an address that is free for datagrams too
  const io::Fd receiver(
      IO_TEST_CHECK(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  const io::Fd sender(
      IO_TEST_CHECK(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  IO_TEST_CHECK(bind(receiver.get(), taken.native(), sizeof taken.address));
  io::SendMessageOptions options;
  options.address = taken.native();
  options.address_size = sizeof taken.address;
  CO_EXPECT_EQ(co_await io::SendMessage(sender, Bytes("there"), options), 5U);
  CO_EXPECT_EQ(co_await io::SendMessage(sender, Bytes(""), options), 0U);
  EXPECT_EQ(Readable(receiver), 5U);
  std::array<char, 16> buffer;
  EXPECT_EQ(recv(receiver.get(), buffer.data(), buffer.size(), 0), 5);
  // An empty datagram is one too.
  EXPECT_EQ(recv(receiver.get(), buffer.data(), buffer.size(), MSG_DONTWAIT),
            0);
}

CO_TEST(SendMessageTest, PassesDescriptorsThatStayTheSenders) {
  const SocketPair sockets;
  const io::Fd file = AnonymousFile("contents");
  io::ControlBuffer<io::ControlSpace(sizeof(int))> control;
  control.Add(SOL_SOCKET, SCM_RIGHTS, file.get());
  io::SendMessageOptions options;
  options.control = control.data();
  CO_EXPECT_EQ(co_await io::SendMessage(sockets.a, Bytes("x"), options), 1U);
  EXPECT_GE(fcntl(file.get(), F_GETFD), 0);

  char byte;
  iovec buffer{&byte, 1};
  alignas(cmsghdr) std::array<std::byte, io::ControlSpace(sizeof(int))> room;
  msghdr message{};
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  CO_ASSERT_EQ(recvmsg(sockets.b.get(), &message, MSG_CMSG_CLOEXEC), 1);
  const io::ControlMessages received(room);
  CO_ASSERT_TRUE(received.begin()->Is(SOL_SOCKET, SCM_RIGHTS));
  const io::Fd copy(received.begin()->As<int>().value_or(-1));
  CO_ASSERT_TRUE(copy.valid());
  EXPECT_NE(copy.get(), file.get());
  char contents[8];
  EXPECT_EQ(pread(copy.get(), contents, 8, 0), 8);
  EXPECT_EQ(std::string_view(contents, 8), "contents");
}

CO_TEST(SendMessageTest, SendsAllWithWaitAll) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const SocketPair sockets;
  const std::vector<std::byte> data = Pattern(1 << 20);
  io::SendMessageOptions options;
  options.flags = MSG_WAITALL;
  std::string received;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      while (received.size() < data.size()) {
        received += Drain(sockets.b);
        co_await Turn();
      }
    });
    CO_EXPECT_EQ(co_await io::SendMessage(sockets.a, data, options),
                 data.size());
  });
  EXPECT_EQ(received, Text(data));
}

CO_TEST(SendMessageTest, TellsThePartThatItSentWhereStopped) {
  const SocketPair sockets;
  const std::vector<std::byte> data = Pattern(4 << 20);
  io::SendMessageOptions options;
  options.flags = MSG_WAITALL;
  const Result<std::size_t> n =
      co_await WithTimeout(1ms, io::SendMessage(sockets.a, data, options));
  CO_ASSERT_OK(n);
  EXPECT_GT(*n, 0U);
  EXPECT_LT(*n, data.size());
  EXPECT_EQ(Drain(sockets.b), Text(std::span(data).first(*n)));
}

CO_TEST(SendMessageTest, AnswersBrokenPipeAndRaisesNoSignal) {
  SocketPair sockets;
  CO_ASSERT_OK(co_await sockets.b.Close());
  CO_EXPECT_ERROR(co_await io::SendMessage(sockets.a, Bytes("x")),
                  std::errc::broken_pipe);
}

CO_TEST(SendMessageTest, GivesTheErrorsOfTheSystemCall) {
  const Pipe pipe;
  CO_EXPECT_ERROR(co_await io::SendMessage(pipe.writer, Bytes("x")),
                  std::errc::not_a_socket);
  const io::Fd unconnected(
      IO_TEST_CHECK(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  CO_EXPECT_ERROR(co_await io::SendMessage(unconnected, Bytes("x")),
                  std::errc::destination_address_required);
  const SocketPair datagrams(SOCK_DGRAM);
  const std::vector<std::byte> huge(16 << 20);
  CO_EXPECT_ERROR(co_await io::SendMessage(datagrams.a, huge),
                  std::errc::message_size);
  const std::vector<iovec> many(2000, Part("x"));
  CO_EXPECT_ERROR(co_await io::SendMessage(datagrams.a, many),
                  std::errc::message_size);
  io::ControlBuffer<io::ControlSpace(sizeof(int))> control;
  control.Add(SOL_SOCKET, SCM_RIGHTS, -1);
  io::SendMessageOptions options;
  options.control = control.data();
  CO_EXPECT_ERROR(co_await io::SendMessage(datagrams.a, Bytes("x"), options),
                  std::errc::bad_file_descriptor);
}

// Under chaos: the control data goes with the first part, once.
CO_TEST(SendMessageTest, SendsTheRestOfAStreamWithoutTheDescriptor) {
  const SocketPair sockets;
  const std::vector<std::byte> data = Pattern(1000);
  io::ControlBuffer<io::ControlSpace(sizeof(int))> control;
  control.Add(SOL_SOCKET, SCM_RIGHTS, sockets.a.get());
  io::SendMessageOptions options;
  options.control = control.data();
  for (std::size_t sent = 0; sent < data.size();) {
    const Result<std::size_t> n = co_await io::SendMessage(
        sockets.a, std::span(data).subspan(sent), options);
    CO_ASSERT_OK(n);
    EXPECT_PRED2(test::IsAllOrShort, Text(std::span(data).subspan(sent, *n)),
                 Text(std::span(data).subspan(sent)));
    options.control = {};
    sent += *n;
  }
  EXPECT_EQ(Drain(sockets.b), Text(data));
}

}  // namespace
}  // namespace eddy::io_test
