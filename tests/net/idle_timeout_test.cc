#include <eddy/net/idle_timeout.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <eddy/net/tcp.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/virtual_clock.h>

#include <array>
#include <utility>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::Drain;
using io_test::Pattern;
using io_test::Put;
using io_test::SocketPair;

// Two ends of a connection that is there at once.
struct Ends {
  SocketPair pair;
  TcpStream a{std::move(pair.a)};
  io::Fd& b = pair.b;
};

CO_TEST(IdleTimeoutTest, EndsAReadThatNothingComesFor) {
  const VirtualClock clock;
  Ends ends;
  const TimePoint start = Clock::now();
  std::array<std::byte, 8> buffer;
  CO_EXPECT_ERROR(co_await WithIdleTimeout(40s, ends.a, ends.a.Read(buffer)),
                  kTimedOut);
  EXPECT_GE(Clock::now() - start, 40s);
  EXPECT_LE(Clock::now() - start, 50s);
}

CO_TEST(IdleTimeoutTest, LetsAPeerGoOnThatTalksNowAndThen) {
  if (test::InChaos()) CO_SKIP("under chaos completions are late");
  const VirtualClock clock;
  Ends ends;
  const TimePoint start = Clock::now();
  const auto listens = [&]() -> Task<Result<void>> {
    std::array<std::byte, 8> buffer;
    while (true) EDDY_CO_CHECK(co_await ends.a.Read(buffer));
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (int i = 0; i < 10; ++i) {
        CO_EXPECT_OK(co_await Sleep(25s));
        Put(ends.b, "x");
      }
    });
    CO_EXPECT_ERROR(co_await WithIdleTimeout(40s, ends.a, listens()),
                    kTimedOut);
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_GE(Clock::now() - start, 250s + 40s);
}

// What is awaited besides the stream is not the peer's silence.
CO_TEST(IdleTimeoutTest, DoesNotCountTheTimeOfOtherWaits) {
  const VirtualClock clock;
  Ends ends;
  const auto works = []() -> Task<int> {
    CO_EXPECT_OK(co_await Sleep(1h));
    co_return 7;
  };
  const Result<int> worked = co_await WithIdleTimeout(1s, ends.a, works());
  CO_ASSERT_OK(worked);
  EXPECT_EQ(*worked, 7);
}

// The time counts from when the peer is waited for.
CO_TEST(IdleTimeoutTest, GivesThePeerItsWholeTimeAfterOtherWaits) {
  const VirtualClock clock;
  Ends ends;
  TimePoint asked;
  const auto works = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await Sleep(59s + 900ms));
    asked = Clock::now();
    std::array<std::byte, 8> buffer;
    EDDY_CO_CHECK(co_await ends.a.Read(buffer));
    co_return Result<void>();
  };
  CO_EXPECT_ERROR(co_await WithIdleTimeout(60s, ends.a, works()), kTimedOut);
  EXPECT_GE(Clock::now() - asked, 60s);
  EXPECT_LE(Clock::now() - asked, 75s);
}

// A write that its peer takes bit by bit.
CO_TEST(IdleTimeoutTest, LetsASlowReaderTakeALargeWrite) {
  if (test::InChaos()) CO_SKIP("under chaos completions are late");
  const VirtualClock clock;
  Ends ends;
  const std::vector<std::byte> data = Pattern(1'000'000);
  const TimePoint start = Clock::now();
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (std::size_t n = 0; n < data.size();) {
        CO_EXPECT_OK(co_await Sleep(20s));
        n += Drain(ends.b, 100'000).size();
      }
    });
    CO_EXPECT_OK(co_await WithIdleTimeout(60s, ends.a, ends.a.Write(data)));
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_GE(Clock::now() - start, 60s);
}

CO_TEST(IdleTimeoutTest, EndsAWriteThatNobodyTakes) {
  const VirtualClock clock;
  Ends ends;
  const std::vector<std::byte> data = Pattern(1'000'000);
  CO_EXPECT_ERROR(co_await WithIdleTimeout(60s, ends.a, ends.a.Write(data)),
                  kTimedOut);
}

CO_TEST(IdleTimeoutTest, GivesWhatTheAwaitableGives) {
  Ends ends;
  std::array<std::byte, 8> buffer;
  Put(ends.b, "x");
  CO_EXPECT_EQ(co_await WithIdleTimeout(1h, ends.a, ends.a.Read(buffer)), 1u);
  Put(ends.b, "y");
  CO_EXPECT_EQ(
      co_await WithIdleTimeout(Duration::max(), ends.a, ends.a.Read(buffer)),
      1u);
  const auto fails = []() -> Task<Result<void>> {
    co_return Unexpected(std::errc::bad_message);
  };
  CO_EXPECT_ERROR(co_await WithIdleTimeout(1h, ends.a, fails()),
                  std::errc::bad_message);
}

}  // namespace
}  // namespace eddy::net
