// What reaches other threads and cores, and what makes reactors.
#include <eddy/runtime/abandonable_blocking.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/for_each_core.h>
#include <eddy/runtime/owned_by.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/reactor_thread.h>
#include <eddy/runtime/remote.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/sharded.h>
#include <eddy/runtime/shared_channel.h>
#include <eddy/runtime/submit_to.h>
#include <eddy/runtime/sync_wait.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "bench/costs/cores.h"
#include "bench/costs/costs.h"

namespace costs {
namespace {

const auto answer_42 = [] { return 42L; };

// --- The blocking pool -------------------------------------------------------

Task<Result<void>> CallBlocking(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(co_await eddy::Blocking(answer_42));
  co_return Result<void>();
}
EDDY_BENCHMARK(CallBlocking)->Name("runtime/Blocking")->UseRealTime();
Task<Result<void>> CallAbandonable(State& state) {
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await eddy::AbandonableBlocking(answer_42));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(CallAbandonable)
    ->Name("runtime/AbandonableBlocking")
    ->UseRealTime();

// --- Another reactor ---------------------------------------------------------

Task<Result<void>> MakeRemote(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(eddy::Remote::Create());
  co_return Result<void>();
}
EDDY_BENCHMARK(MakeRemote)->Name("runtime/Remote::Create, but for the first");

Task<Result<void>> SpawnFromTask(State& state) {
  EDDY_CO_TRY(auto thread, eddy::ReactorThread::Start());
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await thread.remote().Spawn(Answer, 1L));
  }
  co_return co_await thread.Stop();
}
EDDY_BENCHMARK(SpawnFromTask)
    ->Name("runtime/Remote::Spawn, and co_await of its handle")
    ->UseRealTime();
void SpawnFromThread(State& state) {
  const Result<eddy::ReactorThread> thread = eddy::ReactorThread::Start();
  if (!thread) return state.SkipWithError(thread.error().message());
  for (auto _ : state) {
    DoNotOptimize(thread->remote().Spawn(Answer, 1L).Wait());
  }
}
EDDY_BENCHMARK(SpawnFromThread)
    ->Name("runtime/Remote::Spawn, and Wait of its handle, from a thread")
    ->UseRealTime();
Task<Result<void>> StartAndStop(State& state) {
  for (auto _ : state) {
    EDDY_CO_TRY(auto thread, eddy::ReactorThread::Start());
    EDDY_CO_CHECK(co_await thread.Stop());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(StartAndStop)
    ->Name("runtime/ReactorThread::Start, and Stop")
    ->UseRealTime();

// --- SharedChannel -----------------------------------------------------------

Task<> MakeSharedChannel(State& state) {
  for (auto _ : state) {
    eddy::SharedChannel<long> channel(64);
    DoNotOptimize(&channel);
  }
  co_return;
}
EDDY_BENCHMARK(MakeSharedChannel)->Name("runtime/SharedChannel(64)");
Task<Result<void>> SharedSend(State& state) {
  eddy::SharedChannel<long> channel(1);
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await channel.Send(1L));
    EDDY_CO_CHECK(co_await channel.Receive());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SharedSend)
    ->Name("runtime/SharedChannel::Send with room, and Receive");
Task<Result<void>> SharedTrySend(State& state) {
  eddy::SharedChannel<long> channel(1);
  for (auto _ : state) {
    EDDY_CO_CHECK(channel.TrySend(1L));
    EDDY_CO_CHECK(channel.TryReceive());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SharedTrySend)
    ->Name("runtime/SharedChannel::TrySend, and TryReceive");
void SharedBlockingSend(State& state) {
  eddy::SharedChannel<long> channel(1);
  for (auto _ : state) {
    DoNotOptimize(channel.BlockingSend(1L));
    DoNotOptimize(channel.BlockingReceive());
  }
}
EDDY_BENCHMARK(SharedBlockingSend)
    ->Name(
        "runtime/SharedChannel::BlockingSend with room, and "
        "BlockingReceive");
Task<Result<void>> SharedRoundTrip(State& state) {
  eddy::SharedChannel<long> ping(1);
  eddy::SharedChannel<long> pong(1);
  const std::jthread partner([&] {
    while (auto number = ping.BlockingReceive()) {
      static_cast<void>(pong.BlockingSend(*std::move(number)));
    }
  });
  Result<void> result;
  for (auto _ : state) {
    result = co_await ping.Send(1L);
    DoNotOptimize(co_await pong.Receive());
  }
  ping.Close();
  co_return result;
}
EDDY_BENCHMARK(SharedRoundTrip)
    ->Name("runtime/SharedChannel::Send, and Receive of a thread's answer")
    ->UseRealTime();

// --- Cores -------------------------------------------------------------------

Task<Result<void>> SubmitToOther(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(co_await eddy::SubmitTo(1, answer_42));
  co_return Result<void>();
}
EDDY_BENCHMARK(OnTwoCores<SubmitToOther>)
    ->Name("runtime/SubmitTo another core, of a function")
    ->UseRealTime();
Task<Result<void>> SubmitTaskToOther(State& state) {
  const auto answer = [] { return Answer(1); };
  for (auto _ : state) EDDY_CO_CHECK(co_await eddy::SubmitTo(1, answer));
  co_return Result<void>();
}
EDDY_BENCHMARK(OnTwoCores<SubmitTaskToOther>)
    ->Name("runtime/SubmitTo another core, of a task")
    ->UseRealTime();
Task<Result<void>> SubmitToOwn(State& state) {
  for (auto _ : state) EDDY_CO_CHECK(co_await eddy::SubmitTo(0, answer_42));
  co_return Result<void>();
}
EDDY_BENCHMARK(OnTwoCores<SubmitToOwn>)
    ->Name("runtime/SubmitTo the own core, of a function");

Task<Result<void>> CallOnEach(State& state) {
  const auto nothing = [](unsigned) {};
  for (auto _ : state) EDDY_CO_CHECK(co_await eddy::ForEachCore(nothing));
  co_return Result<void>();
}
EDDY_BENCHMARK(OnTwoCores<CallOnEach>)
    ->Name("runtime/ForEachCore, of two")
    ->UseRealTime();
Task<Result<void>> MapAndReduce(State& state) {
  const auto map = [](unsigned) { return 1L; };
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await eddy::MapReduce(map, 0L, std::plus<>()));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(OnTwoCores<MapAndReduce>)
    ->Name("runtime/MapReduce, of two cores")
    ->UseRealTime();

Task<Result<void>> StartSharded(State& state) {
  eddy::Sharded<long> numbers;
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await numbers.Start(1L));
    EDDY_CO_CHECK(co_await numbers.Stop());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(OnTwoCores<StartSharded>)
    ->Name("runtime/Sharded::Start and Stop, on two cores")
    ->UseRealTime();
Task<Result<void>> LocalOfSharded(State& state) {
  eddy::Sharded<long> numbers;
  EDDY_CO_CHECK(co_await numbers.Start(1L));
  for (auto _ : state) DoNotOptimize(++numbers.Local());
  co_return co_await numbers.Stop();
}
EDDY_BENCHMARK(OnTwoCores<LocalOfSharded>)->Name("runtime/Sharded::Local");
Task<Result<void>> InvokeOnSharded(State& state) {
  eddy::Sharded<long> numbers;
  EDDY_CO_CHECK(co_await numbers.Start(1L));
  const auto increment = [](long& number) { ++number; };
  Result<void> result;
  for (auto _ : state) result = co_await numbers.InvokeOn(1, increment);
  const Result<void> stopped = co_await numbers.Stop();
  co_return result ? stopped : result;
}
EDDY_BENCHMARK(OnTwoCores<InvokeOnSharded>)
    ->Name("runtime/Sharded::InvokeOn another core")
    ->UseRealTime();

Task<Result<void>> InvokeOnAllSharded(State& state) {
  eddy::Sharded<long> numbers;
  EDDY_CO_CHECK(co_await numbers.Start(1L));
  const auto increment = [](long& number) { ++number; };
  Result<void> result;
  for (auto _ : state) result = co_await numbers.InvokeOnAll(increment);
  const Result<void> stopped = co_await numbers.Stop();
  co_return result ? stopped : result;
}
EDDY_BENCHMARK(OnTwoCores<InvokeOnAllSharded>)
    ->Name("runtime/Sharded::InvokeOnAll, on two cores")
    ->UseRealTime();

Task<Result<void>> MakeOwned(State& state) {
  for (auto _ : state) {
    const auto owned = eddy::OwnedBy<long>::Make(1L);
    DoNotOptimize(*owned);
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(OnTwoCores<MakeOwned>)
    ->Name("runtime/OwnedBy::Make, and its end on the same core");

Task<Result<void>> OwnedByOther(State& state) {
  const auto make = [] { return eddy::OwnedBy<long>::Make(1L); };
  for (auto _ : state) {
    EDDY_CO_TRY(const auto owned, co_await eddy::SubmitTo(1, make));
    DoNotOptimize(&owned);
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(OnTwoCores<OwnedByOther>)
    ->Name("runtime/OwnedBy::Make on another core, by SubmitTo, and its end")
    ->UseRealTime();

// --- Reactors and runtimes ---------------------------------------------------

Task<> Nothing() { co_return; }
void MakeReactor(State& state) {
  for (auto _ : state) DoNotOptimize(eddy::Reactor::Create());
}
EDDY_BENCHMARK(MakeReactor)
    ->Name("runtime/Reactor::Create, and its end")
    ->UseRealTime();
void RunReactor(State& state) {
  const auto reactor = eddy::Reactor::Create();
  if (!reactor) return state.SkipWithError(reactor.error().message());
  for (auto _ : state) (*reactor)->Run(Nothing());
}
EDDY_BENCHMARK(RunReactor)->Name("runtime/Reactor::Run of an empty task");
void WaitSynchronously(State& state) {
  for (auto _ : state) eddy::SyncWait(Nothing());
}
EDDY_BENCHMARK(WaitSynchronously)
    ->Name("runtime/SyncWait of an empty task")
    ->UseRealTime();
void MakeRuntime(State& state) {
  const eddy::RuntimeOptions options = TwoCores();
  for (auto _ : state) DoNotOptimize(eddy::Runtime::Create(options));
}
EDDY_BENCHMARK(MakeRuntime)
    ->Name("runtime/Runtime::Create with two cores, and its end")
    ->UseRealTime();

}  // namespace
}  // namespace costs
