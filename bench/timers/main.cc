// What a timer costs while many others are pending.
//
//   bench/run timers [--quick] [--json FILE] [--benchmark_filter=REGEX]
//
// NAME/N has N other sleepers pending, with random deadlines over an hour.
//   insert, cancel, fire  on the timers alone: add one, take back a random one,
//                         let the time go by until one expires
//   sleep                 create, await and end a task that sleeps until now,
//                         on a loop
//   sleepers              a million tasks, spawned at once, that each sleep for
//                         up to 200 ms, to their end; the counters are those
//                         of a task
// The suffix says on what: _wheel is eddy's, _heap a binary heap and _map a
// std::multimap, both written by hand (floor_timers.h); sleep of these runs on
// the tasks and the queue of floor.h. _asio, where Asio is installed, are its
// timers with a callback each, 256 at a time.
//
// CPU time. The counters are those of docs/benchmarking.md, "allocs" alone
// where there are only timers; "bytes" are what a pending timer, or a task that
// sleeps, takes of the heap, with the object that waits.
//
// One should see that to cancel, which is the end of most timers, is O(1) in
// the wheel and O(log n) in the others: what the wheel's rows grow by with N is
// cache misses. To add a random deadline to a heap is O(1) on average, too. A
// timer that fires has moved down the wheel's levels before, about one for each
// factor of 64 in its time, as a heap's has sunk and risen; so these are close.
// Each timer of the population fires once on average, for the wheel moves
// timers in bursts, a slot at a time. --json writes Google Benchmark's own
// format.

#include <benchmark/benchmark.h>
#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/allocation_count.h>
#include <eddy/runtime/testing/benchmark.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/timer_wheel.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "bench/micro/floor.h"
#include "bench/micro/floor_timers.h"
#include "bench/micro/heap_bytes.h"

using namespace std::chrono_literals;

namespace {

using eddy::AllocationCount;
using eddy::Duration;
using eddy::Task;
using eddy::TimePoint;
using eddy::benchmark::State;
using floor_types::HeapTimers;
using floor_types::MapTimers;

class WheelTimers : public eddy::internal::TimerWheel {
 public:
  using Timer = eddy::internal::Timer;

  WheelTimers() : TimerWheel(eddy::Clock::now()) {}
};

// Far enough from now that none comes due in the real time of a benchmark.
TimePoint RandomDeadline(TimePoint now) {
  static std::minstd_rand random;
  constexpr Duration kHour = 1h;
  static std::uniform_int_distribution<Duration::rep> delay(0, kHour.count());
  return now + 1min + Duration(delay(random));
}

template <class Timers>
class Sleeper final : public Timers::Timer {
 public:
  // Those that have expired.
  static inline std::vector<Sleeper*> expired;

 private:
  void Expire() noexcept override { expired.push_back(this); }
};

constexpr std::size_t kBatch = 256;

// Sleepers, all of them pending but for one batch.
template <class Timers>
class Population {
 public:
  // Kept from benchmark to benchmark, as long as they ask for the same size.
  static Population& Of(std::int64_t size) {
    static std::unique_ptr<Population> population;
    const auto wanted = static_cast<std::size_t>(size);
    if (population == nullptr || population->sleepers_.size() != wanted) {
      population.reset();
      population = std::make_unique<Population>(wanted);
    }
    return *population;
  }

  explicit Population(std::size_t size)
      : heap_before_(HeapBytes()), sleepers_(size) {
    for (Sleeper<Timers>& sleeper : sleepers_) {
      timers_.Add(sleeper, RandomDeadline(now_));
    }
    bytes_each_ = static_cast<double>(HeapBytes() - heap_before_) /
                  static_cast<double>(size);
    for (Sleeper<Timers>& sleeper : sleepers_) order_.push_back(&sleeper);
    std::shuffle(order_.begin(), order_.end(), std::minstd_rand());
    Sleeper<Timers>::expired.reserve(2 * kBatch);
  }

  Timers& timers() { return timers_; }
  double bytes_each() const { return bytes_each_; }

  void ChooseBatch() {
    for (std::size_t i = 0; i != kBatch; ++i) {
      batch_[i] = order_[next_++ % order_.size()];
      deadlines_[i] = RandomDeadline(now_);
    }
  }
  void CancelBatch() {
    for (Sleeper<Timers>* sleeper : batch_) timers_.Remove(*sleeper);
  }
  void InsertBatch() {
    for (std::size_t i = 0; i != kBatch; ++i) {
      timers_.Add(*batch_[i], deadlines_[i]);
    }
  }

  // The time goes on until a batch has expired, in steps in which one does on
  // average.
  void FireBatch() {
    const Duration step =
        Duration(30min) / static_cast<Duration::rep>(sleepers_.size());
    while (Sleeper<Timers>::expired.size() < kBatch) {
      now_ += step;
      timers_.Advance(now_);
    }
  }
  // How many there were.
  std::size_t InsertExpired() {
    for (Sleeper<Timers>* sleeper : Sleeper<Timers>::expired) {
      timers_.Add(*sleeper, RandomDeadline(now_));
    }
    const std::size_t count = Sleeper<Timers>::expired.size();
    Sleeper<Timers>::expired.clear();
    return count;
  }

 private:
  std::size_t heap_before_;
  double bytes_each_ = 0;
  TimePoint now_ = eddy::Clock::now();
  std::vector<Sleeper<Timers>> sleepers_;
  Timers timers_;

  std::vector<Sleeper<Timers>*> order_;
  std::size_t next_ = 0;
  std::array<Sleeper<Timers>*, kBatch> batch_{};
  std::array<TimePoint, kBatch> deadlines_{};
};

// What a part of a benchmark takes: CPU time and allocations.
class PartTimer {
 public:
  explicit PartTimer(benchmark::State& state) : state_(state) {}
  ~PartTimer() {
    state_.counters["allocs"] = benchmark::Counter(
        static_cast<double>(allocations_), benchmark::Counter::kAvgIterations);
  }
  PartTimer(const PartTimer&) = delete;
  PartTimer& operator=(const PartTimer&) = delete;

  template <class Part>
  void Measure(Part part) {
    const std::uint64_t allocations = AllocationCount::OfProcess();
    const double start = CpuSeconds();
    part();
    state_.SetIterationTime(CpuSeconds() - start);
    allocations_ += AllocationCount::OfProcess() - allocations;
  }

 private:
  static double CpuSeconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) +
           (static_cast<double>(time.tv_nsec) * 1e-9);
  }

  benchmark::State& state_;
  std::uint64_t allocations_ = 0;
};

// --- The timers alone --------------------------------------------------------

template <class Timers>
void Insert(benchmark::State& state) {
  auto& population = Population<Timers>::Of(state.range(0));
  {
    PartTimer timer(state);
    while (state.KeepRunningBatch(kBatch)) {
      population.ChooseBatch();
      population.CancelBatch();
      timer.Measure([&] { population.InsertBatch(); });
    }
  }
  state.counters["bytes"] = population.bytes_each();
}

template <class Timers>
void Cancel(benchmark::State& state) {
  auto& population = Population<Timers>::Of(state.range(0));
  PartTimer timer(state);
  while (state.KeepRunningBatch(kBatch)) {
    population.ChooseBatch();
    timer.Measure([&] { population.CancelBatch(); });
    population.InsertBatch();
  }
}

template <class Timers>
void Fire(benchmark::State& state) {
  auto& population = Population<Timers>::Of(state.range(0));
  population.FireBatch();
  population.InsertExpired();
  PartTimer timer(state);
  while (state.KeepRunningBatch(kBatch)) {
    timer.Measure([&] { population.FireBatch(); });
    population.InsertExpired();
  }
}

// --- A task that sleeps, on a loop -------------------------------------------

Task<> SleepOnce() { static_cast<void>(co_await eddy::Sleep(0ns)); }

Task<> SleepBody(State& state) {
  auto& timers = eddy::Reactor::Current()->timers();
  const TimePoint now = eddy::Clock::now();
  std::vector<Sleeper<WheelTimers>> others(
      static_cast<std::size_t>(state.range(0)));
  for (auto& other : others) timers.Add(other, RandomDeadline(now));
  for (auto _ : state) co_await SleepOnce();
  for (auto& other : others) timers.Remove(other);
}

template <class Timers>
floor_types::Task FloorSleepOnce(floor_types::Queue& queue, Timers& timers) {
  co_await floor_types::SleepUntil(queue, timers, eddy::Clock::now());
  co_return 0;
}
template <class Timers>
floor_types::Task FloorSleepBody(State& state, floor_types::Queue& queue,
                                 Timers& timers) {
  for (auto _ : state) co_await FloorSleepOnce(queue, timers);
  co_return 0;
}
template <class Timers>
void FloorSleep(State& state) {
  auto& timers = Population<Timers>::Of(state.range(0)).timers();
  floor_types::Queue queue;
  floor_types::Task task = FloorSleepBody(state, queue, timers);
  task.Start();
  floor_types::RunUntilDone(queue, timers, task);
}

// --- A million tasks that sleep ----------------------------------------------

constexpr std::size_t kSleepers = 1'000'000;

Task<> SleepFor(Duration duration) {
  static_cast<void>(co_await eddy::Sleep(duration));
}
// Returns how many bytes of the heap each takes while they are pending.
Task<double> SleepAll() {
  const std::size_t before = HeapBytes();
  double bytes = 0;
  static_cast<void>(
      co_await eddy::WithScope([&](eddy::TaskScope& scope) -> Task<> {
        std::minstd_rand random;
        std::uniform_int_distribution<Duration::rep> delay(
            0, Duration(200ms).count());
        for (std::size_t i = 0; i != kSleepers; ++i) {
          scope.Spawn(SleepFor(Duration(delay(random))));
        }
        bytes = static_cast<double>(HeapBytes() - before);
        co_return;
      }));
  co_return bytes / static_cast<double>(kSleepers);
}
Task<> SleepersBody(State& state) {
  eddy::internal::FramePool::Trim();
  const double bytes = co_await SleepAll();
  for (auto _ : state) {
    eddy::benchmark::DoNotOptimize(co_await SleepAll());
  }
  state.SetItemsProcessed(state.iterations() * std::int64_t{kSleepers});
  state.SetOperationsPerIteration(kSleepers);
  state.counters()["bytes"] = bytes;
}

// -----------------------------------------------------------------------------

constexpr std::int64_t kSizes[] = {1'000, 100'000, 1'000'000};

template <class Timers>
void RegisterTimers(const std::string& suffix, std::int64_t size) {
  const auto add = [&](const char* name, void (*function)(benchmark::State&)) {
    return benchmark::RegisterBenchmark((name + suffix).c_str(), function)
        ->Arg(size);
  };
  const auto add_awaits = [&](const char* name, auto function) {
    eddy::benchmark::Register(name + suffix, function)->Arg(size);
  };
  add("insert", Insert<Timers>)->UseManualTime();
  add("cancel", Cancel<Timers>)->UseManualTime();
  if constexpr (std::is_same_v<Timers, WheelTimers>) {
    add_awaits("sleep", SleepBody);
  } else {
    add_awaits("sleep", FloorSleep<Timers>);
  }
  // A whole number of batches, and not fewer than what the wheel moves at once.
  constexpr std::int64_t kBatches = 400;
  constexpr auto kFired = static_cast<std::int64_t>(kBatch);
  add("fire", Fire<Timers>)
      ->UseManualTime()
      ->Iterations(kFired * std::max(kBatches, size / kFired));
}

const bool kRegistered = [] {
  for (const std::int64_t size : kSizes) {
    RegisterTimers<WheelTimers>("_wheel", size);
    RegisterTimers<HeapTimers>("_heap", size);
    RegisterTimers<MapTimers>("_map", size);
  }
  eddy::benchmark::Register("sleepers", SleepersBody)
      ->Unit(benchmark::kMillisecond);
  return true;
}();

}  // namespace
