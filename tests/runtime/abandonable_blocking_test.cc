// AbandonableBlocking: functions on the pool that a stop leaves alone.
#include <eddy/runtime/abandonable_blocking.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/blocking_pool.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/runtime/gate.h"
#include "tests/runtime/test_verbs.h"
#include "tests/sweeps.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using internal::BlockingPool;
using test::Gate;

constexpr int kAtOnce = static_cast<int>(BlockingPool::kMaxAbandonable);

// Waits, by turns, until something on another thread has happened.
template <class Happened>
Task<void> Until(Happened happened) {
  while (!happened()) CO_EXPECT_OK(co_await Sleep(1ms));
}

int Length(const std::string& text) { return static_cast<int>(text.size()); }

CO_TEST(AbandonableBlockingTest, GivesValuesResultsAndNothing) {
  CO_EXPECT_EQ(
      (co_await AbandonableBlocking(Length, std::string(50, 'x'))).value(), 50);
  const auto result = []() -> Result<int> { return Unexpected(kClosed); };
  CO_EXPECT_ERROR(co_await AbandonableBlocking(result), kClosed);
  const auto nothing = [] {};
  CO_EXPECT_OK(co_await AbandonableBlocking(nothing));
  const auto moves = [](std::unique_ptr<int> p) { return p; };
  auto argument = std::make_unique<int>(4);
  const Result<std::unique_ptr<int>> p =
      co_await AbandonableBlocking(moves, std::move(argument));
  CO_ASSERT_OK(p);
  EXPECT_EQ(**p, 4);
}

CO_TEST(AbandonableBlockingTest, ThrowsTheFunctionsException) {
  const auto throws = []() -> int { throw std::runtime_error("on a thread"); };
  std::string what;
  try {
    static_cast<void>(co_await AbandonableBlocking(throws));
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "on a thread");
}

CO_TEST(AbandonableBlockingTest, AlreadyStoppedDoesNotRun) {
  StopSource source;
  source.RequestStop();
  const auto ran = std::make_shared<std::atomic<bool>>(false);
  const auto f = [ran] { *ran = true; };
  AbandonableBlocking job(f);
  CO_EXPECT_ERROR(co_await WithStop(source.token(), std::move(job)), kCanceled);
  EXPECT_FALSE(*ran);
}

// What the function gives tells of its end.
struct Outcome {
  std::shared_ptr<std::atomic<int>> alive;

  explicit Outcome(std::shared_ptr<std::atomic<int>> count)
      : alive(std::move(count)) {
    ++*alive;
  }
  Outcome(Outcome&& other) noexcept : alive(other.alive) { ++*alive; }
  Outcome& operator=(Outcome&&) = delete;
  ~Outcome() { --*alive; }
};

CO_TEST(AbandonableBlockingTest, AStopDoesNotWaitForTheFunction) {
  const auto gate = std::make_shared<Gate>();
  const auto alive = std::make_shared<std::atomic<int>>(0);
  const auto ended = std::make_shared<std::atomic<bool>>(false);
  const auto f = [gate, alive, ended] {
    gate->Pass();
    *ended = true;
    return Outcome(alive);
  };
  StopSource source;
  const auto stops = [&]() -> Task<void> {
    co_await Until([&] { return gate->passing() == 1; });
    source.RequestStop();
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(stops);
    AbandonableBlocking job(f);
    const Result<Outcome> result =
        co_await WithStop(source.token(), std::move(job));
    CO_EXPECT_ERROR(result, kCanceled);
    EXPECT_FALSE(*ended);
  };
  CO_EXPECT_OK(co_await WithScope(body));
  gate->Open();
  // It runs to its end, and nothing of it is left.
  co_await Until([&] { return *ended && gate.use_count() == 2; });
  EXPECT_EQ(*alive, 0);
}

CO_TEST(AbandonableBlockingTest, ADeadlineDoesNotWaitForTheFunction) {
  const auto gate = std::make_shared<Gate>();
  const auto f = [gate] { gate->Pass(); };
  AbandonableBlocking job(f);
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, std::move(job)), kTimedOut);
  gate->Open();
}

CO_TEST(AbandonableBlockingTest, AnExceptionOfAnAbandonedFunctionIsDropped) {
  const auto gate = std::make_shared<Gate>();
  const auto thrown = std::make_shared<std::atomic<bool>>(false);
  const auto f = [gate, thrown] {
    gate->Pass();
    *thrown = true;
    throw std::runtime_error("to nobody");
  };
  AbandonableBlocking job(f);
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, std::move(job)), kTimedOut);
  gate->Open();
  // Where a thread had begun it.
  if (gate->passing() == 1) co_await Until([&] { return thrown->load(); });
}

TEST(AbandonableBlockingTest, TheEndOfTheReactorDoesNotWaitForTheFunction) {
  const auto gate = std::make_shared<Gate>();
  const auto f = [gate] { gate->Pass(); };
  const auto runs = [&]() -> Task<void> {
    AbandonableBlocking job(f);
    CO_EXPECT_ERROR(co_await std::move(job), kCanceled);
  };
  const auto main = [&]() -> Task<void> {
    Reactor::Current()->scope().Spawn(runs);
    while (gate->passing() == 0) co_await Yield();
  };
  SyncWait(main());
  gate->Open();
}

// As many as may run at once, behind the gate.
Task<void> Occupy(TaskScope& scope, std::shared_ptr<Gate> gate) {
  const auto waits = [gate] { gate->Pass(); };
  const auto runs = [waits]() -> Task<void> {
    AbandonableBlocking job(waits);
    static_cast<void>(co_await std::move(job));
  };
  for (int i = 0; i < kAtOnce; ++i) scope.Spawn(runs);
  co_await Until([&] { return gate->passing() == kAtOnce; });
}

CO_TEST(AbandonableBlockingTest, FunctionsThatHangLeaveThreadsToBlocking) {
  const auto gate = std::make_shared<Gate>();
  const auto began = std::make_shared<std::atomic<int>>(0);
  const auto counts = [began] { ++*began; };
  int canceled = 0;
  const auto queued = [&]() -> Task<void> {
    AbandonableBlocking job(counts);
    const Result<void> result = co_await std::move(job);
    if (!result && result.error() == kCanceled) ++canceled;
  };
  int done = 0;
  const auto waits = [&]() -> Task<void> {
    AbandonableBlocking job(counts);
    CO_EXPECT_OK(co_await std::move(job));
    ++done;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    // Abandoned ones count as well.
    const auto all = [&](TaskScope& inner) -> Task<void> {
      co_await Occupy(inner, gate);
      inner.RequestStop();
    };
    CO_EXPECT_OK(co_await WithScope(all));
    std::vector<JoinHandle<void>> handles;
    for (int i = 0; i < 20; ++i) handles.push_back(scope.Spawn(queued));
    for (int i = 0; i < 20; ++i) scope.Spawn(waits);
    const auto one = [] { return 1; };
    for (int i = 0; i < 20; ++i) CO_EXPECT_OK(co_await Blocking(one));
    EXPECT_EQ(*began, 0);
    // They are stopped where they wait.
    for (JoinHandle<void>& handle : handles) handle.RequestStop();
    for (JoinHandle<void>& handle : handles) co_await handle;
    EXPECT_EQ(canceled, 20);
    EXPECT_EQ(*began, 0);
    gate->Open();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(done, 20);
  EXPECT_EQ(*began, 20);
}

CO_TEST(AbandonableBlockingTest, AFullQueueIsAnError) {
  const auto gate = std::make_shared<Gate>();
  int good = 0;
  int refused = 0;
  const auto f = [] {};
  const auto queued = [&]() -> Task<void> {
    const Result<void> result = co_await AbandonableBlocking(f);
    if (result) {
      ++good;
    } else {
      EXPECT_EQ(result.error(),
                Error(std::errc::resource_unavailable_try_again));
      if (++refused == 10) gate->Open();
    }
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    co_await Occupy(scope, gate);
    for (std::size_t i = 0; i < BlockingPool::kMaxQueued + 10; ++i) {
      scope.Spawn(queued);
    }
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(refused, 10);
  EXPECT_EQ(good, static_cast<int>(BlockingPool::kMaxQueued));
}

// The end of the function and the stop meet in every order.
CO_TEST(AbandonableBlockingTest, NothingIsLostWhereAStopRacesTheEnd) {
  const auto alive = std::make_shared<std::atomic<int>>(0);
  int good = 0;
  int canceled = 0;
  const auto f = [alive](int spins) {
    std::atomic<int> done = 0;
    while (done < spins) ++done;
    return Outcome(alive);
  };
  const auto runs = [&](int i) -> Task<void> {
    AbandonableBlocking job(f, i % 7 * 1000);
    const Result<Outcome> result = co_await std::move(job);
    if (result) {
      ++good;
    } else {
      CO_EXPECT_ERROR(result, kCanceled);
      ++canceled;
    }
  };
  constexpr int kRounds = 300;
  for (int round = 0; round < kRounds; ++round) {
    const auto body = [&](TaskScope& scope) -> Task<void> {
      for (int i = 0; i < 4; ++i) scope.Spawn(runs, round + i);
      for (int i = 0; i < round % 5; ++i) {
        CO_EXPECT_OK(co_await Sleep(std::chrono::microseconds(10)));
      }
      scope.RequestStop();
    };
    CO_EXPECT_OK(co_await WithScope(body));
  }
  EXPECT_EQ(good + canceled, 4 * kRounds);
  co_await Until([&] { return *alive == 0; });
}

TEST(AbandonableBlockingTest, ReactorsOfSeveralThreadsShareThePool) {
  std::vector<std::thread> threads;
  std::atomic<int> total = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      SyncWait([](std::atomic<int>& sum) -> Task<void> {
        const auto one = [] { return 1; };
        const auto runs = [&]() -> Task<void> {
          for (int i = 0; i < 50; ++i) {
            sum += (co_await AbandonableBlocking(one)).value();
          }
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

TEST(AbandonableBlockingTest, EndsCleanlyAtEveryPoint) {
  const auto scenario = []() -> Task<Result<void>> {
    const auto one = [](int i) { return i; };
    for (int i = 0; i < 5; ++i) {
      AbandonableBlocking job(one, i);
      EDDY_CO_TRY(const int n, co_await std::move(job));
      if (n != i) co_return Unexpected(std::errc::bad_message);
    }
    co_return Result<void>();
  };
  const SweepReport report = StopAtEveryPoint(scenario);
  EXPECT_EQ(report.failure, "");
  EXPECT_GE(report.points, 5U);
}

}  // namespace
}  // namespace eddy
