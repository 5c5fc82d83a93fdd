// SubmitTo: runs a function on another core, and brings its result back.
//
//   Result<Value> value = co_await SubmitTo(core, [&] {
//     return LocalStore().Get(key);          // on that core, at once
//   });
//   Result<Page> page = co_await SubmitTo(core, [&]() -> Task<Result<Page>> {
//     co_return co_await LocalCache().Load(url);   // on that core, as a task
//   });
//
// The caller waits meanwhile, so the function may refer to its variables: they
// are lent to the other core, which must be through with them when it returns.
//
// Result: Result<R> where the function gives R, Result<R>, Task<R> or
// Task<Result<R>>: what it gave; its exception is thrown again.
// Errors: kCanceled, and then it was not called, where the caller was stopped
// before it could be sent. kClosed, so too, after the end of the run has begun
// (see Runtime::Run).
//
// Stop: it goes across: the task on the other core is asked to stop, and the
// await returns when that has ended, with what it gave. A function that is no
// task runs to its end. The caller's deadline is that of the task.
// Order: calls of one core to another one begin there in the order in which
// they were awaited. Between calls of several cores there is no order. A call
// to the own core begins at once (a task: when the caller has suspended).
// Back-pressure: while RuntimeOptions::most_calls calls of this core to that
// one have not come back, further ones wait here, in their order. Calls that
// are made by what carries a call out are counted apart, level by level, so
// that cores which call each other do not wait for themselves; from the third
// level of nesting on they are not bounded.
//
// A function that is no task runs in the other core's loop, between its tasks
// and in no scheduling group: keep it short. It is the fast way.
//
// REQUIRES: awaited on a core of a Runtime; core < Runtime::cores(). A
// violation aborts.
// Lifetime: the function is kept, on this core, until the await returns; a task
// of it is made, run and destroyed on the other one. (A result that throws when
// it is moved ends the program.)
// Cost: no allocation of its own (a task has its frame), no lock: two messages.
// Those of a turn go to a core together, by one compare-and-swap; where it
// sleeps, one system call and its wake-up. See docs/cores.md.
#ifndef EDDY_RUNTIME_SUBMIT_TO_H_
#define EDDY_RUNTIME_SUBMIT_TO_H_

#include <eddy/runtime/core_port.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace eddy {
namespace internal {

// What a call gives, made on the core that is called and taken by the caller.
template <class Call, class Value>
class OutcomeOfCall : public Call {
  static_assert(
      !std::is_reference_v<Value>,
      "what SubmitTo brings back is a value; a reference into another "
      "core's memory is not to be used here");

 public:
  using Outcome = AsResult<Value>;

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    return this->Begin(waiter.promise());
  }
  [[nodiscard]] Outcome await_resume() {
    if (this->refused()) return Unexpected(*this->refused());
    if (exception_) std::rethrow_exception(std::move(exception_));
    return *std::move(outcome_);
  }

 protected:
  using Call::Call;
  OutcomeOfCall(OutcomeOfCall&& other) noexcept : Call(std::move(other)) {}
  ~OutcomeOfCall() = default;

  // Keeps what make() gives.
  template <class Make>
  void Keep(Make&& make) {
    if constexpr (std::is_void_v<Value>) {
      make();
      outcome_.emplace();
    } else {
      outcome_.emplace(make());
    }
  }
  void KeepException() noexcept { exception_ = std::current_exception(); }

 private:
  std::optional<Outcome> outcome_;
  std::exception_ptr exception_;
};

template <class F>
class [[nodiscard]] SubmitFunction final
    : public OutcomeOfCall<CoreCall, std::invoke_result_t<F&>> {
  using Base = OutcomeOfCall<CoreCall, std::invoke_result_t<F&>>;

 public:
  SubmitFunction(unsigned core, F&& f) : Base(core), f_(std::move(f)) {}
  SubmitFunction(SubmitFunction&& other)
      : Base(std::move(other)), f_(std::move(other.f_)) {}

 private:
  bool Carry() noexcept override {
    try {
      this->Keep(f_);
    } catch (...) {
      this->KeepException();
    }
    return true;
  }

  F f_;
};

template <class F>
class [[nodiscard]] SubmitTask final
    : public OutcomeOfCall<CoreTaskCall,
                           typename std::invoke_result_t<F&>::ValueType> {
  using TaskOfCall = std::invoke_result_t<F&>;
  using Base = OutcomeOfCall<CoreTaskCall, typename TaskOfCall::ValueType>;

 public:
  SubmitTask(unsigned core, F&& f) : Base(core), f_(std::move(f)) {}
  SubmitTask(SubmitTask&& other)
      : Base(std::move(other)), f_(std::move(other.f_)) {}

 private:
  bool Carry() noexcept override {
    try {
      task_.emplace(f_());
    } catch (...) {
      this->KeepException();
      return true;
    }
    this->Run(TaskAccess::Begin(*task_, this->MakeContext()));
    return false;
  }
  void TakeOutcome() noexcept override {
    try {
      this->Keep([this] { return TaskAccess::PromiseOf(*task_).Take(); });
    } catch (...) {
      this->KeepException();
    }
    task_.reset();
  }

  F f_;
  std::optional<TaskOfCall> task_;
};

template <class F>
using SubmitAwaitable = std::conditional_t<kIsTask<std::invoke_result_t<F&>>,
                                           SubmitTask<F>, SubmitFunction<F>>;

}  // namespace internal

template <class F>
internal::SubmitAwaitable<F> SubmitTo(unsigned core, F f) {
  return internal::SubmitAwaitable<F>(core, std::move(f));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_SUBMIT_TO_H_
