// Locks and what else tasks of one reactor wait for.
#include <eddy/runtime/barrier.h>
#include <eddy/runtime/condition_variable.h>
#include <eddy/runtime/event.h>
#include <eddy/runtime/latch.h>
#include <eddy/runtime/mutex.h>
#include <eddy/runtime/once_flag.h>
#include <eddy/runtime/semaphore.h>
#include <eddy/runtime/shared_mutex.h>
#include <eddy/runtime/yield.h>

#include <optional>

#include "bench/costs/costs.h"

namespace costs {
namespace {

// --- Events ------------------------------------------------------------------

Task<> WaitForSetEvent(State& state) {
  eddy::Event event(eddy::Event::Kind::kManualReset, true);
  for (auto _ : state) DoNotOptimize(co_await event.Wait());
}
EDDY_BENCHMARK(WaitForSetEvent)->Name("runtime/Event::Wait, set");

Task<> SetEvent(State& state) {
  eddy::Event event;
  for (auto _ : state) {
    event.Set();
    DoNotOptimize(&event);
  }
  co_return;
}
EDDY_BENCHMARK(SetEvent)->Name("runtime/Event::Set, nobody waits");

Task<Result<void>> WaitForEvent(State& state) {
  eddy::Event ping(eddy::Event::Kind::kAutoReset);
  eddy::Event pong(eddy::Event::Kind::kAutoReset);
  const auto answer = [&]() -> Task<Result<void>> {
    while (true) {
      EDDY_CO_CHECK(co_await ping.Wait());
      pong.Set();
    }
  };
  const auto ask = [&]() -> Task<Result<void>> {
    state.SetOperationsPerIteration(2);
    for (auto _ : state) {
      ping.Set();
      EDDY_CO_CHECK(co_await pong.Wait());
    }
    co_return Result<void>();
  };
  co_return co_await Beside(answer, ask);
}
EDDY_BENCHMARK(WaitForEvent)
    ->Name("runtime/Event::Wait, waits, and the Set that ends it");

// --- Mutexes -----------------------------------------------------------------

Task<> LockFree(State& state) {
  eddy::Mutex mutex;
  for (auto _ : state) {
    const eddy::Mutex::Guard guard = co_await mutex.Lock();
    DoNotOptimize(&guard);
  }
}
EDDY_BENCHMARK(LockFree)->Name("runtime/Mutex::Lock, free, and its end");
Task<> TryLock(State& state) {
  eddy::Mutex mutex;
  for (auto _ : state) {
    const std::optional<eddy::Mutex::Guard> guard = mutex.TryLock();
    DoNotOptimize(&guard);
  }
  co_return;
}
EDDY_BENCHMARK(TryLock)->Name("runtime/Mutex::TryLock, free, and its end");

// Two tasks that hold it in turn, each while the other one begins to wait.
template <class Lock>
Task<Result<void>> InTurn(State& state, Lock lock) {
  bool ended = false;
  const auto other = [&]() -> Task<Result<void>> {
    while (!ended) {
      const auto guard = co_await lock();
      co_await eddy::Yield();
    }
    co_return Result<void>();
  };
  const auto one = [&]() -> Task<Result<void>> {
    state.SetOperationsPerIteration(2);
    for (auto _ : state) {
      const auto guard = co_await lock();
      co_await eddy::Yield();
    }
    ended = true;
    co_return Result<void>();
  };
  co_return co_await Beside(other, one);
}
Task<Result<void>> LockContended(State& state) {
  eddy::Mutex mutex;
  const auto lock = [&] { return mutex.Lock(); };
  co_return co_await InTurn(state, lock);
}
EDDY_BENCHMARK(LockContended)
    ->Name("runtime/Mutex::Lock, handed over, with a Yield");
Task<Result<void>> SharedLockContended(State& state) {
  eddy::SharedMutex mutex;
  const auto lock = [&] { return mutex.Lock(); };
  co_return co_await InTurn(state, lock);
}
EDDY_BENCHMARK(SharedLockContended)
    ->Name("runtime/SharedMutex::Lock, handed over, with a Yield");

Task<> SharedLockFree(State& state) {
  eddy::SharedMutex mutex;
  for (auto _ : state) {
    const auto guard = co_await mutex.Lock();
    DoNotOptimize(&guard);
  }
}
EDDY_BENCHMARK(SharedLockFree)
    ->Name("runtime/SharedMutex::Lock, free, and its end");
Task<> LockShared(State& state) {
  eddy::SharedMutex mutex;
  for (auto _ : state) {
    const auto guard = co_await mutex.LockShared();
    DoNotOptimize(&guard);
  }
}
EDDY_BENCHMARK(LockShared)
    ->Name("runtime/SharedMutex::LockShared, free, and its end");
Task<> TryLockShared(State& state) {
  eddy::SharedMutex mutex;
  for (auto _ : state) {
    const auto guard = mutex.TryLockShared();
    DoNotOptimize(&guard);
  }
  co_return;
}
EDDY_BENCHMARK(TryLockShared)
    ->Name("runtime/SharedMutex::TryLockShared, free, and its end");

// --- Conditions --------------------------------------------------------------

Task<Result<void>> WaitForCondition(State& state) {
  eddy::Mutex mutex;
  eddy::ConditionVariable condition;
  const auto answer = [&]() -> Task<Result<void>> {
    eddy::Mutex::Guard guard = co_await mutex.Lock();
    while (true) {
      condition.NotifyOne();
      EDDY_CO_CHECK(co_await condition.Wait(guard));
    }
  };
  const auto ask = [&]() -> Task<Result<void>> {
    eddy::Mutex::Guard guard = co_await mutex.Lock();
    state.SetOperationsPerIteration(2);
    for (auto _ : state) {
      condition.NotifyOne();
      EDDY_CO_CHECK(co_await condition.Wait(guard));
    }
    co_return Result<void>();
  };
  co_return co_await Beside(answer, ask);
}
EDDY_BENCHMARK(WaitForCondition)
    ->Name("runtime/ConditionVariable::Wait, and the NotifyOne that ends it");

Task<Result<void>> WaitForPredicate(State& state) {
  eddy::Mutex mutex;
  eddy::ConditionVariable condition;
  eddy::Mutex::Guard guard = co_await mutex.Lock();
  const auto holds = [] { return true; };
  for (auto _ : state) EDDY_CO_CHECK(co_await condition.Wait(guard, holds));
  co_return Result<void>();
}
EDDY_BENCHMARK(WaitForPredicate)
    ->Name("runtime/ConditionVariable::Wait with a predicate that holds");

Task<> NotifyNobody(State& state) {
  eddy::ConditionVariable condition;
  for (auto _ : state) {
    condition.NotifyAll();
    DoNotOptimize(&condition);
  }
  co_return;
}
EDDY_BENCHMARK(NotifyNobody)
    ->Name("runtime/ConditionVariable::NotifyAll, nobody waits");

// --- Semaphores --------------------------------------------------------------

Task<Result<void>> Acquire(State& state) {
  eddy::Semaphore semaphore(1);
  for (auto _ : state) {
    EDDY_CO_TRY(const auto permit, co_await semaphore.Acquire());
    DoNotOptimize(&permit);
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(Acquire)->Name(
    "runtime/Semaphore::Acquire, free, and the end of the Permit");
Task<> TryAcquire(State& state) {
  eddy::Semaphore semaphore(1);
  for (auto _ : state) {
    const auto permit = semaphore.TryAcquire();
    DoNotOptimize(&permit);
  }
  co_return;
}
EDDY_BENCHMARK(TryAcquire)
    ->Name("runtime/Semaphore::TryAcquire, free, and the end of the Permit");
Task<Result<void>> AcquireAndWait(State& state) {
  eddy::Semaphore ping(0);
  eddy::Semaphore pong(0);
  const auto answer = [&]() -> Task<Result<void>> {
    while (true) {
      EDDY_CO_TRY(auto permit, co_await ping.Acquire());
      permit.Forget();
      pong.Release();
    }
  };
  const auto ask = [&]() -> Task<Result<void>> {
    state.SetOperationsPerIteration(2);
    for (auto _ : state) {
      ping.Release();
      EDDY_CO_TRY(auto permit, co_await pong.Acquire());
      permit.Forget();
    }
    co_return Result<void>();
  };
  co_return co_await Beside(answer, ask);
}
EDDY_BENCHMARK(AcquireAndWait)
    ->Name("runtime/Semaphore::Acquire, waits, and the Release that ends it");

// --- Latches, barriers, once -------------------------------------------------

Task<Result<void>> WaitForLatch(State& state) {
  for (auto _ : state) {
    eddy::Latch latch(1);
    latch.CountDown();
    EDDY_CO_CHECK(co_await latch.Wait());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(WaitForLatch)->Name("runtime/Latch, its CountDown and Wait");
Task<Result<void>> ArriveAtLatch(State& state) {
  for (auto _ : state) {
    eddy::Latch latch(1);
    EDDY_CO_CHECK(co_await latch.ArriveAndWait());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(ArriveAtLatch)->Name("runtime/Latch::ArriveAndWait, the last");

Task<Result<void>> ArriveAtBarrier(State& state) {
  eddy::Barrier barrier(2);
  bool ended = false;
  const auto other = [&]() -> Task<Result<void>> {
    while (!ended) EDDY_CO_CHECK(co_await barrier.ArriveAndWait());
    co_return Result<void>();
  };
  const auto one = [&]() -> Task<Result<void>> {
    state.SetOperationsPerIteration(2);
    for (auto _ : state) EDDY_CO_CHECK(co_await barrier.ArriveAndWait());
    ended = true;
    barrier.ArriveAndDrop();
    co_return Result<void>();
  };
  co_return co_await Beside(other, one);
}
EDDY_BENCHMARK(ArriveAtBarrier)
    ->Name("runtime/Barrier::ArriveAndWait, one of two tasks");

Task<> DropBarrier(State& state) {
  for (auto _ : state) {
    eddy::Barrier barrier(1);
    barrier.ArriveAndDrop();
    DoNotOptimize(&barrier);
  }
  co_return;
}
EDDY_BENCHMARK(DropBarrier)->Name("runtime/Barrier, and its ArriveAndDrop");

Task<Result<void>> CallOnce(State& state) {
  const auto nothing = [] {};
  for (auto _ : state) {
    eddy::OnceFlag flag;
    EDDY_CO_CHECK(co_await flag.Call(nothing));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(CallOnce)->Name("runtime/OnceFlag::Call, the first");
Task<Result<void>> CalledAlready(State& state) {
  const auto nothing = [] {};
  eddy::OnceFlag flag;
  for (auto _ : state) EDDY_CO_CHECK(co_await flag.Call(nothing));
  co_return Result<void>();
}
EDDY_BENCHMARK(CalledAlready)->Name("runtime/OnceFlag::Call, done already");

}  // namespace
}  // namespace costs
