// RemoteHandle, as tasks of other reactors await it.
#include <eddy/runtime/reactor_thread.h>
#include <eddy/runtime/remote.h>
#include <eddy/runtime/shared_channel.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/testing/sweep.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/runtime/gate.h"
#include "tests/runtime/remote_test_util.h"
#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::Fails;
using test::Gate;
using test::StartThread;
using test::Twice;
using test::WaitsForStop;

CO_TEST(RemoteAwaitTest, GivesATaskOfAnotherReactorTheResult) {
  const ReactorThread thread = StartThread();
  RemoteHandle<int> handle = thread.remote().Spawn(Twice, 21);
  CO_EXPECT_EQ(co_await handle, 42);
  RemoteHandle<Result<int>> failing = thread.remote().Spawn(Fails);
  CO_EXPECT_ERROR(co_await failing, std::errc::io_error);
  // What has ended is not waited for.
  RemoteHandle<int> ended = thread.remote().Spawn(Twice, 1);
  while (!ended.ended()) co_await Yield();
  CO_EXPECT_EQ(co_await ended, 2);
}

CO_TEST(RemoteAwaitTest, TheExceptionComesAcross) {
  const ReactorThread thread = StartThread();
  const auto throws = []() -> Task<void> {
    co_await Yield();
    throw std::runtime_error("over there");
  };
  RemoteHandle<void> handle = thread.remote().Spawn(throws);
  std::string what;
  try {
    static_cast<void>(co_await handle);
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "over there");
}

CO_TEST(RemoteAwaitTest, AStopGoesAcross) {
  const ReactorThread thread = StartThread();
  Gate runs;
  std::atomic<int> ended = 0;
  RemoteHandle<Result<void>> handle =
      thread.remote().Spawn(WaitsForStop, std::ref(runs), std::ref(ended));
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, handle), kTimedOut);
  EXPECT_EQ(ended, 1);
}

CO_TEST(RemoteAwaitTest, ATaskThatIsStoppedAlreadyStopsWhatItAwaits) {
  const ReactorThread thread = StartThread();
  Gate runs;
  std::atomic<int> ended = 0;
  RemoteHandle<Result<void>> handle =
      thread.remote().Spawn(WaitsForStop, std::ref(runs), std::ref(ended));
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.RequestStop();
    CO_EXPECT_ERROR(co_await handle, kCanceled);
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(ended, 1);
}

CO_TEST(RemoteAwaitTest, ALateResultIsNotLost) {
  const ReactorThread thread = StartThread();
  const auto finishes = []() -> Task<Result<int>> {
    static_cast<void>(co_await Sleep(1h));
    co_return 5;  // in spite of the stop
  };
  RemoteHandle<Result<int>> handle = thread.remote().Spawn(finishes);
  auto first = co_await WhenAny(Sleep(1ms), handle);
  EXPECT_EQ(first.index(), 0U);
  CO_ASSERT_TRUE(first.value<1>() != nullptr);
  EXPECT_EQ(*first.value<1>(), 5);
}

CO_TEST(RemoteAwaitTest, ATaskMayCallItsOwnReactor) {
  const Result<Remote> remote = Remote::Create();
  CO_ASSERT_OK(remote);
  RemoteHandle<int> handle = remote->Spawn(Twice, 3);
  EXPECT_FALSE(handle.ended());
  CO_EXPECT_EQ(co_await handle, 6);
}

CO_TEST(RemoteAwaitTest, TwoReactorsCallEachOther) {
  const ReactorThread there = StartThread();
  const Result<Remote> here = Remote::Create();
  CO_ASSERT_OK(here);
  const auto calls_back = [](Remote back, int n) -> Task<Result<int>> {
    RemoteHandle<int> handle = back.Spawn(Twice, n);
    co_return co_await handle;
  };
  for (int i = 0; i != 200; ++i) {
    RemoteHandle<Result<int>> handle =
        there.remote().Spawn(calls_back, *here, i);
    CO_EXPECT_EQ(co_await handle, 2 * i);
  }
}

// No eventfd can be made.
TEST(RemoteAwaitTest, WithoutDescriptorsIsAnErrorAndCanBeAwaitedAgain) {
  if (test::kAsan) {
    GTEST_SKIP() << "the sanitizer's own checks need a descriptor";
  }
  const std::string text = test::InChild([]() -> std::string {
    std::string answer;
    SyncWait([](std::string& out) -> Task<void> {
      const ReactorThread thread = StartThread();
      RemoteHandle<int> handle = thread.remote().Spawn(Twice, 2);
      std::vector<int> copies;
      for (int fd; (fd = dup(0)) >= 0;) copies.push_back(fd);
      const Result<Remote> remote = Remote::Create();
      out = remote ? "remote" : remote.error().message();
      const Result<int> failed = co_await handle;
      out += ", " + (failed ? "value" : failed.error().message());
      for (const int fd : copies) close(fd);
      const Result<int> result = co_await handle;
      out += ", " + std::to_string(result.value_or(0));
    }(answer));
    return answer;
  });
  const std::string limit = Error::FromErrno(EMFILE).message();
  EXPECT_EQ(text, limit + ", " + limit + ", 4");
}

TEST(RemoteAwaitTest, StopsAtEveryPointLeaveNothing) {
  const ReactorThread thread = StartThread();
  const auto scenario = [&]() -> Task<Result<void>> {
    const auto sleeps = []() -> Task<Result<void>> {
      co_return co_await Sleep(1ms);
    };
    RemoteHandle<Result<void>> handle = thread.remote().Spawn(sleeps);
    co_return co_await handle;
  };
  const SweepReport stops = StopAtEveryPoint(scenario);
  EXPECT_EQ(stops.failure, "");
  EXPECT_GE(stops.points, 1U);
}

// A wait that only others end does not hold the time either.
TEST(RemoteVirtualTimeTest, ATimeOutOfAWaitForOthersComes) {
  const auto main = []() -> Task<void> {
    const VirtualClock clock;
    SharedChannel<int> channel(0);
    CO_EXPECT_ERROR(co_await WithTimeout(1h, channel.Receive()), kTimedOut);
    const auto sleeps = []() -> Task<Result<int>> {
      EDDY_CO_CHECK(co_await Sleep(1h));
      co_return 3;
    };
    const Result<Remote> remote = Remote::Create();
    CO_ASSERT_OK(remote);
    RemoteHandle<Result<int>> handle = remote->Spawn(sleeps);
    CO_EXPECT_EQ(co_await handle, 3);
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        CO_EXPECT_OK(co_await Sleep(1h));
        CO_EXPECT_OK(channel.TrySend(4));
      });
      CO_EXPECT_EQ(co_await channel.Receive(), 4);
    };
    CO_EXPECT_OK(co_await WithScope(body));
  };
  SyncWait(main());
}

TEST(RemoteBusyPollTest, AReactorThatPollsIsReached) {
  ReactorOptions options;
  options.busy_poll = 1h;
  Result<ReactorThread> thread = ReactorThread::Start(options);
  ASSERT_TRUE(thread);
  for (int n = 0; n != 100; ++n) {
    EXPECT_EQ(thread->remote().Spawn(Twice, n).Wait(), 2 * n);
  }
}

TEST(RemoteSmallRingTest, ARingOfOneEntryIsEnough) {
  ReactorOptions options;
  options.entries = 1;
  Result<ReactorThread> thread = ReactorThread::Start(options);
  ASSERT_TRUE(thread);
  const auto sleeps = []() -> Task<Result<void>> {
    co_return co_await Sleep(1ms);
  };
  std::vector<RemoteHandle<Result<void>>> handles;
  for (int n = 0; n != 100; ++n) {
    handles.push_back(thread->remote().Spawn(sleeps));
  }
  for (auto& handle : handles) EXPECT_TRUE(handle.Wait());
}

TEST(RemoteVirtualTimeTest, APortThatIsOpenDoesNotHoldTheTime) {
  const auto main = []() -> Task<void> {
    const VirtualClock clock;
    CO_ASSERT_OK(Remote::Create());
    CO_EXPECT_OK(co_await Sleep(1h));
  };
  SyncWait(main());
}

}  // namespace
}  // namespace eddy
