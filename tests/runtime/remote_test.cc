// Remote: tasks that other threads start.
#include <eddy/runtime/reactor_thread.h>
#include <eddy/runtime/remote.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "tests/chaos.h"
#include "tests/runtime/gate.h"
#include "tests/runtime/heap_count.h"
#include "tests/runtime/remote_test_util.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::Fails;
using test::Gate;
using test::StartThread;
using test::Twice;
using test::WaitsForStop;

TEST(RemoteTest, GivesAThreadWhatTheTaskReturns) {
  const ReactorThread thread = StartThread();
  EXPECT_EQ(thread.remote().Spawn(Twice, 4).Wait(), 8);
  const Result<int> failed = thread.remote().Spawn(Fails).Wait();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error(), std::errc::io_error);
  const auto nothing = []() -> Task<void> { co_return; };
  EXPECT_TRUE(thread.remote().Spawn(nothing).Wait());
}

TEST(RemoteTest, RunsOnTheReactorsThread) {
  const ReactorThread thread = StartThread();
  const auto id = []() -> Task<std::thread::id> {
    co_return std::this_thread::get_id();
  };
  const Result<std::thread::id> there = thread.remote().Spawn(id).Wait();
  EXPECT_NE(there, std::this_thread::get_id());
  EXPECT_EQ(thread.remote().Spawn(id).Wait(), there);
}

TEST(RemoteTest, ThrowsTheTasksExceptionOnce) {
  const ReactorThread thread = StartThread();
  const auto throws = []() -> Task<int> {
    co_await Yield();
    throw std::runtime_error("over there");
  };
  RemoteHandle<int> handle = thread.remote().Spawn(throws);
  EXPECT_THROW(static_cast<void>(handle.Wait()), std::runtime_error);
  // It has failed for who waited, and nobody else.
  EXPECT_EQ(thread.remote().Spawn(Twice, 1).Wait(), 2);
}

TEST(RemoteTest, ThrowsWhatIsThrownBeforeThereIsATask) {
  const ReactorThread thread = StartThread();
  const auto throws = [](int n) -> Task<int> {
    if (n == 0) throw std::runtime_error("no task");
    return Twice(n);
  };
  RemoteHandle<int> handle = thread.remote().Spawn(throws, 0);
  EXPECT_THROW(static_cast<void>(handle.Wait()), std::runtime_error);
}

// Notes the thread that destroys it.
struct Tracked {
  explicit Tracked(std::atomic<std::thread::id>* by_in) : by(by_in) {}
  Tracked(Tracked&& other) noexcept : by(std::exchange(other.by, nullptr)) {}
  ~Tracked() {
    if (by != nullptr) *by = std::this_thread::get_id();
  }
  std::atomic<std::thread::id>* by;
};

TEST(RemoteTest, MovesArgumentsAndEndsThemOnTheReactorsThread) {
  const ReactorThread thread = StartThread();
  std::atomic<std::thread::id> destroyed_by;
  const auto uses = [](const Tracked&, std::unique_ptr<int> n)
      -> Task<std::pair<std::thread::id, std::unique_ptr<int>>> {
    co_await Yield();
    ++*n;
    co_return std::pair(std::this_thread::get_id(), std::move(n));
  };
  const auto result =
      thread.remote()
          .Spawn(uses, Tracked(&destroyed_by), std::make_unique<int>(6))
          .Wait();
  ASSERT_TRUE(result);
  EXPECT_EQ(*result->second, 7);
  EXPECT_EQ(destroyed_by.load(), result->first);
}

TEST(RemoteTest, StopsATaskForItsHandle) {
  const ReactorThread thread = StartThread();
  Gate runs;
  std::atomic<int> ended = 0;
  RemoteHandle<Result<void>> handle =
      thread.remote().Spawn(WaitsForStop, std::ref(runs), std::ref(ended));
  runs.Pass();
  EXPECT_FALSE(handle.ended());
  EXPECT_FALSE(handle.WaitFor(1ms));
  handle.RequestStop();
  handle.RequestStop();
  EXPECT_TRUE(handle.WaitFor(1h));
  EXPECT_TRUE(handle.ended());
  const Result<void> result = handle.Wait();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), kCanceled);
  EXPECT_EQ(ended, 1);
  handle.RequestStop();
}

TEST(RemoteTest, StopsATaskBeforeItsFirstStep) {
  const ReactorThread thread = StartThread();
  for (int i = 0; i != 100; ++i) {
    const auto sleeps = []() -> Task<Result<void>> {
      co_return co_await Sleep(1h);
    };
    RemoteHandle<Result<void>> handle = thread.remote().Spawn(sleeps);
    handle.RequestStop();
    EXPECT_EQ(handle.Wait().error(), kCanceled);
  }
}

TEST(RemoteTest, TheEndOfTheReactorStopsTasksAndRefusesMore) {
  ReactorThread thread = StartThread();
  const Remote remote = thread.remote();
  Gate runs;
  std::atomic<int> ended = 0;
  RemoteHandle<Result<void>> handle =
      remote.Spawn(WaitsForStop, std::ref(runs), std::ref(ended));
  runs.Pass();
  EXPECT_TRUE(thread.BlockingStop());
  EXPECT_TRUE(thread.BlockingStop());
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(handle.Wait().error(), kCanceled);
  RemoteHandle<int> late = remote.Spawn(Twice, 1);
  EXPECT_TRUE(late.ended());
  late.RequestStop();
  EXPECT_EQ(late.Wait().error(), kClosed);
  remote.RequestStop();
}

TEST(RemoteTest, AnswersAllThatWasQueuedWhenTheReactorEnds) {
  for (int round = 0; round != 50; ++round) {
    ReactorThread thread = StartThread();
    std::atomic<bool> go = false;
    std::vector<std::thread> threads;
    std::atomic<int> answers = 0;
    for (int i = 0; i != 3; ++i) {
      threads.emplace_back([&, remote = thread.remote()] {
        while (!go) std::this_thread::yield();
        for (int n = 0; n != 50; ++n) {
          const Result<int> result = remote.Spawn(Twice, n).Wait();
          if (result) {
            EXPECT_EQ(*result, 2 * n);
          } else {
            EXPECT_EQ(result.error(), kClosed);
          }
          ++answers;
        }
      });
    }
    go = true;
    if (round % 2 == 0) std::this_thread::yield();
    EXPECT_TRUE(thread.BlockingStop());
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(answers, 150);
  }
}

TEST(RemoteTest, ADroppedHandleLeavesTheTaskRunning) {
  ReactorThread thread = StartThread();
  Gate runs;
  std::atomic<int> ended = 0;
  {
    const auto dropped =
        thread.remote().Spawn(WaitsForStop, std::ref(runs), std::ref(ended));
  }
  runs.Pass();
  EXPECT_TRUE(thread.BlockingStop());
  EXPECT_EQ(ended, 1);
}

// Also where the handle goes after the task has ended.
TEST(RemoteTest, CountsEachFailureThatNobodyTakes) {
  ReactorThread thread = StartThread();
  for (int i = 0; i != 100; ++i) {
    RemoteHandle<Result<int>> handle = thread.remote().Spawn(Fails);
    if (i % 2 == 0) {
      while (!handle.ended()) std::this_thread::yield();
    }
  }
  // What was taken, and what was stopped, is no such failure.
  EXPECT_FALSE(thread.remote().Spawn(Fails).Wait());
  {
    const auto sleeps = []() -> Task<Result<void>> {
      co_return co_await Sleep(1h);
    };
    RemoteHandle<Result<void>> handle = thread.remote().Spawn(sleeps);
    handle.RequestStop();
  }
  const auto dropped_failures = []() -> Task<std::uint64_t> {
    co_return Reactor::Current()->stats().dropped_failures;
  };
  std::uint64_t dropped = 0;
  for (int i = 0; i != 10'000 && dropped < 100; ++i) {
    dropped = thread.remote().Spawn(dropped_failures).Wait().value();
  }
  EXPECT_EQ(dropped, 100U);
}

TEST(RemoteTest, ManyThreadsCallAtTheSameTime) {
  const ReactorThread thread = StartThread();
  constexpr int kThreads = 8;
  constexpr int kCalls = 500;
  int sum = 0;  // the reactor's
  const auto add = [&sum](int n) -> Task<void> {
    co_await Yield();
    sum += n;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i != kThreads; ++i) {
    threads.emplace_back([&, remote = thread.remote()] {
      std::vector<RemoteHandle<void>> handles;
      for (int n = 0; n != kCalls; ++n) handles.push_back(remote.Spawn(add, 1));
      for (RemoteHandle<void>& handle : handles) EXPECT_TRUE(handle.Wait());
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(sum, kThreads * kCalls);
}

TEST(RemoteTest, ACallAllocatesOnce) {
  if (!test::CountsAllocations()) {
    GTEST_SKIP() << "allocations cannot be counted";
  }
  const ReactorThread thread = StartThread();
  constexpr int kCalls = 100;
  const auto call = [&] {
    for (int n = 0; n != kCalls; ++n) {
      EXPECT_EQ(thread.remote().Spawn(Twice, n).Wait(), 2 * n);
    }
  };
  call();  // until the queue and the pools have their size
  const test::HeapCount count;
  call();
  EXPECT_EQ(count.allocations(), std::uint64_t{kCalls});
}

TEST(RemoteTest, RefusesWhatIsBeyondTheQueue) {
  ReactorThread thread = StartThread();
  Gate runs;
  Gate go;
  const auto blocks = [](Gate& started, Gate& gate) -> Task<void> {
    started.Open();
    gate.Pass();
    co_return;
  };
  const auto blocking =
      thread.remote().Spawn(blocks, std::ref(runs), std::ref(go));
  runs.Pass();
  std::vector<RemoteHandle<int>> handles;
  for (std::size_t i = 0; i != internal::RemotePort::kMostQueued; ++i) {
    handles.push_back(thread.remote().Spawn(Twice, 1));
  }
  EXPECT_EQ(thread.remote().Spawn(Twice, 1).Wait().error(),
            std::errc::resource_unavailable_try_again);
  go.Open();
  // All of them; and in their order, which chaos is there to change.
  EXPECT_EQ(handles.back().Wait(), 2);
  handles.pop_back();
  for (RemoteHandle<int>& handle : handles) {
    if (!test::InChaos()) {
      EXPECT_TRUE(handle.ended());
    }
    EXPECT_EQ(handle.Wait(), 2);
  }
}

TEST(RemoteTest, AReactorThatRunsAgainHasANewPort) {
  auto reactor = Reactor::Create();
  ASSERT_TRUE(reactor) << reactor.error();
  const auto make = []() -> Task<Result<Remote>> {
    const Result<Remote> first = Remote::Create();
    const Result<Remote> second = Remote::Create();
    if (!first || !second) co_return Unexpected(first.error());
    co_return *second;
  };
  const Result<Remote> remote = (*reactor)->Run(make());
  ASSERT_TRUE(remote) << remote.error();
  EXPECT_EQ(remote->Spawn(Twice, 1).Wait().error(), kClosed);
  const auto again = []() -> Task<Result<int>> {
    Result<Remote> made = Remote::Create();
    if (!made) co_return Unexpected(made.error());
    RemoteHandle<int> handle = made->Spawn(Twice, 4);
    co_return co_await handle;
  };
  EXPECT_EQ((*reactor)->Run(again()), 8);
}

using RemoteDeathTest = testing::Test;

TEST(RemoteDeathTest, WaitInATaskAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto waits = []() -> Task<void> {
    const Result<Remote> remote = Remote::Create();
    static_cast<void>(remote->Spawn(Twice, 1).Wait());
    co_return;
  };
  EXPECT_DEATH(SyncWait(waits()),
               "eddy: RemoteHandle::Wait was called by a task");
}

TEST(RemoteDeathTest, CreateOutsideOfATaskAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(static_cast<void>(Remote::Create()),
               "Remote::Create was called while no reactor runs");
}

TEST(RemoteDeathTest, AResultThatIsTakenTwiceAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto twice = [] {
    const ReactorThread thread = StartThread();
    RemoteHandle<int> handle = thread.remote().Spawn(Twice, 1);
    static_cast<void>(handle.Wait());
    static_cast<void>(handle.Wait());
  };
  EXPECT_DEATH(twice(), "was taken twice");
}

TEST(RemoteDeathTest, TwoWaitsOfOneHandleAbort) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto twice = []() -> Task<void> {
    const Result<Remote> remote = Remote::Create();
    const auto sleeps = []() -> Task<Result<void>> {
      co_return co_await Sleep(1h);
    };
    RemoteHandle<Result<void>> handle = remote->Spawn(sleeps);
    const auto waits = [&]() -> Task<void> {
      static_cast<void>(co_await handle);
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn(waits);
      scope.Spawn(waits);
      co_return;
    };
    static_cast<void>(co_await WithScope(body));
  };
  EXPECT_DEATH(SyncWait(twice()), "is waited for twice at the same time");
}

TEST(RemoteDeathTest, WhatWasMovedFromAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto use_handle = [] {
    const ReactorThread thread = StartThread();
    RemoteHandle<int> handle = thread.remote().Spawn(Twice, 1);
    const RemoteHandle<int> moved = std::move(handle);
    handle.RequestStop();  // NOLINT: that is what is tested
  };
  EXPECT_DEATH(use_handle(), "a RemoteHandle was used that has been moved");
  const auto use_thread = [] {
    ReactorThread thread = StartThread();
    const ReactorThread moved = std::move(thread);
    static_cast<void>(thread.remote());  // NOLINT: that is what is tested
  };
  EXPECT_DEATH(use_thread(), "a ReactorThread was used that has been moved");
}

TEST(RemoteDeathTest, AForkedChildThatUsesOneAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto forks = [] {
    const ReactorThread thread = StartThread();
    const pid_t child = fork();
    if (child == 0) {
      static_cast<void>(thread.remote().Spawn(Twice, 1).Wait());
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) abort();
  };
  EXPECT_DEATH(forks(), "a Remote was used in a forked child");
}

}  // namespace
}  // namespace eddy
