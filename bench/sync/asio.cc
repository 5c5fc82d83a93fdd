// Asio's part: a channel; see main.cc.
#include <eddy/runtime/testing/benchmark.h>

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/channel.hpp>
#include <cstddef>
#include <system_error>

#include "bench/micro/on_asio.h"

namespace {

using eddy::benchmark::DoNotOptimize;
using eddy::benchmark::State;

// Errors as values.
constexpr asio::experimental::as_tuple_t<asio::use_awaitable_t<>> kToken;

using Channel = asio::experimental::channel<void(std::error_code, long)>;

asio::awaitable<void> Numbers(Channel& channel) {
  for (long i = 0;; ++i) {
    const auto [error] =
        co_await channel.async_send(std::error_code(), i, kToken);
    if (error) co_return;
  }
}
asio::awaitable<void> ReceiveAll(Channel& channel, State& state) {
  for (auto _ : state) {
    DoNotOptimize(co_await channel.async_receive(kToken));
  }
  channel.close();
}
asio::awaitable<void> ChannelBody(State& state) {
  using asio::experimental::awaitable_operators::operator&&;
  Channel channel(co_await asio::this_coro::executor,
                  static_cast<std::size_t>(state.range(0)));
  co_await (Numbers(channel) && ReceiveAll(channel, state));
}
EDDY_BENCHMARK(OnAsio<ChannelBody>)
    ->Name("channel_asio")
    ->Arg(1)
    ->Arg(64)
    ->Arg(1024)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
