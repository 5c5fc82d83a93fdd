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
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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

TEST(RuntimeTest, HasAllGrantedCoresByDefault) {
  const Result<std::unique_ptr<Runtime>> runtime = Runtime::Create();
  ASSERT_TRUE(runtime) << runtime.error().message();
  EXPECT_EQ((*runtime)->cores(), internal::GrantedCores());
  // A second one has as many, though this thread may be pinned now.
  const Result<std::unique_ptr<Runtime>> second = Runtime::Create();
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ((*second)->cores(), (*runtime)->cores());
}

TEST(RuntimeTest, HasEachThreadOnACoreOfItsOwn) {
  const std::vector<int> before = internal::CoreMask::OfThread().cores();
  const auto cpus_of_thread = [] {
    return internal::CoreMask::OfThread().cores();
  };
  {
    RuntimeOptions options;
    options.cores = static_cast<unsigned>(before.size());
    options.oversubscribe = true;  // where a quota grants fewer
    const Result<std::unique_ptr<Runtime>> runtime = Runtime::Create(options);
    ASSERT_TRUE(runtime) << runtime.error().message();
    (*runtime)->Run([&]() -> Task<> {
      for (unsigned core = 0; core < before.size(); ++core) {
        const Result<std::vector<int>> cpus =
            co_await SubmitTo(core, cpus_of_thread);
        CO_ASSERT_OK(cpus);
        EXPECT_EQ(*cpus, std::vector<int>{before[core]});
      }
      // The pool may run where the program might. (Its threads may have been
      // started before.)
      const Result<std::vector<int>> of_pool =
          co_await Blocking(cpus_of_thread);
      CO_ASSERT_OK(of_pool);
      EXPECT_EQ(*of_pool, before);
    });
  }
  EXPECT_EQ(cpus_of_thread(), before);
}

// Two programs of one core each would have the same one.
TEST(RuntimeTest, PinsNothingWhereItHasNotAllCores) {
  const std::vector<int> before = internal::CoreMask::OfThread().cores();
  if (before.size() < 2) GTEST_SKIP() << "this machine has one core";
  RuntimeOptions options;
  options.cores = 1;
  const Result<std::unique_ptr<Runtime>> runtime = Runtime::Create(options);
  ASSERT_TRUE(runtime) << runtime.error().message();
  EXPECT_EQ(internal::CoreMask::OfThread().cores(), before);
}

TEST(RuntimeTest, NeverTakesMoreCoresThanGranted) {
  RuntimeOptions options;
  options.cores = internal::GrantedCores() + 1;
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
             sigismember(&mask, SIGUSR1) == 1 &&
             sigismember(&mask, SIGSEGV) == 0;
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

// It does not wait until all tasks of the core that has failed have ended.
TEST(RuntimeTest, AFailureStopsTheOthersAtOnce) {
  const std::unique_ptr<Runtime> runtime = MakeRuntime(3);
  const auto main = []() -> Task<Result<void>> {
    std::atomic<bool> main_stopped = false;
    const auto cleans_up = [&]() -> Task<> {
      co_await UntilStopped();
      // Until core 0 is stopped, which it would not be otherwise.
      while (!main_stopped) co_await Yield();
    };
    const auto fails = []() -> Task<Result<void>> {
      co_return Unexpected(std::errc::io_error);
    };
    EDDY_CO_CHECK(co_await SubmitTo(1, [&] {
      Reactor::Current()->scope().Spawn(cleans_up);
      Reactor::Current()->scope().Spawn(fails);
    }));
    // Fails later, because it is stopped.
    const auto consequence = []() -> Task<Result<void>> {
      co_await UntilStopped();
      co_return Unexpected(std::errc::broken_pipe);
    };
    static_cast<void>(co_await SubmitTo(
        2, [&] { Reactor::Current()->scope().Spawn(consequence); }));
    co_await UntilStopped();
    main_stopped = true;
    static_cast<void>(co_await Shield(SubmitTo(1, [] {})));
    co_return Result<void>();
  };
  const Result<void> result = runtime->Run(main);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::io_error);
  EXPECT_EQ(runtime->failed_core(), 1U);
}

TEST(RuntimeTest, AStopOfAnyReactorStopsAll) {
  const std::unique_ptr<Runtime> runtime = MakeRuntime(2);
  const int result = runtime->Run([]() -> Task<int> {
    static_cast<void>(
        co_await SubmitTo(1, [] { Reactor::Current()->RequestStop(); }));
    co_await UntilStopped();
    co_return 3;
  });
  EXPECT_EQ(result, 3);
  EXPECT_FALSE(runtime->failed_core());
}

TEST(RuntimeTest, TheChildOfAForkLeavesItAlone) {
  std::unique_ptr<Runtime> runtime = MakeRuntime(2);
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    runtime.reset();
    _exit(0);
  }
  ASSERT_GT(child, 0);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  runtime->Run([]() -> Task<> {
    EXPECT_NE(Runtime::Current(), nullptr);
    const pid_t inner = fork();
    if (inner == 0) _exit(Runtime::Current() == nullptr ? 0 : 1);
    int inner_status = -1;
    EXPECT_EQ(waitpid(inner, &inner_status, 0), inner);
    EXPECT_EQ(inner_status, 0);
    co_return;
  });
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
