#include <eddy/io/connect.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/io/accept.h>
#include <eddy/io/receive.h>
#include <eddy/io/send.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <array>

namespace eddy::io_test {
namespace {

class ConnectVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    co_return co_await io::Connect(fd, listener_.native(),
                                   sizeof listener_.address);
  }
  const io::Fd& fd() const override { return socket_; }
  void ExpectDone() override { EXPECT_TRUE(Connected()); }
  // The socket's state is not known after a stop.
  void ExpectNoTrace() override {
    close(socket_.Release());
    socket_ = TcpSocket();
  }

 private:
  bool Connected() const {
    sockaddr_storage peer;
    socklen_t size = sizeof peer;
    return getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&peer),
                       &size) == 0;
  }

  LoopbackListener listener_;
  io::Fd socket_ = TcpSocket();
};
INSTANTIATE_TEST_SUITE_P(Connect, OperationContractTest,
                         ::testing::Values(MakeVerb<ConnectVerb>));

CO_TEST(ConnectTest, ConnectsBothEnds) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  LoopbackListener listener;
  const io::Fd client = TcpSocket();
  CO_ASSERT_OK(
      co_await io::Connect(client, listener.native(), sizeof listener.address));
  const Result<io::Fd> server = co_await io::Accept(listener.fd);
  CO_ASSERT_OK(server);
  CO_EXPECT_EQ(co_await io::Send(client, Bytes("hello")), 5U);
  std::array<std::byte, 8> buffer;
  CO_EXPECT_EQ(co_await io::Receive(*server, buffer), 5U);
}

CO_TEST(ConnectTest, IsRefusedWhereNobodyListens) {
  sockaddr_in address;
  {
    LoopbackListener gone;
    address = gone.address;
    close(gone.fd.Release());
  }
  const io::Fd client = TcpSocket();
  CO_EXPECT_ERROR(
      co_await io::Connect(client, reinterpret_cast<sockaddr*>(&address),
                           sizeof address),
      std::errc::connection_refused);
}

// Connections until the backlog takes no more: the next one waits.
std::vector<io::Fd> FillBacklog(LoopbackListener& listener) {
  std::vector<io::Fd> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(TcpSocket());
    SetNonBlocking(clients.back(), true);
    connect(clients.back().get(), listener.native(), sizeof listener.address);
  }
  return clients;
}

CO_TEST(ConnectTest, StopsWhileTheListenerDoesNotAnswer) {
  LoopbackListener listener(0);
  const std::vector<io::Fd> others = FillBacklog(listener);
  const io::Fd timed = TcpSocket();
  CO_EXPECT_ERROR(
      co_await WithTimeout(
          5ms, io::Connect(timed, listener.native(), sizeof listener.address)),
      kTimedOut);
  const io::Fd stopped = TcpSocket();
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await io::Connect(stopped, listener.native(),
                                           sizeof listener.address),
                      kCanceled);
    });
    for (int i = 0; i < 3; ++i) co_await Turn();
    scope.RequestStop();
  });
}

// The kernel has a thread wait for room in a Unix listener's backlog.
CO_TEST(ConnectTest, StopsWhileAUnixListenersBacklogIsFull) {
  const TempDir dir;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = dir / "socket";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto* native = reinterpret_cast<const sockaddr*>(&address);
  const auto make = [] {
    return io::Fd(
        IO_TEST_CHECK(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  };
  const io::Fd listener = make();
  IO_TEST_CHECK(bind(listener.get(), native, sizeof address));
  IO_TEST_CHECK(listen(listener.get(), 0));
  const io::Fd first = make();
  CO_ASSERT_OK(co_await io::Connect(first, native, sizeof address));
  const io::Fd second = make();
  CO_EXPECT_ERROR(
      co_await WithTimeout(20ms, io::Connect(second, native, sizeof address)),
      kTimedOut);
  // Room again: it is the first come's.
  const io::Fd third = make();
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      co_await Pause(5ms);
      CO_EXPECT_OK(co_await io::Accept(listener));
    });
    CO_EXPECT_OK(co_await io::Connect(third, native, sizeof address));
  });
}

CO_TEST(ConnectTest, GivesTheErrorsOfTheSystemCall) {
  LoopbackListener listener;
  const Pipe pipe;
  CO_EXPECT_ERROR(co_await io::Connect(pipe.reader, listener.native(),
                                       sizeof listener.address),
                  std::errc::not_a_socket);
  const io::Fd client = TcpSocket();
  CO_EXPECT_ERROR(co_await io::Connect(client, listener.native(), 1),
                  std::errc::invalid_argument);
  CO_ASSERT_OK(
      co_await io::Connect(client, listener.native(), sizeof listener.address));
  CO_EXPECT_ERROR(
      co_await io::Connect(client, listener.native(), sizeof listener.address),
      std::errc::already_connected);
}

}  // namespace
}  // namespace eddy::io_test
