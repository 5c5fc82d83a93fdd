// Asio's part: timers that are created, waited for by a callback, and expire;
// see main.cc. A batch at a time: the first of them sets timerfd, a system call
// that takes longer than all the rest, and a program with many timers has it
// once for many.
#include <eddy/runtime/testing/benchmark.h>

#include <asio.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <random>
#include <system_error>
#include <vector>

#include "bench/micro/on_asio.h"

namespace {

using eddy::benchmark::State;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 256;

asio::awaitable<void> SleepBody(State& state) {
  const auto executor = co_await asio::this_coro::executor;
  const auto ignore = [](const std::error_code& /*error*/) {};
  std::minstd_rand random;
  std::uniform_int_distribution<std::int64_t> seconds(60, 3660);
  std::list<asio::steady_timer> others;
  for (std::int64_t i = 0; i != state.range(0); ++i) {
    others.emplace_back(executor, std::chrono::seconds(seconds(random)))
        .async_wait(ignore);
  }
  std::vector<asio::steady_timer> batch;
  batch.reserve(kBatch);
  for (auto _ : state) {
    for (std::size_t i = 1; i != kBatch; ++i) {
      batch.emplace_back(executor, Clock::now()).async_wait(ignore);
    }
    // The last one that expires.
    batch.emplace_back(executor, Clock::now());
    co_await batch.back().async_wait(asio::use_awaitable);
    batch.clear();
  }
  state.SetItemsProcessed(state.iterations() * std::int64_t{kBatch});
  state.SetOperationsPerIteration(kBatch);
}
EDDY_BENCHMARK(OnAsio<SleepBody>)
    ->Name("sleep_asio")
    ->Arg(1'000)
    ->Arg(100'000)
    ->Arg(1'000'000);

}  // namespace
