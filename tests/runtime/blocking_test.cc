// Blocking: functions on the pool of threads, and the loop that goes on.
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/blocking_pool.h>
#include <eddy/runtime/inbox.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/runtime/gate.h"
#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using internal::BlockingPool;
using test::Gate;

CO_TEST(BlockingTest, GivesValuesResultsAndNothing) {
  const auto value = [] { return 3; };
  CO_EXPECT_EQ((co_await Blocking(value)).value(), 3);
  const auto result = []() -> Result<int> { return Unexpected(kClosed); };
  CO_EXPECT_ERROR(co_await Blocking(result), kClosed);
  std::atomic<bool> ran = false;
  const auto nothing = [&] { ran = true; };
  CO_EXPECT_OK(co_await Blocking(nothing));
  EXPECT_TRUE(ran);
}

CO_TEST(BlockingTest, RunsOnAnotherThreadAndComesBack) {
  const auto id = [] { return std::this_thread::get_id(); };
  const auto here = std::this_thread::get_id();
  CO_EXPECT_NE((co_await Blocking(id)).value(), here);
  EXPECT_EQ(std::this_thread::get_id(), here);
}

CO_TEST(BlockingTest, MovesArgumentsAndResults) {
  const auto doubles = [](std::unique_ptr<int> p) {
    *p *= 2;
    return p;
  };
  auto argument = std::make_unique<int>(4);
  const Result<std::unique_ptr<int>> p =
      co_await Blocking(doubles, std::move(argument));
  CO_ASSERT_OK(p);
  EXPECT_EQ(**p, 8);
}

int Length(const std::string& text) { return static_cast<int>(text.size()); }

CO_TEST(BlockingTest, TakesFunctionsAndKeepsTheirArguments) {
  std::string text(50, 'x');
  CO_EXPECT_EQ((co_await Blocking(Length, text)).value(), 50);
}

CO_TEST(BlockingTest, ThrowsTheFunctionsException) {
  const auto throws = []() -> int { throw std::runtime_error("on a thread"); };
  std::string what;
  try {
    static_cast<void>(co_await Blocking(throws));
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "on a thread");
}

CO_TEST(BlockingTest, ManyAtOnceAllComeBack) {
  constexpr int kJobs = 3'000;
  int sum = 0;
  const auto one = [](int i) { return i; };
  const auto runs = [&](int i) -> Task<void> {
    const Result<int> result = co_await Blocking(one, i);
    CO_EXPECT_OK(result);
    sum += result.value_or(0);
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < kJobs; ++i) scope.Spawn(runs, i);
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(sum, kJobs * (kJobs - 1) / 2);
}

// A full submission queue reaps, also the read of what wakes the reactor.
TEST(BlockingTest, NoWakeUpIsLostWhereTheSubmissionQueueIsFull) {
  ReactorOptions options;
  options.entries = 1;
  int good = 0;
  const auto one = [](int i) { return i; };
  const auto runs = [&](int i) -> Task<void> {
    for (int round = 0; round < 5; ++round) {
      CO_EXPECT_OK(co_await test::Nop());
      const Result<int> result = co_await Blocking(one, i);
      if (result.value_or(-1) == i) ++good;
      CO_EXPECT_OK(co_await test::Nop());
    }
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 200; ++i) scope.Spawn(runs, i);
    co_return;
  };
  const auto main = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await WithScope(body));
  };
  SyncWait(main(), options);
  EXPECT_EQ(good, 1000);
}

CO_TEST(BlockingTest, OneAfterTheOther) {
  int sum = 0;
  const auto one = [] { return 1; };
  for (int i = 0; i < 1'000; ++i) sum += (co_await Blocking(one)).value();
  EXPECT_EQ(sum, 1'000);
}

CO_TEST(BlockingTest, TimersAndOperationsGoOnMeanwhile) {
  Gate gate;
  int good = 0;
  const auto waits = [&] { gate.Pass(); };
  const auto goes_on = [&]() -> Task<void> {
    for (int i = 0; i < 5; ++i) {
      if (const Result<void> slept = co_await Sleep(1ms)) ++good;
      if (const Result<void> done = co_await test::Nop()) ++good;
    }
    gate.Open();
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(goes_on);
    CO_EXPECT_OK(co_await Blocking(waits));
    EXPECT_EQ(good, 10);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(BlockingTest, AlreadyStoppedDoesNotRun) {
  StopSource source;
  source.RequestStop();
  std::atomic<bool> ran = false;
  const auto f = [&] { ran = true; };
  CO_EXPECT_ERROR(co_await WithStop(source.token(), Blocking(f)), kCanceled);
  EXPECT_FALSE(ran);
}

// Keeps every thread of the pool busy behind the gate.
Task<void> OccupyPool(TaskScope& scope, Gate& gate) {
  const auto waits = [&gate] { gate.Pass(); };
  const auto runs = [waits]() -> Task<void> {
    CO_EXPECT_OK(co_await Blocking(waits));
  };
  const int threads = static_cast<int>(BlockingPool::kMaxThreads);
  for (int i = 0; i < threads; ++i) scope.Spawn(runs);
  while (gate.passing() < threads) CO_EXPECT_OK(co_await Sleep(1ms));
}

CO_TEST(BlockingTest, StoppedInTheQueueDoesNotRun) {
  Gate gate;
  std::atomic<int> ran = 0;
  int canceled = 0;
  const auto f = [&] { ++ran; };
  const auto queued = [&]() -> Task<void> {
    const Result<void> result = co_await Blocking(f);
    if (!result && result.error() == kCanceled) ++canceled;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    co_await OccupyPool(scope, gate);
    std::vector<JoinHandle<void>> handles;
    for (int i = 0; i < 20; ++i) handles.push_back(scope.Spawn(queued));
    CO_EXPECT_OK(co_await Sleep(1ms));
    for (JoinHandle<void>& handle : handles) handle.RequestStop();
    for (JoinHandle<void>& handle : handles) co_await handle;
    gate.Open();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(canceled, 20);
  EXPECT_EQ(ran, 0);
}

CO_TEST(BlockingTest, AFunctionThatRunsIsNotInterrupted) {
  Gate gate;
  const auto f = [&] {
    gate.Pass();
    return 5;
  };
  const auto opens = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await Shield(Sleep(5ms)));
    gate.Open();
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(opens);
    const auto runs = [&]() -> Task<void> {
      CO_EXPECT_EQ((co_await Blocking(f)).value_or(0), 5);
    };
    scope.Spawn(runs);
    while (gate.passing() == 0) co_await Yield();
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

// The job may begin late on a busy machine; then the timeout takes it back.
CO_TEST(BlockingTest, ATimeoutKeepsTheResultThatCameLate) {
  std::atomic<bool> began = false;
  const auto f = [&began] {
    began = true;
    std::this_thread::sleep_for(50ms);
    return Result<int>(6);
  };
  while (!began) {
    const Result<int> late = co_await WithTimeout(20ms, Blocking(f));
    if (began) {
      EXPECT_EQ(late.value_or(0), 6);
    } else {
      CO_EXPECT_ERROR(late, kTimedOut);
    }
  }
}

CO_TEST(BlockingTest, AFullQueueIsAnError) {
  Gate gate;
  int good = 0;
  int refused = 0;
  const auto f = [] {};
  const auto queued = [&]() -> Task<void> {
    const Result<void> result = co_await Blocking(f);
    if (result) {
      ++good;
    } else {
      EXPECT_EQ(result.error(),
                Error(std::errc::resource_unavailable_try_again));
      ++refused;
      if (refused == 10) gate.Open();
    }
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    co_await OccupyPool(scope, gate);
    for (std::size_t i = 0; i < BlockingPool::kMaxQueued + 10; ++i) {
      scope.Spawn(queued);
    }
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(refused, 10);
  EXPECT_EQ(good, static_cast<int>(BlockingPool::kMaxQueued));
}

TEST(BlockingTest, TheEndOfTheReactorWaitsForAFunctionThatRuns) {
  std::atomic<bool> ended = false;
  std::atomic<bool> started = false;
  const auto f = [&] {
    started = true;
    std::this_thread::sleep_for(10ms);
    ended = true;
  };
  const auto runs = [&]() -> Task<void> {
    static_cast<void>(co_await Blocking(f));
  };
  const auto main = [&]() -> Task<void> {
    Reactor::Current()->scope().Spawn(runs);
    while (!started) co_await Yield();
  };
  SyncWait(main());
  EXPECT_TRUE(ended);
}

TEST(BlockingTest, ReactorsOfSeveralThreadsShareThePool) {
  std::vector<std::thread> threads;
  std::atomic<int> total = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      SyncWait([](std::atomic<int>& sum) -> Task<void> {
        const auto one = [] { return 1; };
        const auto runs = [&]() -> Task<void> {
          for (int i = 0; i < 50; ++i) sum += (co_await Blocking(one)).value();
        };
        const auto body = [&](TaskScope& scope) -> Task<void> {
          for (int i = 0; i < 5; ++i) scope.Spawn(runs);
          co_return;
        };
        CO_EXPECT_OK(co_await WithScope(body));
      }(total));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(total, 4 * 5 * 50);
}

CO_TEST(BlockingTest, ThreadsOfThePoolTakeNoSignals) {
  const auto blocked = [] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1;
  };
  CO_EXPECT_TRUE((co_await Blocking(blocked)).value());
}

// No eventfd can be made: an error of this call, and nothing is left behind.
TEST(BlockingTest, WithoutDescriptorsIsAnError) {
  if (test::kAsan) {
    GTEST_SKIP() << "the sanitizer's own checks need a descriptor";
  }
  const std::string text = test::InChild([]() -> std::string {
    std::string answer;
    SyncWait([](std::string& out) -> Task<void> {
      std::vector<int> copies;
      for (int fd; (fd = dup(0)) >= 0;) {
        copies.push_back(fd);
        if (copies.size() == 200'000) break;
      }
      const auto f = [] {};
      const Result<void> result = co_await Blocking(f);
      for (const int fd : copies) close(fd);
      out = result ? "value" : result.error().message();
    }(answer));
    return answer;
  });
  EXPECT_EQ(text, Error::FromErrno(EMFILE).message());
}

}  // namespace
}  // namespace eddy
