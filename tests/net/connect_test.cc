// Several addresses, some of which lead nowhere: which is tried when, which
// wins, which error is told.
#include <eddy/net/connect.h>

#include "tests/io/io_test_util.h"
#include "tests/net/black_hole.h"
#include "tests/net/fake_resolver.h"
#include "tests/sweeps.h"

#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <netdb.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::TempDir;
using net_test::BlackHole;
using net_test::FakeResolver;

using Addresses = std::vector<SocketAddress>;

template <class... Address>
Addresses List(const Address&... address) {
  return Addresses{address...};
}

SocketAddress V4() { return SocketAddress::LoopbackV4(0); }
SocketAddress V6() { return SocketAddress::LoopbackV6(0); }

bool HasV6() { return TcpListener::Bind(V6()).has_value(); }

#define SKIP_WITHOUT_V6() \
  if (!HasV6()) CO_SKIP("no IPv6")

// An address where nobody listens, which no other socket gets meanwhile.
class Refusing {
 public:
  explicit Refusing(SocketAddress address)
      : socket_(IO_TEST_CHECK(
            socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0))) {
    IO_TEST_CHECK(bind(socket_.get(), address.native(), address.size()));
    address_ = SocketAddress::LocalOf(socket_.get()).value();
  }
  const SocketAddress& address() const { return address_; }

 private:
  io::Fd socket_;
  SocketAddress address_;
};

// A listener and its address.
struct Answering {
  TcpListener listener;
  SocketAddress address;

  explicit Answering(SocketAddress where)
      : listener(TcpListener::Bind(where).value()),
        address(listener.local_address().value()) {}
};

// Whom it is connected to after how long.
Task<void> ExpectWinner(Addresses addresses, SocketAddress winner,
                        Duration after) {
  const VirtualClock clock;
  const TimePoint start = Clock::now();
  const Result<TcpStream> stream = co_await ConnectAny(std::move(addresses));
  CO_ASSERT_OK(stream);
  EXPECT_EQ(stream->peer_address().value(), winner);
  EXPECT_EQ(Clock::now() - start, after);
}

CO_TEST(ConnectAnyTest, TheFirstAddressThatAnswersWins) {
  const Answering one(V4());
  const Answering other(V4());
  co_await ExpectWinner(List(one.address, other.address), one.address, 0ms);
}

CO_TEST(ConnectAnyTest, AFailureIsFollowedByTheNextAtOnce) {
  const Refusing closed(V4());
  const Answering open(V4());
  co_await ExpectWinner(List(closed.address(), closed.address(), open.address),
                        open.address, 0ms);
}

CO_TEST(ConnectAnyTest, SilenceIsFollowedByTheNextAfterTheDelay) {
  const BlackHole silent(V4());
  const Answering open(V4());
  co_await ExpectWinner(List(silent.address(), open.address), open.address,
                        250ms);
  co_await ExpectWinner(List(silent.address(), silent.address(), open.address),
                        open.address, 500ms);
}

CO_TEST(ConnectAnyTest, AFailureLeavesASilentAttemptRunning) {
  const BlackHole silent(V4());
  const Refusing closed(V4());
  const Answering open(V4());
  co_await ExpectWinner(List(silent.address(), closed.address(), open.address),
                        open.address, 250ms);
}

CO_TEST(ConnectAnyTest, FamiliesTakeTurns) {
  SKIP_WITHOUT_V6();
  const BlackHole silent6(V6());
  const BlackHole silent4(V4());
  const Answering open6(V6());
  const Answering open4(V4());
  co_await ExpectWinner(List(silent6.address(), open6.address, open4.address),
                        open4.address, 250ms);
  co_await ExpectWinner(List(silent4.address(), open4.address, open6.address),
                        open6.address, 250ms);
  // 6, 4, 6
  co_await ExpectWinner(
      List(silent6.address(), open6.address, silent4.address()), open6.address,
      500ms);
}

CO_TEST(ConnectAnyTest, TheDelayIsAnOptionWithALowerBound) {
  const BlackHole silent(V4());
  const Answering open(V4());
  for (const auto& [delay, expected] :
       std::vector<std::pair<Duration, Duration>>{
           {1s, 1s}, {100ms, 100ms}, {1ms, 10ms}, {0ms, 10ms}, {-1s, 10ms}}) {
    const VirtualClock clock;
    const TimePoint start = Clock::now();
    ConnectOptions options;
    options.attempt_delay = delay;
    Addresses addresses = {silent.address(), open.address};
    CO_ASSERT_OK(co_await ConnectAny(std::move(addresses), options));
    EXPECT_EQ(Clock::now() - start, expected);
  }
}

CO_TEST(ConnectAnyTest, TheTimeoutCoversAllAttempts) {
  const VirtualClock clock;
  const BlackHole silent(V4());
  const Refusing closed(V4());
  const TimePoint start = Clock::now();
  ConnectOptions options;
  options.timeout = 1s;
  Addresses addresses(5, silent.address());
  addresses.push_back(closed.address());
  CO_EXPECT_ERROR(co_await ConnectAny(addresses, options), kTimedOut);
  EXPECT_EQ(Clock::now() - start, 1s);
  // The last address, too, is waited for no longer.
  CO_EXPECT_ERROR(co_await ConnectAny(Addresses(1, silent.address()), options),
                  kTimedOut);
  EXPECT_EQ(Clock::now() - start, 2s);
}

CO_TEST(ConnectAnyTest, TellsTheErrorThatTellsMost) {
  const TempDir dir;
  const Refusing closed(V4());
  const SocketAddress missing =
      SocketAddress::Parse("unix:" + (dir / "missing")).value();
  const SocketAddress other =
      SocketAddress::Parse("unix:" + dir.path()).value();
  const Addresses missing_first = {missing, closed.address(), other};
  CO_EXPECT_ERROR(co_await ConnectAny(missing_first),
                  std::errc::connection_refused);
  const Addresses closed_first = {closed.address(), missing};
  CO_EXPECT_ERROR(co_await ConnectAny(closed_first),
                  std::errc::connection_refused);
  // Of equals the first.
  const Addresses missing_only = {missing, SocketAddress()};
  CO_EXPECT_ERROR(co_await ConnectAny(missing_only),
                  std::errc::no_such_file_or_directory);
}

CO_TEST(ConnectAnyTest, RefusesAnEmptyListAndWrongOptions) {
  CO_EXPECT_ERROR(co_await ConnectAny(Addresses()),
                  std::errc::invalid_argument);
  const Answering open(V4());
  ConnectOptions options;
  options.tcp.user_timeout = -1ms;
  CO_EXPECT_ERROR(co_await ConnectAny(Addresses(1, open.address), options),
                  std::errc::invalid_argument);
}

CO_TEST(ConnectAnyTest, SetsTheOptionsOnTheWinner) {
  const BlackHole silent(V4());
  const Answering open(V4());
  const VirtualClock clock;
  ConnectOptions options;
  options.tcp.user_timeout = 1234ms;
  const Addresses addresses = {silent.address(), open.address};
  const Result<TcpStream> stream = co_await ConnectAny(addresses, options);
  CO_ASSERT_OK(stream);
  EXPECT_EQ(stream->options()->user_timeout, 1234ms);
}

CO_TEST(ConnectAnyTest, AStopEndsAllAttempts) {
  const BlackHole silent(V4());
  StopSource source;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    const auto stops = [&]() -> Task<void> {
      co_await io_test::Pause(30ms);
      source.RequestStop();
    };
    scope.Spawn(stops);
    ConnectOptions options;
    options.attempt_delay = 10ms;
    CO_EXPECT_ERROR(
        co_await WithStop(source.token(),
                          ConnectAny(Addresses(9, silent.address()), options)),
        kCanceled);
    CO_EXPECT_ERROR(
        co_await WithStop(source.token(),
                          ConnectAny(Addresses(9, silent.address()), options)),
        kCanceled);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

// The sockets of the scenario are closed when its reactor ends.
Task<Result<void>> ConnectsPastTwo() {
  const VirtualClock clock;
  const Refusing closed(V4());
  const BlackHole silent(V4());
  EDDY_CO_TRY(TcpListener listener, TcpListener::Bind(V4()));
  EDDY_CO_TRY(const SocketAddress open, listener.local_address());
  const Addresses addresses = {closed.address(), silent.address(),
                               silent.address(), open};
  // Where the attempt that would win fails, only silence is left.
  ConnectOptions options;
  options.timeout = 1min;
  EDDY_CO_TRY(TcpStream stream, co_await ConnectAny(addresses, options));
  EDDY_CO_TRY(const SocketAddress peer, stream.peer_address());
  if (peer != open) co_return Unexpected(std::errc::bad_message);
  co_return co_await stream.Close();
}

TEST(ConnectAnyTest, EndsCleanlyAtEveryPoint) {
  test::ExpectCleanSweeps(ConnectsPastTwo, {.stops = 8, .failures = 3});
}

// --- By name -----------------------------------------------------------------

CO_TEST(ConnectTest, TakesAddressesAndNames) {
  FakeResolver resolver;
  resolver.Knows("host", {"127.0.0.1"});
  const Answering open(V4());
  const std::uint16_t port = open.address.port();
  for (const char* host : {"127.0.0.1", "host"}) {
    const Result<TcpStream> stream = co_await Connect(host, port);
    CO_ASSERT_OK(stream);
    EXPECT_EQ(stream->peer_address().value(), open.address);
  }
  EXPECT_EQ(resolver.calls(), 1);
}

CO_TEST(ConnectTest, FallsBackToTheOtherFamily) {
  SKIP_WITHOUT_V6();
  FakeResolver resolver;
  resolver.Knows("host", {"::1", "127.0.0.1"});
  const Answering open(V4());
  const Result<TcpStream> stream =
      co_await Connect("host", open.address.port());
  CO_ASSERT_OK(stream);
  EXPECT_EQ(stream->peer_address().value(), open.address);
  ConnectOptions options;
  options.family = AF_INET6;
  CO_EXPECT_ERROR(co_await Connect("host", open.address.port(), options),
                  std::errc::connection_refused);
}

CO_TEST(ConnectTest, GivesTheErrorsOfTheName) {
  FakeResolver resolver;
  resolver.Fails("down", EAI_AGAIN);
  CO_EXPECT_ERROR(co_await Connect("unknown", 80), kHostNotFound);
  CO_EXPECT_ERROR(co_await Connect("down", 80), kNameServerUnreachable);
  CO_EXPECT_ERROR(co_await Connect("999.1.1.1", 80),
                  std::errc::invalid_argument);
}

CO_TEST(ConnectTest, TheTimeoutCoversTheLookUp) {
  FakeResolver resolver;
  const auto gate = std::make_shared<test::Gate>();
  resolver.Holds("slow", gate);
  ConnectOptions options;
  options.timeout = 1ms;
  CO_EXPECT_ERROR(co_await Connect("slow", 80, options), kTimedOut);
  gate->Open();
}

CO_TEST(ConnectTest, TheTimeoutCoversTheAttempts) {
  const VirtualClock clock;
  FakeResolver resolver;
  resolver.Knows("host", {"127.0.0.1"});
  const BlackHole silent(V4());
  ConnectOptions options;
  options.timeout = 3s;
  const TimePoint start = Clock::now();
  CO_EXPECT_ERROR(co_await Connect("host", silent.address().port(), options),
                  kTimedOut);
  EXPECT_EQ(Clock::now() - start, 3s);
}

TEST(ConnectTest, EndsCleanlyAtEveryPoint) {
  FakeResolver resolver;
  resolver.Knows("host", {"127.0.0.1"});
  const auto scenario = []() -> Task<Result<void>> {
    EDDY_CO_TRY(TcpListener listener, TcpListener::Bind(V4()));
    EDDY_CO_TRY(const SocketAddress open, listener.local_address());
    EDDY_CO_TRY(TcpStream stream, co_await Connect("host", open.port()));
    co_return co_await stream.Close();
  };
  test::ExpectCleanSweeps(scenario, {.stops = 3, .failures = 1});
}

}  // namespace
}  // namespace eddy::net
