// UntilStopped: what ends it, and the scope of a service that it keeps open.
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "tests/runtime/heap_count.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals

// Tells by `step` how far it has come.
Task<void> Waits(int& step) {
  step = 1;
  co_await UntilStopped();
  step = 2;
}

CO_TEST(UntilStoppedTest, WaitsForAStopOfItsTask) {
  int step = 0;
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(Waits(step));
  CO_EXPECT_OK(co_await Sleep(1ms));
  EXPECT_EQ(step, 1);
  handle.RequestStop();
  EXPECT_EQ(step, 1);  // a stop resumes nothing in place
  co_await handle;
  EXPECT_EQ(step, 2);
}

CO_TEST(UntilStoppedTest, WaitsForAToken) {
  StopSource source;
  int step = 0;
  const auto waits = [&]() -> Task<void> {
    co_await WithStop(source.token(), UntilStopped());
    co_await WithStop(source.token(), Waits(step));  // stopped already
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(waits);
  co_await Yield();
  EXPECT_EQ(step, 0);
  source.RequestStop();
  co_await handle;
  EXPECT_EQ(step, 2);
}

CO_TEST(UntilStoppedTest, WaitsForADeadline) {
  const TimePoint start = Clock::now();
  CO_EXPECT_ERROR(co_await WithTimeout(2ms, UntilStopped()), kTimedOut);
  EXPECT_GE(Clock::now() - start, 2ms);
}

CO_TEST(UntilStoppedTest, ReturnsAtOnceWhereAStopCameBefore) {
  StopSource source;
  source.RequestStop();
  bool others_ran = false;
  const auto other = [&]() -> Task<void> {
    others_ran = true;
    co_return;
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(other);
  co_await WithStop(source.token(), UntilStopped());
  EXPECT_FALSE(others_ran);
  co_await handle;
  EXPECT_TRUE(others_ran);
}

CO_TEST(UntilStoppedTest, AFailureInTheScopeEndsItsBody) {
  bool body_ended = false;
  const auto fails = []() -> Task<Result<void>> {
    co_await Yield();
    co_return Unexpected(kClosed);
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(fails);
    co_await UntilStopped();
    body_ended = true;
  };
  CO_EXPECT_ERROR(co_await WithScope(body), kClosed);
  EXPECT_TRUE(body_ended);
}

CO_TEST(UntilStoppedTest, NoStopFromAbovePassesAShield) {
  int step = 0;
  StopSource inner;
  const auto shielded = [&]() -> Task<void> {
    co_await Shield(WithStop(inner.token(), Waits(step)));
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(shielded);
  co_await Yield();
  handle.RequestStop();
  for (int i = 0; i < 10; ++i) co_await Yield();
  EXPECT_EQ(step, 1);
  inner.RequestStop();
  co_await handle;
  EXPECT_EQ(step, 2);
}

CO_TEST(UntilStoppedTest, TheEndOfTheReactorStopsIt) {
  static int step = 0;
  Reactor::Current()->scope().Spawn(Waits(step));
  co_await Yield();
  EXPECT_EQ(step, 1);
  // The reactor waits for it: a test that hangs has failed.
}

CO_TEST(UntilStoppedTest, IsNamedInDumps) {
  int step = 0;
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(Waits(step));
  co_await Yield();
  EXPECT_THAT(Reactor::Current()->DumpTasks(),
              testing::HasSubstr("\nUntilStopped\n"));
  handle.RequestStop();
  co_await handle;
}

// Runs tasks for others in a scope that stays open.
class Service {
 public:
  Task<Result<void>> Run() {
    const auto body = [this](TaskScope& scope) -> Task<void> {
      scope_ = &scope;
      co_await UntilStopped();
      scope_ = nullptr;
    };
    return RunBody(body);
  }
  bool open() const { return scope_ != nullptr; }
  void Submit(int i) { scope_->Spawn(Work(i)); }
  int done() const { return done_; }
  std::size_t live() const { return scope_->live(); }

 private:
  template <class Body>
  static Task<Result<void>> RunBody(Body body) {
    co_return co_await WithScope(body);
  }
  Task<void> Work(int i) {
    if (i % 2 == 0) co_await Yield();
    ++done_;
  }

  TaskScope* scope_ = nullptr;
  int done_ = 0;
};

CO_TEST(UntilStoppedTest, KeepsAScopeOpenForShortTasksWithoutGrowth) {
  Service service;
  JoinHandle<Result<void>> run =
      Reactor::Current()->scope().Spawn(service.Run());
  co_await Yield();
  CO_ASSERT_TRUE(service.open());
  const auto submit = [&](int count) -> Task<void> {
    for (int i = 0; i < count; ++i) {
      service.Submit(i);
      while (service.live() != 0) co_await Yield();
    }
  };
  co_await submit(1000);
  const test::HeapCount count;
  co_await submit(100'000);
  const std::uint64_t allocations = count.allocations();
  EXPECT_TRUE(service.open());
  EXPECT_EQ(service.done(), 101'000);
  if (test::CountsAllocations()) {
    EXPECT_EQ(allocations, 0u);
  }
  run.RequestStop();
  CO_EXPECT_OK(co_await run);
  EXPECT_FALSE(service.open());
}

}  // namespace
}  // namespace eddy
