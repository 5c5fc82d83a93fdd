// Task<T>: a coroutine that runs when it is awaited, and ends before its
// caller goes on.
//
//   Task<int> Square(int x) { co_return x * x; }
//   Task<Result<std::size_t>> Count(net::TcpStream& stream) { ... }
//
//   int n = co_await Square(3);
//
// Result: T is any movable type, void, or a reference. Exactly one of a value
// or an exception comes out; an exception that leaves the coroutine is thrown
// again at the co_await. Expected failures travel as Result<T>.
//
// Lifetime: a Task is lazy and owns its coroutine frame. Parameters are kept
// in the frame: take by value what must live as long as the task; a reference
// parameter (and a capturing lambda's `this`) has to outlive the await. With
// `co_await F(x)` on one line, even temporaries do. (g++ 12 does not align
// frames beyond 16 bytes: no alignas(32) locals or parameters.)
//
// Stop: the stop token, the deadline and the reactor of the awaiting task flow
// down; a task is stopped by the operations it awaits answering kCanceled.
//
// REQUIRES: awaited at most once, on the thread of one reactor, from a
// coroutine of eddy. Violations abort.
//
// Cost: one frame from the frame pool (no heap call in a steady state), no
// atomic, no virtual call. Starting and returning are tail calls: any number
// of awaits that complete at once runs in constant stack.
#ifndef EDDY_RUNTIME_TASK_H_
#define EDDY_RUNTIME_TASK_H_

#include <eddy/runtime/attributes.h>
#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/promise.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task_context.h>

#include <coroutine>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace eddy {

template <class T>
class Task;

namespace internal {

struct TaskAccess;

template <class>
inline constexpr bool kIsTask = false;
template <class T>
inline constexpr bool kIsTask<Task<T>> = true;

// An exception that its reader has to take: nothing is destroyed at the end, so
// that coroutine frames, which hardly ever have one, need not look for it. Who
// ends a chain or awaits a coroutine takes it.
class PendingException {
 public:
  PendingException() noexcept : exception_() {}
  PendingException(const PendingException&) = delete;
  PendingException& operator=(const PendingException&) = delete;
  ~PendingException() {}

  void Set(std::exception_ptr exception) noexcept {
    exception_ = std::move(exception);
  }
  bool is_set() const noexcept { return exception_ != nullptr; }
  // The exception, or null.
  std::exception_ptr Take() noexcept {
    return std::exchange(exception_, nullptr);
  }
  void Rethrow() {
    if (is_set()) [[unlikely]] {
      std::rethrow_exception(Take());
    }
  }

 private:
  union {
    std::exception_ptr exception_;
  };
};

// The end of a coroutine: nothing yet, a value, or an exception.
template <class T>
class TaskOutcome {
  static constexpr bool kIsTrivial = std::is_trivially_destructible_v<T>;

 public:
  TaskOutcome() noexcept {}
  TaskOutcome(const TaskOutcome&) = delete;
  TaskOutcome& operator=(const TaskOutcome&) = delete;
  ~TaskOutcome() requires kIsTrivial {}
  ~TaskOutcome() requires(!kIsTrivial) { DestroyValue(); }

  // Replaces a value: where a local's destructor threw after the co_return, and
  // the coroutine went on to another one.
  template <class U>
  void SetValue(U&& value) {
    if constexpr (!kIsTrivial) DestroyValue();
    std::construct_at(&value_, std::forward<U>(value));
    if constexpr (!kIsTrivial) has_value_ = true;
  }
  // Replaces a value, likewise.
  void SetException(std::exception_ptr exception) noexcept {
    if constexpr (!kIsTrivial) DestroyValue();
    exception_.Set(std::move(exception));
  }
  bool has_exception() const noexcept { return exception_.is_set(); }
  std::exception_ptr TakeException() noexcept { return exception_.Take(); }
  // REQUIRES: there was no exception.
  T& value() noexcept { return value_; }

  T Take() {
    exception_.Rethrow();
    return std::move(value_);
  }

 private:
  struct Nothing {};

  void DestroyValue() noexcept {
    if (std::exchange(has_value_, false)) std::destroy_at(&value_);
  }

  PendingException exception_;
  union {
    T value_;
  };
  // Of a value that has to be destroyed.
  [[no_unique_address]] std::conditional_t<kIsTrivial, Nothing, bool>
      has_value_{};
};

template <class T>
class TaskPromise final : public PromiseBase {
  // A reference is kept as a pointer.
  static constexpr bool kIsReference = std::is_reference_v<T>;
  using Stored =
      std::conditional_t<kIsReference, std::remove_reference_t<T>*, T>;

 public:
  EDDY_CORO_WRAPPER Task<T> get_return_object() noexcept;
  void unhandled_exception() noexcept {
    SetException(std::current_exception());
  }
  void SetException(std::exception_ptr exception) noexcept {
    outcome_.SetException(std::move(exception));
  }
  template <class U = T>
  requires(!kIsReference &&
           std::is_constructible_v<T, U&&>) void return_value(U&& value) {
    outcome_.SetValue(std::forward<U>(value));
  }
  void return_value(T value) noexcept requires kIsReference {
    outcome_.SetValue(std::addressof(value));
  }

  T Take() {
    if constexpr (kIsReference) {
      return static_cast<T>(*outcome_.Take());
    } else {
      return outcome_.Take();
    }
  }
  bool has_exception() const noexcept { return outcome_.has_exception(); }
  std::exception_ptr TakeException() noexcept {
    return outcome_.TakeException();
  }
  // Of a coroutine that has returned, and thrown nothing.
  Stored& value() noexcept { return outcome_.value(); }

 private:
  TaskOutcome<Stored> outcome_;
};

template <>
class TaskPromise<void> final : public PromiseBase {
 public:
  EDDY_CORO_WRAPPER Task<void> get_return_object() noexcept;
  void unhandled_exception() noexcept {
    SetException(std::current_exception());
  }
  void SetException(std::exception_ptr exception) noexcept {
    exception_.Set(std::move(exception));
  }
  void return_void() noexcept {}

  void Take() { exception_.Rethrow(); }
  bool has_exception() const noexcept { return exception_.is_set(); }
  std::exception_ptr TakeException() noexcept { return exception_.Take(); }

 private:
  PendingException exception_;
};

}  // namespace internal

template <class T = void>
class [[nodiscard]] EDDY_CORO_TYPE EDDY_CORO_AWAIT_ELIDABLE Task {
 public:
  using promise_type = internal::TaskPromise<T>;
  using ValueType = T;

  Task(Task&& other) noexcept
      : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    Task(std::move(other)).Swap(*this);
    return *this;
  }
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  void Swap(Task& other) noexcept { std::swap(coroutine_, other.coroutine_); }

  // What `co_await std::move(task)` or `co_await F()` uses.
  class [[nodiscard]] Awaiter {
   public:
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(
        std::coroutine_handle<Promise> waiter) const noexcept {
      static_assert(std::is_base_of_v<internal::PromiseBase, Promise>,
                    "a Task can be awaited only in a coroutine of eddy");
      promise_type& promise = CheckedPromise(coroutine_);
      promise.parent = &waiter.promise();
      promise.context = waiter.promise().context;
      const auto next =
          std::coroutine_handle<internal::PromiseBase>::from_promise(promise);
      if (internal::AwaitBudget::Spend(next)) [[unlikely]] {
        return std::noop_coroutine();
      }
      return coroutine_;
    }
    T await_resume() const { return coroutine_.promise().Take(); }
    // A Result says whether it worked: it is to be looked at.
    [[nodiscard]] T await_resume() const requires internal::kIsResult<T> {
      return coroutine_.promise().Take();
    }

   private:
    friend class Task;
    explicit Awaiter(std::coroutine_handle<promise_type> coroutine) noexcept
        : coroutine_(coroutine) {}
    std::coroutine_handle<promise_type> coroutine_;
  };
  Awaiter operator co_await() && noexcept { return Awaiter(coroutine_); }

 private:
  friend promise_type;
  friend internal::TaskAccess;

  explicit Task(std::coroutine_handle<promise_type> coroutine) noexcept
      : coroutine_(coroutine) {}

  static promise_type& CheckedPromise(
      std::coroutine_handle<promise_type> coroutine) noexcept {
    // Handles of eddy's coroutines are converted to handles of their promise's
    // base class, which holds for promises that the frame need not align.
    static_assert(alignof(promise_type) <= 2 * sizeof(void*),
                  "a Task's result cannot be over-aligned; return a "
                  "std::unique_ptr to it");
    if (!coroutine) [[unlikely]] {
      internal::Misuse("a Task that was moved from was awaited or spawned");
    }
    promise_type& promise = coroutine.promise();
    if (promise.context != nullptr) [[unlikely]] {
      internal::Misuse("a Task was awaited or spawned twice; a Task runs once");
    }
    return promise;
  }

  std::coroutine_handle<promise_type> coroutine_;
};

namespace internal {

// For the parts of the runtime that start a chain.
struct TaskAccess {
  // Makes the task the first of a chain under `context`; the handle starts it.
  template <class T>
  static std::coroutine_handle<PromiseBase> Begin(
      Task<T>& task, TaskContext& context) noexcept {
    auto& promise = Task<T>::CheckedPromise(task.coroutine_);
    promise.context = &context;
    return std::coroutine_handle<PromiseBase>::from_promise(promise);
  }
  template <class T>
  static TaskPromise<T>& PromiseOf(Task<T>& task) noexcept {
    return task.coroutine_.promise();
  }
};

template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

}  // namespace internal
}  // namespace eddy

#endif  // EDDY_RUNTIME_TASK_H_
