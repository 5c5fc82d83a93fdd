// What crosses threads: calls onto a reactor, a channel, and functions that
// block; see main.cc.
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/reactor_thread.h>
#include <eddy/runtime/remote.h>
#include <eddy/runtime/shared_channel.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/testing/benchmark.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <thread>
#include <utility>

#include "bench/sync/std_queue.h"

namespace {

using eddy::Task;
using eddy::benchmark::DoNotOptimize;
using eddy::benchmark::State;

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

void RemoteFromThread(State& state) {
  const eddy::ReactorThread thread = StartReactorThread();
  const eddy::Remote& remote = thread.remote();
  DoNotOptimize(remote.Spawn(Answer, 1L).Wait());
  for (auto _ : state) {
    DoNotOptimize(remote.Spawn(Answer, 1L).Wait());
  }
}
EDDY_BENCHMARK(RemoteFromThread)
    ->Name("remote")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

Task<> RemoteFromTaskBody(State& state) {
  const eddy::ReactorThread thread = StartReactorThread();
  const eddy::Remote& remote = thread.remote();
  DoNotOptimize(co_await remote.Spawn(Answer, 1L));
  for (auto _ : state) {
    DoNotOptimize(co_await remote.Spawn(Answer, 1L));
  }
}
EDDY_BENCHMARK(RemoteFromTaskBody)
    ->Name("remote_from_task")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

Task<> BlockingBody(State& state) {
  const auto answer = [] { return 1L; };
  DoNotOptimize(co_await eddy::Blocking(answer));
  for (auto _ : state) {
    DoNotOptimize(co_await eddy::Blocking(answer));
  }
}
EDDY_BENCHMARK(BlockingBody)
    ->Name("blocking")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// A thread for each call.
void AsyncStd(State& state) {
  const auto answer = [] { return 1L; };
  for (auto _ : state) {
    DoNotOptimize(std::async(std::launch::async, answer).get());
  }
}
EDDY_BENCHMARK(AsyncStd)
    ->Name("blocking_std_async")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// A thread that is there, and a queue before it.
void WorkerStd(State& state) {
  StdQueue<std::packaged_task<long()>> calls(64);
  const std::jthread worker([&] {
    while (auto call = calls.Receive()) (*call)();
  });
  for (auto _ : state) {
    std::packaged_task<long()> call([] { return 1L; });
    std::future<long> result = call.get_future();
    calls.Send(std::move(call));
    DoNotOptimize(result.get());
  }
  calls.Close();
}
EDDY_BENCHMARK(WorkerStd)
    ->Name("remote_std_worker")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- From a thread to a task, as fast as it goes -----------------------------

Task<> SharedChannelBody(State& state) {
  eddy::SharedChannel<long> channel(static_cast<std::size_t>(state.range(0)));
  const std::jthread sender([&] {
    for (long i = 0; channel.BlockingSend(long{i});) ++i;
  });
  for (auto _ : state) DoNotOptimize(co_await channel.Receive());
  channel.Close();
}
EDDY_BENCHMARK(SharedChannelBody)
    ->Name("shared_channel")
    ->Arg(1)
    ->Arg(64)
    ->Arg(1024)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- From a task to a thread and back ----------------------------------------

Task<> SharedPingPongBody(State& state) {
  eddy::SharedChannel<long> ping(1);
  eddy::SharedChannel<long> pong(1);
  const std::jthread partner([&] {
    while (auto number = ping.BlockingReceive()) {
      static_cast<void>(pong.BlockingSend(*number + 1));
    }
  });
  for (auto _ : state) {
    static_cast<void>(co_await ping.Send(1));
    DoNotOptimize(co_await pong.Receive());
  }
  ping.Close();
}
EDDY_BENCHMARK(SharedPingPongBody)
    ->Name("shared_channel_ping_pong")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void PingPongStd(State& state) {
  StdQueue<long> ping(1);
  StdQueue<long> pong(1);
  const std::jthread partner([&] {
    while (auto number = ping.Receive()) pong.Send(*number + 1);
  });
  for (auto _ : state) {
    ping.Send(1);
    DoNotOptimize(pong.Receive());
  }
  ping.Close();
}
EDDY_BENCHMARK(PingPongStd)
    ->Name("shared_channel_ping_pong_std")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
