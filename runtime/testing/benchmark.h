// EDDY_BENCHMARK: Google Benchmark for coroutines.
//
//   Task<> SleepZero(eddy::benchmark::State& state) {
//     for (auto _ : state) co_await Sleep(0ns);
//   }
//   EDDY_BENCHMARK(SleepZero);
//
//   Task<Result<void>> Copy(eddy::benchmark::State& state) {
//     ... open two files of state.range(0) bytes ...
//     for (auto _ : state) {
//       const Result<void> copied = co_await CopyAll(from, to);
//       if (!copied) co_return copied;       // reported as the run's error
//     }
//     co_return Result<void>();
//   }
//   EDDY_BENCHMARK(Copy)->Range(1024, 1 << 20)->Threads(2)->UseRealTime();
//
// The program links eddy::benchmark, and benchmark::benchmark_main or has a
// BENCHMARK_MAIN() of its own. What EDDY_BENCHMARK gives is Google's: Arg,
// Args, Range, Threads, Iterations, UseManualTime, Complexity and the program's
// --benchmark_* flags work as they do there. What has to wait (for the kernel,
// a timer, another thread) needs UseRealTime(): by default Google's library
// counts the CPU's time, and goes on until that suffices.
//
// A body is
//   - a function that returns a Task of nothing or of a Result: each run is the
//     main task of a fresh reactor. What it awaits before and after its loop is
//     not measured;
//   - a member function of a class that does so, as in
//     EDDY_BENCHMARK(Echo::RoundTrip). Each run has an object of its own, made
//     on the reactor, whose SetUp(State&) and TearDown(State&), Tasks as well,
//     are awaited before and after where the class has them. TearDown is
//     awaited after a body that failed, and not where SetUp failed;
//   - a function that returns nothing: it is called, and starts what it likes:
//     coroutines of your own with your own loop, a std::coroutine_handle, a
//     Runtime. It returns when the loop over the state has ended.
//
// Counters, of an iteration (or of one of its operations, see
// SetOperationsPerIteration) and of the loop alone, without what comes before
// and after it or while the timing is paused:
//   await     the time, by the clock that the benchmark goes by; printed as
//             "7.9ns", in JSON seconds
//   allocs    calls of operator new; only where the program links
//             eddy::allocation_count (see allocation_count.h)
//   frames    blocks taken from eddy's frame pool: frames of its coroutines,
//             and the places of spawned tasks
//   frame_bytes  their sizes together, each a multiple of 64
//   sqes      entries given to the ring, cancels too        } where the loop
//   enters    system calls that the reactor's loop made     } runs on a reactor
//   switches  context switches, as getrusage(2) counts them
// With Threads(n) they are of all threads' iterations; allocations are those of
// the benchmark's own threads then, else those of the process. Frames are
// always those of its own threads.
//
// Threads(n): n cores. Each thread has a reactor, and a core of its own as long
// as there are enough. They begin and end their loops together; before a loop
// begins, what another thread's body has made may not be there yet.
//
// Errors: an exception, an error that a body or SetUp returns, a reactor that
// cannot be made, a body without a loop, with two, or that leaves it early
// without SkipWithError: the run is reported as failed, with a text that says
// so, and the others go on.
//
// Cost: an iteration costs what one of Google's does. Two calls of getrusage(2)
// and two looks at the counters of the frame pool a run, besides the reactor.
//
// docs/benchmarking.md says what to beware of. See also
// https://github.com/google/benchmark, docs/user_guide.md.
#ifndef EDDY_RUNTIME_TESTING_BENCHMARK_H_
#define EDDY_RUNTIME_TESTING_BENCHMARK_H_

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/time.h>

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <string>
#include <type_traits>
#include <utility>

// Registers a body; a name for it is taken from the text. Calls of Google's
// benchmark may follow: EDDY_BENCHMARK(Body)->Arg(1);
#define EDDY_BENCHMARK(...) EDDY_BENCHMARK_AT(__COUNTER__, __VA_ARGS__)
#define EDDY_BENCHMARK_AT(number, ...) EDDY_BENCHMARK_AS(number, __VA_ARGS__)
#define EDDY_BENCHMARK_AS(number, ...)                                \
  [[maybe_unused]] static const auto* const eddy_benchmark_##number = \
      ::eddy::benchmark::Register(#__VA_ARGS__, &__VA_ARGS__)

namespace eddy::benchmark {

// So that they are found where this namespace hides Google's.
using ::benchmark::ClobberMemory;
using ::benchmark::Counter;
using ::benchmark::DoNotOptimize;

// One run of a benchmark, on one of its threads.
class State {
 public:
  // What the loop's variable is.
  struct [[maybe_unused]] Iteration {};
  class Iterator;

  explicit State(::benchmark::State& state) noexcept : state_(state) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // The loop, once in each run. It is left early only after SkipWithError.
  Iterator begin() noexcept;
  std::default_sentinel_t end();

  // How often the loop goes round in this run.
  std::int64_t iterations() const noexcept { return state_.max_iterations; }

  // The run's argument. REQUIRES: there are more than `index`.
  std::int64_t range(std::size_t index = 0) const {
    return state_.range(index);
  }
  // How many threads run the body at once, and which of them this is.
  int threads() const noexcept { return state_.threads(); }
  int thread_index() const noexcept { return state_.thread_index(); }

  // Reports the run as failed; of several texts the first one is. Leave the
  // loop, or the body, after it.
  void SkipWithError(const std::string& why) {
    state_.SkipWithError(why.c_str());
  }
  bool error_occurred() const noexcept { return state_.error_occurred(); }

  // What happens from here on is neither timed nor counted, until ResumeTiming.
  // Costs about a microsecond each: for iterations that take many.
  // REQUIRES: in the loop.
  void PauseTiming();
  void ResumeTiming();

  // The time of this iteration, where UseManualTime() was said.
  void SetIterationTime(double seconds) { state_.SetIterationTime(seconds); }
  void SetIterationTime(Duration time) {
    SetIterationTime(std::chrono::duration<double>(time).count());
  }

  // How many operations an iteration is; 1 by default. The counters, "await"
  // among them, become those of one operation. Not so the times that Google's
  // library prints, nor the counters that the body sets.
  // REQUIRES: not 0.
  void SetOperationsPerIteration(std::uint64_t operations) noexcept {
    operations_per_iteration_ = operations;
  }

  // As Google's, after the loop: for a rate beside the time, a text beside the
  // result, the N of Complexity(), and counters of your own.
  void SetItemsProcessed(std::int64_t items) {
    state_.SetItemsProcessed(items);
  }
  void SetBytesProcessed(std::int64_t bytes) {
    state_.SetBytesProcessed(bytes);
  }
  void SetLabel(const std::string& label) { state_.SetLabel(label.c_str()); }
  void SetComplexityN(std::int64_t n) { state_.SetComplexityN(n); }
  ::benchmark::UserCounters& counters() noexcept { return state_.counters; }

  // Says what is wrong with how the body used its loop, and sets the counters.
  // For what calls bodies; after the body has ended.
  void Finish();

 private:
  enum class Loop : unsigned char { kNotBegun, kRuns, kPaused, kEnded };

  // What is counted, of all that was before.
  struct Totals {
    std::uint64_t allocations = 0;
    std::uint64_t frames = 0;
    std::uint64_t frame_bytes = 0;
    std::uint64_t sqes = 0;
    std::uint64_t enters = 0;
    std::uint64_t switches = 0;
  };

  Totals Now() const noexcept;
  // Counts from here on, or up to here.
  void Begin() noexcept { before_ = Now(); }
  void Count() noexcept;
  void BeginLoop();
  void EndLoop();
  void SetCounters();

  ::benchmark::State& state_;
  Loop loop_ = Loop::kNotBegun;
  const Reactor* reactor_ = nullptr;
  std::uint64_t operations_per_iteration_ = 1;
  Totals before_;
  Totals sum_;
};

class State::Iterator {
 public:
  Iteration operator*() const noexcept { return {}; }
  Iterator& operator++() noexcept {
    --left_;
    return *this;
  }
  bool operator!=(std::default_sentinel_t /*end*/) const {
    if (left_ != 0) [[likely]] {
      return true;
    }
    state_->EndLoop();
    return false;
  }

 private:
  friend State;
  Iterator(State& state, std::int64_t left) noexcept
      : left_(left), state_(&state) {}

  std::int64_t left_;
  State* state_;
};

// The loop's variable is complete before the call that starts the clock, so
// that a coroutine has nothing to keep across it.
inline State::Iterator State::begin() noexcept {
  const bool none = loop_ != Loop::kNotBegun || error_occurred();
  return {*this, none ? 0 : iterations()};
}
inline std::default_sentinel_t State::end() {
  BeginLoop();
  return {};
}

}  // namespace eddy::benchmark

namespace eddy::benchmark_internal {

using benchmark::State;

// Runs one body as a benchmark: what it throws becomes the run's error.
void Run(::benchmark::State& state, const std::function<void(State&)>& body);
// The same of a task, on a fresh reactor.
void RunOnReactor(State& state, Task<Result<void>> main);

template <class T>
Task<Result<void>> Await(Task<T> task) {
  if constexpr (internal::kIsResult<T>) {
    const T result = co_await std::move(task);
    if (!result) co_return Unexpected(result.error());
  } else {
    static_cast<void>(co_await std::move(task));
  }
  co_return Result<void>();
}
inline Task<Result<void>> Await(Task<void> task) {
  co_await std::move(task);
  co_return Result<void>();
}

template <class Class, class T>
Task<Result<void>> AwaitMember(Task<T> (Class::*body)(State&), State& state) {
  Class object;
  if constexpr (requires { object.SetUp(state); }) {
    const Result<void> set_up = co_await Await(object.SetUp(state));
    if (!set_up) co_return set_up;
  }
  Result<void> result;
  std::exception_ptr exception;
  if (!state.error_occurred()) {
    try {
      result = co_await Await((object.*body)(state));
    } catch (...) {
      exception = std::current_exception();
    }
  }
  if constexpr (requires { object.TearDown(state); }) {
    const Result<void> torn_down = co_await Await(object.TearDown(state));
    if (result) result = torn_down;
  }
  if (exception) std::rethrow_exception(exception);
  co_return result;
}

// A function of the State that is called in each run.
template <class Body>
auto Callable(Body body) {
  using R = std::invoke_result_t<Body&, State&>;
  static_assert(std::is_void_v<R> || internal::kIsTask<R>,
                "a body returns a Task of eddy, or nothing: a function that "
                "starts other coroutines, and returns when they have ended");
  return [body = std::move(body)](State& state) mutable {
    if constexpr (std::is_void_v<R>) {
      body(state);
    } else {
      RunOnReactor(state, Await(body(state)));
    }
  };
}
template <class Class, class T>
auto Callable(Task<T> (Class::*body)(State&)) {
  return
      [body](State& state) { RunOnReactor(state, AwaitMember(body, state)); };
}

}  // namespace eddy::benchmark_internal

namespace eddy::benchmark {

// What EDDY_BENCHMARK does, for names and bodies that are made at run time; the
// body may be a lambda, too, which is kept.
template <class Body>
auto* Register(const std::string& name, Body body) {
  return ::benchmark::RegisterBenchmark(
      name.c_str(),
      [body = std::function<void(State&)>(
           benchmark_internal::Callable(std::move(body)))](
          ::benchmark::State& state) { benchmark_internal::Run(state, body); });
}

}  // namespace eddy::benchmark

#endif  // EDDY_RUNTIME_TESTING_BENCHMARK_H_
