// Sleep, SleepUntil: wait for a time.
//
//   EDDY_CO_CHECK(co_await Sleep(std::chrono::milliseconds(50)));
//
// Result: success once the time has come, never before; how long after depends
// on what else is ready. A duration of zero or less lets the loop have a turn.
// Errors: kCanceled when a stop is requested before or meanwhile.
// Cost: no allocation and no system call; adding, removing and firing a timer
// are O(1) (see timer_wheel.h). A Sleep reads the clock once.
#ifndef EDDY_RUNTIME_TIMER_H_
#define EDDY_RUNTIME_TIMER_H_

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/suspension.h>
#include <eddy/runtime/time.h>
#include <eddy/runtime/timer_wheel.h>

#include <chrono>
#include <coroutine>

namespace eddy {

namespace internal {

// An awaiter that waits for a time, or until it is stopped.
class TimedWait : public Suspension, private Timer {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    PromiseBase& promise = waiter.promise();
    stopped_ = promise.context->stop_requested();
    if (stopped_) {
      return AwaitBudget::Spend(promise);
    }
    Reactor& reactor = promise.context->reactor();
    reactor.AssertCurrent();
    reactor.timers().Add(*this, deadline_);
    Suspend(promise);
    return true;
  }

 protected:
  explicit TimedWait(TimePoint deadline) noexcept : deadline_(deadline) {}
  TimedWait(TimedWait&& other) noexcept : deadline_(other.deadline_) {}
  ~TimedWait() = default;

  TimePoint deadline() const noexcept { return deadline_; }
  Result<void> TimeResult() const noexcept {
    if (stopped_) return Unexpected(kCanceled);
    return {};
  }

 private:
  void Expire() noexcept override { Wake(); }
  void Cancel() noexcept override {
    waiter()->context->reactor().timers().Remove(*this);
    stopped_ = true;
    Wake();
  }

  TimePoint deadline_;
  bool stopped_ = false;
};

}  // namespace internal

class [[nodiscard]] SleepUntil final : public internal::TimedWait {
 public:
  explicit SleepUntil(TimePoint deadline) noexcept : TimedWait(deadline) {}

  const char* name() const noexcept override { return "Sleep"; }
  [[nodiscard]] Result<void> await_resume() const noexcept {
    return TimeResult();
  }
};

// Counts from the call, which is the await in `co_await Sleep(d)`.
template <class Rep, class Period>
SleepUntil Sleep(std::chrono::duration<Rep, Period> duration) noexcept {
  return SleepUntil(After(Clock::now(), duration));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_TIMER_H_
