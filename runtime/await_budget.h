// AwaitBudget: how a task that never waits is kept from holding up the loop.
//
// A coroutine goes back to the loop when it waits. One that awaits only what is
// there already, such as tasks that return at once, would never do: I/O, timers
// and other tasks would starve. So each await that goes on without waiting is
// counted, and the one that uses up the turn's budget waits like a Yield: its
// coroutine goes behind what is ready, and the loop looks at timers and I/O.
//
// Cost: one decrement of a thread's counter for such an await.
#ifndef EDDY_RUNTIME_AWAIT_BUDGET_H_
#define EDDY_RUNTIME_AWAIT_BUDGET_H_

#include <eddy/runtime/promise.h>
#include <eddy/runtime/task_context.h>

#include <coroutine>

namespace eddy::internal {

class AwaitBudget {
 public:
  // Of a turn of the loop.
  static void Refill(int awaits) noexcept { before_last_ = awaits - 1; }
  static bool spent() noexcept { return before_last_ < 0; }

  // Counts an await after which `next` is to run, at once. True if that was the
  // budget's last: then `next` has been put behind what is ready, and what
  // runs now returns to the loop.
  static bool Spend(std::coroutine_handle<PromiseBase> next) noexcept {
    if (--before_last_ >= 0) [[likely]] {
      return false;
    }
    return PutBehind(next);
  }
  // The same where the awaiting coroutine itself goes on: what an await_suspend
  // that does not wait returns.
  static bool Spend(PromiseBase& waiter) noexcept {
    return Spend(std::coroutine_handle<PromiseBase>::from_promise(waiter));
  }

 private:
  // (In reactor.cc.)
  static bool PutBehind(std::coroutine_handle<PromiseBase> next) noexcept;

  // How many may go on before the one that does not. (Its sign is all that is
  // asked for, which the decrement gives.)
  static inline constinit thread_local int before_last_ = -1;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_AWAIT_BUDGET_H_
