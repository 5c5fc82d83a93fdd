// Watch<T>: the latest value of something, and who wants to know of a change.
//
//   Watch<Config> config(ReadConfig());
//
//   Task<void> Follow(Watch<Config>::Receiver receiver) {
//     Apply(receiver.Get());
//     while (auto changed = co_await receiver.Changed()) Apply(receiver.Get());
//   }
//
//   scope.Spawn(Follow(config.Subscribe()));
//   config.Set(ReadConfig());
//   config.Update([](Config& now) { ++now.level; });
//
// A receiver hears of every change that comes while it waits or works, but of
// several changes since it looked only once: it sees the last value, and may
// never see those between. (For each value to each receiver: Broadcast.)
//
// watch.Get(), receiver.Get()
//   The value. The reference is for use before the next await: another task may
//   change what it refers to then. Copy what has to last.
// Set(value), Update(f)
//   Never wait. Set is a change also where the value is equal. f gets a T&;
//   where it returns false, nothing counts as changed. Errors: kClosed, and
//   the value is as it was.
// Subscribe()
//   A receiver of what changes from here on. It leaves when it is destroyed.
// co_await receiver.Changed()
//   Result: nothing, when there is a change that the receiver has not seen: one
//   since its Subscribe(), last Changed() or last Get(). Errors: kEndOfStream,
//   where the watch is closed and all changes were seen; kCanceled.
// Close()
//   Nothing changes any more. Get() goes on giving the last value.
//
// Stop: a Changed() that gives kCanceled has taken nothing: the next one tells
// of the change. One that came before the stop is told.
// Lifetime: destroying a watch that has receivers aborts, and so does
// destroying or moving a receiver that a task awaits. Each task has a receiver
// of its own.
// Exceptions: what the move of a value or f throws comes out of Set or Update,
// and counts as a change, for the value may be another one.
// Thread safety: belongs to one reactor. T: any type that can be moved.
// Cost: no allocation, no system call. Set and Update are linear in those that
// wait.
#ifndef EDDY_RUNTIME_WATCH_H_
#define EDDY_RUNTIME_WATCH_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/subscription.h>

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

namespace eddy {

template <std::movable T>
class Watch : public internal::Publisher {
 public:
  class Receiver;

  explicit Watch(T value = T()) noexcept(
      std::is_nothrow_move_constructible_v<T>)
      : value_(std::move(value)) {}

  const T& Get() const noexcept { return value_; }

  Result<void> Set(T value) {
    return Update([&](T& now) { now = std::move(value); });
  }

  template <std::invocable<T&> F>
  Result<void> Update(F&& f) {
    using Answer = std::invoke_result_t<F, T&>;
    static_assert(std::is_void_v<Answer> || std::is_same_v<Answer, bool>,
                  "f returns nothing, or a bool that says whether it changed "
                  "the value");
    if (is_closed()) return Unexpected(kClosed);
    bool changed = true;
    try {
      if constexpr (std::is_void_v<Answer>) {
        std::invoke(std::forward<F>(f), value_);
      } else {
        changed = std::invoke(std::forward<F>(f), value_);
      }
    } catch (...) {
      Publish();
      throw;
    }
    if (changed) Publish();
    return {};
  }

  Receiver Subscribe() noexcept { return Receiver(*this); }

 private:
  T value_;
};

template <std::movable T>
class Watch<T>::Receiver : public internal::Subscriber {
 public:
  Receiver(Receiver&&) noexcept = default;
  Receiver& operator=(Receiver&&) noexcept = default;

  class [[nodiscard]] ChangedAwaiter final : public internal::SubscriberWait {
   public:
    explicit ChangedAwaiter(Receiver& receiver) noexcept
        : SubscriberWait(receiver), receiver_(receiver) {}

    [[nodiscard]] Result<void> await_resume() noexcept {
      const Result<void> ended = End();
      if (ended) receiver_.set_seen(receiver_.watch().published());
      return ended;
    }

    const char* name() const noexcept override { return "Watch"; }

   private:
    Receiver& receiver_;
  };
  ChangedAwaiter Changed() noexcept { return ChangedAwaiter(*this); }

  // Whether Changed() would not wait for a change.
  bool has_changed() const noexcept { return watch().published() != seen(); }

  // The value of its watch, which the receiver has seen then.
  const T& Get() noexcept {
    // (Not under a Changed() that has been woken, which is to succeed.)
    if (!awaited()) set_seen(watch().published());
    return watch().Get();
  }

 private:
  friend class Watch;
  explicit Receiver(Watch& watch) noexcept : Subscriber(watch) {}

  const Watch& watch() const noexcept {
    return static_cast<const Watch&>(publisher());
  }
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_WATCH_H_
