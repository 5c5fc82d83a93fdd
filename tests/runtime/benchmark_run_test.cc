// How runs of benchmarks begin and end: set-up, errors, arguments, threads.
#include <eddy/runtime/granted_cores.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/testing/allocation_count.h>
#include <eddy/runtime/testing/benchmark.h>
#include <eddy/runtime/yield.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "tests/chaos.h"
#include "tests/runtime/benchmark_runs.h"
#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using benchmark::State;
using test::kIterations;
using test::Nop;
using test::Reported;
using test::RunAll;
using test::RunOne;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void Allocate() { benchmark::DoNotOptimize(std::make_unique<int>(1).get()); }

// --- Set-up and tear-down ----------------------------------------------------

std::vector<std::string> events;

class Recorded {
 public:
  Recorded() {
    EXPECT_NE(Reactor::Current(), nullptr);
    events.emplace_back("made");
  }
  ~Recorded() { events.emplace_back("destroyed"); }

  Task<> SetUp(State& state) {
    co_await Yield();
    events.emplace_back("set up");
    if (skip_in_set_up) state.SkipWithError("no set-up");
    if (throw_in_set_up) throw std::runtime_error("no set-up");
  }
  Task<Result<void>> TearDown(State&) {
    co_await Yield();
    events.emplace_back("torn down");
    co_return Result<void>();
  }

  Task<> Runs(State& state) {
    events.emplace_back("body");
    for (auto _ : state) co_await Yield();
  }
  Task<Result<void>> Fails(State& state) {
    for (auto _ : state) co_return Unexpected(std::errc::io_error);
    co_return Result<void>();
  }
  Task<> Throws(State& state) {
    for (auto _ : state) throw std::runtime_error("thrown");
    co_return;
  }

  static inline bool skip_in_set_up = false;
  static inline bool throw_in_set_up = false;
};

class BenchmarkSetUpTest : public ::testing::Test {
 protected:
  BenchmarkSetUpTest() {
    events.clear();
    Recorded::skip_in_set_up = false;
    Recorded::throw_in_set_up = false;
  }
};

TEST_F(BenchmarkSetUpTest, ComesBeforeTheBodyAndTearDownAfterIt) {
  EXPECT_EQ(RunOne(&Recorded::Runs).error, "");
  EXPECT_THAT(events,
              ElementsAre("made", "set up", "body", "torn down", "destroyed"));
}

TEST_F(BenchmarkSetUpTest, TearDownComesAfterABodyThatFailed) {
  EXPECT_THAT(RunOne(&Recorded::Fails).error, HasSubstr("Input/output error"));
  EXPECT_THAT(events, ElementsAre("made", "set up", "torn down", "destroyed"));
  events.clear();
  EXPECT_EQ(RunOne(&Recorded::Throws).error, "exception: thrown");
  EXPECT_THAT(events, ElementsAre("made", "set up", "torn down", "destroyed"));
}

TEST_F(BenchmarkSetUpTest, BodyDoesNotRunAfterASetUpThatSkipped) {
  Recorded::skip_in_set_up = true;
  EXPECT_EQ(RunOne(&Recorded::Runs).error, "no set-up");
  EXPECT_THAT(events, ElementsAre("made", "set up", "torn down", "destroyed"));
}

TEST_F(BenchmarkSetUpTest, NeitherBodyNorTearDownComesAfterOneThatThrew) {
  Recorded::throw_in_set_up = true;
  EXPECT_EQ(RunOne(&Recorded::Runs).error, "exception: no set-up");
  EXPECT_THAT(events, ElementsAre("made", "set up", "destroyed"));
}

class WithoutAny {
 public:
  Task<> Runs(State& state) {
    for (auto _ : state) ++rounds_;
    EXPECT_EQ(rounds_, kIterations);
    co_return;
  }

 private:
  int rounds_ = 0;
};

TEST_F(BenchmarkSetUpTest, NeedsNotBeThere) {
  EXPECT_EQ(RunOne(&WithoutAny::Runs).error, "");
}

// --- Errors ------------------------------------------------------------------

TEST(BenchmarkErrorTest, BodyWithoutALoop) {
  const Reported reported = RunOne([](State&) -> Task<> { co_return; });
  EXPECT_THAT(reported.error, HasSubstr("without a loop"));
  EXPECT_THAT(RunOne([](State&) {}).error, HasSubstr("without a loop"));
}

TEST(BenchmarkErrorTest, BodyThatLeavesItsLoop) {
  Reported reported = RunOne([](State& state) -> Task<> {
    int round = 0;
    for (auto _ : state) {
      co_await Yield();
      if (++round == 3) break;
    }
  });
  EXPECT_THAT(reported.error, HasSubstr("ended in its loop"));
  reported = RunOne([](State& state) -> Task<> {
    for (auto _ : state) {
      co_await Yield();
      co_return;
    }
  });
  EXPECT_THAT(reported.error, HasSubstr("ended in its loop"));
  reported = RunOne([](State& state) -> Task<> {
    for (auto _ : state) {
      state.PauseTiming();
      break;
    }
    co_return;
  });
  EXPECT_THAT(reported.error, HasSubstr("ended in its loop"));
}

TEST(BenchmarkErrorTest, BodyWithTwoLoops) {
  int rounds = 0;
  const Reported reported = RunOne([&](State& state) -> Task<> {
    for (auto _ : state) ++rounds;
    for (auto _ : state) ++rounds;
    co_return;
  });
  EXPECT_THAT(reported.error, HasSubstr("more than one loop"));
  EXPECT_EQ(rounds, kIterations);
}

TEST(BenchmarkErrorTest, LoopWithinTheLoop) {
  int rounds = 0;
  const Reported reported = RunOne([&](State& state) -> Task<> {
    for (auto _ : state) {
      for (auto inner : state) ++rounds;
    }
    co_return;
  });
  EXPECT_THAT(reported.error, HasSubstr("more than one loop"));
  EXPECT_EQ(rounds, 0);
}

TEST(BenchmarkErrorTest, ExceptionOfTheBody) {
  Reported reported = RunOne([](State& state) -> Task<> {
    for (auto _ : state) {
      co_await Yield();
      throw std::runtime_error("it broke");
    }
  });
  EXPECT_EQ(reported.error, "exception: it broke");
  reported = RunOne([](State&) { throw 7; });
  EXPECT_EQ(reported.error, "exception: of no std type");
}

TEST(BenchmarkErrorTest, ErrorOfTheBody) {
  const Reported reported = RunOne([](State& state) -> Task<Result<int>> {
    for (auto _ : state) co_await Yield();
    co_return Unexpected(kTimedOut);
  });
  EXPECT_EQ(reported.error, Error(kTimedOut).message());
}

TEST(BenchmarkErrorTest, ValueOfAResultIsNone) {
  const Reported reported = RunOne([](State& state) -> Task<Result<int>> {
    for (auto _ : state) co_await Yield();
    co_return 3;
  });
  EXPECT_EQ(reported.error, "");
}

TEST(BenchmarkErrorTest, SkipWithErrorGivesTheFirstText) {
  int rounds = 0;
  Reported reported = RunOne([&](State& state) -> Task<> {
    for (auto _ : state) {
      co_await Yield();
      if (++rounds == 2) {
        state.SkipWithError("first");
        EXPECT_TRUE(state.error_occurred());
        state.SkipWithError("second");
        co_return;
      }
    }
  });
  EXPECT_EQ(reported.error, "first");
  EXPECT_EQ(rounds, 2);
  EXPECT_THAT(reported.counters, IsEmpty());

  // Before the loop, which then has no iteration.
  rounds = 0;
  reported = RunOne([&](State& state) -> Task<> {
    state.SkipWithError("before");
    for (auto _ : state) ++rounds;
    co_return;
  });
  EXPECT_EQ(reported.error, "before");
  EXPECT_EQ(rounds, 0);
}

TEST(BenchmarkErrorTest, PausedOrNotAnErrorDoesNotEndTheProgram) {
  const Reported reported = RunOne([](State& state) -> Task<> {
    for (auto _ : state) {
      state.PauseTiming();
      state.SkipWithError("while paused");
      state.ResumeTiming();
      state.PauseTiming();
    }
    co_return;
  });
  EXPECT_EQ(reported.error, "while paused");
}

TEST(BenchmarkErrorTest, OthersGoOn) {
  const auto bad = [](State&) -> Task<> {
    throw std::runtime_error("bad");
    co_return;
  };
  const auto good = [](State& state) -> Task<> {
    for (auto _ : state) co_await Yield();
  };
  benchmark::Register("bad", bad)->Iterations(1);
  benchmark::Register("good", good)->Iterations(1);
  const std::vector<Reported> reported = RunAll();
  ASSERT_EQ(reported.size(), 2);
  EXPECT_EQ(reported[0].error, "exception: bad");
  EXPECT_EQ(reported[1].error, "");
}

// --- Arguments, threads, registration ----------------------------------------

Task<> WithArguments(State& state) {
  for (auto _ : state) co_await Yield();
  state.counters()["sum"] =
      static_cast<double>(state.range(0) + state.range(1));
}

template <int kAdd, int kMore>
Task<> Template(State& state) {
  for (auto _ : state) co_await Yield();
  state.counters()["added"] = kAdd + kMore;
}

void Plain(State& state) {
  for (auto _ : state) {
  }
}

TEST(BenchmarkRegistrationTest, MacroTakesFunctionsTemplatesAndMembers) {
  EDDY_BENCHMARK(WithArguments)
      ->Iterations(2)
      ->Args({1, 10})
      ->ArgsProduct({{2, 3}, {20}});
  EDDY_BENCHMARK(Template<3, 4>)->Iterations(2);
  EDDY_BENCHMARK(Plain)->Iterations(2);
  EDDY_BENCHMARK(WithoutAny::Runs)->Iterations(kIterations)->Name("renamed");
  const std::vector<Reported> reported = RunAll();
  std::vector<std::string> names;
  for (const Reported& one : reported) {
    names.push_back(one.name);
    EXPECT_EQ(one.error, "");
  }
  ASSERT_THAT(names,
              ElementsAre("WithArguments/1/10/iterations:2",
                          "WithArguments/2/20/iterations:2",
                          "WithArguments/3/20/iterations:2",
                          "Template<3, 4>/iterations:2", "Plain/iterations:2",
                          "renamed/iterations:100"));
  EXPECT_EQ(reported[0].counters.at("sum"), 11);
  EXPECT_EQ(reported[1].counters.at("sum"), 22);
  EXPECT_EQ(reported[2].counters.at("sum"), 23);
  EXPECT_EQ(reported[3].counters.at("added"), 7);
}

TEST(BenchmarkThreadsTest, EachHasAReactorAndACore) {
  std::mutex mutex;
  std::set<const Reactor*> reactors;
  std::set<int> indices;
  std::set<unsigned> cores;
  std::atomic<int> rounds = 0;
  const auto body = [&](State& state) -> Task<> {
    EXPECT_EQ(state.threads(), 2);
    for (auto _ : state) {
      ++rounds;
      const Result<void> done = co_await Nop();
      EXPECT_TRUE(done);
    }
    unsigned core = 0;
    getcpu(&core, nullptr);
    const std::lock_guard lock(mutex);
    reactors.insert(Reactor::Current());
    indices.insert(state.thread_index());
    cores.insert(core);
  };
  const std::vector<int> allowed = internal::AllowedCores();
  const Reported reported = RunOne(body, /*threads=*/2);
  EXPECT_EQ(reported.error, "");
  EXPECT_EQ(rounds, 2 * kIterations);
  EXPECT_EQ(reactors.size(), 2);
  EXPECT_THAT(indices, ElementsAre(0, 1));
  EXPECT_EQ(cores.size(), std::min<std::size_t>(allowed.size(), 2));
  if (!test::InChaos()) {
    EXPECT_EQ(reported.counters.at("sqes"), 1);
  }
  EXPECT_EQ(internal::AllowedCores(), allowed) << "this thread stays pinned";
}

TEST(BenchmarkThreadsTest, AllocationsAreThoseOfEachThread) {
  if (!AllocationCount::on()) GTEST_SKIP() << "sanitizers have their own new";
  const auto body = [](State& state) -> Task<> {
    for (auto _ : state) Allocate();
    co_return;
  };
  EXPECT_EQ(RunOne(body, /*threads=*/2).counters.at("allocs"), 1);
}

TEST(BenchmarkThreadsTest, OneThatFailsDoesNotHoldTheOthersUp) {
  const auto fails = [](State& state) -> Task<Result<void>> {
    if (state.thread_index() == 1) co_return Unexpected(kTimedOut);
    for (auto _ : state) co_await Yield();
    co_return Result<void>();
  };
  EXPECT_EQ(RunOne(fails, /*threads=*/2).error, Error(kTimedOut).message());
  const auto leaves = [](State& state) -> Task<> {
    for (auto _ : state) {
      if (state.thread_index() == 0) break;
      co_await Yield();
    }
  };
  EXPECT_THAT(RunOne(leaves, /*threads=*/2).error,
              HasSubstr("ended in its loop"));
}

}  // namespace
}  // namespace eddy
