#include <eddy/runtime/testing/virtual_clock.h>

#include <eddy/runtime/blocking.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::EventFd;
using test::Pipe;
using test::PollIn;
using test::ReadInto;
using RealClock = std::chrono::steady_clock;

// A test that had to wait for these would not end.
CO_TEST(VirtualClockTest, YearsPassWhileNothingElseHappens) {
  const VirtualClock clock;
  const TimePoint start = Clock::now();
  CO_EXPECT_OK(co_await Sleep(24h * 365));
  EXPECT_EQ(Clock::now() - start, 24h * 365);
  CO_EXPECT_OK(co_await Sleep(1ns));
  EXPECT_EQ(Clock::now() - start, 24h * 365 + 1ns);
}

CO_TEST(VirtualClockTest, TimersOfManyTasksEndInTheirOrder) {
  const VirtualClock clock;
  std::vector<int> order;
  const auto sleeps = [&](int hours) -> Task<void> {
    CO_EXPECT_OK(co_await Sleep(std::chrono::hours(hours)));
    order.push_back(hours);
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (const int hours : {5, 1, 4, 2, 3}) scope.Spawn(sleeps, hours);
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4, 5}));
}

CO_TEST(VirtualClockTest, ATimeoutStopsWhatNeverComes) {
  const VirtualClock clock;
  const EventFd never;
  const TimePoint start = Clock::now();
  CO_EXPECT_ERROR(co_await WithTimeout(1h, PollIn(never.fd())), kTimedOut);
  EXPECT_EQ(Clock::now() - start, 1h);
}

// What is there for the taking comes before any timeout.
CO_TEST(VirtualClockTest, WhatIsInFlightComesFirst) {
  const VirtualClock clock({.settle = 100ms, .advances_by_itself = true});
  const Pipe pipe;
  const TimePoint start = Clock::now();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(write(pipe.writer(), "x", 1), 1);
    std::array<std::byte, 1> buffer{};
    CO_EXPECT_OK(co_await WithTimeout(1ms, ReadInto(pipe.reader(), buffer)));
  }
  EXPECT_EQ(Clock::now(), start);
}

CO_TEST(VirtualClockTest, AJobOfAThreadIsWaitedFor) {
  const VirtualClock clock;
  const auto begun = RealClock::now();
  const auto works = [] { std::this_thread::sleep_for(30ms); };
  CO_EXPECT_OK(co_await WithTimeout(1ms, Blocking(works)));
  EXPECT_GE(RealClock::now() - begun, 30ms);
}

CO_TEST(VirtualClockTest, AdvanceLetsTimersExpire) {
  VirtualClock clock({.settle = 2ms, .advances_by_itself = false});
  const TimePoint start = Clock::now();
  bool ended = false;
  const auto sleeps = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await Sleep(10s));
    ended = true;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    JoinHandle<void> sleeping = scope.Spawn(sleeps);
    co_await Yield();
    clock.Advance(9s);
    for (int i = 0; i < 10; ++i) CO_EXPECT_OK(co_await test::Nop());
    EXPECT_FALSE(ended);
    clock.Advance(1s);
    co_await sleeping;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_TRUE(ended);
  EXPECT_EQ(Clock::now() - start, 10s);
}

TEST(VirtualClockTest, RealTimeComesBackAfterTheRun) {
  SyncWait([]() -> Task<void> {
    {
      const VirtualClock clock;
      CO_EXPECT_OK(co_await Sleep(24h * 365));
    }
    // Still virtual: the reactor's timers know no way back.
    CO_EXPECT_OK(co_await Sleep(24h * 365));
    const VirtualClock another;
    CO_EXPECT_OK(co_await Sleep(24h * 365));
  }());
  const auto before = RealClock::now();
  const TimePoint now = Clock::now();
  EXPECT_LE(before, now);
  EXPECT_LE(now, RealClock::now());
}

TEST(VirtualClockTest, ALaterRunOfTheReactorSleepsForReal) {
  const auto reactor = test::MakeReactor();
  reactor->Run([]() -> Task<void> {
    const VirtualClock clock;
    CO_EXPECT_OK(co_await Sleep(24h));
  }());
  const auto begun = RealClock::now();
  reactor->Run([]() -> Task<void> { CO_EXPECT_OK(co_await Sleep(20ms)); }());
  EXPECT_GE(RealClock::now() - begun, 20ms);
}

TEST(VirtualClockTest, MayStandOutsideOfTheReactor) {
  const VirtualClock clock;
  const TimePoint start = Clock::now();
  EXPECT_EQ(Clock::now(), start);
  SyncWait([]() -> Task<void> { CO_EXPECT_OK(co_await Sleep(1h)); }());
  SyncWait([]() -> Task<void> { CO_EXPECT_OK(co_await Sleep(1h)); }());
  EXPECT_EQ(Clock::now() - start, 2h);
}

TEST(VirtualClockDeathTest, MisuseAborts) {
  VirtualClock clock;
  EXPECT_DEATH(VirtualClock(), "eddy: a thread has one VirtualClock at a time");
  EXPECT_DEATH(clock.Advance(-1ns), "eddy: .* a negative duration");
}

}  // namespace
}  // namespace eddy
