#include <eddy/runtime/testing/sweep.h>

#include <eddy/runtime/chaos_ring.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/testing/holdings.h>
#include <eddy/runtime/with_stop.h>

#include <exception>
#include <memory>
#include <system_error>
#include <thread>

namespace eddy::internal {
namespace {

using RealClock = std::chrono::steady_clock;

// Requests the stop at its point, and aborts a run that does not end.
class Stopper final : public LoopObserver {
 public:
  Stopper(std::uint64_t point, StopSource& source, Duration longest_run)
      : point_(point),
        source_(source),
        until_(RealClock::now() + longest_run) {}

  bool stopped() const noexcept { return stopped_; }
  // What the tasks waited for when the stop came.
  const std::string& tasks() const noexcept { return tasks_; }

  void Step(Reactor& reactor) noexcept override {
    if (++step_ == point_) {
      tasks_ = reactor.DumpTasks();
      stopped_ = true;
      source_.RequestStop();
    }
    if (RealClock::now() > until_) {
      Misuse("a scenario does not end%s; its tasks:\n%s",
             stopped_ ? " after it was stopped" : "",
             reactor.DumpTasks().c_str());
    }
  }

 private:
  const std::uint64_t point_;
  StopSource& source_;
  const RealClock::time_point until_;
  std::uint64_t step_ = 0;
  bool stopped_ = false;
  std::string tasks_;
};

struct Run {
  // Whether the stop or the failure came.
  bool hit = false;
  std::string wrong;
  std::string tasks;
};

Task<Result<void>> Stoppable(const SweepScenario& scenario, StopToken token) {
  co_return co_await WithStop(std::move(token), scenario());
}

// Runs the scenario on a reactor of its own; what is wrong with how it ended.
void RunOnReactor(const SweepScenario& scenario, const SweepOptions& options,
                  std::uint64_t stop_at, std::uint64_t fail_at, Run& run) {
  ChaosOptions chaos;
  chaos.seed = NextChaosSeed();
  chaos.fail_operation = fail_at;
  chaos.fail_with = options.fail_with;
  // The observer looks at the clock in between.
  chaos.longest_wait = std::chrono::milliseconds(500);
  Result<std::unique_ptr<ChaosRing>> made =
      ChaosRing::Create(RingOptions(), chaos);
  if (!made) {
    throw std::system_error(made.error().ToErrorCode(),
                            "cannot create a reactor");
  }
  const ChaosRing& ring = **made;
  ReactorOptions reactor_options;
  reactor_options.ready_per_turn = 1;
  reactor_options.chaos_seed = chaos.seed;
  const auto reactor = Reactor::CreateOn(*std::move(made), reactor_options);
  StopSource source;
  Stopper stopper(stop_at, source, options.longest_run);
  reactor->set_observer(&stopper);
  std::string thrown;
  Result<void> result;
  try {
    result = reactor->Run(Stoppable(scenario, source.token()));
  } catch (const std::exception& exception) {
    thrown = exception.what();
  } catch (...) {
    thrown = "an object that is no std::exception";
  }
  run.tasks = stopper.tasks();
  run.hit = stopper.stopped() || (fail_at != 0 && ring.operations() >= fail_at);
  if (!thrown.empty()) {
    run.wrong = "it threw: " + thrown;
  } else if (!result && !run.hit) {
    run.wrong = "it failed by itself: " + result.error().message();
  } else if (!reactor->timers().empty()) {
    run.wrong = "a timer is left";
  } else if (reactor->stats().detached_errors != 0) {
    run.wrong = "a close by a destructor failed: is a descriptor closed twice?";
  }
}

// What is left after a run. What other threads still hold is given back soon: a
// job's thread shares the eventfd of the reactor that it has woken, and may
// close it after the reactor has ended.
std::string LeftMoreThan(const Holdings& before) {
  constexpr auto kSoon = std::chrono::milliseconds(500);
  const RealClock::time_point until = RealClock::now() + kSoon;
  std::string left = Holdings::Now().MoreThan(before);
  while (!left.empty() && RealClock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    left = Holdings::Now().MoreThan(before);
  }
  return left;
}

Run RunOnce(const SweepScenario& scenario, const SweepOptions& options,
            std::uint64_t stop_at, std::uint64_t fail_at) {
  Run run;
  const Holdings before = Holdings::Now();
  RunOnReactor(scenario, options, stop_at, fail_at, run);
  if (run.wrong.empty()) run.wrong = LeftMoreThan(before);
  if (run.wrong.empty() && options.check) run.wrong = options.check();
  return run;
}

// What is made once and kept, such as the threads of the blocking pool or a
// library's descriptors, is made before anything is counted.
SweepReport Sweep(const char* verb, const SweepScenario& scenario,
                  const SweepOptions& options, bool stops) {
  SweepReport report;
  Run warm_up;
  RunOnReactor(scenario, options, 0, 0, warm_up);
  report.failure = warm_up.wrong;
  while (report.failure.empty()) {
    const std::uint64_t point = report.points + 1;
    const Run run =
        RunOnce(scenario, options, stops ? point : 0, stops ? 0 : point);
    if (run.hit) report.points = point;
    if (!run.wrong.empty()) {
      report.failure = run.hit ? verb + (" at point " + std::to_string(point)) +
                                     ": " + run.wrong
                               : "neither stopped nor failed: " + run.wrong;
      if (!run.tasks.empty()) {
        report.failure += "\nits tasks at that point:\n" + run.tasks;
      }
    }
    if (!run.hit) break;
    if (point == options.most_points) {
      report.failure =
          "it still goes on after " + std::to_string(point) + " points";
    }
  }
  if (report.failure.empty() && report.points == 0) {
    report.failure = "no run was " + std::string(verb) +
                     ": the scenario awaits nothing that can be";
  }
  return report;
}

}  // namespace

SweepReport StopSweep(const SweepScenario& scenario,
                      const SweepOptions& options) {
  return Sweep("stopped", scenario, options, /*stops=*/true);
}

SweepReport FailSweep(const SweepScenario& scenario,
                      const SweepOptions& options) {
  return Sweep("failed", scenario, options, /*stops=*/false);
}

}  // namespace eddy::internal
