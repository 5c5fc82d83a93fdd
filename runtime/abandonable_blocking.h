// AbandonableBlocking: Blocking for a function that may take for ever, and that
// nobody needs to wait for.
//
//   AbandonableBlocking ask(Ask, std::move(question));
//   Result<Answer> answer = co_await WithTimeout(5s, std::move(ask));
//
// A stop lets the await return at once, with kCanceled, although the function
// runs on. It runs to its end on its thread, and there what it gave is
// destroyed. That is sound only for a function that shares nothing with its
// caller and whose effects nobody minds: a look-up, a question.
//
// Result, Errors: as Blocking.
// Stop: a stop point at any time. After kCanceled the function has not run, or
// runs on, or has run and its result is lost; a result that was there before
// the stop came is given.
// REQUIRES: f and its arguments own all that they use, since they may outlive
// the caller, the reactor, and main(): no references, no views, no pointers to
// what others own (those that the compiler can see it refuses). What f
// returns can be destroyed on any thread.
// Lifetime: f and its arguments are kept, by value, until f has returned.
// Limits: at most BlockingPool::kMaxAbandonable (8) such functions run at once
// in a process, abandoned ones among them; others wait for their turn, and can
// be stopped there too. So functions that hang never take the threads that
// Blocking needs.
// Cost: as Blocking, and one allocation.
#ifndef EDDY_RUNTIME_ABANDONABLE_BLOCKING_H_
#define EDDY_RUNTIME_ABANDONABLE_BLOCKING_H_

#include <eddy/runtime/blocking_pool.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/reply.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/suspension.h>

#include <atomic>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace eddy {
namespace internal {

// Types that refer to what somebody else owns. A function is nobody's.
template <class T>
inline constexpr bool kBorrows =
    std::is_reference_v<T> ||
    (std::is_pointer_v<T> && !std::is_function_v<std::remove_pointer_t<T>>);
template <class T>
inline constexpr bool kBorrows<std::reference_wrapper<T>> = true;
template <class T, std::size_t kExtent>
inline constexpr bool kBorrows<std::span<T, kExtent>> = true;
template <class Char, class Traits>
inline constexpr bool kBorrows<std::basic_string_view<Char, Traits>> = true;

// Who awaits an AbandonedJob, or did.
class AbandonableWaiter : public Suspension, protected Reply {
 public:
  using Reply::Send;

 protected:
  AbandonableWaiter() noexcept = default;
  ~AbandonableWaiter() = default;

 private:
  void Arrived() noexcept final { Wake(); }
};

// The function, apart from who awaits it.
//
// Invariants:
//  1. The thread and the waiter each end their part by one exchange of state_,
//     kRunning -> kFinished or kRunning -> kAbandoned; who finds the other's
//     mark there is the last to know the job.
//  2. kFinished: the waiter lives until the thread's message has arrived, and
//     destroys the job. kAbandoned: the thread does not touch the waiter, and
//     destroys the job.
template <class F, class... Args>
class AbandonableJob final : private BlockingJob {
  using Returned = std::invoke_result_t<F, Args...>;
  using Outcome = AsResult<Returned>;

 public:
  AbandonableJob(F f, std::tuple<Args...> args)
      : BlockingJob(/*abandonable=*/true),
        f_(std::move(f)),
        args_(std::move(args)) {}

  // Errors: as BlockingPool::Add; then it stays the caller's.
  Result<void> Start(AbandonableWaiter& waiter) {
    waiter_ = &waiter;
    return BlockingPool::Get().Add(*this);
  }

  // True where no thread has begun, nor will.
  bool TakeBack() noexcept { return BlockingPool::Get().Remove(*this); }

  // True where the function has not returned; the job is no longer the
  // caller's.
  bool Abandon() noexcept {
    // Acquire: what the thread has written, where it was first.
    // Release: pairs with the thread's acquire, so that what the caller did
    // with the job comes before its end.
    return state_.exchange(kAbandoned, std::memory_order_acq_rel) == kRunning;
  }

  // REQUIRES: its message has arrived.
  Outcome Take() {
    if (exception_) std::rethrow_exception(exception_);
    return *std::move(result_);
  }

 private:
  enum State : int { kRunning, kFinished, kAbandoned };

  void Run() noexcept override {
    try {
      if constexpr (std::is_void_v<Returned>) {
        std::apply(std::move(f_), std::move(args_));
        result_.emplace();
      } else {
        result_.emplace(std::apply(std::move(f_), std::move(args_)));
      }
    } catch (...) {
      exception_ = std::current_exception();
    }
    AbandonableWaiter* const waiter = waiter_;
    // Release: the result, for who takes it. Acquire: see Abandon().
    if (state_.exchange(kFinished, std::memory_order_acq_rel) == kAbandoned) {
      delete this;
    } else {
      waiter->Send();
    }
  }

  F f_;
  std::tuple<Args...> args_;
  AbandonableWaiter* waiter_ = nullptr;
  std::optional<Outcome> result_;
  std::exception_ptr exception_;
  std::atomic<int> state_ = kRunning;
};

}  // namespace internal

template <class F, class... Args>
class [[nodiscard]] AbandonableBlocking final
    : public internal::AbandonableWaiter {
  using Returned = std::invoke_result_t<F, Args...>;
  using Outcome = internal::AsResult<Returned>;
  static_assert(!(internal::kBorrows<F> || ... || internal::kBorrows<Args>),
                "the function may outlive what this argument refers to");
  static_assert(!internal::kBorrows<Returned>,
                "what is returned has to own what it refers to");

 public:
  explicit AbandonableBlocking(F f, Args... args)
      : f_(std::move(f)), args_(std::move(args)...) {}
  AbandonableBlocking(AbandonableBlocking&& other)
      : f_(std::move(other.f_)), args_(std::move(other.args_)) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) {
    internal::PromiseBase& promise = waiter.promise();
    if (promise.context->stop_requested()) return Refuse(promise, kCanceled);
    Reactor& reactor = promise.context->reactor();
    if (Result<void> opened = Open(reactor); !opened) {
      return Refuse(promise, opened.error());
    }
    job_ = std::make_unique<Job>(std::move(f_), std::move(args_));
    // Before the job: from then on it may end at any time.
    Suspend(promise);
    if (Result<void> started = job_->Start(*this); !started) {
      Unsuspend(*promise.context);
      Close();
      return Refuse(promise, started.error());
    }
    Expect();
    return true;
  }
  [[nodiscard]] Outcome await_resume() {
    if (error_) return Unexpected(*error_);
    return job_->Take();
  }

  const char* name() const noexcept override { return "AbandonableBlocking"; }

 private:
  using Job = internal::AbandonableJob<F, Args...>;

  bool Refuse(internal::PromiseBase& promise, Error error) noexcept {
    error_ = error;
    return internal::AwaitBudget::Spend(promise);
  }

  void Cancel() noexcept override {
    if (!job_->TakeBack()) {
      if (!job_->Abandon()) return;  // its message is on the way
      // The thread's now.
      static_cast<void>(job_.release());
    }
    error_ = kCanceled;
    Send();
  }

  F f_;
  std::tuple<Args...> args_;
  std::unique_ptr<Job> job_;
  std::optional<Error> error_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_ABANDONABLE_BLOCKING_H_
