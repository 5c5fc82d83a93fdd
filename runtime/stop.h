// StopSource, StopToken, StopCallback: asking a task to end early.
//
//   StopSource source;
//   ... co_await WithStop(source.token(), Serve(listener)) ...
//   source.RequestStop();
//
// Below a scope, a timeout or WithStop a stop needs no token: it flows down by
// itself. A token is for what a stop reaches by other ways: from a signal
// handler task, a callback, another part of the program; and, from
// CurrentStopToken(), for long computations that look at it.
//
// Thread safety: none; source, tokens and callbacks belong to one thread.
// Lifetime: tokens may outlive their source.
#ifndef EDDY_RUNTIME_STOP_H_
#define EDDY_RUNTIME_STOP_H_

#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/intrusive_list.h>
#include <eddy/runtime/promise.h>
#include <eddy/runtime/task_context.h>

#include <coroutine>
#include <utility>

namespace eddy {
namespace internal {

// Called when a stop is requested, unless destroyed before.
class StopListener : public ListHook<StopListener> {
 public:
  virtual void OnStop() noexcept = 0;

 protected:
  StopListener() noexcept = default;
  ~StopListener() {
    if (linked()) Unlink();
  }
};

// What a source and its tokens share. Counted without atomics.
class StopState {
 public:
  void Ref() noexcept { ++references_; }
  void Unref() noexcept {
    if (--references_ == 0) Delete();
  }

  bool requested() const noexcept { return requested_; }

  void RequestStop() noexcept {
    if (requested_) return;
    requested_ = true;
    Ref();  // a listener may let go of the last token
    while (!listeners_.empty()) {
      StopListener& listener = listeners_.front();
      listener.Unlink();
      listener.OnStop();
    }
    Unref();
  }

  // Calls the listener now if a stop was requested already.
  void Listen(StopListener& listener) noexcept {
    if (requested_) {
      listener.OnStop();
    } else {
      listeners_.PushBack(listener);
    }
  }

 private:
  // A listener may outlive all who could request a stop. Out of line: g++ 12
  // warns of a use after the end where it inlines the counting.
  [[gnu::noinline]] void Delete() noexcept {
    while (!listeners_.empty()) listeners_.front().Unlink();
    delete this;
  }

  IntrusiveList<StopListener> listeners_;
  unsigned references_ = 1;
  bool requested_ = false;
};

}  // namespace internal

// Tells whether a stop was requested. A default token never is.
class StopToken {
 public:
  StopToken() noexcept = default;
  StopToken(const StopToken& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->Ref();
  }
  StopToken(StopToken&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)) {}
  StopToken& operator=(StopToken other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~StopToken() {
    if (state_ != nullptr) state_->Unref();
  }

  bool stop_requested() const noexcept {
    return state_ != nullptr && state_->requested();
  }
  // False for a default token.
  bool stop_possible() const noexcept { return state_ != nullptr; }

  // For StopCallback and WithStop.
  void Listen(internal::StopListener& listener) const noexcept {
    if (state_ != nullptr) state_->Listen(listener);
  }

 private:
  friend class StopSource;
  friend class CurrentStopToken;
  explicit StopToken(internal::StopState& state) noexcept : state_(&state) {
    state_->Ref();
  }

  internal::StopState* state_ = nullptr;
};

// Requests stops. One allocation each.
class StopSource {
 public:
  StopSource() : state_(new internal::StopState) {}
  ~StopSource() { state_->Unref(); }
  StopSource(const StopSource&) = delete;
  StopSource& operator=(const StopSource&) = delete;

  StopToken token() const noexcept { return StopToken(*state_); }
  bool stop_requested() const noexcept { return state_->requested(); }

  // Runs the callbacks of the tokens, in the order of their making, and asks
  // what runs under WithStop to end early. Resumes no coroutine in place. A
  // second call does nothing.
  void RequestStop() noexcept { state_->RequestStop(); }

 private:
  internal::StopState* state_;
};

// Calls f() when a stop is requested, at once if it was before; not any more
// once the callback is destroyed. f must not throw.
template <class F>
class [[nodiscard]] StopCallback final : private internal::StopListener {
 public:
  StopCallback(const StopToken& token, F f) : f_(std::move(f)) {
    token.Listen(*this);
  }

 private:
  void OnStop() noexcept override { f_(); }

  F f_;
};

// `StopToken token = co_await CurrentStopToken();` is the token of the awaiting
// task: it tells of every stop from above, and of deadlines that passed.
// Cost: one allocation for the first token of a task; it does not wait.
class [[nodiscard]] CurrentStopToken {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) {
    internal::PromiseBase& promise = waiter.promise();
    token_ = StopToken(promise.context->EnsureStopState());
    return internal::AwaitBudget::Spend(promise);
  }
  StopToken await_resume() noexcept { return std::move(token_); }

 private:
  StopToken token_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_STOP_H_
