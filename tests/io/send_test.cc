#include <eddy/io/send.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/io/close.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

namespace eddy::io_test {
namespace {

// The socket is full until Provide() drains it.
class SendVerb final : public Verb {
 public:
  SendVerb() {
    const int size = 4096;
    IO_TEST_CHECK(setsockopt(sockets_.a.get(), SOL_SOCKET, SO_SNDBUF, &size,
                             sizeof size));
    Fill(sockets_.a);
    full_ = Readable(sockets_.b);
  }

  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(count_, co_await io::Send(fd, Bytes("data")));
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
INSTANTIATE_TEST_SUITE_P(Send, OperationContractTest,
                         ::testing::Values(MakeVerb<SendVerb>));

CO_TEST(SendTest, SendsWhatTheSocketTakes) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const SocketPair sockets;
  CO_EXPECT_EQ(co_await io::Send(sockets.a, Bytes("hello")), 5U);
  EXPECT_EQ(Drain(sockets.b), "hello");
  const std::vector<std::byte> data = Pattern(1 << 20);
  // Fewer than given: nobody reads.
  const Result<std::size_t> n =
      co_await io::Send(sockets.a, data, MSG_DONTWAIT);
  CO_ASSERT_OK(n);
  EXPECT_GT(*n, 0U);
  EXPECT_LT(*n, data.size());
  EXPECT_EQ(Drain(sockets.b), Text(std::span(data).first(*n)));
}

CO_TEST(SendTest, SendsNothingOfEmptyData) {
  const SocketPair sockets;
  CO_EXPECT_EQ(co_await io::Send(sockets.a, {}), 0U);
  EXPECT_EQ(Readable(sockets.b), 0U);
}

CO_TEST(SendTest, SendsAllWithWaitAll) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const SocketPair sockets;
  const std::vector<std::byte> data = Pattern(1 << 20);
  std::string received;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      while (received.size() < data.size()) {
        received += Drain(sockets.b);
        co_await Turn();
      }
    });
    CO_EXPECT_EQ(co_await io::Send(sockets.a, data, MSG_WAITALL), data.size());
  });
  EXPECT_EQ(received, Text(data));
}

CO_TEST(SendTest, TellsThePartThatItSentWhereStopped) {
  const SocketPair sockets;
  const std::vector<std::byte> data = Pattern(4 << 20);
  const Result<std::size_t> n =
      co_await WithTimeout(1ms, io::Send(sockets.a, data, MSG_WAITALL));
  CO_ASSERT_OK(n);
  EXPECT_GT(*n, 0U);
  EXPECT_LT(*n, data.size());
  EXPECT_EQ(Drain(sockets.b), Text(std::span(data).first(*n)));
}

CO_TEST(SendTest, AnswersBrokenPipeAndRaisesNoSignal) {
  SocketPair sockets;
  CO_ASSERT_OK(co_await sockets.b.Close());
  CO_EXPECT_ERROR(co_await io::Send(sockets.a, Bytes("x")),
                  std::errc::broken_pipe);
}

CO_TEST(SendTest, GivesTheErrorsOfTheSystemCall) {
  const Pipe pipe;
  CO_EXPECT_ERROR(co_await io::Send(pipe.writer, Bytes("x")),
                  std::errc::not_a_socket);
  const io::Fd unconnected(
      IO_TEST_CHECK(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  CO_EXPECT_ERROR(co_await io::Send(unconnected, Bytes("x")),
                  std::errc::destination_address_required);
  const SocketPair datagrams(SOCK_DGRAM);
  const std::vector<std::byte> huge(16 << 20);
  CO_EXPECT_ERROR(co_await io::Send(datagrams.a, huge),
                  std::errc::message_size);
}

}  // namespace
}  // namespace eddy::io_test
