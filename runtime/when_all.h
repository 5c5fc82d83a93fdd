// WhenAll: several awaitables at the same time; goes on when all have ended.
//
//   auto [user, orders] = co_await WhenAll(LoadUser(id), LoadOrders(id));
//
//   std::vector<Task<Result<Page>>> fetches;
//   for (const Url& url : urls) fetches.push_back(Fetch(url));
//   std::vector<Result<Page>> pages = co_await WhenAll(std::move(fetches));
//
// Takes tasks, operations, timeouts, handles: all that can be awaited. Tasks
// and other rvalues are kept; another lvalue is awaited where it is. A range is
// moved in, or makes its awaitables itself:
//
//   co_await WhenAll(ids | std::views::transform(Load));
//
// Result: a std::tuple with what each gave, in their order; std::monostate for
// void, T& for a reference. Of a range, a std::vector<T>; nothing where they
// give nothing; std::reference_wrapper<T> for T&. None at all: an empty tuple
// or vector, at once. An error in a Result is a result like any other and stops
// nobody: for tasks of which one failure ends all, see WithScope.
//
// Exceptions: the first stops the others and is thrown when all have ended.
// The results that there were are destroyed, and further exceptions dropped;
// ReactorStats::dropped_failures counts these.
//
// Stop: a stop from above reaches each of them, and each gives what it gives
// when stopped. They inherit the deadline.
//
// Order: the first is started at once, the others when the loop gets to them.
//
// Lifetime: what was passed by value is kept until the end of the expression
// with the co_await. What a task refers to has to live as long as for any
// await.
//
// REQUIRES: awaited at most once.
//
// Cost: no frame for a Task, one for another awaitable. One block from the
// frame pool for a range, and its result.
#ifndef EDDY_RUNTIME_WHEN_ALL_H_
#define EDDY_RUNTIME_WHEN_ALL_H_

#include <eddy/runtime/concurrent.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace eddy {
namespace internal {

template <class R>
using AllElement =
    std::conditional_t<std::is_lvalue_reference_v<R>, R, Kept<R>>;

template <class... R>
class [[nodiscard]] WhenAllAwaitable final : public ConcurrentTuple<R...> {
  using Base = ConcurrentTuple<R...>;
  using Results = std::tuple<AllElement<R>...>;

 public:
  explicit WhenAllAwaitable(Task<R>&&... tasks) noexcept
      : Base(Base::FirstEnd::kIsNothingSpecial, std::move(tasks)...) {}

  Results await_resume() { return Take(); }
  // A Result says whether it worked: it is to be looked at.
  [[nodiscard]] Results await_resume() requires(kIsResult<R> || ...) {
    return Take();
  }

  const char* name() const noexcept override { return "WhenAll"; }

 private:
  Results Take() {
    this->RethrowFailure();
    return std::apply([](auto&... slot) { return Results(slot.Take()...); },
                      this->slots());
  }
};

template <class R>
class [[nodiscard]] WhenAllOfAwaitable final : public ConcurrentArray<R> {
  using Base = ConcurrentArray<R>;
  using Results =
      std::conditional_t<std::is_void_v<R>, void, std::vector<Kept<R>>>;

 public:
  explicit WhenAllOfAwaitable(PoolArray<ConcurrentSlot<R>> slots) noexcept
      : Base(Base::FirstEnd::kIsNothingSpecial, std::move(slots)) {}

  Results await_resume() { return Take(); }
  [[nodiscard]] Results await_resume() requires kIsResult<R> { return Take(); }

  const char* name() const noexcept override { return "WhenAll"; }

 private:
  Results Take() {
    this->RethrowFailure();
    if constexpr (!std::is_void_v<R>) {
      Results results;
      results.reserve(this->slots().size());
      for (ConcurrentSlot<R>& slot : this->slots()) {
        results.push_back(slot.Take());
      }
      return results;
    }
  }
};

}  // namespace internal

// `auto [a, b] = co_await WhenAll(f(), g());`
template <class... Awaitables>
auto WhenAll(Awaitables&&... awaitables) {
  static_assert((internal::kMayBeAwaited<Awaitables> && ...),
                "a Task is awaited once: pass it with std::move");
  return internal::WhenAllAwaitable<internal::ResultOf<Awaitables>...>(
      internal::AsTask<Awaitables>(std::forward<Awaitables>(awaitables))...);
}

// `std::vector<T> all = co_await WhenAll(std::move(tasks));`
template <std::ranges::input_range Range>
auto WhenAll(Range&& range) {
  static_assert(internal::Consumable<Range>,
                "the awaitables are moved out of the range: pass it with "
                "std::move, and not a view of it");
  return internal::WhenAllOfAwaitable<internal::RangeResultOf<Range>>(
      internal::SlotsOf<Range>(std::forward<Range>(range)));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_WHEN_ALL_H_
