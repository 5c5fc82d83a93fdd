// Runtime: the reactors of all cores, and how they begin and end together.
#include <eddy/runtime/runtime.h>

#include <eddy/runtime/blocking.h>
#include <eddy/runtime/granted_cores.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/submit_to.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/runtime/cores.h"
#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::MakeRuntime;
using test::OnCores;

std::vector<int> CpusOfThread() { return internal::AllowedCores(); }

TEST(RuntimeTest, RunsMainOnCoreZero) {
  const std::unique_ptr<Runtime> runtime = MakeRuntime(3);
  EXPECT_EQ(runtime->cores(), 3U);
  EXPECT_EQ(Runtime::Current(), nullptr);
  const int result = runtime->Run([&]() -> Task<int> {
    EXPECT_EQ(Runtime::Current(), runtime.get());
    EXPECT_EQ(Runtime::CurrentCore(), 0U);
    co_return 42;
  });
  EXPECT_EQ(result, 42);
  EXPECT_EQ(Runtime::Current(), nullptr);
  EXPECT_FALSE(runtime->failed_core());
}

TEST(RuntimeTest, HasAllGrantedCoresByDefaultAndPinsThem) {
  const std::vector<int> before = CpusOfThread();
  const std::vector<int> granted = internal::GrantedCores();
  {
    const Result<std::unique_ptr<Runtime>> runtime = Runtime::Create();
    ASSERT_TRUE(runtime) << runtime.error().message();
    ASSERT_EQ((*runtime)->cores(), granted.size());
    (*runtime)->Run([&]() -> Task<> {
      for (unsigned core = 0; core < granted.size(); ++core) {
        const Result<std::vector<int>> cpus =
            co_await SubmitTo(core, CpusOfThread);
        CO_ASSERT_OK(cpus);
        CO_ASSERT_EQ(cpus->size(), 1U);
        EXPECT_EQ((*cpus)[0], granted[core]);
      }
      // The pool may run where the program might.
      const Result<std::vector<int>> of_pool = co_await Blocking(CpusOfThread);
      CO_ASSERT_OK(of_pool);
      EXPECT_EQ(*of_pool, before);
    });
  }
  EXPECT_EQ(CpusOfThread(), before);
}

TEST(RuntimeTest, NeverTakesMoreCoresThanGranted) {
  RuntimeOptions options;
  options.cores = static_cast<unsigned>(internal::GrantedCores().size()) + 1;
  const auto runtime = Runtime::Create(options);
  ASSERT_FALSE(runtime);
  EXPECT_EQ(runtime.error(), kTooFewCores);
}

TEST(RuntimeTest, NamesItsThreadsAndBlocksSignalsOnThem) {
  RuntimeOptions options;
  options.name = "a-rather-long-name";
  const auto main = []() -> Task<> {
    const auto name = [] {
      char text[16] = {};
      pthread_getname_np(pthread_self(), text, sizeof text);
      return std::string(text);
    };
    CO_EXPECT_EQ(*co_await SubmitTo(1, name), "a-rather-lo-1");
    const auto blocks = [] {
      sigset_t mask;
      pthread_sigmask(SIG_SETMASK, nullptr, &mask);
      return sigismember(&mask, SIGTERM) == 1 &&
             sigismember(&mask, SIGUSR1) == 1;
    };
    CO_EXPECT_TRUE(*co_await SubmitTo(1, blocks));
    EXPECT_FALSE(blocks());
  };
  OnCores(2, main, options);
}

TEST(RuntimeTest, RunsAgain) {
  const std::unique_ptr<Runtime> runtime = MakeRuntime(2);
  for (int run = 0; run < 20; ++run) {
    const Result<int> result = runtime->Run([run]() -> Task<Result<int>> {
      co_return co_await SubmitTo(1, [run] { return run; });
    });
    ASSERT_TRUE(result);
    EXPECT_EQ(*result, run);
  }
}

TEST(RuntimeTest, EndsWithoutARun) { MakeRuntime(3); }

TEST(RuntimeTest, OneCoreIsEnough) {
  const Result<int> result = OnCores(1, []() -> Task<Result<int>> {
    co_return co_await SubmitTo(0, [] { return 1; });
  });
  EXPECT_EQ(result, 1);
}

TEST(RuntimeTest, GivesTheErrorAndTheExceptionOfMain) {
  const std::unique_ptr<Runtime> runtime = MakeRuntime(2);
  const auto fails = []() -> Task<Result<int>> {
    co_return Unexpected(std::errc::io_error);
  };
  EXPECT_EQ(runtime->Run(fails).error(), std::errc::io_error);
  EXPECT_EQ(runtime->failed_core(), 0U);
  const auto throws = []() -> Task<> {
    throw std::runtime_error("of main");
    co_return;
  };
  EXPECT_THROW(runtime->Run(throws), std::runtime_error);
  EXPECT_EQ(runtime->failed_core(), 0U);
  runtime->Run([]() -> Task<> { co_return; });
  EXPECT_FALSE(runtime->failed_core());
}

// Spawns in the scope of core 2 what fails after a while; all are stopped.
template <class Fails>
Task<Result<void>> FailOnCore2(std::atomic<int>& stopped, Fails fails) {
  const auto waits = [&]() -> Task<> {
    co_await UntilStopped();
    ++stopped;
  };
  for (unsigned core = 0; core < 3; ++core) {
    EDDY_CO_CHECK(co_await SubmitTo(
        core, [&] { Reactor::Current()->scope().Spawn(waits); }));
  }
  EDDY_CO_CHECK(
      co_await SubmitTo(2, [&] { Reactor::Current()->scope().Spawn(fails); }));
  co_return co_await Sleep(1h);
}

TEST(RuntimeTest, AnErrorOnOneCoreStopsTheOthers) {
  const std::unique_ptr<Runtime> runtime = MakeRuntime(3);
  std::atomic<int> stopped = 0;
  const auto fails = []() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await Sleep(1ms));
    co_return Unexpected(std::errc::io_error);
  };
  const Result<void> result =
      runtime->Run([&] { return FailOnCore2(stopped, fails); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::io_error);
  EXPECT_EQ(runtime->failed_core(), 2U);
  EXPECT_EQ(stopped, 3);
}

TEST(RuntimeTest, AnExceptionOnOneCoreStopsTheOthers) {
  const std::unique_ptr<Runtime> runtime = MakeRuntime(3);
  std::atomic<int> stopped = 0;
  const auto throws = []() -> Task<> {
    co_await Yield();
    throw std::runtime_error("on core 2");
  };
  const auto run = [&] {
    static_cast<void>(
        runtime->Run([&] { return FailOnCore2(stopped, throws); }));
  };
  EXPECT_THROW(run(), std::runtime_error);
  EXPECT_EQ(runtime->failed_core(), 2U);
  EXPECT_EQ(stopped, 3);
}

TEST(RuntimeTest, AnErrorOfAnotherCoreIsThrownWhereMainGivesNoResult) {
  const std::unique_ptr<Runtime> runtime = MakeRuntime(2);
  const auto main = []() -> Task<int> {
    const auto fails = []() -> Task<Result<void>> {
      co_return Unexpected(std::errc::io_error);
    };
    const auto spawns = [&] { Reactor::Current()->scope().Spawn(fails); };
    static_cast<void>(co_await SubmitTo(1, spawns));
    co_await UntilStopped();
    co_return 1;
  };
  EXPECT_THROW(runtime->Run(main), std::system_error);
  EXPECT_EQ(runtime->failed_core(), 1U);
}

TEST(RuntimeTest, LeavesNoDescriptor) {
  const std::ptrdiff_t before = test::CountDescriptors();
  OnCores(3, []() -> Task<> { CO_EXPECT_OK(co_await SubmitTo(2, [] {})); });
  EXPECT_EQ(test::CountDescriptors(), before);
}

// The lack of one is an error of Create, and what was made is given back.
TEST(RuntimeTest, DescriptorsRunOutAtEachPoint) {
  const std::ptrdiff_t before = test::CountDescriptors();
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  int failures = 0;
  bool worked = false;
  for (rlim_t more = 0; more < 40 && !worked; ++more) {
    rlimit low = limit;
    low.rlim_cur = static_cast<rlim_t>(before) + more;
    setrlimit(RLIMIT_NOFILE, &low);
    RuntimeOptions options;
    options.cores = 3;
    options.oversubscribe = true;
    auto runtime = Runtime::Create(options);
    worked = runtime.has_value();
    if (!worked) {
      ++failures;
      EXPECT_TRUE(runtime.error() == std::errc::too_many_files_open)
          << runtime.error().message();
    }
    runtime = Unexpected(kClosed);
    setrlimit(RLIMIT_NOFILE, &limit);
    EXPECT_EQ(test::CountDescriptors(), before);
  }
  EXPECT_TRUE(worked);
  EXPECT_GT(failures, 0);
}

TEST(RuntimeDeathTest, MadeByATask) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto call = [] {
    SyncWait([]() -> Task<> {
      static_cast<void>(Runtime::Create());
      co_return;
    }());
  };
  EXPECT_DEATH(call(), "Runtime::Create was called by a task");
}

TEST(RuntimeDeathTest, NoCore) {
  EXPECT_DEATH(Runtime::CurrentCore(), "no core of a running Runtime");
}

}  // namespace
}  // namespace eddy
