// What crosses threads: calls onto a reactor, a channel, and functions that
// block; see main.cc.
#include <benchmark/benchmark.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/reactor_thread.h>
#include <eddy/runtime/remote.h>
#include <eddy/runtime/shared_channel.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <thread>
#include <utility>

#include "bench/micro/micro.h"
#include "bench/sync/std_queue.h"

namespace {

using eddy::Task;

eddy::ReactorThread StartReactorThread() {
  eddy::Result<eddy::ReactorThread> thread = eddy::ReactorThread::Start();
  if (!thread) {
    std::fprintf(stderr, "no reactor: %s\n", thread.error().message().c_str());
    std::exit(1);
  }
  return *std::move(thread);
}

// --- A call that another thread carries out ----------------------------------

Task<long> Answer(long n) { co_return n + 1; }

void RemoteFromThread(benchmark::State& state) {
  const eddy::ReactorThread thread = StartReactorThread();
  const eddy::Remote& remote = thread.remote();
  benchmark::DoNotOptimize(remote.Spawn(Answer, 1L).Wait());
  const AllocationCounter counter(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(remote.Spawn(Answer, 1L).Wait());
  }
}
BENCHMARK(RemoteFromThread)
    ->Name("remote")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

Task<> RemoteFromTaskBody(benchmark::State& state) {
  const eddy::ReactorThread thread = StartReactorThread();
  const eddy::Remote& remote = thread.remote();
  benchmark::DoNotOptimize(co_await remote.Spawn(Answer, 1L));
  const AllocationCounter counter(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(co_await remote.Spawn(Answer, 1L));
  }
}
BENCHMARK(OnReactor<RemoteFromTaskBody>)
    ->Name("remote_from_task")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

Task<> BlockingBody(benchmark::State& state) {
  const auto answer = [] { return 1L; };
  benchmark::DoNotOptimize(co_await eddy::Blocking(answer));
  const AllocationCounter counter(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(co_await eddy::Blocking(answer));
  }
}
BENCHMARK(OnReactor<BlockingBody>)
    ->Name("blocking")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// A thread for each call.
void AsyncStd(benchmark::State& state) {
  const auto answer = [] { return 1L; };
  const AllocationCounter counter(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::async(std::launch::async, answer).get());
  }
}
BENCHMARK(AsyncStd)
    ->Name("blocking_std_async")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// A thread that is there, and a queue before it.
void WorkerStd(benchmark::State& state) {
  StdQueue<std::packaged_task<long()>> calls(64);
  const std::jthread worker([&] {
    while (auto call = calls.Receive()) (*call)();
  });
  const AllocationCounter counter(state);
  for (auto _ : state) {
    std::packaged_task<long()> call([] { return 1L; });
    std::future<long> result = call.get_future();
    calls.Send(std::move(call));
    benchmark::DoNotOptimize(result.get());
  }
  calls.Close();
}
BENCHMARK(WorkerStd)
    ->Name("remote_std_worker")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- From a thread to a task, as fast as it goes -----------------------------

Task<> SharedChannelBody(benchmark::State& state) {
  eddy::SharedChannel<long> channel(static_cast<std::size_t>(state.range(0)));
  const std::jthread sender([&] {
    for (long i = 0; channel.BlockingSend(long{i});) ++i;
  });
  for (auto _ : state) benchmark::DoNotOptimize(co_await channel.Receive());
  channel.Close();
}
BENCHMARK(OnReactor<SharedChannelBody>)
    ->Name("shared_channel")
    ->Arg(1)
    ->Arg(64)
    ->Arg(1024)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- From a task to a thread and back ----------------------------------------

Task<> SharedPingPongBody(benchmark::State& state) {
  eddy::SharedChannel<long> ping(1);
  eddy::SharedChannel<long> pong(1);
  const std::jthread partner([&] {
    while (auto number = ping.BlockingReceive()) {
      static_cast<void>(pong.BlockingSend(*number + 1));
    }
  });
  for (auto _ : state) {
    static_cast<void>(co_await ping.Send(1));
    benchmark::DoNotOptimize(co_await pong.Receive());
  }
  ping.Close();
}
BENCHMARK(OnReactor<SharedPingPongBody>)
    ->Name("shared_channel_ping_pong")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void PingPongStd(benchmark::State& state) {
  StdQueue<long> ping(1);
  StdQueue<long> pong(1);
  const std::jthread partner([&] {
    while (auto number = ping.Receive()) pong.Send(*number + 1);
  });
  for (auto _ : state) {
    ping.Send(1);
    benchmark::DoNotOptimize(pong.Receive());
  }
  ping.Close();
}
BENCHMARK(PingPongStd)
    ->Name("shared_channel_ping_pong_std")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
