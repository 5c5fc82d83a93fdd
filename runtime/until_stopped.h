// UntilStopped: waits until the awaiting task is to stop.
//
//   Task<Result<void>> Service::Run() {
//     const auto body = [this](TaskScope& scope) -> Task<void> {
//       scope_ = &scope;  // what others spawn in, until the service is stopped
//       co_await UntilStopped();
//       scope_ = nullptr;
//     };
//     co_return co_await WithScope(body);
//   }
//
// For the body of a scope that a service keeps open for its whole life.
//
// Result: none. Returns once a stop is requested from above, by the scope's own
// RequestStop() or failure, or by a deadline that has passed; at once if that
// was before. Under Shield, where no stop arrives, it waits for ever.
// Cost: none besides the suspension; no timer, no system call.
#ifndef EDDY_RUNTIME_UNTIL_STOPPED_H_
#define EDDY_RUNTIME_UNTIL_STOPPED_H_

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/suspension.h>

#include <coroutine>

namespace eddy {

class [[nodiscard]] UntilStopped final : public internal::Suspension {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    internal::PromiseBase& promise = waiter.promise();
    if (promise.context->stop_requested()) {
      return internal::AwaitBudget::Spend(promise);
    }
    promise.context->reactor().AssertCurrent();
    Suspend(promise);
    return true;
  }
  void await_resume() const noexcept {}

  const char* name() const noexcept override { return "UntilStopped"; }

 private:
  void Cancel() noexcept override { Wake(); }
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_UNTIL_STOPPED_H_
