#include <eddy/runtime/testing/benchmark.h>

#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/granted_cores.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/testing/allocation_count.h>

#include <sys/resource.h>

#include <cstddef>
#include <optional>
#include <vector>

namespace eddy::benchmark {

State::Totals State::Now() const noexcept {
  Totals now;
  if (AllocationCount::on()) {
    now.allocations = threads() == 1 ? AllocationCount::OfProcess()
                                     : AllocationCount::OfThread();
  }
  const internal::FrameTotals frames = internal::FramePool::Allocated();
  now.frames = frames.blocks;
  now.frame_bytes = frames.bytes;
  if (reactor_ != nullptr) {
    const ReactorStats stats = reactor_->stats();
    now.sqes = stats.submitted + stats.cancels;
    now.enters = stats.enters;
  }
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  now.switches = static_cast<std::uint64_t>(usage.ru_nvcsw + usage.ru_nivcsw);
  return now;
}

void State::Count() noexcept {
  const Totals now = Now();
  sum_.allocations += now.allocations - before_.allocations;
  sum_.frames += now.frames - before_.frames;
  sum_.frame_bytes += now.frame_bytes - before_.frame_bytes;
  sum_.sqes += now.sqes - before_.sqes;
  sum_.enters += now.enters - before_.enters;
  sum_.switches += now.switches - before_.switches;
}

void State::BeginLoop() {
  if (loop_ != Loop::kNotBegun) {
    SkipWithError("the body has more than one loop over its state");
    return;
  }
  reactor_ = Reactor::Current();
  // A thread of several waits for the others before its time begins, which is
  // not to be counted; nor is the time of the only one to have this in it.
  const bool alone = threads() == 1;
  if (alone) Begin();
  if (!state_.KeepRunningBatch(state_.max_iterations)) {
    loop_ = Loop::kEnded;
    return;
  }
  if (!alone) Begin();
  loop_ = Loop::kRuns;
}

void State::EndLoop() {
  if (loop_ == Loop::kPaused) ResumeTiming();
  if (loop_ != Loop::kRuns) return;
  const bool alone = threads() == 1;
  if (!alone) Count();
  // Its batch has been used up: this ends the loop.
  state_.KeepRunningBatch(1);
  if (alone) Count();
  loop_ = Loop::kEnded;
}

void State::PauseTiming() {
  if (loop_ != Loop::kRuns || error_occurred()) return;
  state_.PauseTiming();
  Count();
  loop_ = Loop::kPaused;
}

void State::ResumeTiming() {
  if (loop_ != Loop::kPaused) return;
  Begin();
  if (!error_occurred()) state_.ResumeTiming();
  loop_ = Loop::kRuns;
}

void State::Finish() {
  if (error_occurred()) return;
  if (loop_ == Loop::kNotBegun) {
    SkipWithError("the body ended without a loop: for (auto _ : state)");
  } else if (loop_ != Loop::kEnded) {
    SkipWithError(
        "the body ended in its loop: let the loop or the coroutine that it is "
        "in run to its end, or call SkipWithError before leaving it");
  } else {
    SetCounters();
  }
}

void State::SetCounters() {
  const auto each = static_cast<double>(operations_per_iteration_);
  const auto set = [this, each](const char* name, std::uint64_t value) {
    state_.counters[name] =
        Counter(static_cast<double>(value) / each, Counter::kAvgIterations);
  };
  // Inverted, the rate is the time of one, by the clock that the benchmark
  // goes by.
  state_.counters["await"] = Counter(static_cast<double>(iterations()) * each,
                                     Counter::kIsRate | Counter::kInvert);
  if (AllocationCount::on()) {
    set("allocs", sum_.allocations);
  }
  set("frames", sum_.frames);
  set("frame_bytes", sum_.frame_bytes);
  if (reactor_ != nullptr) {
    set("sqes", sum_.sqes);
    set("enters", sum_.enters);
  }
  set("switches", sum_.switches);
}

}  // namespace eddy::benchmark

namespace eddy::benchmark_internal {
namespace {

// Each thread of several on a core of its own; where that cannot be, anywhere.
std::optional<internal::ThreadPin> Pin(const ::benchmark::State& state) {
  if (state.threads() == 1) return std::nullopt;
  const std::vector<int> cores = internal::AllowedCores();
  if (cores.empty()) return std::nullopt;
  const auto index = static_cast<std::size_t>(state.thread_index());
  Result<internal::ThreadPin> pin =
      internal::ThreadPin::To(cores[index % cores.size()]);
  if (!pin) return std::nullopt;
  return std::optional<internal::ThreadPin>(std::move(*pin));
}

}  // namespace

void Run(::benchmark::State& google_state,
         const std::function<void(State&)>& body) {
  const std::optional<internal::ThreadPin> pin = Pin(google_state);
  State state(google_state);
  try {
    body(state);
  } catch (const std::exception& exception) {
    state.SkipWithError(std::string("exception: ") + exception.what());
  } catch (...) {
    state.SkipWithError("exception: of no std type");
  }
  state.Finish();
}

void RunOnReactor(State& state, Task<Result<void>> main) {
  const Result<void> result = SyncWait(std::move(main));
  if (!result) state.SkipWithError(result.error().message());
}

}  // namespace eddy::benchmark_internal
