// OnceFlag: does something once, when it is first needed.
//
//   OnceFlag connected;
//
//   EDDY_CO_CHECK(co_await connected.Call([&] { return Connect(client); }));
//
// The first task that calls runs its function; those that call meanwhile wait
// for its end. Where that worked, nobody ever runs one again. Where it failed,
// by an error (a stop gives one, too) or an exception, the one that has waited
// longest runs its own, and so on.
//
// f() returns nothing, a Result<void>, or a Task of either.
//
// Result: nothing: what was to be done is done. Errors: those of the caller's
// own f, as f gave them; kCanceled. Exceptions: those of the caller's own f.
// Stop: stopped before, or while it waits for another one's f, a call answers
// kCanceled and has run nothing. In f a stop reaches what f awaits.
//
// Lifetime: f is kept, with its captures, until the await returns. Destroying a
// flag that is not done while a task is in its Call aborts.
// REQUIRES: f does not call the same flag: it would wait for itself.
// Thread safety: belongs to one reactor.
//
// Cost: one frame, and what f takes; no allocation, no system call, no atomic
// operation. Where it is done already, done() tells without a frame.
#ifndef EDDY_RUNTIME_ONCE_FLAG_H_
#define EDDY_RUNTIME_ONCE_FLAG_H_

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/wait_list.h>

#include <type_traits>
#include <utility>

namespace eddy {

class OnceFlag {
 public:
  OnceFlag() noexcept = default;
  OnceFlag(const OnceFlag&) = delete;
  OnceFlag& operator=(const OnceFlag&) = delete;
  ~OnceFlag() {
    if (runs_ && !done_) [[unlikely]] {
      internal::Misuse(
          "a OnceFlag was destroyed while a task is in its Call; stop the task "
          "and await its end first");
    }
  }

  bool done() const noexcept { return done_; }

  template <class F>
  Task<Result<void>> Call(F f) {
    EDDY_CO_TRY(const bool is_done, co_await TurnAwaiter(*this));
    if (is_done) co_return Result<void>();
    Turn turn(*this);
    using R = std::invoke_result_t<F&>;
    if constexpr (internal::kIsTask<R>) {
      if constexpr (internal::kIsResult<typename R::ValueType>) {
        EDDY_CO_CHECK(co_await f());
      } else {
        static_assert(std::is_void_v<typename R::ValueType>,
                      "f returns a Task of nothing or of a Result<void>");
        co_await f();
      }
    } else if constexpr (internal::kIsResult<R>) {
      EDDY_CO_CHECK(f());
    } else {
      static_assert(std::is_void_v<R>,
                    "f returns nothing, a Result<void>, or a Task of either");
      f();
    }
    turn.Done();
    co_return Result<void>();
  }

 private:
  // Waits until it is done, or the caller's turn to do it. Gives whether it is
  // done. (Then the flag may be gone.)
  class [[nodiscard]] TurnAwaiter final
      : public internal::StoppableWait<TurnAwaiter> {
   public:
    explicit TurnAwaiter(OnceFlag& flag) noexcept : flag_(flag) {}

    [[nodiscard]] Result<bool> await_resume() const noexcept {
      if (stopped()) return Unexpected(kCanceled);
      return is_done_;
    }

    const char* name() const noexcept override { return "OnceFlag"; }

   private:
    friend class internal::StoppableWait<TurnAwaiter>;
    friend class OnceFlag;

    bool Take() noexcept {
      is_done_ = flag_.done_;
      return is_done_ || !std::exchange(flag_.runs_, true);
    }
    internal::WaitList<TurnAwaiter>& list() const noexcept {
      return flag_.waiters_;
    }

    OnceFlag& flag_;
    bool is_done_ = false;
  };

  // Ends with the caller's turn: all go on, or it is the next one's.
  class Turn {
   public:
    explicit Turn(OnceFlag& flag) noexcept : flag_(flag) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (flag_.waiters_.empty()) {
        flag_.runs_ = false;
        return;
      }
      do {
        flag_.waiters_.front().is_done_ = flag_.done_;
        flag_.waiters_.WakeFirst();
      } while (flag_.done_ && !flag_.waiters_.empty());
    }

    void Done() noexcept { flag_.done_ = true; }

   private:
    OnceFlag& flag_;
  };

  bool runs_ = false;  // or is about to: it was given to one that waited
  bool done_ = false;
  internal::WaitList<TurnAwaiter> waiters_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_ONCE_FLAG_H_
