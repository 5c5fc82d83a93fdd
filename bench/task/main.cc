// What awaiting costs: tasks, the ready queue, timers, the ring.
//
//   bench/run task [--quick] [--json FILE] [--benchmark_filter=REGEX]
//
// Each *_floor is the same work on the types of floor.h, or on raw liburing
// with eddy's set-up flags, in the same run. "allocs" are heap allocations per
// operation. --json writes Google Benchmark's own format.

#include <benchmark/benchmark.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "bench/task/allocations.h"
#include "bench/task/floor.h"
#include "bench/task/nop.h"

using namespace std::chrono_literals;

namespace {

using eddy::Result;
using eddy::Task;

// Counts from its making to its end.
class AllocationCounter {
 public:
  explicit AllocationCounter(benchmark::State& state)
      : state_(state), before_(Allocations()) {}
  ~AllocationCounter() {
    state_.counters["allocs"] =
        benchmark::Counter(static_cast<double>(Allocations() - before_),
                           benchmark::Counter::kAvgIterations);
  }
  AllocationCounter(const AllocationCounter&) = delete;
  AllocationCounter& operator=(const AllocationCounter&) = delete;

 private:
  benchmark::State& state_;
  std::uint64_t before_;
};

// Runs the coroutine on a reactor that lives for one benchmark.
template <Task<> (*body)(benchmark::State&)>
void OnReactor(benchmark::State& state) {
  eddy::SyncWait(body(state));
}

// --- Create, await and destroy a task ----------------------------------------

Task<long> Answer(long n) { co_return n + 1; }
Task<> TaskBody(benchmark::State& state) {
  long sum = co_await Answer(1);
  const AllocationCounter counter(state);
  for (auto _ : state) sum = co_await Answer(sum);
  benchmark::DoNotOptimize(sum);
}
BENCHMARK(OnReactor<TaskBody>)->Name("task");

floor_types::Task FloorAnswer(long n) { co_return n + 1; }
floor_types::Task FloorTaskBody(benchmark::State& state) {
  long sum = 0;
  for (auto _ : state) sum = co_await FloorAnswer(sum);
  benchmark::DoNotOptimize(sum);
  co_return sum;
}
void TaskFloor(benchmark::State& state) {
  floor_types::Task task = FloorTaskBody(state);
  task.Start();
}
BENCHMARK(TaskFloor)->Name("task_floor");

// --- A chain of awaits -------------------------------------------------------

// NOLINTNEXTLINE(misc-no-recursion)
Task<long> Chain(long depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await Chain(depth - 1);
}
Task<> ChainBody(benchmark::State& state) {
  benchmark::DoNotOptimize(co_await Chain(state.range(0)));
  const AllocationCounter counter(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(co_await Chain(state.range(0)));
  }
}
BENCHMARK(OnReactor<ChainBody>)->Name("chain")->Arg(10)->Arg(100);

// NOLINTNEXTLINE(misc-no-recursion)
floor_types::Task FloorChain(long depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await FloorChain(depth - 1);
}
floor_types::Task FloorChainBody(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(co_await FloorChain(state.range(0)));
  }
  co_return 0;
}
void ChainFloor(benchmark::State& state) {
  floor_types::Task task = FloorChainBody(state);
  task.Start();
}
BENCHMARK(ChainFloor)->Name("chain_floor")->Arg(10)->Arg(100);

// --- A round trip through the ready queue ------------------------------------

Task<> YieldBody(benchmark::State& state) {
  const AllocationCounter counter(state);
  for (auto _ : state) co_await eddy::Yield();
}
BENCHMARK(OnReactor<YieldBody>)->Name("yield");

floor_types::Task FloorYieldBody(benchmark::State& state,
                                 floor_types::Queue& queue) {
  for (auto _ : state) co_await floor_types::Yield{queue};
  co_return 0;
}
void YieldFloor(benchmark::State& state) {
  floor_types::Queue queue;
  floor_types::Task task = FloorYieldBody(state, queue);
  task.Start();
  queue.RunUntilDone(task);
}
BENCHMARK(YieldFloor)->Name("yield_floor");

// --- Spawn, join, scope, timeout, sleep --------------------------------------

Task<> SpawnBody(benchmark::State& state) {
  static_cast<void>(
      co_await eddy::WithScope([&](eddy::TaskScope& scope) -> Task<> {
        long sum = co_await scope.Spawn(Answer(1));
        const AllocationCounter counter(state);
        for (auto _ : state) sum = co_await scope.Spawn(Answer(sum));
        benchmark::DoNotOptimize(sum);
      }));
}
BENCHMARK(OnReactor<SpawnBody>)->Name("spawn_join");

Task<> ScopeBody(benchmark::State& state) {
  const auto once = [] {
    return eddy::WithScope([](eddy::TaskScope&) -> Task<long> { co_return 1; });
  };
  long sum = *co_await once();
  const AllocationCounter counter(state);
  for (auto _ : state) sum += *co_await once();
  benchmark::DoNotOptimize(sum);
}
BENCHMARK(OnReactor<ScopeBody>)->Name("scope");

Task<> TimeoutBody(benchmark::State& state) {
  long sum = *co_await eddy::WithTimeout(1s, Answer(1));
  const AllocationCounter counter(state);
  for (auto _ : state) sum += *co_await eddy::WithTimeout(1s, Answer(sum));
  benchmark::DoNotOptimize(sum);
}
BENCHMARK(OnReactor<TimeoutBody>)->Name("timeout_not_needed");

Task<> SleepBody(benchmark::State& state) {
  const AllocationCounter counter(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(co_await eddy::Sleep(0ns));
  }
}
BENCHMARK(OnReactor<SleepBody>)->Name("sleep_0");

// --- The ring ----------------------------------------------------------------

Task<> NopBody(benchmark::State& state) {
  const AllocationCounter counter(state);
  for (auto _ : state) benchmark::DoNotOptimize(co_await Nop());
}
BENCHMARK(OnReactor<NopBody>)->Name("nop");

// Of as many operations at once as the argument says, until the count is used
// up.
Task<> NopUntil(long& left) {
  while (left-- > 0) benchmark::DoNotOptimize(co_await Nop());
}
Task<> NopBatchBody(benchmark::State& state) {
  const long per_iteration = 16 * state.range(0);
  std::vector<eddy::JoinHandle<void>> handles;
  const auto iteration = [&] {
    return eddy::WithScope([&](eddy::TaskScope& scope) -> Task<> {
      long left = per_iteration;
      for (long i = 0; i < state.range(0); ++i) {
        handles.push_back(scope.Spawn(NopUntil(left)));
      }
      for (eddy::JoinHandle<void>& handle : handles) co_await handle;
      handles.clear();
    });
  };
  static_cast<void>(co_await iteration());
  {
    const AllocationCounter counter(state);
    for (auto _ : state) static_cast<void>(co_await iteration());
  }
  state.SetItemsProcessed(state.iterations() * per_iteration);
}
BENCHMARK(OnReactor<NopBatchBody>)->Name("nop_batch")->Arg(16)->Arg(64);

// Raw liburing with eddy's flags (Debian's liburing cannot leave out the
// submission queue's array).
class RawRing {
 public:
  RawRing() {
    io_uring_params params{};
    params.flags = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                   IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    if (io_uring_queue_init_params(512, &ring_, &params) != 0) {
      std::perror("io_uring_queue_init_params");
      std::exit(1);
    }
    io_uring_register_ring_fd(&ring_);
  }
  ~RawRing() { io_uring_queue_exit(&ring_); }
  RawRing(const RawRing&) = delete;
  RawRing& operator=(const RawRing&) = delete;

  void Nops(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      io_uring_prep_nop(io_uring_get_sqe(&ring_));
    }
    io_uring_submit_and_wait(&ring_, 1);
    io_uring_cqe* cqe;
    unsigned head;
    unsigned seen = 0;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      benchmark::DoNotOptimize(cqe->res);
      ++seen;
    }
    io_uring_cq_advance(&ring_, seen);
  }

 private:
  io_uring ring_;
};

void NopFloor(benchmark::State& state) {
  RawRing ring;
  for (auto _ : state) ring.Nops(1);
}
BENCHMARK(NopFloor)->Name("nop_floor");

void NopBatchFloor(benchmark::State& state) {
  RawRing ring;
  const auto batch = static_cast<unsigned>(state.range(0));
  for (auto _ : state) {
    for (int i = 0; i < 16; ++i) ring.Nops(batch);
  }
  state.SetItemsProcessed(state.iterations() * 16 * batch);
}
BENCHMARK(NopBatchFloor)->Name("nop_batch_floor")->Arg(16)->Arg(64);

}  // namespace

int main(int argc, char** argv) {
  // --quick and --json FILE (or --json=FILE) are those of every benchmark.
  std::vector<std::string> arguments;
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--quick") {
      arguments.emplace_back("--benchmark_min_time=0.01");
    } else if (argument == "--json" && i + 1 < argc) {
      arguments.push_back(std::string("--benchmark_out=") + argv[++i]);
    } else if (argument.starts_with("--json=")) {
      arguments.push_back("--benchmark_out=" + std::string(argument.substr(7)));
    } else {
      arguments.emplace_back(argument);
    }
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);
  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
