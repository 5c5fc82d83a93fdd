// Blocking: runs a function that blocks on a pool of threads, while the loop
// goes on.
//
//   Result<std::string> name = co_await Blocking(LookUp, user_id);
//
// For what has no asynchronous form: readdir, getaddrinfo, a library that does
// its own I/O, a long computation.
//
// Result: Result<R> for a function of R, and for one of Result<R>. An exception
// that leaves the function is thrown again.
// Errors: kCanceled where a stop came before a thread began; EAGAIN where the
// pool's queue is full (4096 jobs) or no thread can be started; EMFILE, ENFILE
// where the reactor cannot make the eventfd that it is woken with.
// Stop: a function that runs is not interrupted; the await returns when it has
// returned, with its result.
// Lifetime: the function and its arguments are kept, by value, until the await
// ends. They run on another thread: what they share with tasks needs the usual
// care; awaitables and anything of the reactor must not be touched.
// Cost: no allocation; a mutex, two thread switches, and at most two system
// calls (a wake-up each way). At most 16 threads per process.
#ifndef EDDY_RUNTIME_BLOCKING_H_
#define EDDY_RUNTIME_BLOCKING_H_

#include <eddy/runtime/blocking_pool.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/reply.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/suspension.h>

#include <coroutine>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace eddy {

template <class F, class... Args>
class [[nodiscard]] Blocking final : public internal::Suspension,
                                     private internal::Reply,
                                     private internal::BlockingJob {
  using Returned = std::invoke_result_t<F, Args...>;
  using Outcome = internal::AsResult<Returned>;

 public:
  explicit Blocking(F f, Args... args)
      : f_(std::move(f)), args_(std::move(args)...) {}
  Blocking(Blocking&& other)
      : f_(std::move(other.f_)), args_(std::move(other.args_)) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) {
    internal::PromiseBase& promise = waiter.promise();
    if (promise.context->stop_requested()) {
      result_.emplace(Unexpected(kCanceled));
      return internal::AwaitBudget::Spend(promise);
    }
    Reactor& reactor = promise.context->reactor();
    if (Result<void> opened = Open(reactor); !opened) {
      result_.emplace(Unexpected(opened.error()));
      return internal::AwaitBudget::Spend(promise);
    }
    // Before the job: from then on it may end at any time.
    Suspend(promise);
    if (Result<void> added = internal::BlockingPool::Get().Add(*this); !added) {
      Unsuspend(*promise.context);
      Close();
      result_.emplace(Unexpected(added.error()));
      return internal::AwaitBudget::Spend(promise);
    }
    Expect();
    return true;
  }
  [[nodiscard]] Outcome await_resume() {
    if (exception_) std::rethrow_exception(exception_);
    return *std::move(result_);
  }

  const char* name() const noexcept override { return "Blocking"; }

 private:
  // On a thread of the pool.
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
    Send();
  }
  void Arrived() noexcept override { Wake(); }
  void Cancel() noexcept override {
    if (!internal::BlockingPool::Get().Remove(*this)) return;
    result_.emplace(Unexpected(kCanceled));
    Send();
  }

  F f_;
  std::tuple<Args...> args_;
  std::optional<Outcome> result_;
  std::exception_ptr exception_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_BLOCKING_H_
