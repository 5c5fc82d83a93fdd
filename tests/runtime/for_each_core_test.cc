// ForEachCore and MapReduce.
#include <eddy/runtime/for_each_core.h>

#include <eddy/runtime/runtime.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/runtime/cores.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::OnCores;

TEST(ForEachCoreTest, CallsEachCoreAtTheSameTime) {
  OnCores(3, []() -> Task<> {
    std::atomic<unsigned> here = 0;
    CO_EXPECT_OK(co_await ForEachCore([&](unsigned core) -> Task<> {
      EXPECT_EQ(Runtime::CurrentCore(), core);
      ++here;
      while (here != 3) co_await Yield();
    }));
    EXPECT_EQ(here, 3U);
    std::vector<unsigned> cores(3);
    CO_EXPECT_OK(
        co_await ForEachCore([&](unsigned core) { cores[core] = core + 1; }));
    EXPECT_EQ(cores, (std::vector<unsigned>{1, 2, 3}));
  });
}

TEST(ForEachCoreTest, EachCoreHasACopyOfTheFunction) {
  OnCores(3, []() -> Task<> {
    std::atomic<int> sum = 0;
    const auto counts = [&sum, calls = 0](unsigned) mutable { sum += ++calls; };
    CO_EXPECT_OK(co_await ForEachCore(counts));
    EXPECT_EQ(sum, 3);
  });
}

TEST(ForEachCoreTest, TheFirstFailureStopsTheOthers) {
  OnCores(3, []() -> Task<> {
    std::atomic<int> stopped = 0;
    const auto fails = [&](unsigned core) -> Task<Result<void>> {
      if (core == 1) co_return Unexpected(std::errc::io_error);
      co_await UntilStopped();
      ++stopped;
      co_return Result<void>();
    };
    CO_EXPECT_ERROR(co_await ForEachCore(fails), std::errc::io_error);
    // (One that was stopped before it was sent is not called.)
    EXPECT_LE(stopped, 2);
    const auto throws = [&](unsigned core) -> Task<> {
      if (core == 2) throw std::runtime_error("thrown");
      co_await UntilStopped();
    };
    bool caught = false;
    try {
      static_cast<void>(co_await ForEachCore(throws));
    } catch (const std::runtime_error&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
  });
}

TEST(ForEachCoreTest, AStopReachesAllCores) {
  OnCores(3, []() -> Task<> {
    std::atomic<int> stopped = 0;
    const auto waits = [&](unsigned) -> Task<Result<void>> {
      const Result<void> slept = co_await Sleep(1h);
      ++stopped;
      co_return slept;
    };
    CO_EXPECT_ERROR(co_await WithTimeout(20ms, ForEachCore(waits)), kTimedOut);
    EXPECT_EQ(stopped, 3);
  });
}

TEST(MapReduceTest, ReducesInTheOrderOfTheCores) {
  OnCores(3, []() -> Task<> {
    const auto name = [](unsigned core) -> Task<std::string> {
      // The last core is through first.
      for (unsigned i = core; i < 3; ++i) co_await Yield();
      co_return std::to_string(core);
    };
    const Result<std::string> all =
        co_await MapReduce(name, std::string("of "), std::plus<>());
    CO_ASSERT_OK(all);
    EXPECT_EQ(*all, "of 012");
    const Result<unsigned> sum =
        co_await MapReduce([](unsigned core) { return core; }, 10U,
                           [](unsigned a, unsigned b) { return a + b; });
    CO_EXPECT_EQ(*sum, 13U);
  });
}

TEST(MapReduceTest, GivesTheFirstFailure) {
  OnCores(2, []() -> Task<> {
    const auto fails = [](unsigned core) -> Result<int> {
      if (core == 1) return Unexpected(std::errc::io_error);
      return 1;
    };
    CO_EXPECT_ERROR(co_await MapReduce(fails, 0, std::plus<>()),
                    std::errc::io_error);
  });
}

}  // namespace
}  // namespace eddy
