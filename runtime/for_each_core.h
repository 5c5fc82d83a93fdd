// ForEachCore: runs a function on each core of the Runtime, at the same time.
// MapReduce: the same, and makes one value of what they give.
//
//   EDDY_CO_CHECK(co_await ForEachCore([&](unsigned core) -> Task<Result<void>>
//   {
//     co_return co_await ServeOn(core, address);
//   }));
//   Result<std::size_t> keys = co_await MapReduce(
//       [](unsigned) { return LocalStore().size(); }, std::size_t{0},
//       std::plus<>());
//
// The function is called as f(core) on each core; it gives R, Result<R>,
// Task<R> or Task<Result<R>>. Each core has a copy of it, which lives on the
// core that awaits: what it refers to is shared by all of them and must not
// change, or belong to one core alone.
//
// Result: when all have ended. ForEachCore: nothing. MapReduce: init, reduced
// with what each core gave, in the order of the cores, on the core that awaits:
// value = reduce(std::move(value), gave).
// Errors and exceptions: the first failure of any core, which stops the others.
// Besides: those of SubmitTo.
// Stop: goes to all of them; see SubmitTo.
// Cost: a task for each core here, and what SubmitTo costs.
#ifndef EDDY_RUNTIME_FOR_EACH_CORE_H_
#define EDDY_RUNTIME_FOR_EACH_CORE_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/submit_to.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace eddy {
namespace internal {

// What a call on a core gives, without its Task and Result.
template <class F>
struct CallOnCore {
  CallOnCore(F& f_in, unsigned core_in) noexcept : f(f_in), core(core_in) {}
  auto operator()() const { return f(core); }
  F& f;
  unsigned core;
};
template <class F>
using PlainValueOf =
    typename SubmitAwaitable<CallOnCore<F>>::Outcome::value_type;

// Runs f(core) on each core; take(core, value), here, takes what it gave.
template <class F, class Take>
Task<Result<void>> CallOnEachCore(F f, Take take) {
  const auto call_on = [&take](unsigned core, F own) -> Task<Result<void>> {
    auto gave = co_await SubmitTo(core, CallOnCore<F>(own, core));
    if (!gave) co_return Unexpected(gave.error());
    if constexpr (std::is_void_v<PlainValueOf<F>>) {
      take(core);
    } else {
      take(core, *std::move(gave));
    }
    co_return Result<void>();
  };
  const unsigned cores = Runtime::OfTask().cores();
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    for (unsigned core = 0; core < cores; ++core) {
      scope.Spawn(call_on, core, f);
    }
    co_return Result<void>();
  };
  co_return co_await WithScope(body);
}

}  // namespace internal

template <class F>
Task<Result<void>> ForEachCore(F f) {
  return internal::CallOnEachCore(std::move(f), [](unsigned, auto&&...) {});
}

template <class Map, class T, class Reduce>
Task<Result<T>> MapReduce(Map map, T init, Reduce reduce) {
  using Value = internal::PlainValueOf<Map>;
  std::vector<std::optional<Value>> values(Runtime::OfTask().cores());
  const auto keep = [&](unsigned core, Value value) {
    values[core].emplace(std::move(value));
  };
  EDDY_CO_CHECK(
      co_await internal::CallOnEachCore(std::move(map), std::ref(keep)));
  for (std::optional<Value>& value : values) {
    init = reduce(std::move(init), *std::move(value));
  }
  co_return std::move(init);
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_FOR_EACH_CORE_H_
