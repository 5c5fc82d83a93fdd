// Suspension, PromiseBase, TaskContext: what a new kind of awaiter builds on,
// shown by one that tests define.
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/promise.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/suspension.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_context.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <coroutine>
#include <string>
#include <type_traits>

namespace eddy {
namespace {

static_assert(
    std::is_base_of_v<internal::PromiseBase, Task<int>::promise_type>);

// A line of waiters; Signal() wakes the first.
class Signal;
Signal* waiting = nullptr;

class [[nodiscard]] Signal final : public internal::Suspension {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    internal::PromiseBase& promise = waiter.promise();
    canceled_ = promise.context->stop_requested();
    if (canceled_) return false;
    waiting = this;
    Suspend(promise);
    return true;
  }
  bool await_resume() const noexcept { return !canceled_; }

  void Cancel() noexcept override {
    ++cancels;
    canceled_ = true;
    Wake();
  }
  const char* name() const noexcept override { return "Signal"; }

  static inline int cancels = 0;

 private:
  bool canceled_ = false;
};

CO_TEST(SuspensionTest, IsResumedByTheLoopAndNotInPlace) {
  bool woken = false;
  const auto waits = [&]() -> Task<void> {
    CO_EXPECT_TRUE(co_await Signal());
    woken = true;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(waits);
    co_await Yield();
    EXPECT_EQ(waiting->waiter()->context->waiting_on(), waiting);
    waiting->Wake();
    EXPECT_EQ(waiting->waiter()->context->waiting_on(), nullptr);
    EXPECT_FALSE(woken);
    co_await Yield();
    EXPECT_TRUE(woken);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(SuspensionTest, IsCanceledAtMostOnce) {
  Signal::cancels = 0;
  const auto waits = [&]() -> Task<void> {
    CO_EXPECT_FALSE(co_await Signal());
    CO_EXPECT_FALSE(co_await Signal());  // stopped before: does not wait
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    JoinHandle<void> handle = scope.Spawn(waits);
    co_await Yield();
    handle.RequestStop();
    handle.RequestStop();
    scope.RequestStop();
    co_await handle;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(Signal::cancels, 1);
}

CO_TEST(SuspensionTest, IsNotCanceledOnceWoken) {
  Signal::cancels = 0;
  const auto waits = [&]() -> Task<void> { CO_EXPECT_TRUE(co_await Signal()); };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    JoinHandle<void> handle = scope.Spawn(waits);
    co_await Yield();
    waiting->Wake();
    handle.RequestStop();
    co_await handle;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(Signal::cancels, 0);
}

CO_TEST(PromiseTest, KnowsWhereItsCoroutineWaitsAndWhoAwaitsIt) {
  const auto inner = []() -> Task<void> { CO_EXPECT_TRUE(co_await Signal()); };
  const auto outer = [&]() -> Task<void> { co_await inner(); };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(outer);
    co_await Yield();
    const internal::PromiseBase* promise = waiting->waiter();
    EXPECT_NE(std::string(promise->where.file_name()).find("suspension_test"),
              std::string::npos);
    EXPECT_NE(promise->parent, nullptr);
    EXPECT_EQ(promise->parent->context, promise->context);
    EXPECT_EQ(promise->parent->parent, nullptr);
    waiting->Wake();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

class TestContext final : public internal::TaskContext {
 public:
  using TaskContext::TaskContext;
};

CO_TEST(TaskContextTest, InheritsStopAndDeadline) {
  TestContext above(*Reactor::Current());
  EXPECT_EQ(above.deadline(), kNoDeadline);
  const TimePoint near = Clock::now();
  above.LimitDeadline(near);
  above.LimitDeadline(near + Duration(1));  // only ever nearer
  EXPECT_EQ(above.deadline(), near);
  const TestContext before(&above);
  above.RequestStop();
  const TestContext after(&above);
  EXPECT_FALSE(before.stop_requested());  // stops walk by other ways
  EXPECT_TRUE(after.stop_requested());
  EXPECT_EQ(after.deadline(), near);
  EXPECT_EQ(&after.reactor(), Reactor::Current());
  co_return;
}

TEST(MisuseDeathTest, PrintsOneLineAndAborts) {
  EXPECT_EXIT(internal::Misuse("%d things of %s", 3, "this kind"),
              testing::KilledBySignal(SIGABRT),
              "^eddy: 3 things of this kind\n");
}

}  // namespace
}  // namespace eddy
