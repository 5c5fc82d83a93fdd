// WhenAny: several awaitables at the same time; the first to end wins.
//
//   auto first = co_await WhenAny(io::Read(fd, buffer), events.Receive());
//   if (auto* n = first.value<0>()) Handle(buffer, *n);
//   if (auto* event = first.value<1>()) Handle(*event);
//
// Takes what WhenAll takes, ranges too. When one has ended, whatever it gave,
// the others, the losers, are stopped and awaited to their end: nothing goes on
// in the background, and no buffer is in use any more.
//
// Result: a WhenAnyResult, which is a std::variant: index() is the one that
// ended first, and its alternative what that gave (std::monostate for void,
// std::reference_wrapper<T> for T&). An error in a Result wins like a value.
// Of a range, a WhenAnyOf<T>, with the index and the value.
//
// Losers: a stop is a request, and what a loser gives all the same is kept, so
// that nothing that it consumed is lost:
//
//   late<I>()    what loser I gave although it was stopped: a value, or an
//                error other than kCanceled; empty for the winner and for a
//                loser that ended with kCanceled
//   value<I>()   what I gave, as the winner or late, or null
//
// So a loop over two sources looks at value<I>() of each. An awaitable that
// gives no Result has no kCanceled: what it gives is always kept.
//
// What a loser may have done by its end, and what late<I>() has then:
//
//   Read, ReadAt, Receive    consumed bytes             their number
//   Accept                   taken a connection         its descriptor
//   OpenAt                   opened or made a file      its descriptor
//   Connect                  connected                  success
//   Write, WriteAt, Send     written a part             the number of bytes
//   Poll                     seen events                the events
//   Sleep, SleepUntil        come to its time           success
//   Interval::Next           taken a tick               the tick
//   Stream::Next             taken an element           the element
//   Send of channels         sent the value             success
//   Receive of channels      taken a value              the value
//   Watch's Changed          seen a change              success
//   Event::Wait, Latch::Wait been let go on             success
//   Barrier::ArriveAndWait   met all the others         success
//   Semaphore::Acquire       taken permits              the permit
//   ConditionVariable::Wait  been notified              success
//   Lock of mutexes          (is waited for)            the guard
//   Close                    closed: no stop there      its result
//   Shutdown                 shut down                  success
//   Blocking(f)              run f, is waited for       the result of f
//   AbandonableBlocking(f)   run f, or it runs on       the result of f
//   JoinHandle               (is waited for)            the task's result
//   RemoteHandle             what it did so far         the task's result
//   Shield                   all (is waited for)        its result
//   Yield                    nothing                    std::monostate
//   WithTimeout, WithStop    as what is in it           as what is in it
//   ReadExactly, WriteAll    transferred a part         see `transferred`
//   Task<Result<T>>          what it did so far         if not kCanceled, that
//   Task<T>                  what it did so far         what it returns
//   WhenAll, WhenAny         as what is in it           always; look inside
//
// "Channels" are Channel, SharedChannel, and the receivers of Oneshot and
// Broadcast. A Send that loses has left its value where it was.
//
// A kCanceled of an operation means that it has consumed nothing (the socket of
// a Connect is to be closed). Of a task it means what the task says: one that
// has read half of a message into its own variables when it is stopped, and
// returns kCanceled, drops that half. Keep such state outside of the task. To
// drop a late result closes the descriptor in it.
//
// Exceptions: one that leaves any of them is thrown when all have ended; it
// stops the others. Results that there were, also late ones, are destroyed. Of
// several exceptions the first is thrown; ReactorStats::dropped_failures counts
// the others.
//
// Stop: a stop from above reaches all; the first to end, mostly with kCanceled,
// wins. They inherit the deadline. What no stop reaches (Shield, Lock, a
// running Blocking, a JoinHandle) delays the end of WhenAny.
//
// Order: the first is started at once, the others when the loop gets to them.
// All are started, also when one has won before: an operation then answers
// kCanceled and the kernel never sees it; a task runs to its first stop point.
//
// Lifetime, REQUIRES, Cost: as WhenAll. REQUIRES: not an empty range.
#ifndef EDDY_RUNTIME_WHEN_ANY_H_
#define EDDY_RUNTIME_WHEN_ANY_H_

#include <eddy/runtime/concurrent.h>
#include <eddy/runtime/error.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/timeout.h>

#include <cstddef>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace eddy {
namespace internal {

template <class... R>
class WhenAnyAwaitable;

// What a loser gives that it had nothing to give.
template <class T>
bool IsCanceled(const T& kept) noexcept {
  if constexpr (kIsResult<T>) {
    return !kept && kept.error() == kCanceled;
  } else {
    return false;
  }
}

}  // namespace internal

// R: what the awaitables give, such as Result<std::size_t>, or void.
template <class... R>
class [[nodiscard]] WhenAnyResult : public std::variant<internal::Kept<R>...> {
  using Variant = std::variant<internal::Kept<R>...>;
  template <std::size_t kIndex>
  using Alternative = std::variant_alternative_t<kIndex, Variant>;

 public:
  template <std::size_t kIndex>
  std::optional<Alternative<kIndex>>& late() noexcept {
    return std::get<kIndex>(late_);
  }
  template <std::size_t kIndex>
  const std::optional<Alternative<kIndex>>& late() const noexcept {
    return std::get<kIndex>(late_);
  }

  template <std::size_t kIndex>
  Alternative<kIndex>* value() noexcept {
    if (this->index() == kIndex) return std::get_if<kIndex>(this);
    auto& late_value = std::get<kIndex>(late_);
    return late_value ? &*late_value : nullptr;
  }
  template <std::size_t kIndex>
  const Alternative<kIndex>* value() const noexcept {
    return const_cast<WhenAnyResult*>(this)->template value<kIndex>();
  }

 private:
  friend class internal::WhenAnyAwaitable<R...>;

  // See WithTimeout.
  friend bool HoldsElement(const WhenAnyResult& result) noexcept {
    using internal::HoldsElement;
    const auto holds = [](const auto* value) {
      return value != nullptr && HoldsElement(*value);
    };
    return [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
      return (holds(result.template value<kIndex>()) || ...);
    }
    (std::index_sequence_for<R...>());
  }

  template <std::size_t kIndex>
  WhenAnyResult(std::in_place_index_t<kIndex> index,
                Alternative<kIndex>&& winner)
      : Variant(index, std::move(winner)) {}

  std::tuple<std::optional<internal::Kept<R>>...> late_;
};

// Of a range. T: std::monostate where its awaitables give nothing.
template <class T>
struct [[nodiscard]] WhenAnyOf {
  std::size_t index;  // of the winner
  T value;            // what it gave
  // The losers that gave something all the same, with their index, in order.
  std::vector<std::pair<std::size_t, T>> late;

  // See WithTimeout.
  friend bool HoldsElement(const WhenAnyOf& result) noexcept {
    using internal::HoldsElement;
    bool holds = HoldsElement(result.value);
    for (const auto& loser : result.late) {
      holds = holds || HoldsElement(loser.second);
    }
    return holds;
  }
};

namespace internal {

template <class... R>
class [[nodiscard]] WhenAnyAwaitable final : public ConcurrentTuple<R...> {
  using Base = ConcurrentTuple<R...>;
  using Outcome = WhenAnyResult<R...>;

 public:
  explicit WhenAnyAwaitable(Task<R>&&... tasks) noexcept
      : Base(Base::FirstEnd::kStopsTheOthers, std::move(tasks)...) {}

  [[nodiscard]] Outcome await_resume() {
    this->RethrowFailure();
    return Take<0>();
  }

  const char* name() const noexcept override { return "WhenAny"; }

 private:
  // The winner is kIndex or one after it.
  template <std::size_t kIndex>
  Outcome Take() {
    if constexpr (kIndex + 1 < sizeof...(R)) {
      if (!std::get<kIndex>(this->slots()).Is(this->winner())) {
        return Take<kIndex + 1>();
      }
    }
    return TakeWinner<kIndex>();
  }
  // (With one return, so that the outcome is made where it goes.)
  template <std::size_t kIndex>
  Outcome TakeWinner() {
    Outcome outcome(std::in_place_index<kIndex>,
                    std::get<kIndex>(this->slots()).Take());
    TakeLate(outcome, std::index_sequence_for<R...>());
    return outcome;
  }
  template <std::size_t... kIndex>
  void TakeLate(Outcome& outcome, std::index_sequence<kIndex...>) {
    (TakeLate(std::get<kIndex>(this->slots()), outcome.template late<kIndex>()),
     ...);
  }
  template <class T>
  void TakeLate(ConcurrentSlot<T>& slot, std::optional<Kept<T>>& late) {
    if (slot.Is(this->winner())) return;
    Kept<T> kept = slot.Take();
    if (!IsCanceled(kept)) late.emplace(std::move(kept));
  }
};

template <class R>
class [[nodiscard]] WhenAnyOfAwaitable final : public ConcurrentArray<R> {
  using Base = ConcurrentArray<R>;
  using Outcome = WhenAnyOf<Kept<R>>;

 public:
  explicit WhenAnyOfAwaitable(PoolArray<ConcurrentSlot<R>> slots) noexcept
      : Base(Base::FirstEnd::kStopsTheOthers, std::move(slots)) {
    if (this->slots().size() == 0) [[unlikely]] {
      Misuse("WhenAny of no awaitables would wait for ever");
    }
  }

  [[nodiscard]] Outcome await_resume() {
    this->RethrowFailure();
    std::size_t winner = 0;
    while (!this->slots()[winner].Is(this->winner())) ++winner;
    Outcome outcome{winner, this->slots()[winner].Take(), {}};
    for (std::size_t i = 0; i != this->slots().size(); ++i) {
      if (i == winner) continue;
      Kept<R> kept = this->slots()[i].Take();
      if (!IsCanceled(kept)) outcome.late.emplace_back(i, std::move(kept));
    }
    return outcome;
  }

  const char* name() const noexcept override { return "WhenAny"; }
};

}  // namespace internal

// `auto first = co_await WhenAny(f(), g());`
template <class... Awaitables>
auto WhenAny(Awaitables&&... awaitables) {
  static_assert(sizeof...(Awaitables) != 0,
                "WhenAny of no awaitables would wait for ever");
  static_assert((internal::kMayBeAwaited<Awaitables> && ...),
                "a Task is awaited once: pass it with std::move");
  return internal::WhenAnyAwaitable<internal::ResultOf<Awaitables>...>(
      internal::AsTask<Awaitables>(std::forward<Awaitables>(awaitables))...);
}

// `auto first = co_await WhenAny(std::move(tasks));`
template <std::ranges::input_range Range>
auto WhenAny(Range&& range) {
  static_assert(internal::Consumable<Range>,
                "the awaitables are moved out of the range: pass it with "
                "std::move, and not a view of it");
  return internal::WhenAnyOfAwaitable<internal::RangeResultOf<Range>>(
      internal::SlotsOf<Range>(std::forward<Range>(range)));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_WHEN_ANY_H_
