// ConditionVariable: waits, without a Mutex, until what it protects has
// changed.
//
//   Mutex mutex;
//   ConditionVariable not_empty;
//   std::deque<Job> jobs;
//
//   Mutex::Guard guard = co_await mutex.Lock();             // in one task
//   const auto some = [&] { return !jobs.empty(); };
//   EDDY_CO_CHECK(co_await not_empty.Wait(guard, some));
//   Job job = Pop(jobs);
//
//   Mutex::Guard guard = co_await mutex.Lock();             // in another
//   jobs.push_back(job);
//   not_empty.NotifyOne();
//
// Where nothing is awaited between the look at the state and its change, no
// mutex is needed: then an Event, a Semaphore or a Channel is simpler.
//
// Wait(guard) unlocks the guard's mutex, waits for a notification, and locks it
// again. Nothing wakes it but a notification or a stop. Wait(guard, predicate)
// waits until predicate() is true, which is called with the mutex locked.
//
// Result: nothing; the guard holds the mutex again, whatever the result.
// Errors: kCanceled.
// Exceptions: those of the predicate; the guard holds the mutex then too.
//
// Stop: stopped before, a wait answers kCanceled and does not unlock, and no
// predicate is called. Stopped while it waits, it answers kCanceled once it has
// the mutex again, which is no stop point. A notification is never lost to a
// stop: a wait that was stopped first has taken none, so that NotifyOne goes to
// the next; one that was notified first gives success. With a predicate it
// gives success wherever that is true once it has the mutex, so that a
// WithTimeout around it tells what std::condition_variable's wait_for would.
// Order: NotifyOne wakes the one that has waited longest. Those that are woken
// get the mutex in that order, behind those that wait for it already.
//
// Lifetime: guard and mutex live until the await returns; the guard holds
// nothing in between. Destroying a condition variable that tasks wait for
// aborts; those that were notified do not count. REQUIRES: the guard holds a
// mutex, the same as those of others that wait. Violations abort. Notifying
// needs no lock. Thread safety: belongs to one reactor. Cost: no allocation, no
// system call, no lock; with a predicate one frame.
#ifndef EDDY_RUNTIME_CONDITION_VARIABLE_H_
#define EDDY_RUNTIME_CONDITION_VARIABLE_H_

#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/mutex.h>
#include <eddy/runtime/promise.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/wait_list.h>

#include <coroutine>

namespace eddy {

class ConditionVariable {
 public:
  ConditionVariable() noexcept = default;
  ConditionVariable(const ConditionVariable&) = delete;
  ConditionVariable& operator=(const ConditionVariable&) = delete;
  ~ConditionVariable() { waiters_.ExpectEmpty("a ConditionVariable"); }

  void NotifyOne() noexcept {
    if (!waiters_.empty()) Notify();
  }
  void NotifyAll() noexcept {
    while (!waiters_.empty()) Notify();
  }

  class [[nodiscard]] WaitAwaiter final : public internal::MutexWait {
   public:
    WaitAwaiter(ConditionVariable& condition, Mutex::Guard& guard) noexcept
        : condition_(condition), guard_(guard) {}

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
      internal::PromiseBase& promise = waiter.promise();
      condition_.Expect(guard_);
      stopped_ = promise.context->stop_requested();
      if (stopped_) return internal::AwaitBudget::Spend(promise);
      mutex_ = Mutex::Detach(guard_);
      condition_.mutex_ = mutex_;
      WaitIn(condition_.waiters_, promise);
      waits_ = true;
      mutex_->Unlock();
      return true;
    }
    [[nodiscard]] Result<void> await_resume() const noexcept {
      if (mutex_ != nullptr) Mutex::Attach(guard_, *mutex_);
      if (stopped_) return Unexpected(kCanceled);
      return {};
    }

    const char* name() const noexcept override {
      return waits_ ? "ConditionVariable" : "Mutex, after ConditionVariable";
    }

   private:
    friend class ConditionVariable;

    void Cancel() noexcept override {
      if (!waits_) return;
      stopped_ = true;
      LockAgain();
    }
    void LockAgain() noexcept {
      waiter()->context->reactor().AssertCurrent();
      waits_ = false;
      Unlink();
      mutex_->WakeLocked(*this);
    }

    ConditionVariable& condition_;
    Mutex::Guard& guard_;
    Mutex* mutex_ = nullptr;
    bool waits_ = false;  // in the list of the condition variable
    bool stopped_ = false;
  };
  WaitAwaiter Wait(Mutex::Guard& guard) noexcept {
    return WaitAwaiter(*this, guard);
  }

  template <class Predicate>
  Task<Result<void>> Wait(Mutex::Guard& guard, Predicate predicate) {
    EDDY_CO_CHECK(co_await CheckStop(*this, guard));
    Result<void> woken;
    // What has come true when it is stopped is what the caller waits for.
    while (!predicate()) {
      if (!woken) co_return woken;
      woken = co_await Wait(guard);
    }
    co_return Result<void>();
  }

 private:
  // The stop point of a Wait whose predicate is true already.
  class [[nodiscard]] CheckStop {
   public:
    CheckStop(ConditionVariable& condition, Mutex::Guard& guard) noexcept
        : condition_(condition), guard_(guard) {}

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
      condition_.Expect(guard_);
      stopped_ = waiter.promise().context->stop_requested();
      return false;
    }
    [[nodiscard]] Result<void> await_resume() const noexcept {
      if (stopped_) return Unexpected(kCanceled);
      return {};
    }

   private:
    ConditionVariable& condition_;
    const Mutex::Guard& guard_;
    bool stopped_ = false;
  };

  void Expect(const Mutex::Guard& guard) noexcept {
    if (!guard) [[unlikely]] {
      internal::Misuse(
          "Wait of a ConditionVariable with a guard that holds no mutex");
    }
    if (!waiters_.empty() && mutex_ != Mutex::Of(guard)) [[unlikely]] {
      internal::Misuse(
          "Wait of a ConditionVariable with another mutex than a task that "
          "waits for it already; use one mutex for all");
    }
  }
  void Notify() noexcept {
    static_cast<WaitAwaiter&>(waiters_.front()).LockAgain();
  }

  internal::WaitList<internal::MutexWait> waiters_;
  Mutex* mutex_ = nullptr;  // of those that wait
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_CONDITION_VARIABLE_H_
