// ContextAwaitable: awaits another awaitable under a context of its own.
//
// WithTimeout, WithDeadline, WithStop and Shield add something to the context
// of what they await. The awaiting coroutine is suspended meanwhile, so its
// promise can point to the new context for that time: whatever the inner
// awaitable starts finds it there. That costs no frame and no allocation.
#ifndef EDDY_RUNTIME_CONTEXT_AWAITABLE_H_
#define EDDY_RUNTIME_CONTEXT_AWAITABLE_H_

#include <eddy/runtime/suspension.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_context.h>

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

namespace eddy::internal {

// The awaiter of an awaitable: itself, or what its operator co_await gives.
template <class Awaitable>
decltype(auto) GetAwaiter(Awaitable&& awaitable) {
  if constexpr (requires {
                  std::forward<Awaitable>(awaitable).operator co_await();
                }) {
    return std::forward<Awaitable>(awaitable).operator co_await();
  } else {
    return std::forward<Awaitable>(awaitable);
  }
}
template <class Awaitable>
using AwaiterOf = decltype(GetAwaiter(std::declval<Awaitable>()));
template <class Awaitable>
using AwaitResult =
    decltype(std::declval<std::remove_reference_t<AwaiterOf<Awaitable>>&>()
                 .await_resume());

// A context without a task of its own.
class PlainContext final : public TaskContext {
 public:
  using TaskContext::TaskContext;
};

// `Awaitable` is kept by value, or as a reference if it is an lvalue.
template <class Awaitable>
class ContextAwaitable : public Suspension {
  static_assert(!(std::is_lvalue_reference_v<Awaitable> &&
                  kIsTask<std::remove_cvref_t<Awaitable>>),
                "a Task is awaited once: pass it with std::move");

 public:
  ContextAwaitable(ContextAwaitable&& other) noexcept(
      std::is_nothrow_move_constructible_v<Awaitable>)
      : Suspension(std::move(other)),
        awaitable_(std::forward<Awaitable>(other.awaitable_)) {}

  bool await_ready() const noexcept { return false; }

  void Cancel() noexcept final {
    if (stops_from_above_) context_->RequestStop();
  }
  void VisitContexts(ContextVisitor& visitor) const final {
    visitor.Visit(*context_);
  }

 protected:
  explicit ContextAwaitable(Awaitable&& awaitable)
      : awaitable_(std::forward<Awaitable>(awaitable)) {}
  ~ContextAwaitable() = default;

  // Puts the context between the waiter's and the awaitable.
  void Enter(PromiseBase& waiter, bool stops_from_above = true) {
    outer_ = waiter.context;
    stops_from_above_ = stops_from_above;
    if (stops_from_above) {
      context_.emplace(outer_);
    } else {
      context_.emplace(outer_->reactor());
      context_->set_group(outer_->group());
      context_->set_call_depth(outer_->call_depth());
    }
    Suspend(waiter);
    waiter.context = &*context_;
  }

  // Awaits the awaitable; returns what runs next. After Enter.
  template <class Promise>
  std::coroutine_handle<> Start(std::coroutine_handle<Promise> waiter) {
    try {
      return StartInner(waiter);
    } catch (...) {
      Leave();
      throw;
    }
  }

  // What the awaitable gives. Leaves after it: an awaitable that has a context
  // of its own leaves that first.
  decltype(auto) Finish() {
    const Leaver leaver{*this};
    return Awaiter().await_resume();
  }

  TaskContext& context() noexcept { return *context_; }
  TaskContext& outer() noexcept { return *outer_; }

 private:
  struct Leaver {
    ContextAwaitable& awaitable;
    ~Leaver() { awaitable.Leave(); }
  };
  static constexpr bool kIsOwnAwaiter =
      std::is_reference_v<AwaiterOf<Awaitable>>;
  struct Nothing {};
  using StoredAwaiter = std::conditional_t<
      kIsOwnAwaiter, Nothing,
      std::optional<std::remove_cvref_t<AwaiterOf<Awaitable>>>>;

  auto& Awaiter() noexcept {
    if constexpr (kIsOwnAwaiter) {
      return awaitable_;
    } else {
      return *awaiter_;
    }
  }

  template <class Promise>
  std::coroutine_handle<> StartInner(std::coroutine_handle<Promise> waiter) {
    if constexpr (!kIsOwnAwaiter) {
      awaiter_.emplace(GetAwaiter(std::forward<Awaitable>(awaitable_)));
    }
    if (Awaiter().await_ready()) return waiter;
    using Suspended = decltype(Awaiter().await_suspend(waiter));
    if constexpr (std::is_void_v<Suspended>) {
      Awaiter().await_suspend(waiter);
      return std::noop_coroutine();
    } else if constexpr (std::is_same_v<Suspended, bool>) {
      if (Awaiter().await_suspend(waiter)) return std::noop_coroutine();
      return waiter;
    } else {
      return Awaiter().await_suspend(waiter);
    }
  }

  // Takes the context out again.
  void Leave() noexcept {
    const_cast<PromiseBase*>(this->waiter())->context = outer_;
    Unsuspend(*outer_);
  }

  Awaitable awaitable_;
  [[no_unique_address]] StoredAwaiter awaiter_;
  std::optional<PlainContext> context_;
  TaskContext* outer_ = nullptr;
  bool stops_from_above_ = true;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_CONTEXT_AWAITABLE_H_
