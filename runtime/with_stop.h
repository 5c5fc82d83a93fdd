// WithStop: awaits something that a token can stop. Shield: awaits something
// that no stop reaches.
//
//   co_await WithStop(token, Serve(listener));
//   co_await Shield(stream.Shutdown());   // clean-up, also when stopped
//
// Result: what the awaitable gives. A stop from above reaches what is below
// WithStop as before, in addition to the token's. Below Shield neither a stop
// nor a deadline from above is seen; keep it short, or put a WithTimeout in it.
// Lifetime: the awaitable is kept until the await ends.
// Cost: no allocation, no system call.
#ifndef EDDY_RUNTIME_WITH_STOP_H_
#define EDDY_RUNTIME_WITH_STOP_H_

#include <eddy/runtime/context_awaitable.h>
#include <eddy/runtime/stop.h>

#include <coroutine>
#include <type_traits>
#include <utility>

namespace eddy {
namespace internal {

template <class Awaitable>
class [[nodiscard]] StopAwaitable final : public ContextAwaitable<Awaitable>,
                                          private StopListener {
  using Base = ContextAwaitable<Awaitable>;

 public:
  StopAwaitable(StopToken token, Awaitable&& awaitable)
      : Base(std::forward<Awaitable>(awaitable)), token_(std::move(token)) {}
  StopAwaitable(StopAwaitable&& other) noexcept(
      std::is_nothrow_move_constructible_v<Base>)
      : Base(std::move(other)), token_(std::move(other.token_)) {}

  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiter) {
    this->Enter(waiter.promise());
    token_.Listen(*this);
    return this->Start(waiter);
  }
  AwaitResult<Awaitable> await_resume() {
    if (this->linked()) this->Unlink();
    return this->Finish();
  }

  const char* name() const noexcept override { return "WithStop"; }

 private:
  void OnStop() noexcept override { this->context().RequestStop(); }

  StopToken token_;
};

template <class Awaitable>
class [[nodiscard]] ShieldAwaitable final : public ContextAwaitable<Awaitable> {
  using Base = ContextAwaitable<Awaitable>;

 public:
  explicit ShieldAwaitable(Awaitable&& awaitable)
      : Base(std::forward<Awaitable>(awaitable)) {}

  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiter) {
    this->Enter(waiter.promise(), /*stops_from_above=*/false);
    return this->Start(waiter);
  }
  AwaitResult<Awaitable> await_resume() { return this->Finish(); }

  const char* name() const noexcept override { return "Shield"; }
};

}  // namespace internal

template <class Awaitable>
internal::StopAwaitable<Awaitable> WithStop(StopToken token,
                                            Awaitable&& awaitable) {
  return {std::move(token), std::forward<Awaitable>(awaitable)};
}

template <class Awaitable>
internal::ShieldAwaitable<Awaitable> Shield(Awaitable&& awaitable) {
  return internal::ShieldAwaitable<Awaitable>(
      std::forward<Awaitable>(awaitable));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_WITH_STOP_H_
