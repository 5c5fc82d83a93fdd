// Channels and single values between tasks; see main.cc.
#include <eddy/runtime/channel.h>
#include <eddy/runtime/oneshot.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/benchmark.h>

#include <cstddef>
#include <future>
#include <thread>
#include <utility>

#include "bench/micro/floor.h"
#include "bench/micro/on_queue.h"
#include "bench/sync/floor_sync.h"
#include "bench/sync/std_queue.h"

namespace {

using eddy::Task;
using eddy::benchmark::DoNotOptimize;
using eddy::benchmark::State;

// --- One that sends and one that receives ------------------------------------

Task<> Numbers(eddy::Channel<long>& channel) {
  for (long i = 0;; ++i) {
    const eddy::Result<void> sent = co_await channel.Send(long{i});
    if (!sent) co_return;
  }
}
Task<> ChannelBody(State& state) {
  eddy::Channel<long> channel(static_cast<std::size_t>(state.range(0)));
  const auto all = [&](eddy::TaskScope& scope) -> Task<> {
    scope.Spawn(Numbers(channel));
    for (auto _ : state) DoNotOptimize(co_await channel.Receive());
    channel.Close();
  };
  static_cast<void>(co_await eddy::WithScope(all));
}
EDDY_BENCHMARK(ChannelBody)
    ->Name("channel")
    ->Arg(1)
    ->Arg(64)
    ->Arg(1024)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

floor_types::Task FloorNumbers(floor_types::Channel& channel, const bool& end) {
  long sent = 0;
  while (!end) co_await channel.Send(sent++);
  co_return sent;
}
floor_types::Task FloorChannelBody(State& state, floor_types::Queue& queue) {
  floor_types::Channel channel(queue, static_cast<std::size_t>(state.range(0)));
  bool end = false;
  const floor_types::Task sender = FloorNumbers(channel, end);
  sender.Spawn(queue);
  for (auto _ : state) DoNotOptimize(co_await channel.Receive());
  end = true;
  while (!sender.done()) {
    // It may wait for room.
    DoNotOptimize(co_await channel.Receive());
    co_await floor_types::Yield{queue};
  }
  co_return 0;
}
EDDY_BENCHMARK(OnQueue<FloorChannelBody>)
    ->Name("channel_floor")
    ->Arg(1)
    ->Arg(64)
    ->Arg(1024)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void ChannelStd(State& state) {
  StdQueue<long> queue(static_cast<std::size_t>(state.range(0)));
  const std::jthread sender([&] {
    for (long i = 0; queue.Send(i);) ++i;
  });
  for (auto _ : state) DoNotOptimize(queue.Receive());
  queue.Close();
}
EDDY_BENCHMARK(ChannelStd)
    ->Name("channel_std")
    ->Arg(1)
    ->Arg(64)
    ->Arg(1024)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- A single value, that is there when it is asked for ----------------------

Task<> OneshotBody(State& state) {
  for (auto _ : state) {
    eddy::Oneshot<long> oneshot;
    DoNotOptimize(oneshot.sender.Send(1));
    DoNotOptimize(co_await oneshot.receiver.Receive());
  }
}
EDDY_BENCHMARK(OneshotBody)
    ->Name("oneshot")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void PromiseStd(State& state) {
  for (auto _ : state) {
    std::promise<long> promise;
    std::future<long> future = promise.get_future();
    promise.set_value(1);
    DoNotOptimize(future.get());
  }
}
EDDY_BENCHMARK(PromiseStd)
    ->Name("oneshot_std")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- A question with a place for the answer ----------------------------------

using Question = eddy::Oneshot<long>::Sender;

Task<> Answers(eddy::Channel<Question>& questions) {
  while (auto question = co_await questions.Receive()) {
    static_cast<void>(question->Send(1));
  }
}
Task<> AskBody(State& state) {
  eddy::Channel<Question> questions(1);
  const auto all = [&](eddy::TaskScope& scope) -> Task<> {
    scope.Spawn(Answers(questions));
    for (auto _ : state) {
      eddy::Oneshot<long> answer;
      static_cast<void>(co_await questions.Send(std::move(answer.sender)));
      DoNotOptimize(co_await answer.receiver.Receive());
    }
    questions.Close();
  };
  static_cast<void>(co_await eddy::WithScope(all));
}
EDDY_BENCHMARK(AskBody)->Name("ask")->MeasureProcessCPUTime()->UseRealTime();

void AskStd(State& state) {
  StdQueue<std::promise<long>> questions(1);
  const std::jthread answers([&] {
    while (auto question = questions.Receive()) question->set_value(1);
  });
  for (auto _ : state) {
    std::promise<long> question;
    std::future<long> answer = question.get_future();
    questions.Send(std::move(question));
    DoNotOptimize(answer.get());
  }
  questions.Close();
}
EDDY_BENCHMARK(AskStd)->Name("ask_std")->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
