// WaitList: the tasks that wait for one thing, in the order in which they came.
// ListedWait: an awaiter that waits in such a list. StoppableWait: one that is
// a stop point.
//
// Event, Mutex, Semaphore and their like are counters and flags with a list of
// those that wait. What they give to a task that waits they give at once, when
// they take it out of the list and wake it: it cannot be taken by another one,
// and no stop that comes before the task runs takes it back.
#ifndef EDDY_RUNTIME_WAIT_LIST_H_
#define EDDY_RUNTIME_WAIT_LIST_H_

#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/intrusive_list.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/promise.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/suspension.h>

#include <coroutine>

namespace eddy::internal {

template <class Wait>
class WaitList {
 public:
  bool empty() const noexcept { return list_.empty(); }
  Wait& front() noexcept { return list_.front(); }

  void PushBack(Wait& wait) noexcept { list_.PushBack(wait); }

  // Takes the first out, and lets it go on. REQUIRES: not empty().
  void WakeFirst() noexcept {
    Wait& wait = list_.front();
    wait.waiter()->context->reactor().AssertCurrent();
    wait.Unlink();
    wait.Wake();
  }

  // For the destructor of `what`, such as "an Event".
  void ExpectEmpty(const char* what) const noexcept {
    if (!list_.empty()) [[unlikely]] {
      Misuse(
          "%s was destroyed while a task waits for it; stop the task and await "
          "its end first",
          what);
    }
  }

 private:
  IntrusiveList<Wait> list_;
};

template <class Derived>
class ListedWait : public Suspension, public ListHook<Derived> {
 public:
  bool await_ready() const noexcept { return false; }

 protected:
  ListedWait() noexcept = default;
  // Before it is awaited.
  ListedWait(ListedWait&&) noexcept {}
  ~ListedWait() = default;

  // The awaiting coroutine waits, as the last of the list.
  void WaitIn(WaitList<Derived>& list, PromiseBase& waiter) noexcept {
    waiter.context->reactor().AssertCurrent();
    list.PushBack(static_cast<Derived&>(*this));
    Suspend(waiter);
  }
};

// `Derived` has
//   bool Take() noexcept;                     takes what is there already
//   WaitList<Derived>& list() const noexcept; where to wait for what is not
template <class Derived>
class StoppableWait : public ListedWait<Derived> {
 public:
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    PromiseBase& promise = waiter.promise();
    stopped_ = promise.context->stop_requested();
    if (stopped_) return AwaitBudget::Spend(promise);
    Derived& wait = static_cast<Derived&>(*this);
    if (wait.Take()) return AwaitBudget::Spend(promise);
    this->WaitIn(wait.list(), promise);
    return true;
  }

 protected:
  StoppableWait() noexcept = default;
  StoppableWait(StoppableWait&&) noexcept = default;
  ~StoppableWait() = default;

  void Cancel() noexcept override {
    this->Unlink();
    stopped_ = true;
    this->Wake();
  }

  bool stopped() const noexcept { return stopped_; }
  Result<void> VoidResult() const noexcept {
    if (stopped_) return Unexpected(kCanceled);
    return {};
  }

 private:
  bool stopped_ = false;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_WAIT_LIST_H_
