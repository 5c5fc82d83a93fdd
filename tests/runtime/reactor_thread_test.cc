// ReactorThread: a reactor beside a program's threads.
#include <eddy/runtime/reactor_thread.h>
#include <eddy/runtime/remote.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <utility>

#include "tests/runtime/remote_test_util.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::Fails;
using test::StartThread;
using test::Twice;

TEST(ReactorThreadTest, GivesTheFailureOfItsScope) {
  ReactorThread thread = StartThread();
  const auto spawns = []() -> Task<void> {
    Reactor::Current()->scope().Spawn(Fails);
    co_await UntilStopped();  // which the failure does
  };
  EXPECT_TRUE(thread.remote().Spawn(spawns).Wait());
  const Result<void> stopped = thread.BlockingStop();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error(), std::errc::io_error);
  EXPECT_EQ(thread.remote().Spawn(Twice, 1).Wait().error(), kClosed);
}

// While it ends, what runs on it calls this reactor, which has to go on.
CO_TEST(ReactorThreadTest, ATaskAwaitsItsEnd) {
  const Result<Remote> here = Remote::Create();
  CO_ASSERT_OK(here);
  ReactorThread there = StartThread();
  const auto calls_back = [](Remote back) -> Task<Result<void>> {
    const auto sleeps = []() -> Task<Result<void>> {
      co_return co_await Sleep(1h);
    };
    RemoteHandle<Result<void>> handle = back.Spawn(sleeps);
    co_return co_await handle;
  };
  RemoteHandle<Result<void>> handle = there.remote().Spawn(calls_back, *here);
  co_await Yield();
  CO_EXPECT_OK(co_await there.Stop());
  CO_EXPECT_OK(co_await there.Stop());
  const Result<void> result = co_await handle;
  CO_ASSERT_TRUE(!result);
  EXPECT_TRUE(result.error() == kCanceled || result.error() == kClosed);
}

CO_TEST(ReactorThreadTest, ATaskThatIsStoppedAwaitsItsEnd) {
  ReactorThread there = StartThread();
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.RequestStop();
    CO_EXPECT_OK(co_await there.Stop());
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

TEST(ReactorThreadTest, ThrowsTheExceptionOfItsScope) {
  ReactorThread thread = StartThread();
  const auto throws = []() -> Task<void> {
    throw std::runtime_error("in the scope");
    co_return;
  };
  const auto spawns = [&]() -> Task<Result<void>> {
    Reactor::Current()->scope().Spawn(throws);
    co_await UntilStopped();
    co_return {};
  };
  EXPECT_TRUE(thread.remote().Spawn(spawns).Wait());
  EXPECT_THROW(static_cast<void>(thread.BlockingStop()), std::runtime_error);
  EXPECT_TRUE(thread.BlockingStop());
}

TEST(ReactorThreadTest, MayBeMovedAndAssigned) {
  ReactorThread thread = StartThread();
  ReactorThread moved = std::move(thread);
  EXPECT_EQ(moved.remote().Spawn(Twice, 1).Wait(), 2);
  moved = StartThread();
  EXPECT_EQ(moved.remote().Spawn(Twice, 2).Wait(), 4);
}

TEST(ReactorThreadTest, RefusedRingIsAnError) {
  ReactorOptions options;
  options.entries = 1U << 30;
  EXPECT_FALSE(ReactorThread::Start(options));
}

using ReactorThreadDeathTest = testing::Test;

TEST(ReactorThreadDeathTest, BlockingStopInATaskAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto stops = []() -> Task<void> {
    ReactorThread thread = StartThread();
    static_cast<void>(thread.BlockingStop());
    co_return;
  };
  EXPECT_DEATH(SyncWait(stops()), "BlockingStop was called by a task");
}

TEST(ReactorThreadDeathTest, AThreadThatEndsItselfAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto itself = [] {
    ReactorThread thread = StartThread();
    const auto stops = [](ReactorThread& own) -> Task<Result<void>> {
      co_return own.BlockingStop();
    };
    static_cast<void>(thread.remote().Spawn(stops, std::ref(thread)).Wait());
  };
  EXPECT_DEATH(itself(), "a ReactorThread was ended by a task that runs on it");
}

}  // namespace
}  // namespace eddy
