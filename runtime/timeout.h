// WithTimeout, WithDeadline: an upper bound on the time of any awaitable.
//
//   Result<std::size_t> n =
//       co_await WithTimeout(5s, stream.Read(buffer));
//   if (!n && n.error() == kTimedOut) ...
//
// When the time is over, what is awaited is stopped like by any stop request,
// and awaited to its end; nothing goes on in the background. So what no stop
// reaches is not cut short: a Shield, a Close, a Mutex's Lock, a function that
// runs under Blocking, the task behind a JoinHandle.
//
// Result: Result<T> for an awaitable of T, and for one of Result<T>.
//  - An awaitable of Result<T>: its value if it has one, even when the time was
//    over (what it consumed is not lost); kTimedOut instead of kCanceled when
//    the time was over; its other errors as they are.
//  - An awaitable of std::optional, such as Stream::Next, and WhenAll and
//    WhenAny: what it gives, even when the time was over, if it has an element
//    or a Result with a value among it; else kTimedOut when the time was over.
//  - An awaitable of another T: kTimedOut when the time was over before it
//    ended, else its value. Exceptions pass.
// kTimedOut is never TCP's ETIMEDOUT. A stop from above gives kCanceled.
//
// Nesting: the nearest deadline counts, a later one inside it is never set. All
// tasks below inherit it (see CurrentDeadline).
//
// Lifetime: the awaitable is kept until the await ends.
// Cost: a timer in user space; no allocation, no system call.
#ifndef EDDY_RUNTIME_TIMEOUT_H_
#define EDDY_RUNTIME_TIMEOUT_H_

#include <eddy/runtime/context_awaitable.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/time.h>
#include <eddy/runtime/timer_wheel.h>

#include <chrono>
#include <coroutine>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace eddy {
namespace internal {

// Whether a late result holds something that was consumed for it: a Result or
// a std::optional with a value, also as one of several results.
template <class T>
bool HoldsElement(const T&) noexcept {
  return false;
}
template <class T>
bool HoldsElement(const Result<T>& result) noexcept {
  return result.has_value();
}
template <class T>
bool HoldsElement(const std::optional<T>& result) noexcept {
  return result.has_value();
}
template <class T>
bool HoldsElement(const std::vector<T>& results) noexcept;
template <class... T>
bool HoldsElement(const std::tuple<T...>& results) noexcept {
  return std::apply(
      [](const auto&... each) { return (HoldsElement(each) || ...); }, results);
}
template <class T>
bool HoldsElement(const std::vector<T>& results) noexcept {
  for (const auto& each : results) {
    if (HoldsElement(each)) return true;
  }
  return false;
}

// Awaits something under a context that a timer may stop. When the timer fires
// the derived class decides whether the time is over.
template <class Awaitable>
class ExpiringAwaitable : public ContextAwaitable<Awaitable>, protected Timer {
  using Base = ContextAwaitable<Awaitable>;
  using Inner = AwaitResult<Awaitable>;

 public:
  ExpiringAwaitable(ExpiringAwaitable&& other) noexcept(
      std::is_nothrow_move_constructible_v<Base>)
      : Base(std::move(other)) {}

  [[nodiscard]] AsResult<Inner> await_resume() {
    RemoveTimer();
    if constexpr (kIsResult<Inner>) {
      AsResult<Inner> result = this->Finish();
      if (expired_ && !result && result.error() == kCanceled) {
        return Unexpected(kTimedOut);
      }
      return result;
    } else if constexpr (std::is_void_v<Inner>) {
      this->Finish();
      if (expired_) return Unexpected(kTimedOut);
      return {};
    } else {
      AsResult<Inner> result = this->Finish();
      if (expired_ && !HoldsElement(*result)) return Unexpected(kTimedOut);
      return result;
    }
  }

 protected:
  explicit ExpiringAwaitable(Awaitable&& awaitable)
      : Base(std::forward<Awaitable>(awaitable)) {}
  ~ExpiringAwaitable() = default;

  // After Enter, and after the timer was added, if it was.
  template <class Promise>
  std::coroutine_handle<> StartExpiring(std::coroutine_handle<Promise> waiter) {
    try {
      return this->Start(waiter);
    } catch (...) {
      RemoveTimer();
      throw;
    }
  }

  void EndBecauseExpired() noexcept {
    // Stopped from above before: that is why it ends.
    expired_ = !this->context().stop_requested();
    this->context().RequestStop();
  }

 private:
  void RemoveTimer() noexcept {
    if (this->pending()) this->context().reactor().timers().Remove(*this);
  }

  bool expired_ = false;
};

template <class Awaitable>
class [[nodiscard]] TimeoutAwaitable final
    : public ExpiringAwaitable<Awaitable> {
  using Base = ExpiringAwaitable<Awaitable>;

 public:
  TimeoutAwaitable(TimePoint deadline, Awaitable&& awaitable)
      : Base(std::forward<Awaitable>(awaitable)), deadline_(deadline) {}
  TimeoutAwaitable(TimeoutAwaitable&&) noexcept = default;

  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiter) {
    this->Enter(waiter.promise());
    if (deadline_ < this->context().deadline()) {
      this->context().LimitDeadline(deadline_);
      this->context().reactor().timers().Add(*this, deadline_);
    }
    return this->StartExpiring(waiter);
  }

  const char* name() const noexcept override { return "WithTimeout"; }

 private:
  void Expire() noexcept override { this->EndBecauseExpired(); }

  TimePoint deadline_;
};

}  // namespace internal

// `awaitable` has until `deadline`.
template <class Awaitable>
internal::TimeoutAwaitable<Awaitable> WithDeadline(TimePoint deadline,
                                                   Awaitable&& awaitable) {
  return {deadline, std::forward<Awaitable>(awaitable)};
}

// `awaitable` has `timeout` from this call on.
template <class Rep, class Period, class Awaitable>
internal::TimeoutAwaitable<Awaitable> WithTimeout(
    std::chrono::duration<Rep, Period> timeout, Awaitable&& awaitable) {
  return {After(Clock::now(), timeout), std::forward<Awaitable>(awaitable)};
}

// `TimePoint t = co_await CurrentDeadline();` is the nearest deadline of the
// awaiting task, kNoDeadline if it has none. Does not wait.
class [[nodiscard]] CurrentDeadline {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    deadline_ = waiter.promise().context->deadline();
    return internal::AwaitBudget::Spend(waiter.promise());
  }
  TimePoint await_resume() const noexcept { return deadline_; }

 private:
  TimePoint deadline_ = kNoDeadline;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_TIMEOUT_H_
