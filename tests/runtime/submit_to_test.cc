// SubmitTo: calls to another core, their results, order, stop and end.
#include <eddy/runtime/core_port.h>
#include <eddy/runtime/submit_to.h>

#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/runtime/cores.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::OnCores;

TEST(SubmitToTest, GivesWhatTheFunctionReturns) {
  OnCores(2, []() -> Task<> {
    const Result<unsigned> core =
        co_await SubmitTo(1, [] { return Runtime::CurrentCore(); });
    CO_ASSERT_OK(core);
    EXPECT_EQ(*core, 1U);
    EXPECT_EQ(Runtime::CurrentCore(), 0U);
    std::thread::id there;
    CO_EXPECT_OK(
        co_await SubmitTo(1, [&] { there = std::this_thread::get_id(); }));
    EXPECT_NE(there, std::this_thread::get_id());
    const auto moves = [] { return std::make_unique<std::string>("moved"); };
    const Result<std::unique_ptr<std::string>> moved =
        co_await SubmitTo(1, moves);
    CO_ASSERT_OK(moved);
    EXPECT_EQ(**moved, "moved");
  });
}

TEST(SubmitToTest, GivesWhatATaskReturns) {
  OnCores(2, []() -> Task<> {
    const auto sleeps = []() -> Task<Result<unsigned>> {
      EDDY_CO_CHECK(co_await Sleep(1ms));
      co_return Runtime::CurrentCore();
    };
    const Result<unsigned> core = co_await SubmitTo(1, sleeps);
    CO_ASSERT_OK(core);
    EXPECT_EQ(*core, 1U);
    const auto yields = []() -> Task<> { co_await Yield(); };
    CO_EXPECT_OK(co_await SubmitTo(1, yields));
  });
}

TEST(SubmitToTest, TheOwnCoreIsCalledToo) {
  OnCores(2, []() -> Task<> {
    CO_EXPECT_EQ(*co_await SubmitTo(0, [] { return 7; }), 7);
    const auto yields = []() -> Task<unsigned> {
      co_await Yield();
      co_return Runtime::CurrentCore();
    };
    CO_EXPECT_EQ(*co_await SubmitTo(0, yields), 0U);
  });
}

TEST(SubmitToTest, GivesErrorsAndExceptions) {
  for (const unsigned core : {0U, 1U}) {
    OnCores(2, [core]() -> Task<> {
      const auto fails = []() -> Result<int> {
        return Unexpected(std::errc::io_error);
      };
      CO_EXPECT_ERROR(co_await SubmitTo(core, fails), std::errc::io_error);
      const auto task_fails = [&]() -> Task<Result<int>> {
        co_await Yield();
        co_return fails();
      };
      CO_EXPECT_ERROR(co_await SubmitTo(core, task_fails), std::errc::io_error);
      const auto throws = []() -> int { throw std::runtime_error("thrown"); };
      const auto task_throws = [&]() -> Task<int> {
        co_await Yield();
        co_return throws();
      };
      int caught = 0;
      try {
        static_cast<void>(co_await SubmitTo(core, throws));
      } catch (const std::runtime_error& error) {
        caught += error.what() == std::string("thrown");
      }
      try {
        static_cast<void>(co_await SubmitTo(core, task_throws));
      } catch (const std::runtime_error& error) {
        caught += error.what() == std::string("thrown");
      }
      EXPECT_EQ(caught, 2);
    });
  }
}

// It lives in the frame of the caller, and is called there.
TEST(SubmitToTest, TheFunctionIsNotMovedAcross) {
  OnCores(2, []() -> Task<> {
    auto own = std::make_unique<int>(3);
    const int* const address = own.get();
    auto reads = [own = std::move(own)] { return own.get(); };
    CO_EXPECT_EQ(*co_await SubmitTo(1, std::move(reads)), address);
  });
}

TEST(SubmitToTest, CallsOfOneCoreBeginInTheirOrder) {
  OnCores(2, []() -> Task<> {
    constexpr int kCalls = 1000;
    std::vector<int> seen;  // belongs to core 1 meanwhile
    const auto call = [&seen](int i) -> Task<Result<void>> {
      co_return co_await SubmitTo(1, [&seen, i] { seen.push_back(i); });
    };
    const auto body = [&](TaskScope& scope) -> Task<> {
      for (int i = 0; i < kCalls; ++i) scope.Spawn(call, i);
      co_return;
    };
    CO_EXPECT_OK(co_await WithScope(body));
    CO_ASSERT_EQ(seen.size(), std::size_t{kCalls});
    // (In chaos, tasks await in another order than they were spawned in.)
    if (Reactor::Current()->stats().turns != 0 &&
        std::getenv("EDDY_CHAOS_SEED") == nullptr) {
      for (int i = 0; i < kCalls; ++i) EXPECT_EQ(seen[std::size_t(i)], i);
    }
  });
}

TEST(SubmitToTest, NoMoreCallsAreOutThanTheLimit) {
  RuntimeOptions options;
  options.most_calls = 3;
  const auto main = []() -> Task<> {
    int now = 0;  // of core 1
    int most = 0;
    int ended = 0;
    const auto there = [&]() -> Task<> {
      most = std::max(most, ++now);
      for (int i = 0; i < 10; ++i) co_await Yield();
      --now;
    };
    const auto call = [&]() -> Task<Result<void>> {
      const Result<void> called = co_await SubmitTo(1, there);
      ++ended;
      co_return called;
    };
    const auto body = [&](TaskScope& scope) -> Task<> {
      for (int i = 0; i < 100; ++i) scope.Spawn(call);
      co_return;
    };
    CO_EXPECT_OK(co_await WithScope(body));
    EXPECT_EQ(ended, 100);
    EXPECT_EQ(most, 3);
  };
  OnCores(2, main, options);
}

TEST(SubmitToTest, AStopGoesAcross) {
  for (const unsigned core : {0U, 1U}) {
    OnCores(2, [core]() -> Task<> {
      bool cleaned_up = false;
      const auto waits = [&]() -> Task<Result<void>> {
        const Result<void> slept = co_await Sleep(1h);
        cleaned_up = slept.error() == kCanceled;
        co_await Yield();
        co_return slept;
      };
      const auto limited = co_await WithTimeout(1ms, SubmitTo(core, waits));
      CO_EXPECT_ERROR(limited, kTimedOut);
      EXPECT_TRUE(cleaned_up);
    });
  }
}

TEST(SubmitToTest, WhatIsStoppedBeforeIsNotCalled) {
  OnCores(2, []() -> Task<> {
    StopSource source;
    source.RequestStop();
    bool called = false;
    const Result<void> result =
        co_await WithStop(source.token(), SubmitTo(1, [&] { called = true; }));
    CO_EXPECT_ERROR(result, kCanceled);
    EXPECT_FALSE(called);
  });
}

TEST(SubmitToTest, WhatWaitsForRoomIsStopped) {
  RuntimeOptions options;
  options.most_calls = 1;
  const auto main = []() -> Task<> {
    bool second_called = false;
    const auto first = []() -> Task<Result<void>> {
      const auto waits = []() -> Task<> { co_await UntilStopped(); };
      co_return co_await SubmitTo(1, waits);
    };
    const auto second = [&]() -> Task<Result<void>> {
      co_return co_await SubmitTo(1, [&] { second_called = true; });
    };
    const auto body = [&](TaskScope& scope) -> Task<> {
      auto first_handle = scope.Spawn(first);
      co_await Yield();
      auto second_handle = scope.Spawn(second);
      co_await Yield();
      co_await Yield();
      second_handle.RequestStop();
      CO_EXPECT_ERROR(co_await second_handle, kCanceled);
      first_handle.RequestStop();
      CO_EXPECT_OK(co_await first_handle);
    };
    CO_EXPECT_OK(co_await WithScope(body));
    EXPECT_FALSE(second_called);
  };
  OnCores(2, main, options);
}

// A stop that meets the call on its way back, at all moments.
TEST(SubmitToTest, AStopThatCrossesTheReplyIsAbsorbed) {
  OnCores(2, []() -> Task<> {
    const auto call = []() -> Task<> {
      const auto yields = []() -> Task<int> {
        co_await Yield();
        co_return 1;
      };
      const Result<int> result = co_await SubmitTo(1, yields);
      if (result) {
        EXPECT_EQ(*result, 1);
      } else {
        EXPECT_EQ(result.error(), kCanceled);
      }
    };
    for (int i = 0; i < 300; ++i) {
      const auto body = [&](TaskScope& scope) -> Task<> {
        scope.Spawn(call);
        for (int yield = 0; yield < i % 7; ++yield) co_await Yield();
        scope.RequestStop();
      };
      static_cast<void>(co_await WithScope(body));
    }
  });
}

TEST(SubmitToTest, ATaskMayCallBack) {
  OnCores(2, []() -> Task<> {
    int here = 0;
    const auto calls_back = [&]() -> Task<Result<int>> {
      EDDY_CO_CHECK(co_await SubmitTo(0, [&] { here = 5; }));
      co_return co_await SubmitTo(0, [&] { return here + 1; });
    };
    CO_EXPECT_EQ(*co_await SubmitTo(1, calls_back), 6);
  });
}

Task<Result<int>> CallBackAndForth(unsigned core, int depth) {
  if (depth == 0) co_return 0;
  const unsigned next = (core + 1) % 3;
  const auto calls = [&] { return CallBackAndForth(next, depth - 1); };
  EDDY_CO_TRY(const int depth_below, co_await SubmitTo(next, calls));
  co_return depth_below + 1;
}

// However few may be out, what is nested does not wait for what it is nested
// in.
TEST(SubmitToTest, NestedCallsDoNotWaitForThemselves) {
  RuntimeOptions options;
  options.most_calls = 1;
  const auto main = []() -> Task<> {
    const auto body = [&](TaskScope& scope) -> Task<> {
      const auto calls = [](int depth) -> Task<> {
        const Result<int> result = co_await CallBackAndForth(0, depth);
        CO_ASSERT_OK(result);
        EXPECT_EQ(*result, depth);
      };
      for (int i = 0; i < 60; ++i) scope.Spawn(calls, i % 20);
      co_return;
    };
    CO_EXPECT_OK(co_await WithScope(body));
  };
  OnCores(3, main, options);
}

// Virtual time stands still for what another core does in real time.
TEST(SubmitToTest, AVirtualClockWaitsForTheCall) {
  OnCores(2, []() -> Task<> {
    const VirtualClock clock;
    const auto works = [] { std::this_thread::sleep_for(20ms); };
    CO_EXPECT_OK(co_await WithTimeout(1h, SubmitTo(1, works)));
  });
}

// What is called may spawn in the scope of its core, and the run waits for it.
TEST(SubmitToTest, WhatIsSpawnedThereEndsWithTheRun) {
  std::atomic<bool> ended = false;
  OnCores(2, [&]() -> Task<> {
    const auto outlives = [&]() -> Task<> {
      co_await UntilStopped();
      const auto asks = [] { return Runtime::CurrentCore(); };
      // The cores are there until all have ended.
      const Result<unsigned> core = co_await Shield(SubmitTo(0, asks));
      EXPECT_TRUE(core);
      ended = true;
    };
    CO_EXPECT_OK(co_await SubmitTo(
        1, [&] { Reactor::Current()->scope().Spawn(outlives); }));
  });
  EXPECT_TRUE(ended);
}

TEST(SubmitToTest, FramesGoBackToTheCoreThatMadeThem) {
  OnCores(2, []() -> Task<> {
    const auto live = [] { return internal::FramePool::Live(); };
    const auto yields = []() -> Task<> { co_await Yield(); };
    CO_EXPECT_OK(co_await SubmitTo(1, yields));
    const std::ptrdiff_t here = live();
    const Result<std::ptrdiff_t> there = co_await SubmitTo(1, live);
    for (int i = 0; i < 100; ++i) CO_EXPECT_OK(co_await SubmitTo(1, yields));
    EXPECT_EQ(live(), here);
    CO_EXPECT_EQ(*co_await SubmitTo(1, live), *there);
  });
}

TEST(SubmitToTest, TheDeadlineOfTheCallerIsSeen) {
  OnCores(2, []() -> Task<> {
    const auto deadline = []() -> Task<TimePoint> {
      co_return co_await CurrentDeadline();
    };
    CO_EXPECT_EQ(*co_await SubmitTo(1, deadline), kNoDeadline);
    const auto limited = co_await WithTimeout(1h, SubmitTo(1, deadline));
    CO_ASSERT_OK(limited);
    EXPECT_LT(*limited, Clock::now() + 2h);
  });
}

TEST(SubmitToTest, ADumpShowsTheCallOnBothCores) {
  OnCores(2, []() -> Task<> {
    std::string here;
    const auto waits = []() -> Task<> { co_await UntilStopped(); };
    const auto dump = [] { return Reactor::Current()->DumpTasks(); };
    const auto body = [&](TaskScope& scope) -> Task<> {
      const auto calls = [&]() -> Task<> {
        static_cast<void>(co_await SubmitTo(1, waits));
      };
      scope.Spawn(calls);
      co_await Yield();
      here = dump();
      // When what came before it there waits.
      const auto dumps = [&]() -> Task<std::string> {
        co_await Yield();
        co_return dump();
      };
      const Result<std::string> there = co_await SubmitTo(1, dumps);
      CO_ASSERT_OK(there);
      EXPECT_NE(there->find("submit_to_test.cc"), std::string::npos) << *there;
      scope.RequestStop();
    };
    CO_EXPECT_OK(co_await WithScope(body));
    EXPECT_NE(here.find("SubmitTo"), std::string::npos) << here;
  });
}

// Every core calls every other one, all the time, until all are stopped.
TEST(SubmitToTest, AllCoresCallEachOtherUntilTheEnd) {
  std::atomic<int> calls = 0;
  OnCores(3, [&]() -> Task<> {
    const auto storm = [&]() -> Task<> {
      for (unsigned i = 0;; ++i) {
        const auto answer = [i]() -> Task<unsigned> {
          if (i % 3 == 0) co_await Yield();
          co_return i;
        };
        const Result<unsigned> got = co_await SubmitTo(i % 3, answer);
        if (!got) break;
        EXPECT_EQ(*got, i);
        ++calls;
      }
    };
    for (unsigned core = 0; core < 3; ++core) {
      CO_EXPECT_OK(co_await SubmitTo(core, [&] {
        for (int i = 0; i < 50; ++i) Reactor::Current()->scope().Spawn(storm);
      }));
    }
    while (calls < 3000) co_await Yield();
  });
  EXPECT_GE(calls, 3000);
}

// A core that does not come to its messages holds up only those who call it.
TEST(SubmitToTest, ACoreThatStallsHoldsUpItsCallersOnly) {
  OnCores(3, []() -> Task<> {
    std::atomic<bool> go_on = false;
    const auto stalls = [&] {
      while (!go_on) std::this_thread::yield();
    };
    const auto body = [&](TaskScope& scope) -> Task<> {
      const auto calls = [&]() -> Task<> {
        CO_EXPECT_OK(co_await SubmitTo(1, stalls));
      };
      scope.Spawn(calls);
      co_await Yield();
      for (int i = 0; i < 100; ++i) {
        CO_EXPECT_EQ(*co_await SubmitTo(2, [i] { return i; }), i);
      }
      // The stop is answered when the core comes to it.
      scope.RequestStop();
      go_on = true;
    };
    static_cast<void>(co_await WithScope(body));
  });
}

TEST(SubmitToDeathTest, NoCoreOfARuntime) {
  const auto call = [] {
    SyncWait([]() -> Task<> {
      static_cast<void>(co_await SubmitTo(0, [] { return 1; }));
    }());
  };
  EXPECT_DEATH(call(), "no core of a Runtime; run the task with Runtime::Run");
}

TEST(SubmitToDeathTest, NoSuchCore) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto call = [] {
    OnCores(2, []() -> Task<> {
      static_cast<void>(co_await SubmitTo(2, [] { return 1; }));
    });
  };
  EXPECT_DEATH(call(), "given core 2 of a Runtime of 2");
}

}  // namespace
}  // namespace eddy
