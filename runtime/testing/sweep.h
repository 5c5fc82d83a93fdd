// StopAtEveryPoint, FailAtEveryPoint: run a scenario again and again, each time
// stopped, or failed, at another point, and look at what is left.
//
//   TEST(SessionTest, LeavesNothingBehind) {
//     const auto scenario = []() -> Task<Result<void>> {
//       ... a server and a client in a scope, from start to end ...
//     };
//     EXPECT_EQ(StopAtEveryPoint(scenario).failure, "");
//     EXPECT_EQ(FailAtEveryPoint(scenario).failure, "");
//   }
//
// A scenario is a callable that returns a Task of nothing or of a Result; it is
// called for each run, on a fresh reactor, and has to make all it needs.
//
// StopAtEveryPoint stops the first run at its first point, the second at its
// second, and so on, until a run ends before its stop comes. Points are where a
// stop can reach a task: after each resumption of a coroutine, when what it
// awaits is queued and not yet submitted, and after completions were reaped,
// when what it awaits has ended and it does not know yet.
//
// FailAtEveryPoint lets the first operation of the first run fail, the second
// of the second, and so on, until a run ends before its failure comes. The
// kernel does not see an operation that fails, but for a Close, which is
// carried out. Sleeps and jobs of Blocking are no operations; cancels and
// closes by destructors are not failed.
//
// A run may end with an error once it was stopped or failed, but with no
// exception; the last one, which was not, has to end well. After each it is
// checked that no frame, descriptor or timer is left, and by the reactor's end
// that no operation is in flight; and what `check` says. A sweep without a
// point counts as failed. A run that does not end aborts the program with a
// dump of its tasks.
//
// Under EDDY_CHAOS_SEED the runs are disturbed besides (see chaos_ring.h).
//
// Result: the number of points, and the first thing that was wrong, "" if
// nothing: a text with the point, what is left, and what the tasks waited for.
// REQUIRES: no reactor runs on this thread.
#ifndef EDDY_RUNTIME_TESTING_SWEEP_H_
#define EDDY_RUNTIME_TESTING_SWEEP_H_

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/time.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace eddy {

struct SweepOptions {
  // What an operation fails with; by default what is likely for it.
  std::optional<Error> fail_with;
  // Called after each run: says what is wrong, "" if nothing is.
  std::function<std::string()> check;
  // How long a run may last, in real time, before it counts as one that hangs.
  Duration longest_run = std::chrono::seconds(30);
  // A scenario with more points counts as one that never ends.
  std::uint64_t most_points = 100'000;
};

struct SweepReport {
  // Runs that were stopped or failed.
  std::uint64_t points = 0;
  std::string failure;
};

namespace internal {

using SweepScenario = std::function<Task<Result<void>>()>;

SweepReport StopSweep(const SweepScenario& scenario,
                      const SweepOptions& options);
SweepReport FailSweep(const SweepScenario& scenario,
                      const SweepOptions& options);

template <class F>
Task<Result<void>> RunScenario(F& f) {
  using T = typename std::invoke_result_t<F&>::ValueType;
  if constexpr (kIsResult<T>) {
    const T result = co_await f();
    if (!result) co_return Unexpected(result.error());
  } else {
    co_await f();
  }
  co_return Result<void>();
}

}  // namespace internal

template <class F>
SweepReport StopAtEveryPoint(F scenario, const SweepOptions& options = {}) {
  return internal::StopSweep(
      [&scenario] { return internal::RunScenario(scenario); }, options);
}

template <class F>
SweepReport FailAtEveryPoint(F scenario, const SweepOptions& options = {}) {
  return internal::FailSweep(
      [&scenario] { return internal::RunScenario(scenario); }, options);
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_TESTING_SWEEP_H_
