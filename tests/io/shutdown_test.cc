#include <eddy/io/shutdown.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/io/receive.h>
#include <eddy/io/send.h>
#include <eddy/runtime/task_scope.h>

#include <array>

namespace eddy::io_test {
namespace {

class ShutdownVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override { return Await(fd); }
  const io::Fd& fd() const override { return sockets_.a; }
  void ExpectDone() override { EXPECT_TRUE(PeerSeesEnd()); }
  void ExpectNoTrace() override { EXPECT_FALSE(PeerSeesEnd()); }

 private:
  static Task<Result<void>> Await(const io::Fd& fd) {
    co_return co_await io::Shutdown(fd, SHUT_WR);
  }
  bool PeerSeesEnd() const {
    char byte;
    return recv(sockets_.b.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
  }

  SocketPair sockets_;
};
INSTANTIATE_TEST_SUITE_P(Shutdown, OperationContractTest,
                         ::testing::Values(MakeVerb<ShutdownVerb>));

CO_TEST(ShutdownTest, EndsOneDirection) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const SocketPair sockets;
  CO_ASSERT_OK(co_await io::Shutdown(sockets.a, SHUT_WR));
  std::array<std::byte, 8> buffer;
  CO_EXPECT_EQ(co_await io::Receive(sockets.b, buffer), 0U);
  CO_EXPECT_ERROR(co_await io::Send(sockets.a, Bytes("x")),
                  std::errc::broken_pipe);
  // The other goes on.
  CO_EXPECT_EQ(co_await io::Send(sockets.b, Bytes("back")), 4U);
  CO_EXPECT_EQ(co_await io::Receive(sockets.a, buffer), 4U);
}

CO_TEST(ShutdownTest, EndsAReceiveInFlight) {
  const SocketPair sockets;
  std::array<std::byte, 8> buffer;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      co_await Turn();
      CO_EXPECT_OK(co_await io::Shutdown(sockets.a, SHUT_RD));
    });
    CO_EXPECT_EQ(co_await io::Receive(sockets.a, buffer), 0U);
  });
}

CO_TEST(ShutdownTest, GivesTheErrorsOfTheSystemCall) {
  const Pipe pipe;
  CO_EXPECT_ERROR(co_await io::Shutdown(pipe.writer, SHUT_WR),
                  std::errc::not_a_socket);
  CO_EXPECT_ERROR(co_await io::Shutdown(TcpSocket(), SHUT_WR),
                  std::errc::not_connected);
  const SocketPair sockets;
  CO_EXPECT_ERROR(co_await io::Shutdown(sockets.a, 17),
                  std::errc::invalid_argument);
}

}  // namespace
}  // namespace eddy::io_test
