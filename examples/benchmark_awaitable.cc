// What an await costs, from one that is ready to one that asks the kernel: an
// awaitable and a coroutine type of one's own, measured with Google Benchmark.
// Run:  examples/run benchmark_awaitable [--benchmark_filter=REGEX]
// See:  a line for each, from about a nanosecond to some microseconds, with the
//       heap allocations, ring entries and system calls of an iteration. What
//       counts are the ratios; docs/benchmarking.md says why, and what to
//       beware of.
#include <eddy/io/pipe.h>
#include <eddy/runtime/operation.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/testing/benchmark.h>
#include <eddy/runtime/time.h>
#include <eddy/runtime/yield.h>

#include <benchmark/benchmark.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

namespace {

using eddy::Result;
using eddy::Task;
using eddy::benchmark::DoNotOptimize;
using eddy::benchmark::State;

// --- An awaitable of one's own -----------------------------------------------

// A number that has to be looked up. It is at hand unless the key has none of
// the mask's bits; then the coroutine is suspended until it is there, which
// here is at once.
class Lookup {
 public:
  Lookup(std::uint64_t key, std::uint64_t mask) noexcept
      : key_(key), at_hand_((key & mask) != 0) {}

  bool await_ready() const noexcept { return at_hand_; }
  std::coroutine_handle<> await_suspend(
      std::coroutine_handle<> waiter) const noexcept {
    return waiter;
  }
  std::uint64_t await_resume() const noexcept { return key_ + 1; }

 private:
  std::uint64_t key_;
  bool at_hand_;
};

Task<> OwnAwaitable(State& state) {
  const auto mask = static_cast<std::uint64_t>(state.range(0));
  std::uint64_t key = 0;
  for (auto _ : state) {
    key = co_await Lookup(key, mask);
    DoNotOptimize(key);
  }
}
// Never at hand, each second time, nearly always: what suspending costs.
EDDY_BENCHMARK(OwnAwaitable)->Arg(0)->Arg(1)->Arg(1023);

// --- What eddy has for comparison --------------------------------------------

// A task: a frame is made, run and given back.
[[gnu::noinline]] Task<std::uint64_t> LookUp(std::uint64_t key) {
  co_return key + 1;
}
Task<> AwaitTask(State& state) {
  std::uint64_t key = 0;
  for (auto _ : state) {
    key = co_await LookUp(key);
    DoNotOptimize(key);
  }
}
EDDY_BENCHMARK(AwaitTask);

// Once through the reactor's ready queue.
Task<> AwaitYield(State& state) {
  for (auto _ : state) co_await eddy::Yield();
}
EDDY_BENCHMARK(AwaitYield);

// An operation of one's own: to the kernel and back.
class [[nodiscard]] Nop final : public eddy::SingleOperation<Nop> {
 public:
  const char* name() const noexcept override { return "Nop"; }
  void Prepare(io_uring_sqe* sqe) const noexcept { io_uring_prep_nop(sqe); }
  Result<void> await_resume() const { return VoidResult(); }
};

Task<Result<void>> AwaitKernel(State& state) {
  for (auto _ : state) {
    // Returns an error, which becomes that of the run.
    EDDY_CO_CHECK(co_await Nop());
  }
  co_return Result<void>();
}
// On one core, and on two at once, each with a ring of its own.
EDDY_BENCHMARK(AwaitKernel)->Threads(1)->Threads(2)->UseRealTime();

// --- With a set-up, and what has to be torn down -----------------------------

// Each run has an object of its own.
class InPipe {
 public:
  Task<Result<void>> SetUp(State& state) {
    EDDY_CO_TRY(pipe_, eddy::io::Pipe::Create());
    bytes_.resize(static_cast<std::size_t>(state.range(0)));
    co_return Result<void>();
  }

  Task<Result<void>> WriteAndRead(State& state) {
    state.SetOperationsPerIteration(2);
    for (auto _ : state) {
      EDDY_CO_CHECK(co_await pipe_.writer.Write(bytes_));
      EDDY_CO_CHECK(co_await pipe_.reader.Read(bytes_));
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
    co_return Result<void>();
  }

  // Of an iteration only the read, by a clock of one's own.
  Task<Result<void>> Read(State& state) {
    for (auto _ : state) {
      EDDY_CO_CHECK(co_await pipe_.writer.Write(bytes_));
      const eddy::TimePoint start = eddy::Clock::now();
      EDDY_CO_CHECK(co_await pipe_.reader.Read(bytes_));
      state.SetIterationTime(eddy::Clock::now() - start);
    }
    co_return Result<void>();
  }

  // Also after a body that has failed.
  Task<Result<void>> TearDown(State& /*state*/) {
    EDDY_CO_CHECK(co_await pipe_.writer.Shutdown());
    co_return co_await pipe_.reader.Close();
  }

 private:
  eddy::io::Pipe pipe_;
  std::vector<std::byte> bytes_;
};
EDDY_BENCHMARK(InPipe::WriteAndRead)->Arg(1)->Arg(4096)->UseRealTime();
EDDY_BENCHMARK(InPipe::Read)->Arg(1)->Arg(4096)->UseManualTime();

// --- A coroutine type written by hand ----------------------------------------

// Starts at once and stops at each `co_await std::suspend_always()`. eddy knows
// nothing of it, so a plain function runs it.
class Steps {
 public:
  struct promise_type {
    Steps get_return_object() noexcept {
      return Steps(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };

  Steps(Steps&& other) noexcept
      : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  ~Steps() {
    if (coroutine_) coroutine_.destroy();
  }

  bool done() const noexcept { return coroutine_.done(); }
  void Step() const { coroutine_.resume(); }

 private:
  explicit Steps(std::coroutine_handle<promise_type> coroutine) noexcept
      : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_;
};

// The loop over the state may be in the coroutine: suspend and resume. Without
// the attribute clang++ sees through all of it, and nothing is left.
[[gnu::noinline]] Steps Suspends(State& state) {
  for (auto _ : state) co_await std::suspend_always();
}
void OwnCoroutine(State& state) {
  const Steps steps = Suspends(state);
  while (!steps.done()) steps.Step();
}
EDDY_BENCHMARK(OwnCoroutine);

// Or around it: make, run and destroy, each with a frame from the heap.
[[gnu::noinline]] Steps Once(std::uint64_t& key) {
  ++key;
  co_return;
}
void OwnCoroutineFromTheHeap(State& state) {
  std::uint64_t key = 0;
  for (auto _ : state) {
    const Steps steps = Once(key);
    DoNotOptimize(steps.done());
  }
}
EDDY_BENCHMARK(OwnCoroutineFromTheHeap);

}  // namespace

BENCHMARK_MAIN();
