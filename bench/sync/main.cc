// What waiting for each other costs: locks, conditions, semaphores here,
// channels in channels.cc, and what crosses threads in threads.cc.
//
//   bench/run sync [--quick] [--json FILE] [--benchmark_filter=REGEX]
//
// Each *_std is the same work in the same run on what the standard library has
// for it, with a thread for each task, and each *_floor the same on the types
// of floor.h and floor_sync.h. Time is that of the clock on the wall, CPU that
// of the whole process; where threads wait for each other, the first is mostly
// the kernel's waking of a thread. So it wants a machine on which nothing else
// runs.
//
// lock_contended: where tasks hold a lock no other one runs, unless they await
// something meanwhile. So they hold it across a Yield, and it is handed from
// one to the next each time. Threads increment a number in it, and may take it
// again and again while they have their processor. Here the rate is by CPU.
//
// The counters are those of docs/benchmarking.md, where a floor's frames are
// not seen, for they are not of eddy's pool; of lock_contended they are those
// of one lock. One should see allocs=0, but for *_std, and for remote, which
// makes one for each call.
//
// Each *_asio, where Asio is installed, is the same as its users would write
// it, on a context that one thread uses. Its frames come from aligned_alloc
// where it has none to reuse, so that "allocs" does not see them.

#include <eddy/runtime/condition_variable.h>
#include <eddy/runtime/mutex.h>
#include <eddy/runtime/semaphore.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/benchmark.h>
#include <eddy/runtime/yield.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <semaphore>
#include <thread>
#include <vector>

#include "bench/micro/floor.h"
#include "bench/micro/on_queue.h"
#include "bench/sync/floor_sync.h"

namespace {

using eddy::Task;
using eddy::benchmark::ClobberMemory;
using eddy::benchmark::DoNotOptimize;
using eddy::benchmark::State;

// --- A lock that nobody else wants -------------------------------------------

Task<> LockBody(State& state) {
  eddy::Mutex mutex;
  for (auto _ : state) {
    const eddy::Mutex::Guard guard = co_await mutex.Lock();
    ClobberMemory();
  }
}
EDDY_BENCHMARK(LockBody)->Name("lock")->MeasureProcessCPUTime()->UseRealTime();

floor_types::Task FloorLockBody(State& state, floor_types::Queue& queue) {
  floor_types::Mutex mutex(queue);
  for (auto _ : state) {
    co_await mutex.Lock();
    ClobberMemory();
    mutex.Unlock();
  }
  co_return 0;
}
EDDY_BENCHMARK(OnQueue<FloorLockBody>)
    ->Name("lock_floor")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void LockStd(State& state) {
  // A process that has only one thread locks without atomic operations.
  std::binary_semaphore end(0);
  const std::jthread other([&] { end.acquire(); });
  std::mutex mutex;
  for (auto _ : state) {
    const std::lock_guard guard(mutex);
    ClobberMemory();
  }
  end.release();
}
EDDY_BENCHMARK(LockStd)
    ->Name("lock_std")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- A lock that all want ----------------------------------------------------

// In an iteration each task or thread takes it so many times; what starting
// them costs is spread over these.
constexpr long kLocksEach = 5000;

// The rate, and the counters, are those of one time.
void SetLocks(State& state) {
  const std::int64_t locks = state.range(0) * kLocksEach;
  state.SetItemsProcessed(state.iterations() * locks);
  state.SetOperationsPerIteration(static_cast<std::uint64_t>(locks));
}

Task<> LockOften(eddy::Mutex& mutex) {
  for (long i = 0; i < kLocksEach; ++i) {
    const eddy::Mutex::Guard guard = co_await mutex.Lock();
    co_await eddy::Yield();
  }
}
Task<> LockContendedBody(State& state) {
  const long tasks = state.range(0);
  eddy::Mutex mutex;
  const auto all = [&](eddy::TaskScope& scope) -> Task<> {
    for (long i = 0; i < tasks; ++i) scope.Spawn(LockOften(mutex));
    co_return;
  };
  static_cast<void>(co_await eddy::WithScope(all));
  for (auto _ : state) static_cast<void>(co_await eddy::WithScope(all));
  SetLocks(state);
}
EDDY_BENCHMARK(LockContendedBody)
    ->Name("lock_contended")
    ->Arg(2)
    ->Arg(64)
    ->MeasureProcessCPUTime();

floor_types::Member FloorLockOften(floor_types::Mutex& mutex,
                                   floor_types::Queue& queue) {
  for (long i = 0; i < kLocksEach; ++i) {
    co_await mutex.Lock();
    co_await floor_types::Yield{queue};
    mutex.Unlock();
  }
  co_return 0;
}
floor_types::Task FloorLockContendedBody(State& state,
                                         floor_types::Queue& queue) {
  const long tasks = state.range(0);
  floor_types::Mutex mutex(queue);
  for (auto _ : state) {
    std::vector<floor_types::Member> members;
    floor_types::Group group;
    for (long i = 0; i < tasks; ++i) {
      members.push_back(FloorLockOften(mutex, queue));
      members.back().Spawn(queue, group);
    }
    co_await floor_types::Wait{group};
  }
  SetLocks(state);
  co_return 0;
}
EDDY_BENCHMARK(OnQueue<FloorLockContendedBody>)
    ->Name("lock_contended_floor")
    ->Arg(2)
    ->Arg(64)
    ->MeasureProcessCPUTime();

void LockContendedStd(State& state) {
  const long tasks = state.range(0);
  std::mutex mutex;
  long number = 0;
  for (auto _ : state) {
    std::vector<std::jthread> threads;
    for (long i = 0; i < tasks; ++i) {
      threads.emplace_back([&] {
        for (long j = 0; j < kLocksEach; ++j) {
          const std::lock_guard guard(mutex);
          DoNotOptimize(++number);
        }
      });
    }
  }
  SetLocks(state);
}
EDDY_BENCHMARK(LockContendedStd)
    ->Name("lock_contended_std")
    ->Arg(2)
    ->Arg(64)
    ->MeasureProcessCPUTime();

// --- Two that take turns, with a condition variable --------------------------

Task<> ConditionPartner(eddy::Mutex& mutex, eddy::ConditionVariable& condition,
                        long& turn, const bool& end) {
  eddy::Mutex::Guard guard = co_await mutex.Lock();
  while (true) {
    static_cast<void>(
        co_await condition.Wait(guard, [&] { return turn % 2 != 0; }));
    if (end) co_return;
    ++turn;
    condition.NotifyOne();
  }
}
Task<> ConditionBody(State& state) {
  eddy::Mutex mutex;
  eddy::ConditionVariable condition;
  long turn = 0;
  bool end = false;
  const auto all = [&](eddy::TaskScope& scope) -> Task<> {
    scope.Spawn(ConditionPartner(mutex, condition, turn, end));
    eddy::Mutex::Guard guard = co_await mutex.Lock();
    for (auto _ : state) {
      ++turn;
      condition.NotifyOne();
      static_cast<void>(
          co_await condition.Wait(guard, [&] { return turn % 2 == 0; }));
    }
    end = true;
    ++turn;
    condition.NotifyOne();
  };
  static_cast<void>(co_await eddy::WithScope(all));
}
EDDY_BENCHMARK(ConditionBody)
    ->Name("condition_ping_pong")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void ConditionStd(State& state) {
  std::mutex mutex;
  std::condition_variable condition;
  long turn = 0;
  bool end = false;
  const std::jthread partner([&] {
    std::unique_lock lock(mutex);
    while (true) {
      condition.wait(lock, [&] { return turn % 2 != 0; });
      if (end) return;
      ++turn;
      condition.notify_one();
    }
  });
  std::unique_lock lock(mutex);
  for (auto _ : state) {
    ++turn;
    condition.notify_one();
    condition.wait(lock, [&] { return turn % 2 == 0; });
  }
  end = true;
  ++turn;
  condition.notify_one();
}
EDDY_BENCHMARK(ConditionStd)
    ->Name("condition_ping_pong_std")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- A semaphore, and two that take turns with two of them -------------------

Task<> SemaphoreBody(State& state) {
  eddy::Semaphore semaphore(1);
  for (auto _ : state) {
    const auto permit = co_await semaphore.Acquire();
    ClobberMemory();
  }
}
EDDY_BENCHMARK(SemaphoreBody)
    ->Name("semaphore")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void SemaphoreStd(State& state) {
  std::counting_semaphore semaphore(1);
  for (auto _ : state) {
    semaphore.acquire();
    ClobberMemory();
    semaphore.release();
  }
}
EDDY_BENCHMARK(SemaphoreStd)
    ->Name("semaphore_std")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

Task<> SemaphorePartner(eddy::Semaphore& ping, eddy::Semaphore& pong,
                        const bool& end) {
  while (true) {
    auto permit = co_await ping.Acquire();
    permit->Forget();
    if (end) co_return;
    pong.Release();
  }
}
Task<> SemaphorePingPongBody(State& state) {
  eddy::Semaphore ping(0);
  eddy::Semaphore pong(0);
  bool end = false;
  const auto all = [&](eddy::TaskScope& scope) -> Task<> {
    scope.Spawn(SemaphorePartner(ping, pong, end));
    for (auto _ : state) {
      ping.Release();
      auto permit = co_await pong.Acquire();
      permit->Forget();
    }
    end = true;
    ping.Release();
  };
  static_cast<void>(co_await eddy::WithScope(all));
}
EDDY_BENCHMARK(SemaphorePingPongBody)
    ->Name("semaphore_ping_pong")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

floor_types::Task FloorPartner(floor_types::Signal& ping,
                               floor_types::Signal& pong, const bool& end) {
  while (true) {
    co_await ping;
    if (end) co_return 0;
    pong.Set();
  }
}
floor_types::Task FloorPingPongBody(State& state, floor_types::Queue& queue) {
  floor_types::Signal ping(queue);
  floor_types::Signal pong(queue);
  bool end = false;
  const floor_types::Task partner = FloorPartner(ping, pong, end);
  partner.Spawn(queue);
  for (auto _ : state) {
    ping.Set();
    co_await pong;
  }
  end = true;
  ping.Set();
  co_await partner.Join();
  co_return 0;
}
EDDY_BENCHMARK(OnQueue<FloorPingPongBody>)
    ->Name("ping_pong_floor")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void SemaphorePingPongStd(State& state) {
  std::binary_semaphore ping(0);
  std::binary_semaphore pong(0);
  bool end = false;
  const std::jthread partner([&] {
    while (true) {
      ping.acquire();
      if (end) return;
      pong.release();
    }
  });
  for (auto _ : state) {
    ping.release();
    pong.acquire();
  }
  end = true;
  ping.release();
}
EDDY_BENCHMARK(SemaphorePingPongStd)
    ->Name("semaphore_ping_pong_std")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
