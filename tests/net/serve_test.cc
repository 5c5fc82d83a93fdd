#include <eddy/net/serve.h>

#include "tests/chaos.h"
#include "tests/io/descriptor_limit.h"
#include "tests/io/io_test_util.h"
#include "tests/sweeps.h"

#include <eddy/io/connect.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/yield.h>

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::Pause;
using io_test::Text;
using io_test::Turn;

Result<TcpListener> Listen() {
  return TcpListener::Bind(SocketAddress::LoopbackV4(0));
}

Task<Result<void>> Echo(TcpStream& client) {
  while (true) {
    EDDY_CO_TRY(const io::Buffer data, co_await client.Receive());
    if (data.empty()) co_return Result<void>();
    EDDY_CO_CHECK(co_await client.Write(data.bytes()));
  }
}

Task<Result<std::string>> Ask(TcpStream& stream, std::string_view question) {
  EDDY_CO_CHECK(co_await stream.Write(Bytes(question)));
  std::string answer;
  while (answer.size() < question.size()) {
    EDDY_CO_TRY(const io::Buffer data, co_await stream.Receive());
    if (data.empty()) co_return Unexpected(kEndOfStream);
    answer += Text(data.bytes());
  }
  co_return answer;
}

// Serves while body(address) runs, then stops; gives what Serve gave.
template <class Handler, class Body>
Task<Result<void>> ServeDuring(Handler handler, ServeOptions options,
                               Body body) {
  EDDY_CO_TRY(TcpListener listener, Listen());
  EDDY_CO_TRY(const SocketAddress address, listener.local_address());
  Result<void> served;
  const auto serve = [&]() -> Task<Result<void>> {
    served = co_await Serve(listener, handler, options);
    co_return served;
  };
  const auto inner = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(serve);
    const Result<void> result = co_await body(address);
    scope.RequestStop();
    co_return result;
  };
  co_return co_await WithScope(inner);
}

CO_TEST(ServeTest, HandlesManyConnectionsAndCountsThem) {
  ServeStats stats;
  ServeOptions options;
  options.stats = &stats;
  CO_EXPECT_OK(co_await ServeDuring(
      Echo, options, [&](SocketAddress address) -> Task<Result<void>> {
        std::vector<TcpStream> clients(20);
        for (TcpStream& client : clients) {
          EDDY_CO_TRY(client, co_await TcpStream::Connect(address));
          EDDY_CO_TRY(const std::string answer, co_await Ask(client, "hello"));
          EXPECT_EQ(answer, "hello");
        }
        EXPECT_EQ(stats.connections, 20u);
        for (TcpStream& client : clients) {
          EDDY_CO_CHECK(co_await client.Close());
        }
        while (stats.connections != 0) co_await Turn();
        co_return Result<void>();
      }));
  EXPECT_EQ(stats.incoming.accepted, 20u);
  EXPECT_EQ(stats.most_connections, 20u);
  EXPECT_EQ(stats.ended, 20u);
  EXPECT_EQ(stats.failed, 0u);
}

CO_TEST(ServeTest, KeepsToItsLimitAndServesTheOthersLater) {
  ServeStats stats;
  ServeOptions options;
  options.most_connections = 3;
  options.stats = &stats;
  CO_EXPECT_OK(co_await ServeDuring(
      Echo, options, [&](SocketAddress address) -> Task<Result<void>> {
        const auto body = [&](TaskScope& scope) -> Task<void> {
          for (int i = 0; i < 30; ++i) {
            scope.Spawn([&]() -> Task<Result<void>> {
              EDDY_CO_TRY(TcpStream client,
                          co_await TcpStream::Connect(address));
              EDDY_CO_TRY(const std::string answer,
                          co_await Ask(client, "question"));
              EXPECT_EQ(answer, "question");
              co_return Result<void>();
            });
          }
          co_return;
        };
        co_return co_await WithScope(body);
      }));
  EXPECT_EQ(stats.incoming.accepted, 30u);
  EXPECT_EQ(stats.most_connections, 3u);
}

// A connection that fails is told of, and concerns no other.
CO_TEST(ServeTest, TellsOfFailuresAndGoesOn) {
  std::vector<TaskFailure> failures;
  ServeStats stats;
  ServeOptions options;
  options.stats = &stats;
  options.on_failure = [&](const SocketAddress& peer,
                           const TaskFailure& failure) {
    EXPECT_EQ(peer.family(), AF_INET);
    failures.push_back(failure);
  };
  int calls = 0;
  const auto handler = [&](TcpStream& client) -> Task<Result<void>> {
    switch (++calls) {
      case 1:
        co_return Unexpected(std::errc::bad_message);
      case 2:
        throw std::runtime_error("oh");
      default:
        co_return co_await Echo(client);
    }
  };
  CO_EXPECT_OK(co_await ServeDuring(
      handler, options, [&](SocketAddress address) -> Task<Result<void>> {
        for (int i = 0; i < 2; ++i) {
          EDDY_CO_TRY(TcpStream client, co_await TcpStream::Connect(address));
          EDDY_CO_TRY(const io::Buffer end, co_await client.Receive());
          EXPECT_TRUE(end.empty());
        }
        EDDY_CO_TRY(TcpStream client, co_await TcpStream::Connect(address));
        EDDY_CO_TRY(const std::string answer, co_await Ask(client, "fine"));
        EXPECT_EQ(answer, "fine");
        co_return Result<void>();
      }));
  CO_ASSERT_EQ(failures.size(), 2u);
  EXPECT_EQ(failures[0].error, Error(std::errc::bad_message));
  EXPECT_TRUE(failures[1].exception);
  EXPECT_EQ(stats.failed, 2u);
}

CO_TEST(ServeTest, AnExceptionThatNobodyHandlesEndsTheServer) {
  const auto handler = [](TcpStream&) -> Task<> {
    throw std::runtime_error("oh");
    co_return;
  };
  std::string what;
  try {
    static_cast<void>(co_await ServeDuring(
        handler, ServeOptions(),
        [&](SocketAddress address) -> Task<Result<void>> {
          EDDY_CO_TRY(TcpStream client, co_await TcpStream::Connect(address));
          EDDY_CO_CHECK(co_await client.Receive());
          co_await UntilStopped();
          co_return Result<void>();
        }));
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "oh");
}

CO_TEST(ServeTest, EndsAConnectionThatIsSilent) {
  if (test::InChaos()) CO_SKIP("under chaos completions are late");
  // A busy kernel may take a while from one socket to another.
  VirtualClockOptions time;
  time.settle = 20ms;
  const VirtualClock clock(time);
  ServeStats stats;
  ServeOptions options;
  options.idle_timeout = 60s;
  options.stats = &stats;
  CO_EXPECT_OK(co_await ServeDuring(
      Echo, options, [&](SocketAddress address) -> Task<Result<void>> {
        EDDY_CO_TRY(TcpStream silent, co_await TcpStream::Connect(address));
        EDDY_CO_TRY(TcpStream talks, co_await TcpStream::Connect(address));
        for (int i = 0; i < 10; ++i) {
          EDDY_CO_CHECK(co_await Sleep(40s));
          EDDY_CO_TRY(const std::string answer, co_await Ask(talks, "here"));
          EXPECT_EQ(answer, "here");
        }
        EDDY_CO_TRY(const io::Buffer end, co_await silent.Receive());
        EXPECT_TRUE(end.empty());
        co_return Result<void>();
      }));
  EXPECT_EQ(stats.timed_out, 1u);
  EXPECT_EQ(stats.failed, 1u);
}

// After a stop a connection may finish; one that waits for a request learns
// that none is to come.
CO_TEST(ServeTest, DrainsWithinItsTime) {
  ServeStats stats;
  ServeOptions options;
  options.drain = 10s;
  options.stats = &stats;
  const auto handler = [](TcpStream& client,
                          StopToken draining) -> Task<Result<void>> {
    while (true) {
      const Result<io::Buffer> data =
          co_await WithStop(draining, client.Receive());
      if (!data || data->empty()) co_return Result<void>();
      // Works on, although the server ends.
      EDDY_CO_CHECK(co_await Sleep(5ms));
      EDDY_CO_CHECK(co_await client.Write(data->bytes()));
    }
  };
  TcpStream busy;
  TcpStream idle;
  CO_EXPECT_OK(co_await ServeDuring(
      handler, options, [&](SocketAddress address) -> Task<Result<void>> {
        EDDY_CO_TRY(busy, co_await TcpStream::Connect(address));
        EDDY_CO_TRY(idle, co_await TcpStream::Connect(address));
        EDDY_CO_CHECK(co_await busy.Write(Bytes("work")));
        while (stats.connections < 2) co_await Turn();
        EDDY_CO_CHECK(co_await Sleep(1ms));
        co_return Result<void>();
      }));
  const Result<io::Buffer> answer = co_await busy.Receive();
  CO_ASSERT_OK(answer);
  if (!test::InChaos()) {
    EXPECT_EQ(Text(answer->bytes()), "work");
  }
  const Result<io::Buffer> end = co_await idle.Receive();
  CO_ASSERT_OK(end);
  EXPECT_TRUE(end->empty());
  EXPECT_EQ(stats.ended, 2u);
}

// A handler that passes the drain's kCanceled on has not failed.
CO_TEST(ServeTest, TheStopOfTheDrainIsNoFailure) {
  ServeStats stats;
  ServeOptions options;
  options.drain = 10s;
  options.stats = &stats;
  options.on_failure = [](const SocketAddress&, const TaskFailure& failure) {
    ADD_FAILURE() << failure.error.value_or(kCanceled);
  };
  const auto handler = [](TcpStream& client,
                          StopToken draining) -> Task<Result<void>> {
    while (true) {
      EDDY_CO_CHECK(co_await WithStop(draining, client.Receive()));
    }
  };
  CO_EXPECT_OK(co_await ServeDuring(
      handler, options, [&](SocketAddress address) -> Task<Result<void>> {
        EDDY_CO_TRY(const TcpStream idle, co_await TcpStream::Connect(address));
        while (stats.connections == 0) co_await Turn();
        co_return Result<void>();
      }));
  EXPECT_EQ(stats.ended, 1u);
  EXPECT_EQ(stats.failed, 0u);
}

// (The kernel takes the limit of descriptors from when an accept was submitted:
// the first of the two comes by the accept that waits already.)
CO_TEST(ServeTest, CountsThatDescriptorsRunOutWhileTheyDo) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  ServeStats stats;
  ServeOptions options;
  options.most_connections = 100;
  options.stats = &stats;
  CO_EXPECT_OK(co_await ServeDuring(
      Echo, options, [&](SocketAddress address) -> Task<Result<void>> {
        EDDY_CO_TRY(TcpStream first, co_await TcpStream::Connect(address));
        EDDY_CO_TRY(const std::string hello, co_await Ask(first, "hello"));
        EXPECT_EQ(hello, "hello");
        const io::Fd a = io_test::TcpSocket();
        const io::Fd b = io_test::TcpSocket();
        {
          const io_test::DescriptorLimit limit;
          for (const io::Fd* socket : {&a, &b}) {
            EDDY_CO_CHECK(co_await io::Connect(*socket, address.native(),
                                               address.size()));
          }
          while (stats.incoming.exhausted == 0) {
            EDDY_CO_CHECK(co_await Sleep(1ms));
          }
          // Who is served notices nothing.
          EDDY_CO_TRY(const std::string still, co_await Ask(first, "still"));
          EXPECT_EQ(still, "still");
        }
        while (stats.connections < 3) EDDY_CO_CHECK(co_await Sleep(1ms));
        co_return Result<void>();
      }));
  EXPECT_EQ(stats.incoming.accepted, 3u);
}

// Accepted ahead, and not served when the stop came.
CO_TEST(ServeTest, ServesThoseWhoWereAcceptedBeforeTheDrain) {
  ServeStats stats;
  ServeOptions options;
  options.drain = 10s;
  options.stats = &stats;
  std::vector<TcpStream> clients(20);
  const auto handler = [](TcpStream& client) -> Task<Result<void>> {
    EDDY_CO_TRY(const io::Buffer data, co_await client.Receive());
    co_return co_await client.Write(data.bytes());
  };
  CO_EXPECT_OK(co_await ServeDuring(
      handler, options, [&](SocketAddress address) -> Task<Result<void>> {
        for (TcpStream& client : clients) {
          EDDY_CO_TRY(client, co_await TcpStream::Connect(address));
          EDDY_CO_CHECK(co_await client.Write(Bytes("x")));
        }
        while (stats.incoming.accepted == 0) co_await Turn();
        co_return Result<void>();
      }));
  EXPECT_EQ(stats.failed, 0u);
  EXPECT_EQ(stats.ended, stats.incoming.accepted);
}

CO_TEST(ServeTest, StopsWhatIsNotDoneWhenTheDrainIsOver) {
  ServeStats stats;
  ServeOptions options;
  options.drain = 2ms;
  options.stats = &stats;
  const auto handler = [](TcpStream&) -> Task<> { co_await UntilStopped(); };
  CO_EXPECT_OK(co_await ServeDuring(
      handler, options, [&](SocketAddress address) -> Task<Result<void>> {
        EDDY_CO_CHECK(co_await TcpStream::Connect(address));
        while (stats.connections == 0) co_await Turn();
        co_return Result<void>();
      }));
  EXPECT_EQ(stats.connections, 0u);
  EXPECT_EQ(stats.ended, 1u);
}

CO_TEST(ServeTest, GivesAnErrorOfItsListener) {
  TcpListener unbound{io::Fd(IO_TEST_CHECK(socket(AF_INET, SOCK_STREAM, 0)))};
  CO_EXPECT_ERROR(co_await Serve(unbound, Echo), std::errc::invalid_argument);
}

Task<Result<void>> Conversation() {
  ServeOptions options;
  options.most_connections = 1;
  co_return co_await ServeDuring(
      Echo, options, [&](SocketAddress address) -> Task<Result<void>> {
        const auto asks = [=]() -> Task<Result<void>> {
          EDDY_CO_TRY(TcpStream client, co_await TcpStream::Connect(address));
          EDDY_CO_TRY(const std::string answer, co_await Ask(client, "abc"));
          co_return answer == "abc" ? Result<void>()
                                    : Unexpected(std::errc::bad_message);
        };
        const auto body = [&](TaskScope& scope) -> Task<void> {
          scope.Spawn(asks);
          scope.Spawn(asks);
          co_return;
        };
        co_return co_await WithScope(body);
      });
}

TEST(ServeTest, LeavesNothingBehindWhereverItIsStoppedOrFailed) {
  test::ExpectCleanSweeps(Conversation, {.stops = 20, .failures = 6});
}

}  // namespace
}  // namespace eddy::net
