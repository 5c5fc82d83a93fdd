#include <eddy/io/receive.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/io/close.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <array>

namespace eddy::io_test {
namespace {

class ReceiveVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(count_, co_await io::Receive(fd, buffer_));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return sockets_.a; }
  bool waits() const override { return true; }
  void Provide() override {
    Put(sockets_.b, "data");
    provided_ = 4;
  }
  void ExpectDone() override {
    EXPECT_PRED2(test::IsAllOrShort, Text(std::span(buffer_).first(count_)),
                 "data");
    EXPECT_TRUE(IsUntouched(std::span(buffer_).subspan(count_)));
    EXPECT_EQ(Readable(sockets_.a), 4 - count_);
  }
  void ExpectNoTrace() override {
    EXPECT_TRUE(IsUntouched(buffer_));
    EXPECT_EQ(Readable(sockets_.a), provided_);
  }

 private:
  SocketPair sockets_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(64, kUntouched);
  std::size_t provided_ = 0;
  std::size_t count_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Receive, OperationContractTest,
                         ::testing::Values(MakeVerb<ReceiveVerb>));

CO_TEST(ReceiveTest, GivesWhatIsThere) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const SocketPair sockets;
  Put(sockets.b, "0123456789");
  std::array<std::byte, 4> small;
  CO_EXPECT_EQ(co_await io::Receive(sockets.a, small), 4U);
  EXPECT_EQ(Text(small), "0123");
  std::array<std::byte, 100> large;
  CO_EXPECT_EQ(co_await io::Receive(sockets.a, large), 6U);
  EXPECT_EQ(Text(std::span(large).first(6)), "456789");
}

CO_TEST(ReceiveTest, ReturnsZeroAtEndOfStream) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  SocketPair sockets;
  Put(sockets.b, "last");
  CO_ASSERT_OK(co_await sockets.b.Close());
  std::array<std::byte, 8> buffer;
  CO_EXPECT_EQ(co_await io::Receive(sockets.a, buffer), 4U);
  CO_EXPECT_EQ(co_await io::Receive(sockets.a, buffer), 0U);
}

// Also where there is nothing to receive, which recv(2) would wait for.
CO_TEST(ReceiveTest, ReturnsZeroForAnEmptyBuffer) {
  const SocketPair sockets;
  CO_EXPECT_EQ(co_await io::Receive(sockets.a, {}), 0U);
  Put(sockets.b, "x");
  CO_EXPECT_EQ(co_await io::Receive(sockets.a, {}), 0U);
  EXPECT_EQ(Readable(sockets.a), 1U);
}

CO_TEST(ReceiveTest, CutsADatagramThatDoesNotFit) {
  const SocketPair sockets(SOCK_DGRAM);
  Put(sockets.b, "0123456789");
  Put(sockets.b, "next");
  Put(sockets.b, "third");
  std::array<std::byte, 4> buffer;
  CO_EXPECT_EQ(co_await io::Receive(sockets.a, buffer), 4U);
  EXPECT_EQ(Text(buffer), "0123");
  CO_EXPECT_EQ(co_await io::Receive(sockets.a, buffer), 4U);
  EXPECT_EQ(Text(buffer), "next");
  // Its size, as recv(2) tells it with MSG_TRUNC.
  CO_EXPECT_EQ(co_await io::Receive(sockets.a, buffer, MSG_TRUNC), 5U);
}

CO_TEST(ReceiveTest, TakesFlags) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const SocketPair sockets;
  Put(sockets.b, "peek");
  std::array<std::byte, 4> buffer;
  CO_EXPECT_EQ(co_await io::Receive(sockets.a, buffer, MSG_PEEK), 4U);
  EXPECT_EQ(Readable(sockets.a), 4U);
  // The rest comes later.
  std::array<std::byte, 8> all;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      co_await Turn();
      Put(sockets.b, "rest");
    });
    CO_EXPECT_EQ(co_await io::Receive(sockets.a, all, MSG_WAITALL), 8U);
  });
  EXPECT_EQ(Text(all), "peekrest");
}

// What had arrived is the result; it does not vanish with the stop.
CO_TEST(ReceiveTest, GivesThePartThatItHasWhereStopped) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const SocketPair sockets;
  Put(sockets.b, "part");
  std::array<std::byte, 8> buffer;
  buffer.fill(kUntouched);
  CO_EXPECT_EQ(
      co_await WithTimeout(1ms, io::Receive(sockets.a, buffer, MSG_WAITALL)),
      4U);
  EXPECT_EQ(Text(std::span(buffer).first(4)), "part");
  EXPECT_TRUE(IsUntouched(std::span(buffer).subspan(4)));
}

CO_TEST(ReceiveTest, GivesTheErrorsOfTheSystemCall) {
  std::array<std::byte, 8> buffer;
  const Pipe pipe;
  CO_EXPECT_ERROR(co_await io::Receive(pipe.reader, buffer),
                  std::errc::not_a_socket);
  const io::Fd unconnected = TcpSocket();
  CO_EXPECT_ERROR(co_await io::Receive(unconnected, buffer),
                  std::errc::not_connected);
}

}  // namespace
}  // namespace eddy::io_test
