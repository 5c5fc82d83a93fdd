#include <eddy/net/incoming.h>

#include "tests/chaos.h"
#include "tests/io/descriptor_limit.h"
#include "tests/io/io_test_util.h"
#include "tests/sweeps.h"

#include <eddy/net/tcp.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timeout.h>

#include <optional>
#include <utility>
#include <vector>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::Turn;

Result<TcpListener> Listen() {
  return TcpListener::Bind(SocketAddress::LoopbackV4(0));
}

CO_TEST(IncomingTest, GivesConnectionsUntilItIsStopped) {
  Result<TcpListener> listener = Listen();
  CO_ASSERT_OK(listener);
  const SocketAddress address = *listener->local_address();
  int served = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      Incoming incoming = listener->Incoming();
      while (auto stream = co_await incoming.Next()) ++served;
      EXPECT_EQ(incoming.stats().accepted, 20u);
      EXPECT_EQ(incoming.stats().exhausted, 0u);
    });
    for (int i = 0; i < 20; ++i) {
      Result<TcpStream> client = co_await TcpStream::Connect(address);
      CO_ASSERT_OK(client);
      std::array<std::byte, 1> end;
      CO_EXPECT_EQ(co_await client->Read(end), 0u);
    }
    scope.RequestStop();
  };
  static_cast<void>(co_await WithScope(body));
  EXPECT_EQ(served, 20);
}

// A peer that resets before it is accepted is nobody's problem.
CO_TEST(IncomingTest, GoesOnAfterAConnectionThatWasReset) {
  Result<TcpListener> listener = Listen();
  CO_ASSERT_OK(listener);
  const SocketAddress address = *listener->local_address();
  {
    Result<TcpStream> impatient = co_await TcpStream::Connect(address);
    CO_ASSERT_OK(impatient);
    const linger reset{1, 0};
    setsockopt(impatient->fd().get(), SOL_SOCKET, SO_LINGER, &reset,
               sizeof reset);
    CO_EXPECT_OK(co_await impatient->Close());
  }
  Result<TcpStream> client = co_await TcpStream::Connect(address);
  CO_ASSERT_OK(client);
  Incoming incoming = listener->Incoming();
  Result<TcpStream> first = co_await incoming.Next();
  CO_ASSERT_OK(first);
}

CO_TEST(IncomingTest, GivesAnErrorThatWillNotPass) {
  TcpListener closed{io::Fd(IO_TEST_CHECK(socket(AF_INET, SOCK_STREAM, 0)))};
  Incoming incoming = closed.Incoming();
  CO_EXPECT_ERROR(co_await incoming.Next(), std::errc::invalid_argument);
}

// It waits, 10 ms first, and takes the connection when it can.
CO_TEST(IncomingTest, WaitsForDescriptors) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  Result<TcpListener> listener = Listen();
  CO_ASSERT_OK(listener);
  const SocketAddress address = *listener->local_address();
  std::optional<io::Fd> spare(IO_TEST_CHECK(dup(0)));
  Result<TcpStream> client = co_await TcpStream::Connect(address);
  CO_ASSERT_OK(client);
  Incoming incoming = listener->Incoming();
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      const Result<TcpStream> accepted = co_await incoming.Next();
      CO_EXPECT_OK(accepted);
    });
    {
      const io_test::DescriptorLimit limit;
      while (incoming.stats().exhausted < 2) {
        CO_EXPECT_OK(co_await Sleep(5ms));
      }
      EXPECT_EQ(incoming.stats().accepted, 0u);
      spare.reset();
    }
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(incoming.stats().accepted, 1u);
}

}  // namespace
}  // namespace eddy::net
