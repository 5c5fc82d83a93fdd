// WithScope, TaskScope: tasks that run at the same time, and end together.
//
//   Result<void> served = co_await WithScope(
//       [&](TaskScope& scope) -> Task<Result<void>> {
//         while (true) {
//           EDDY_CO_TRY(net::TcpStream peer, co_await listener.Accept());
//           scope.Spawn(Handle(std::move(peer)));
//         }
//       });
//
// WithScope runs the body and returns when the body and all that was spawned in
// the scope have ended. Nothing runs that nobody waits for.
//
// Failure: the first failure, of the body or of a spawned task, stops the
// others and is what WithScope gives once all have ended. A failure is an
// exception that leaves a task, or an error in the Result that it returns; a
// task that must not bring the others down handles its errors and returns
// nothing. A kCanceled after a stop was requested is no failure. What fails
// after the first failure goes to set_later_failure_handler, and is counted
// (ReactorStats::dropped_failures) where none is set; a JoinHandle gives it
// too.
//
// Result: Result<R> where the body is a Task<R> or a Task<Result<R>>. An
// exception is thrown again. What the body returns, also a kCanceled of its
// own; but kCanceled where a stop from above cut a spawned task short and
// nothing else failed.
//
// Stop: a stop from above and scope.RequestStop() reach the body and every
// spawned task. A task that is spawned into a scope that is stopping starts,
// and its first operation answers kCanceled.
//
// Lifetime: the body is kept until the end, with its captures, so a capturing
// lambda is safe here. So is a callable given to Spawn, with its arguments. The
// body's local variables end with the body: what spawned tasks refer to lives
// outside the WithScope, or the body awaits their handles.
//
// Cost: WithScope itself allocates nothing; Spawn takes one block from the
// frame pool.
#ifndef EDDY_RUNTIME_TASK_SCOPE_H_
#define EDDY_RUNTIME_TASK_SCOPE_H_

#include <eddy/runtime/attributes.h>
#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/intrusive_list.h>
#include <eddy/runtime/join_handle.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/suspension.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_context.h>
#include <eddy/runtime/task_failure.h>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace eddy {
namespace internal {

template <class F>
class ScopeAwaitable;

// A callable and its arguments, as a base so that they live before the task
// that refers to them.
template <class F, class... Args>
struct KeptCall {
  F f;
  std::tuple<Args...> args;

  EDDY_CORO_WRAPPER auto Invoke() {
    return Invoke(std::index_sequence_for<Args...>());
  }
  template <std::size_t... kIndex>
  EDDY_CORO_WRAPPER auto Invoke(std::index_sequence<kIndex...>) {
    return f(std::get<kIndex>(std::move(args))...);
  }
};

template <class T, class F, class... Args>
class SpawnedCall final : private KeptCall<F, Args...>,
                          public SpawnedTaskOf<T> {
  static_assert(alignof(KeptCall<F, Args...>) <= alignof(std::max_align_t),
                "a spawned callable and its arguments cannot be over-aligned");

 public:
  SpawnedCall(TaskScope& scope, const TaskContext& scope_context, F&& callable,
              Args&&... arguments)
      : KeptCall<F, Args...>{std::move(callable), {std::move(arguments)...}},
        SpawnedTaskOf<T>(scope, scope_context, KeptCall<F, Args...>::Invoke()) {
  }
};

}  // namespace internal

class TaskScope {
 public:
  // REQUIRES: every spawned task has ended, which WithScope sees to.
  ~TaskScope();
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

  // Starts a task in this scope: it is queued, and runs when the caller
  // suspends next. The handle gives its result and may be dropped.
  template <class T>
  JoinHandle<T> Spawn(Task<T> task) {
    AssertOpen();
    return Add(
        new internal::SpawnedTaskOf<T>(*this, context_, std::move(task)));
  }

  // Starts f(args...), which returns a Task. The callable and copies of its
  // arguments are kept until the task has ended and its handle is gone, so
  // lambdas may capture, and parameters may be const references, of the
  // argument's own type: a temporary that an argument is converted to ends
  // before the task. Use std::ref for an argument that is meant to be shared.
  template <class F, class... Args>
  requires(!internal::kIsTask<std::decay_t<F>>) auto Spawn(F f, Args... args) {
    using Returned = std::invoke_result_t<F&, Args&&...>;
    static_assert(internal::kIsTask<Returned>,
                  "a spawned callable has to return a Task");
    using T = typename Returned::ValueType;
    AssertOpen();
    return Add<T>(new internal::SpawnedCall<T, F, Args...>(
        *this, context_, std::move(f), std::move(args)...));
  }

  // Requests a stop of the body and of every task in the scope. Their
  // kCanceled is then no failure of the scope.
  void RequestStop() noexcept;

  bool stop_requested() const noexcept { return context_.stop_requested(); }

  // Called with each failure of the body or a task that comes after the one
  // that WithScope gives, before the scope ends. Must not throw, nor use the
  // scope.
  void set_later_failure_handler(
      std::function<void(const TaskFailure&)> handler) {
    later_failure_ = std::move(handler);
  }

  // Spawned tasks that have not ended.
  std::size_t live() const noexcept { return live_; }

 private:
  friend class Reactor;
  friend class internal::SpawnedTask;
  template <class F>
  friend class internal::ScopeAwaitable;

  // The body runs under `context`.
  explicit TaskScope(internal::TaskContext& context) noexcept
      : context_(context) {}

  template <class T>
  JoinHandle<T> Add(internal::SpawnedTaskOf<T>* task) noexcept {
    tasks_.PushBack(*task);
    ++live_;
    context_.reactor().Ready(*task);
    return JoinHandle<T>(task);
  }
  void AssertOpen() const noexcept {
    context_.reactor().AssertCurrent();
    if (drained_ != nullptr && live_ == 0) [[unlikely]] {
      UsedAfterEnd();
    }
  }
  [[noreturn]] static void UsedAfterEnd() noexcept;

  void StopAll() noexcept;
  void TaskEnded(internal::SpawnedTask& task,
                 const TaskFailure* failure) noexcept;
  void BodyFailed(TaskFailure failure) noexcept;
  void Fail(TaskFailure failure) noexcept;
  void VisitContexts(internal::ContextVisitor& visitor) const;

  internal::TaskContext& context_;
  internal::IntrusiveList<internal::SpawnedTask> tasks_;
  std::size_t live_ = 0;
  // What waits for the tasks, once the body has ended.
  internal::Suspension* drained_ = nullptr;
  TaskFailure failure_;
  std::function<void(const TaskFailure&)> later_failure_;
  bool stopped_here_ = false;
  bool cut_short_ = false;
};

namespace internal {

template <class F>
class [[nodiscard]] ScopeAwaitable final : public Suspension {
  using BodyTask = std::invoke_result_t<F&, TaskScope&>;
  static_assert(kIsTask<BodyTask>, "the body of a scope has to return a Task");
  using Body = typename BodyTask::ValueType;

 public:
  explicit ScopeAwaitable(F f) : f_(std::move(f)) {}
  ScopeAwaitable(ScopeAwaitable&& other) : f_(std::move(other.f_)) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiter) {
    PromiseBase& promise = waiter.promise();
    state_.emplace(*this, *promise.context);
    Suspend(promise);
    try {
      state_->body.emplace(f_(state_->scope));
    } catch (...) {
      // No coroutine, and thrown before there was one.
      state_->scope.BodyFailed({std::current_exception(), {}});
      return state_->BodyEnded();
    }
    const auto next = TaskAccess::Begin(*state_->body, *state_);
    if (AwaitBudget::Spend(next)) [[unlikely]] {
      return std::noop_coroutine();
    }
    return next;
  }
  [[nodiscard]] AsResult<Body> await_resume() {
    TaskScope& scope = state_->scope;
    if (scope.failure_.exception) {
      std::rethrow_exception(scope.failure_.exception);
    }
    if (scope.failure_.error) return Unexpected(*scope.failure_.error);
    if (scope.cut_short_) return Unexpected(kCanceled);
    if constexpr (std::is_void_v<Body>) {
      return {};
    } else {
      return TaskAccess::PromiseOf(*state_->body).Take();
    }
  }

  void Cancel() noexcept override { state_->scope.StopAll(); }
  const char* name() const noexcept override { return "WithScope"; }
  void VisitContexts(ContextVisitor& visitor) const override {
    if (!state_->ended) visitor.Visit(*state_);
    state_->scope.VisitContexts(visitor);
  }

 private:
  // The body's context and its scope.
  struct State final : public TaskContext {
    State(ScopeAwaitable& owner_in, const TaskContext& parent) noexcept
        : TaskContext(&parent), scope(*this), owner(owner_in) {}

    std::coroutine_handle<> ChainEnded() noexcept override {
      if (HasFailed(*body)) [[unlikely]] {
        scope.BodyFailed(FailureOf(*body));
      }
      return BodyEnded();
    }
    std::coroutine_handle<> BodyEnded() noexcept {
      ended = true;
      if (scope.live() == 0) {
        return owner.Unsuspend(*owner.waiter()->context);
      }
      scope.drained_ = &owner;
      return std::noop_coroutine();
    }

    TaskScope scope;
    ScopeAwaitable& owner;
    std::optional<BodyTask> body;
    bool ended = false;
  };

  F f_;
  std::optional<State> state_;
};

}  // namespace internal

// `co_await WithScope(body)`; body(TaskScope&) returns a Task.
template <class F>
internal::ScopeAwaitable<F> WithScope(F body) {
  return internal::ScopeAwaitable<F>(std::move(body));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_TASK_SCOPE_H_
