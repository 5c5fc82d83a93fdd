// Yield: let everything that is ready run first (of the own SchedulingGroup,
// where the reactor has several).
//
//   for (...) { Compute(); co_await Yield(); }
//
// Result: none. Not a stop point: a long computation asks
// (co_await CurrentStopToken()).stop_requested() itself.
// Cost: a place in the ready queue; no system call by itself. The loop gives
// timers and I/O their turn after ReactorOptions::ready_per_turn resumptions.
#ifndef EDDY_RUNTIME_YIELD_H_
#define EDDY_RUNTIME_YIELD_H_

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/suspension.h>

#include <coroutine>

namespace eddy {

class [[nodiscard]] Yield : private internal::ReadyNode {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    internal::PromiseBase& promise = waiter.promise();
    coroutine =
        std::coroutine_handle<internal::PromiseBase>::from_promise(promise);
    promise.context->reactor().ReadyLast(*this);
  }
  void await_resume() const noexcept {}
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_YIELD_H_
