// What structure costs: scopes, several tasks at once, timeouts, streams.
//
//   bench/run structure [--quick] [--json FILE] [--benchmark_filter=REGEX]
//
// Each *_floor is the same work in the same run on the types of floor.h and
// floor_timers.h: for tasks at once a queue and a counter, whose last one
// resumes the waiter; for a timeout a read of the clock and a binary heap; for
// an operation raw liburing. What these leave out is what eddy's structure is
// for: a stop that reaches every task, failures that end siblings, inherited
// deadlines, a dump of what waits where. timeout_nop and when_any_nop less nop
// is what the bound costs; much of it is the kernel's, which has to set a timer
// for a wait that a deadline bounds (timeout_nop_floor less nop_floor).
//
// The counters are those of docs/benchmarking.md, where a floor's frames are
// not seen, for they are not of eddy's pool. One should see allocs=0, but for
// when_all_range, whose result is a std::vector. spawn_join and scope_spawn/1
// differ by the scope. --json writes Google Benchmark's own format.
//
// Each *_asio, where Asio is installed, is the same as its users would write
// it, on a context that one thread uses. Its frames come from aligned_alloc
// where it has none to reuse, so that "allocs" does not see them.

#include <eddy/runtime/interval.h>
#include <eddy/runtime/stream.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/benchmark.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/when_any.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "bench/micro/floor.h"
#include "bench/micro/floor_timers.h"
#include "bench/micro/nop.h"
#include "bench/micro/on_queue.h"
#include "bench/micro/raw_ring.h"

using namespace std::chrono_literals;

namespace {

using eddy::Task;
using eddy::benchmark::DoNotOptimize;
using eddy::benchmark::State;

// (Called on both sides: inlined, a frame may be part of its caller's.)
[[gnu::noinline]] Task<long> Answer(long n) { co_return n + 1; }
[[gnu::noinline]] floor_types::Task FloorAnswer(long n) { co_return n + 1; }
[[gnu::noinline]] floor_types::Member FloorMember(long n) { co_return n + 1; }

// --- Spawn and join in an open scope -----------------------------------------

Task<> SpawnBody(State& state) {
  static_cast<void>(
      co_await eddy::WithScope([&](eddy::TaskScope& scope) -> Task<> {
        long sum = co_await scope.Spawn(Answer(1));
        for (auto _ : state) {
          sum = co_await scope.Spawn(Answer(sum));
          DoNotOptimize(sum);
        }
      }));
}
EDDY_BENCHMARK(SpawnBody)->Name("spawn_join");

floor_types::Task FloorSpawnBody(State& state, floor_types::Queue& queue) {
  long sum = 0;
  for (auto _ : state) {
    const floor_types::Task task = FloorAnswer(sum);
    task.Spawn(queue);
    sum = co_await task.Join();
    DoNotOptimize(sum);
  }
  co_return sum;
}
EDDY_BENCHMARK(OnQueue<FloorSpawnBody>)->Name("spawn_join_floor");

// --- A scope around nothing, and one in which tasks are spawned --------------

Task<> ScopeBody(State& state) {
  const auto once = [] {
    return eddy::WithScope([](eddy::TaskScope&) -> Task<long> { co_return 1; });
  };
  long sum = *co_await once();
  for (auto _ : state) {
    sum += *co_await once();
    DoNotOptimize(sum);
  }
}
EDDY_BENCHMARK(ScopeBody)->Name("scope");

floor_types::Task FloorScopeBody(State& state, floor_types::Queue& /*queue*/) {
  long sum = 0;
  for (auto _ : state) {
    sum += co_await FloorAnswer(0);
    DoNotOptimize(sum);
  }
  co_return sum;
}
EDDY_BENCHMARK(OnQueue<FloorScopeBody>)->Name("scope_floor");

Task<> ScopeSpawnBody(State& state) {
  const long tasks = state.range(0);
  const auto once = [&] {
    return eddy::WithScope([&](eddy::TaskScope& scope) -> Task<> {
      for (long i = 0; i < tasks; ++i) scope.Spawn(Answer(i));
      co_return;
    });
  };
  static_cast<void>(co_await once());
  for (auto _ : state) static_cast<void>(co_await once());
}
EDDY_BENCHMARK(ScopeSpawnBody)->Name("scope_spawn")->Arg(1)->Arg(10);

floor_types::Task FloorSpawnAll(floor_types::Queue& queue,
                                floor_types::Group& group,
                                std::vector<floor_types::Member>& members,
                                long tasks) {
  for (long i = 0; i < tasks; ++i) {
    members.push_back(FloorMember(i));
    members.back().Spawn(queue, group);
  }
  co_return 0;
}
floor_types::Task FloorScopeSpawnBody(State& state, floor_types::Queue& queue) {
  const long tasks = state.range(0);
  std::vector<floor_types::Member> members;
  floor_types::Group group;
  for (auto _ : state) {
    co_await FloorSpawnAll(queue, group, members, tasks);
    co_await floor_types::Wait{group};
    members.clear();
  }
  co_return 0;
}
EDDY_BENCHMARK(OnQueue<FloorScopeSpawnBody>)
    ->Name("scope_spawn_floor")
    ->Arg(1)
    ->Arg(10);

// --- WhenAll and WhenAny -----------------------------------------------------

template <std::size_t... kIndex>
auto AllOf(std::index_sequence<kIndex...>) {
  return eddy::WhenAll(Answer(long{kIndex})...);
}
template <std::size_t kTasks>
Task<> AllBody(State& state) {
  constexpr auto kIndices = std::make_index_sequence<kTasks>();
  DoNotOptimize(co_await AllOf(kIndices));
  for (auto _ : state) DoNotOptimize(co_await AllOf(kIndices));
}
EDDY_BENCHMARK(AllBody<2>)->Name("when_all/2");
EDDY_BENCHMARK(AllBody<10>)->Name("when_all/10");

auto Answers(long tasks) {
  return std::views::iota(0L, tasks) | std::views::transform(Answer);
}
Task<> AllOfRangeBody(State& state) {
  const long tasks = state.range(0);
  DoNotOptimize(co_await eddy::WhenAll(Answers(tasks)));
  for (auto _ : state) {
    DoNotOptimize(co_await eddy::WhenAll(Answers(tasks)));
  }
}
EDDY_BENCHMARK(AllOfRangeBody)->Name("when_all_range")->Arg(10)->Arg(100);

floor_types::Task FloorAllBody(State& state, floor_types::Queue& queue) {
  const long tasks = state.range(0);
  std::vector<floor_types::Member> members;
  floor_types::Group group;
  for (auto _ : state) {
    for (long i = 0; i < tasks; ++i) {
      members.push_back(FloorMember(i));
      members.back().Spawn(queue, group);
    }
    co_await floor_types::Wait{group};
    long sum = 0;
    for (const floor_types::Member& member : members) sum += member.value();
    DoNotOptimize(sum);
    members.clear();
  }
  co_return 0;
}
EDDY_BENCHMARK(OnQueue<FloorAllBody>)
    ->Name("when_all_floor")
    ->Arg(2)
    ->Arg(10)
    ->Arg(100);

// The first has ended before the others start: all run nevertheless, so the
// floor is that of WhenAll.
template <std::size_t... kIndex>
auto AnyOf(std::index_sequence<kIndex...>) {
  return eddy::WhenAny(Answer(long{kIndex})...);
}
template <std::size_t kTasks>
Task<> AnyBody(State& state) {
  constexpr auto kIndices = std::make_index_sequence<kTasks>();
  DoNotOptimize(co_await AnyOf(kIndices));
  for (auto _ : state) DoNotOptimize(co_await AnyOf(kIndices));
}
EDDY_BENCHMARK(AnyBody<2>)->Name("when_any/2");
EDDY_BENCHMARK(AnyBody<10>)->Name("when_any/10");

// --- An operation, bounded in time -------------------------------------------

Task<> NopBody(State& state) {
  for (auto _ : state) DoNotOptimize(co_await Nop());
}
EDDY_BENCHMARK(NopBody)->Name("nop");

void NopFloor(State& state) {
  RawRing ring;
  for (auto _ : state) ring.Nops(1);
}
EDDY_BENCHMARK(NopFloor)->Name("nop_floor");

Task<> TimeoutNopBody(State& state) {
  for (auto _ : state) {
    DoNotOptimize(co_await eddy::WithTimeout(1s, Nop()));
  }
}
EDDY_BENCHMARK(TimeoutNopBody)->Name("timeout_nop");

// The kernel's timer, and the two reads of the clock that say for how long.
void TimeoutNopFloor(State& state) {
  RawRing ring;
  for (auto _ : state) {
    const eddy::TimePoint deadline = eddy::Clock::now() + 1s;
    const std::chrono::nanoseconds left = deadline - eddy::Clock::now();
    __kernel_timespec time{.tv_sec = left / 1s, .tv_nsec = (left % 1s).count()};
    ring.Nops(1, &time);
  }
}
EDDY_BENCHMARK(TimeoutNopFloor)->Name("timeout_nop_floor");

Task<> AnyNopBody(State& state) {
  const auto once = [] { return eddy::WhenAny(Nop(), eddy::Sleep(1s)); };
  DoNotOptimize(co_await once());
  for (auto _ : state) DoNotOptimize(co_await once());
}
EDDY_BENCHMARK(AnyNopBody)->Name("when_any_nop");

// --- A task, bounded in time -------------------------------------------------

Task<> TimeoutBody(State& state) {
  long sum = *co_await eddy::WithTimeout(1s, Answer(1));
  for (auto _ : state) {
    sum += *co_await eddy::WithTimeout(1s, Answer(sum));
    DoNotOptimize(sum);
  }
}
EDDY_BENCHMARK(TimeoutBody)->Name("timeout");

// A deadline within a nearer one: it is never set.
Task<> TimeoutOuterBody(State& state) {
  const auto once = [](long n) {
    return eddy::WithTimeout(1s, eddy::WithTimeout(2s, Answer(n)));
  };
  long sum = *co_await once(1);
  for (auto _ : state) {
    sum += *co_await once(sum);
    DoNotOptimize(sum);
  }
}
EDDY_BENCHMARK(TimeoutOuterBody)->Name("timeout_nested/outer_nearer");

// A deadline within a later one: both are set.
Task<> TimeoutInnerBody(State& state) {
  const auto once = [](long n) {
    return eddy::WithTimeout(2s, eddy::WithTimeout(1s, Answer(n)));
  };
  long sum = *co_await once(1);
  for (auto _ : state) {
    sum += *co_await once(sum);
    DoNotOptimize(sum);
  }
}
EDDY_BENCHMARK(TimeoutInnerBody)->Name("timeout_nested/inner_nearer");

class FloorTimer final : public floor_types::HeapTimers::Timer {
 private:
  void Expire() noexcept override {}
};
// As many as the argument says, one within the other.
floor_types::Task FloorTimeoutBody(State& state,
                                   floor_types::Queue& /*queue*/) {
  floor_types::HeapTimers timers;
  FloorTimer outer;
  FloorTimer inner;
  const bool nested = state.range(0) == 2;
  long sum = 0;
  for (auto _ : state) {
    timers.Add(outer, eddy::Clock::now() + 2s);
    if (nested) timers.Add(inner, eddy::Clock::now() + 1s);
    sum += co_await FloorAnswer(sum);
    if (nested) timers.Remove(inner);
    timers.Remove(outer);
    DoNotOptimize(sum);
  }
  co_return sum;
}
EDDY_BENCHMARK(OnQueue<FloorTimeoutBody>)
    ->Name("timeout_floor")
    ->Arg(1)
    ->Arg(2);

// --- An element of a stream --------------------------------------------------

eddy::Stream<long> Count() {
  for (long i = 0;; ++i) co_yield long{i};
}
Task<> StreamBody(State& state) {
  eddy::Stream<long> stream = Count();
  for (auto _ : state) DoNotOptimize(co_await stream.Next());
}
EDDY_BENCHMARK(StreamBody)->Name("stream_element");

floor_types::Numbers FloorCount() {
  for (long i = 0;; ++i) co_yield i;
}
floor_types::Task FloorStreamBody(State& state, floor_types::Queue& /*queue*/) {
  const floor_types::Numbers stream = FloorCount();
  for (auto _ : state) DoNotOptimize(co_await stream.Next());
  co_return 0;
}
EDDY_BENCHMARK(OnQueue<FloorStreamBody>)->Name("stream_element_floor");

// --- A tick that is due ------------------------------------------------------

Task<> IntervalBody(State& state) {
  eddy::Interval interval(1ns);
  for (auto _ : state) DoNotOptimize(co_await interval.Next());
}
EDDY_BENCHMARK(IntervalBody)->Name("interval_tick");

floor_types::Task FloorIntervalBody(State& state, floor_types::Queue& queue,
                                    floor_types::HeapTimers& timers) {
  eddy::TimePoint due = eddy::Clock::now();
  for (auto _ : state) {
    co_await floor_types::SleepUntil(queue, timers, due);
    due = eddy::Clock::now();
  }
  co_return 0;
}
void IntervalFloor(State& state) {
  floor_types::Queue queue;
  floor_types::HeapTimers timers;
  floor_types::Task task = FloorIntervalBody(state, queue, timers);
  task.Start();
  floor_types::RunUntilDone(queue, timers, task);
}
EDDY_BENCHMARK(IntervalFloor)->Name("interval_tick_floor");

}  // namespace
