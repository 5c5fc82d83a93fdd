// What page faults cost a loop: the first burst of tasks on a new thread. And
// what tasks take that wait, as they get more.
//
//   bench/run memory [--quick] [--json FILE] [--benchmark_filter=REGEX]
//
// tasks/N starts N tasks that wait for one event, sets it, and lets all end;
// the counters, of which "await" is CPU time and "bytes" are those of the heap,
// are of each task.
// The others:
//
// A burst spawns 20,000 tasks of 1 KiB each, and all of them wait before the
// first ends; the time is that of the burst, in which the loop does nothing
// else: the stall that a new connection would see. `plain` takes the memory
// from the heap, page by page; `prefaulted` has
// ReactorOptions::prefault_frames, `locked` lock_memory besides. `again` is a
// second burst on the same thread, whose memory is there already: what there is
// left when no page faults. `paged_out` is that second burst after the kernel
// was asked to take the memory away, as it does when memory is short
// (MADV_PAGEOUT; it needs a swap device, and does nothing without one).
// "faults" are page faults of the burst.

#include <benchmark/benchmark.h>
#include <eddy/runtime/event.h>
#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/benchmark.h>
#include <eddy/runtime/yield.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "bench/micro/heap_bytes.h"

namespace {

using eddy::Event;
using eddy::Reactor;
using eddy::ReactorOptions;
using eddy::Result;
using eddy::Task;
using eddy::TaskScope;

constexpr int kTasks = 20'000;
constexpr std::size_t kFrame = 1024;

enum class Burst { kFirst, kSecond, kSecondPagedOut };

struct Cost {
  double seconds = 0;
  long faults = 0;
};

// A task with state of its own, as that of a connection.
Task<void> Wait(Event& go) {
  std::array<std::byte, kFrame - 256> state;
  benchmark::DoNotOptimize(state.data());
  static_cast<void>(co_await go.Wait());
  benchmark::DoNotOptimize(state.data());
}

Task<void> RunBurst() {
  Event go;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < kTasks; ++i) scope.Spawn(Wait(go));
    co_await eddy::Yield();
    go.Set();
  };
  static_cast<void>(co_await eddy::WithScope(body));
}

long Faults() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

Task<Cost> Measure() {
  const long faults = Faults();
  const auto start = std::chrono::steady_clock::now();
  co_await RunBurst();
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - start;
  co_return Cost{took.count(), Faults() - faults};
}

// Below the line of headings.
bool HasSwap() {
  std::ifstream swaps("/proc/swaps");
  std::string line;
  return std::getline(swaps, line) && std::getline(swaps, line);
}

// Asks for it for all anonymous memory of the process that can be written.
void PageOut() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::string range, mode, offset, device;
    std::size_t inode = 1;
    fields >> range >> mode >> offset >> device >> inode;
    if (mode != "rw-p" || inode != 0) continue;
    std::size_t begin = 0;
    std::size_t end = 0;
    if (std::sscanf(range.c_str(), "%zx-%zx", &begin, &end) != 2) continue;
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_PAGEOUT);
  }
}

Task<Cost> Run(Burst burst) {
  if (burst == Burst::kFirst) co_return co_await Measure();
  co_await RunBurst();
  if (burst == Burst::kSecondPagedOut) PageOut();
  co_return co_await Measure();
}

void BM_Burst(benchmark::State& state, Burst burst, bool prefault, bool lock) {
  if (burst == Burst::kSecondPagedOut && !HasSwap()) {
    state.SkipWithError("no swap device");
    return;
  }
  ReactorOptions options;
  if (prefault) options.prefault_frames = kTasks * (kFrame + 256);
  options.lock_memory = lock;
  long faults = 0;
  for (auto _ : state) {
    // What threads before have left: a new thread's memory is to be new.
    malloc_trim(0);
    Cost cost;
    std::string error;
    std::thread([&] {
      auto reactor = Reactor::Create(options);
      if (!reactor) {
        error = reactor.error().message();
        return;
      }
      cost = (*reactor)->Run(Run(burst));
    }).join();
    if (!error.empty()) {
      state.SkipWithError(error.c_str());
      return;
    }
    state.SetIterationTime(cost.seconds);
    faults += cost.faults;
  }
  state.counters["faults"] = benchmark::Counter(
      static_cast<double>(faults), benchmark::Counter::kAvgIterations);
}

#define EDDY_BURST(name, ...)                    \
  BENCHMARK_CAPTURE(BM_Burst, name, __VA_ARGS__) \
      ->UseManualTime()                          \
      ->Unit(benchmark::kMillisecond)
EDDY_BURST(plain, Burst::kFirst, false, false);
EDDY_BURST(prefaulted, Burst::kFirst, true, false);
EDDY_BURST(locked, Burst::kFirst, true, true);
EDDY_BURST(again_plain, Burst::kSecond, false, false);
EDDY_BURST(again_prefaulted, Burst::kSecond, true, false);
// Few: each may wait for the swap device for long.
EDDY_BURST(paged_out_plain, Burst::kSecondPagedOut, false, false)
    ->Iterations(5);
EDDY_BURST(paged_out_prefaulted, Burst::kSecondPagedOut, true, false)
    ->Iterations(5);
EDDY_BURST(paged_out_locked, Burst::kSecondPagedOut, true, true)->Iterations(5);

// --- So many at once ---------------------------------------------------------

Task<void> WaitFor(Event& go) { static_cast<void>(co_await go.Wait()); }

// Returns how many bytes of the heap each takes while it waits.
Task<double> RunTasks(std::int64_t number) {
  Event go;
  const std::size_t before = HeapBytes();
  double bytes = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (std::int64_t i = 0; i < number; ++i) scope.Spawn(WaitFor(go));
    // Now all of them have begun.
    co_await eddy::Yield();
    bytes = static_cast<double>(HeapBytes() - before);
    go.Set();
  };
  static_cast<void>(co_await eddy::WithScope(body));
  co_return bytes / static_cast<double>(number);
}

Task<void> TasksBody(eddy::benchmark::State& state) {
  const std::int64_t number = state.range(0);
  eddy::internal::FramePool::Trim();
  const double bytes = co_await RunTasks(number);
  for (auto _ : state) benchmark::DoNotOptimize(co_await RunTasks(number));
  state.SetItemsProcessed(state.iterations() * number);
  state.SetOperationsPerIteration(static_cast<std::uint64_t>(number));
  state.counters()["bytes"] = bytes;
}
EDDY_BENCHMARK(TasksBody)
    ->Name("tasks")
    ->Arg(1'000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(1'000'000);

}  // namespace
