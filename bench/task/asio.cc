// Asio's part: its coroutines, and its queue of what is ready; see main.cc.
#include <eddy/runtime/testing/benchmark.h>

#include <asio.hpp>

#include "bench/micro/on_asio.h"

namespace {

using eddy::benchmark::DoNotOptimize;
using eddy::benchmark::State;

[[gnu::noinline]] asio::awaitable<long> Answer(long n) { co_return n + 1; }
asio::awaitable<void> TaskBody(State& state) {
  long sum = co_await Answer(1);
  for (auto _ : state) {
    sum = co_await Answer(sum);
    DoNotOptimize(sum);
  }
}
EDDY_BENCHMARK(OnAsio<TaskBody>)->Name("task_asio");

// NOLINTNEXTLINE(misc-no-recursion)
[[gnu::noinline]] asio::awaitable<long> Chain(long depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await Chain(depth - 1);
}
asio::awaitable<void> ChainBody(State& state) {
  DoNotOptimize(co_await Chain(state.range(0)));
  for (auto _ : state) DoNotOptimize(co_await Chain(state.range(0)));
}
EDDY_BENCHMARK(OnAsio<ChainBody>)->Name("chain_asio")->Arg(10)->Arg(100);

asio::awaitable<void> YieldBody(State& state) {
  for (auto _ : state) co_await asio::post(asio::use_awaitable);
}
EDDY_BENCHMARK(OnAsio<YieldBody>)->Name("yield_asio");

}  // namespace
