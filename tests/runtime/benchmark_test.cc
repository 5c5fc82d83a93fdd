#include <eddy/runtime/testing/benchmark.h>

#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/testing/allocation_count.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>

#include "tests/chaos.h"
#include "tests/runtime/benchmark_runs.h"
#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using benchmark::State;
using test::kIterations;
using test::Nop;
using test::Reported;
using test::RunManual;
using test::RunOne;
using ::testing::HasSubstr;

// (Inlined, its frame may be part of its caller's.)
[[gnu::noinline]] Task<long> Answer(long n) { co_return n + 1; }

void Allocate() { benchmark::DoNotOptimize(std::make_unique<int>(1).get()); }

// --- Counters ----------------------------------------------------------------

TEST(BenchmarkTest, RunsItsLoopAsOftenAsItIsTold) {
  int rounds = 0;
  const Reported reported = RunOne([&](State& state) -> Task<> {
    EXPECT_EQ(state.iterations(), kIterations);
    for (auto _ : state) ++rounds;
    co_return;
  });
  EXPECT_EQ(reported.error, "");
  EXPECT_EQ(reported.iterations, kIterations);
  EXPECT_EQ(rounds, kIterations);
}

TEST(BenchmarkTest, NopIsOneEntryAndOneSystemCall) {
  EDDY_SKIP_IN_CHAOS("the chaos ring enters the kernel as it likes");
  Reported reported = RunOne([](State& state) -> Task<> {
    // Not counted: before the loop.
    static_cast<void>(co_await Nop());
    for (auto _ : state) static_cast<void>(co_await Nop());
    static_cast<void>(co_await Nop());
  });
  EXPECT_EQ(reported.error, "");
  EXPECT_EQ(reported.counters["sqes"], 1);
  EXPECT_EQ(reported.counters["enters"], 1);
}

TEST(BenchmarkTest, TaskThatNeedsNothingOfTheKernelHasNoEntry) {
  Reported reported = RunOne([](State& state) -> Task<> {
    long n = 0;
    for (auto _ : state) n = co_await Answer(n);
    EXPECT_EQ(n, kIterations);
  });
  EXPECT_EQ(reported.counters.at("sqes"), 0);
  EXPECT_EQ(reported.counters.at("enters"), 0);
}

[[gnu::noinline]] Task<> KeepThousandBytes() {
  std::array<char, 1000> bytes{};
  benchmark::DoNotOptimize(bytes.data());
  co_await Yield();
  benchmark::DoNotOptimize(bytes.data());
}

TEST(BenchmarkTest, CountsFramesOfTheLoopAlone) {
  std::uint64_t bytes = 0;
  Reported reported = RunOne([&bytes](State& state) -> Task<> {
    const internal::FrameTotals before = internal::FramePool::Allocated();
    static_cast<void>(co_await Answer(1));
    bytes = internal::FramePool::Allocated().bytes - before.bytes;
    for (auto _ : state) {
      static_cast<void>(co_await Answer(1));
      static_cast<void>(co_await Answer(2));
    }
    static_cast<void>(co_await Answer(1));
  });
  EXPECT_EQ(reported.counters.at("frames"), 2);
  EXPECT_GT(bytes, 0U);
  EXPECT_EQ(reported.counters.at("frame_bytes"),
            2 * static_cast<double>(bytes));
  reported = RunOne([](State& state) -> Task<> {
    for (auto _ : state) {
      state.PauseTiming();
      static_cast<void>(co_await Answer(1));
      state.ResumeTiming();
      co_await KeepThousandBytes();
    }
  });
  EXPECT_EQ(reported.counters.at("frames"), 1);
  EXPECT_GE(reported.counters.at("frame_bytes"), 1000);
}

TEST(BenchmarkTest, CountsFramesThatNoPoolKeeps) {
  Reported reported = RunOne([](State& state) -> Task<> {
    for (auto _ : state) {
      const internal::FrameTotals before = internal::FramePool::Allocated();
      internal::FramePool::Free(internal::FramePool::Allocate(100'000),
                                100'000);
      const internal::FrameTotals after = internal::FramePool::Allocated();
      EXPECT_EQ(after.blocks - before.blocks, 1U);
    }
    co_return;
  });
  EXPECT_EQ(reported.counters.at("frames"), 1);
  EXPECT_EQ(reported.counters.at("frame_bytes"), 100'000);
}

TEST(BenchmarkTest, CountsAllocationsOfTheLoopAlone) {
  if (!AllocationCount::on()) GTEST_SKIP() << "sanitizers have their own new";
  const auto allocations = [](int each) {
    const Reported reported = RunOne([each](State& state) -> Task<> {
      Allocate();
      // Its frame comes from the pool from here on.
      static_cast<void>(co_await Answer(1));
      for (auto _ : state) {
        for (int i = 0; i != each; ++i) Allocate();
        static_cast<void>(co_await Answer(1));
      }
      Allocate();
    });
    return reported.counters.at("allocs");
  };
  EXPECT_EQ(allocations(0), 0);
  EXPECT_EQ(allocations(3), 3);
}

TEST(BenchmarkTest, CountsAllocationsOfOtherThreads) {
  if (!AllocationCount::on()) GTEST_SKIP() << "sanitizers have their own new";
  const Reported reported = RunOne([](State& state) {
    for (auto _ : state) {
      std::thread(Allocate).join();
    }
  });
  // The thread's state is one.
  EXPECT_GE(reported.counters.at("allocs"), 2);
}

TEST(BenchmarkTest, CountsWaitsAsContextSwitches) {
  Reported reported = RunOne([](State& state) -> Task<> {
    for (auto _ : state) {
      static_cast<void>(co_await Sleep(std::chrono::milliseconds(1)));
    }
  });
  EXPECT_GT(reported.counters["switches"], 0.5);
}

TEST(BenchmarkTest, TimeOfAnAwaitIsThatOfAnIterationByItsOperations) {
  const auto await_of = [](std::uint64_t operations) {
    const Reported reported = RunManual([operations](State& state) -> Task<> {
      if (operations != 1) state.SetOperationsPerIteration(operations);
      for (auto _ : state) state.SetIterationTime(std::chrono::seconds(6));
      co_return;
    });
    return reported.counters.at("await");
  };
  EXPECT_DOUBLE_EQ(await_of(1), 6);
  EXPECT_DOUBLE_EQ(await_of(3), 2);
}

TEST(BenchmarkTest, CountersAreThoseOfAnOperation) {
  EDDY_SKIP_IN_CHAOS("the chaos ring enters the kernel as it likes");
  Reported reported = RunOne([](State& state) -> Task<> {
    state.SetOperationsPerIteration(4);
    state.counters()["mine"] = 7;
    static_cast<void>(co_await Answer(1));
    for (auto _ : state) {
      for (int i = 0; i != 8; ++i) Allocate();
      for (int i = 0; i != 12; ++i) static_cast<void>(co_await Nop());
      for (int i = 0; i != 2; ++i) static_cast<void>(co_await Answer(1));
    }
  });
  EXPECT_EQ(reported.error, "");
  EXPECT_EQ(reported.counters["sqes"], 3);
  EXPECT_EQ(reported.counters["enters"], 3);
  EXPECT_EQ(reported.counters["frames"], 0.5);
  EXPECT_EQ(reported.counters["mine"], 7);
  if (AllocationCount::on()) {
    EXPECT_EQ(reported.counters["allocs"], 2);
  }
}

TEST(BenchmarkTest, WhatHappensWhileTimingIsPausedIsNotCounted) {
  EDDY_SKIP_IN_CHAOS("the chaos ring enters the kernel as it likes");
  Reported reported = RunOne([](State& state) -> Task<> {
    for (auto _ : state) {
      static_cast<void>(co_await Nop());
      state.PauseTiming();
      static_cast<void>(co_await Nop());
      Allocate();
      state.ResumeTiming();
      static_cast<void>(co_await Nop());
    }
  });
  EXPECT_EQ(reported.error, "");
  EXPECT_EQ(reported.counters["sqes"], 2);
  EXPECT_EQ(reported.counters["enters"], 2);
  if (AllocationCount::on()) {
    EXPECT_EQ(reported.counters["allocs"], 0);
  }
}

TEST(BenchmarkTest, LoopMayEndPaused) {
  Reported reported = RunOne([](State& state) -> Task<> {
    for (auto _ : state) {
      state.ResumeTiming();
      static_cast<void>(co_await Nop());
      state.PauseTiming();
      state.PauseTiming();
    }
  });
  EXPECT_EQ(reported.error, "");
  EXPECT_EQ(reported.counters["sqes"], 1);
}

TEST(BenchmarkTest, HasCountersRatesAndALabelOfItsOwn) {
  const Reported reported = RunManual([](State& state) -> Task<> {
    for (auto _ : state) state.SetIterationTime(0.5);
    state.counters()["mine"] = 7;
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(10 * state.iterations());
    state.SetLabel("what it was");
    co_return;
  });
  EXPECT_EQ(reported.label, "what it was");
  EXPECT_EQ(reported.counters.at("mine"), 7);
  EXPECT_DOUBLE_EQ(reported.counters.at("items_per_second"), 2);
  EXPECT_DOUBLE_EQ(reported.counters.at("bytes_per_second"), 20);
}

// --- Bodies ------------------------------------------------------------------

TEST(BenchmarkTest, TaskRunsOnAReactor) {
  const Reported reported = RunOne([](State& state) -> Task<> {
    EXPECT_NE(Reactor::Current(), nullptr);
    for (auto _ : state) co_await Yield();
  });
  EXPECT_EQ(reported.error, "");
  EXPECT_EQ(Reactor::Current(), nullptr);
}

TEST(BenchmarkTest, PlainFunctionHasNoReactorUnlessItMakesOne) {
  Reported reported = RunOne([](State& state) {
    EXPECT_EQ(Reactor::Current(), nullptr);
    for (auto _ : state) {
    }
  });
  EXPECT_EQ(reported.error, "");
  EXPECT_EQ(reported.counters.count("sqes"), 0);

  reported = RunOne([](State& state) {
    const auto body = [](State& s) -> Task<> {
      for (auto _ : s) static_cast<void>(co_await Nop());
    };
    SyncWait(body(state));
  });
  EXPECT_EQ(reported.error, "");
  EXPECT_EQ(reported.counters.at("sqes"), 1);
}

TEST(BenchmarkTest, PlainFunctionMayRunARuntime) {
  const Reported reported = RunOne([](State& state) {
    const auto body = [](State& s) -> Task<> {
      for (auto _ : s) static_cast<void>(co_await Nop());
    };
    RuntimeOptions options;
    options.cores = 1;
    const auto runtime = Runtime::Create(options);
    ASSERT_TRUE(runtime);
    (*runtime)->Run(body(state));
  });
  EXPECT_EQ(reported.error, "");
  // Its cores listen to each other besides.
  EXPECT_NEAR(reported.counters.at("sqes"), 1, 0.1);
}

// A coroutine type that eddy does not know, and an awaiter.
struct Foreign {
  struct promise_type {
    Foreign get_return_object() noexcept {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};
// Waits until it is resumed from outside.
struct Suspended {
  std::coroutine_handle<>& handle;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) const noexcept { handle = h; }
  void await_resume() const noexcept {}
};
// Resumes from within await_suspend.
struct AtOnce {
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
  int await_resume() const noexcept { return 3; }
};

Foreign ForeignBody(State& state, std::coroutine_handle<>& handle) {
  for (auto _ : state) co_await Suspended{handle};
}

TEST(BenchmarkTest, MeasuresCoroutinesThatAreNotEddys) {
  int resumed = 0;
  const Reported reported = RunOne([&](State& state) {
    std::coroutine_handle<> next;
    const Foreign foreign = ForeignBody(state, next);
    foreign.handle.resume();
    for (; !foreign.handle.done(); ++resumed) next.resume();
    foreign.handle.destroy();
  });
  EXPECT_EQ(reported.error, "");
  EXPECT_EQ(reported.iterations, kIterations);
  EXPECT_EQ(resumed, kIterations);
}

TEST(BenchmarkTest, CoroutineThatIsNotRunToItsEndIsAnError) {
  const Reported reported = RunOne([](State& state) {
    std::coroutine_handle<> next;
    const Foreign foreign = ForeignBody(state, next);
    foreign.handle.resume();
    next.resume();
    foreign.handle.destroy();
  });
  EXPECT_THAT(reported.error, HasSubstr("ended in its loop"));
}

TEST(BenchmarkTest, MeasuresAwaitersThatAreNotEddysInATask) {
  const Reported reported = RunOne([](State& state) -> Task<> {
    int sum = 0;
    for (auto _ : state) sum += co_await AtOnce();
    EXPECT_EQ(sum, 3 * kIterations);
  });
  EXPECT_EQ(reported.error, "");
}

}  // namespace
}  // namespace eddy
