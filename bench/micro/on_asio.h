// OnAsio: runs a coroutine of Asio's, as a reactor runs eddy's.
#ifndef EDDY_BENCH_MICRO_ON_ASIO_H_
#define EDDY_BENCH_MICRO_ON_ASIO_H_

#include <eddy/runtime/testing/benchmark.h>

#include <asio.hpp>
#include <exception>

// On a context that is told that one thread uses it, which spares it its locks.
template <asio::awaitable<void> (*body)(eddy::benchmark::State&)>
void OnAsio(eddy::benchmark::State& state) {
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  asio::co_spawn(context, body(state), [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  context.run();
}

#endif  // EDDY_BENCH_MICRO_ON_ASIO_H_
