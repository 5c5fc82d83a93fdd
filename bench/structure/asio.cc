// Asio's part: several coroutines at once; see main.cc.
#include <eddy/runtime/testing/benchmark.h>

#include <asio.hpp>
#include <asio/experimental/parallel_group.hpp>
#include <cstddef>
#include <utility>

#include "bench/micro/on_asio.h"

namespace {

using eddy::benchmark::DoNotOptimize;
using eddy::benchmark::State;

[[gnu::noinline]] asio::awaitable<long> Answer(long n) { co_return n + 1; }

asio::awaitable<void> SpawnBody(State& state) {
  const auto executor = co_await asio::this_coro::executor;
  long sum = 0;
  for (auto _ : state) {
    sum = co_await asio::co_spawn(executor, Answer(sum), asio::use_awaitable);
    DoNotOptimize(sum);
  }
}
EDDY_BENCHMARK(OnAsio<SpawnBody>)->Name("spawn_join_asio");

// A group in one go: a && b && ... of its awaitable_operators makes one of each
// two.
template <std::size_t... kIndex>
auto AllOf(const asio::any_io_executor& executor,
           std::index_sequence<kIndex...>) {
  return asio::experimental::make_parallel_group([&executor](auto token) {
    return asio::co_spawn(executor, Answer(long{kIndex}), std::move(token));
  }...);
}
template <std::size_t kTasks>
asio::awaitable<void> AllBody(State& state) {
  const auto executor = co_await asio::this_coro::executor;
  constexpr auto kIndices = std::make_index_sequence<kTasks>();
  for (auto _ : state) {
    auto group = AllOf(executor, kIndices);
    DoNotOptimize(co_await group.async_wait(asio::experimental::wait_for_all(),
                                            asio::use_awaitable));
  }
}
EDDY_BENCHMARK(OnAsio<AllBody<2>>)->Name("when_all_asio/2");
EDDY_BENCHMARK(OnAsio<AllBody<10>>)->Name("when_all_asio/10");

}  // namespace
