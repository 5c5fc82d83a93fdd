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
// one have not come back, further ones wait here, in their order.
//
// A function that is no task runs in the other core's loop, between its tasks:
// keep it short. It is the fast way. Two tasks that both wait for calls to each
// other's cores hold up nobody; a task may call back to the core it came from.
//
// REQUIRES: awaited on a core of a Runtime; core < Runtime::cores(). A
// violation aborts.
// Lifetime: the function is kept, on this core, until the await returns; a task
// of it is made, run and destroyed on the other one.
// Cost: no allocation of its own (a task has its frame), no lock: two messages,
// each a compare-and-swap; where the other core sleeps, one system call of the
// first message to it, and its wake-up. See docs/cores.md.
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

template <class T>
struct ValueOfCall {
  using Type = T;
};
template <class T>
struct ValueOfCall<Task<T>> {
  using Type = T;
};

template <class F>
class [[nodiscard]] SubmitAwaitable final : public CoreCall {
  using Returned = std::invoke_result_t<F&>;
  static constexpr bool kOfTask = kIsTask<Returned>;
  using Value = typename ValueOfCall<Returned>::Type;
  static_assert(
      !std::is_reference_v<Value>,
      "what SubmitTo brings back is a value; a reference into another "
      "core's memory is not to be used here");
  struct NoTask {};

 public:
  using Outcome = AsResult<Value>;

  SubmitAwaitable(unsigned core, F&& f) : CoreCall(core), f_(std::move(f)) {}
  SubmitAwaitable(SubmitAwaitable&& other)
      : CoreCall(std::move(other)), f_(std::move(other.f_)) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    return Begin(waiter.promise());
  }
  [[nodiscard]] Outcome await_resume() {
    if (refused()) return Unexpected(*refused());
    if (exception_) std::rethrow_exception(std::move(exception_));
    return *std::move(outcome_);
  }

 private:
  std::coroutine_handle<PromiseBase> Call(
      const TaskContext* caller) noexcept override {
    try {
      if constexpr (kOfTask) {
        task_.emplace(f_());
        return TaskAccess::Begin(*task_, MakeContext(caller));
      } else if constexpr (std::is_void_v<Value>) {
        f_();
        outcome_.emplace();
      } else {
        outcome_.emplace(f_());
      }
    } catch (...) {
      exception_ = std::current_exception();
    }
    return nullptr;
  }

  void TakeOutcome() noexcept override {
    if constexpr (kOfTask) {
      try {
        auto& promise = TaskAccess::PromiseOf(*task_);
        if constexpr (std::is_void_v<Value>) {
          promise.Take();
          outcome_.emplace();
        } else {
          outcome_.emplace(promise.Take());
        }
      } catch (...) {
        exception_ = std::current_exception();
      }
      task_.reset();
    }
  }

  F f_;
  [[no_unique_address]] std::conditional_t<kOfTask, std::optional<Returned>,
                                           NoTask>
      task_;
  std::optional<Outcome> outcome_;
  std::exception_ptr exception_;
};

}  // namespace internal

template <class F>
internal::SubmitAwaitable<F> SubmitTo(unsigned core, F f) {
  return internal::SubmitAwaitable<F>(core, std::move(f));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_SUBMIT_TO_H_
