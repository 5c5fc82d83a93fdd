// Hot paths of the runtime, with nothing of libc in them that differs from
// machine to machine (memcpy), and no time that passes.
#include "tests/instructions/workloads.h"

#include <eddy/runtime/channel.h>
#include <eddy/runtime/event.h>
#include <eddy/runtime/mutex.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/semaphore.h>
#include <eddy/runtime/stream.h>
#include <eddy/runtime/submit_to.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>

#include <chrono>
#include <cstddef>
#include <tuple>
#include <utility>

#include "tests/nop.h"

namespace eddy::test {
namespace {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace)

// Not inlined into who awaits it: it is a call as any other.
[[gnu::noinline]] Task<long> Answer(long n) { co_return n + 1; }
[[gnu::noinline]] Task<Result<long>> AnswerResult(long n) { co_return n + 1; }

Task<> AwaitTask(long count) {
  long sum = 0;
  for (long i = 0; i != count; ++i) sum = co_await Answer(sum);
  Keep(sum);
}

Task<> AwaitResult(long count) {
  for (long i = 0; i != count; ++i) Keep(co_await AnswerResult(i));
}

// NOLINTNEXTLINE(misc-no-recursion)
[[gnu::noinline]] Task<long> Chain(long depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await Chain(depth - 1);
}
Task<> AwaitChain(long count) {
  for (long i = 0; i != count / 10; ++i) Keep(co_await Chain(10));
}

Task<> AwaitYield(long count) {
  for (long i = 0; i != count; ++i) co_await Yield();
}

Task<> SpawnAndJoin(long count) {
  const auto body = [count](TaskScope& scope) -> Task<> {
    long sum = 0;
    for (long i = 0; i != count; ++i) {
      JoinHandle<long> handle = scope.Spawn(Answer(sum));
      sum = co_await handle;
    }
    Keep(sum);
  };
  static_cast<void>(co_await WithScope(body));
}

Task<> EmptyScope(long count) {
  const auto body = [](TaskScope&) -> Task<> { co_return; };
  for (long i = 0; i != count; ++i) {
    static_cast<void>(co_await WithScope(body));
  }
}

Task<> AllOfTwo(long count) {
  for (long i = 0; i != count; ++i) {
    Keep(co_await WhenAll(Answer(1), Answer(2)));
  }
}

Task<> AnyOfTwo(long count) {
  for (long i = 0; i != count; ++i) {
    Keep(co_await WhenAny(Answer(1), Answer(2)));
  }
}

Stream<long> Numbers() {
  for (long i = 0;; ++i) co_yield i;
}
Task<> NextOfStream(long count) {
  Stream<long> numbers = Numbers();
  for (long i = 0; i != count; ++i) Keep(co_await numbers.Next());
}

Task<> LockFree(long count) {
  Mutex mutex;
  for (long i = 0; i != count; ++i) {
    const auto guard = co_await mutex.Lock();
    Keep(guard);
  }
}

// Two tasks, of which one always waits for the lock.
Task<> LockInTurn(Mutex& mutex, long count) {
  for (long i = 0; i != count; ++i) {
    const auto guard = co_await mutex.Lock();
    co_await Yield();
  }
}
Task<> LockContended(long count) {
  Mutex mutex;
  Keep(co_await WhenAll(LockInTurn(mutex, count / 2),
                        LockInTurn(mutex, count / 2)));
}

Task<> SemaphoreFree(long count) {
  Semaphore semaphore(1);
  for (long i = 0; i != count; ++i) {
    const auto permit = co_await semaphore.Acquire();
    Keep(permit);
  }
}

Task<> ChannelWithRoom(long count) {
  Channel<long> channel(1);
  for (long i = 0; i != count; ++i) {
    Keep(co_await channel.Send(long{i}));
    Keep(co_await channel.Receive());
  }
}

// Sender and receiver wait for each other.
Task<> SendAll(Channel<long>& channel, long count) {
  for (long i = 0; i != count; ++i) Keep(co_await channel.Send(long{i}));
}
Task<> ReceiveAll(Channel<long>& channel, long count) {
  for (long i = 0; i != count; ++i) Keep(co_await channel.Receive());
}
Task<> ChannelWaiting(long count) {
  Channel<long> channel(1);
  Keep(co_await WhenAll(SendAll(channel, count), ReceiveAll(channel, count)));
}

Task<> EventSet(long count) {
  Event event;
  event.Set();
  for (long i = 0; i != count; ++i) Keep(co_await event.Wait());
}

// A timer is set and, an hour too early, cancelled.
Task<> Timeout(long count) {
  for (long i = 0; i != count; ++i) {
    Keep(co_await WithTimeout(1h, AnswerResult(i)));
  }
}

Task<> ShieldTask(long count) {
  for (long i = 0; i != count; ++i) Keep(co_await Shield(Answer(i)));
}

// A timer is set and fires: the time is that of a VirtualClock.
Task<> SleepAndWake(long count) {
  for (long i = 0; i != count; ++i) Keep(co_await Sleep(1ms));
}

// To the kernel and back; the kernel's own instructions are not counted.
Task<> KernelNop(long count) {
  for (long i = 0; i != count; ++i) Keep(co_await Nop());
}

Task<> OwnCore(long count) {
  const auto answer = [] { return 1L; };
  for (long i = 0; i != count; ++i) Keep(co_await SubmitTo(0, answer));
}

constexpr Workload kWorkloads[] = {
    {"await a task", AwaitTask},
    {"await a task that gives a Result", AwaitResult},
    {"await a task, in a chain of 10", AwaitChain},
    {"Channel: send and receive, with room", ChannelWithRoom},
    {"Channel: send and receive, waiting", ChannelWaiting},
    {"Event: wait for one that is set", EventSet},
    {"Mutex: lock and unlock", LockFree},
    {"Mutex: lock and unlock, waiting", LockContended},
    {"Nop: through the ring", KernelNop},
    {"Semaphore: acquire and release", SemaphoreFree},
    {"Shield of a task", ShieldTask},
    {"Sleep: set a timer, wait, wake", SleepAndWake},
    {"Stream: next", NextOfStream},
    {"SubmitTo the own core", OwnCore},
    {"TaskScope: spawn and join", SpawnAndJoin},
    {"WhenAll of 2 tasks", AllOfTwo},
    {"WhenAny of 2 tasks", AnyOfTwo},
    {"WithScope around nothing", EmptyScope},
    {"WithTimeout: set a timer, cancel it", Timeout},
    {"Yield", AwaitYield},
};

}  // namespace

std::span<const Workload> Workloads() { return kWorkloads; }

}  // namespace eddy::test
