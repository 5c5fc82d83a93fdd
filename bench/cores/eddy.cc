// Calls and values between two cores of a Runtime.

#include <benchmark/benchmark.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/remote.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/shared_channel.h>
#include <eddy/runtime/submit_to.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "bench/cores/calls.h"

namespace eddy::bench {
namespace {

constexpr unsigned kOther = 1;

template <class T>
T OrDie(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "cores: %s\n", result.error().message().c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

// --- What a call is: one of the tasks that call, over and over ---------------

long AddOne() { return 1; }
Task<long> AddOneTask() { co_return 1; }

class FunctionCalls {
 public:
  Task<> Start(TaskScope&) { co_return; }
  Task<> Call(Course& course) {
    do {
      benchmark::DoNotOptimize(OrDie(co_await SubmitTo(kOther, AddOne)));
    } while (course.Count());
  }
  void End() {}
};

class TaskCalls {
 public:
  Task<> Start(TaskScope&) { co_return; }
  Task<> Call(Course& course) {
    do {
      benchmark::DoNotOptimize(OrDie(co_await SubmitTo(kOther, AddOneTask)));
    } while (course.Count());
  }
  void End() {}
};

class RemoteCalls {
 public:
  Task<> Start(TaskScope&) {
    remote_ = OrDie(co_await SubmitTo(kOther, Remote::Create));
  }
  Task<> Call(Course& course) {
    do {
      benchmark::DoNotOptimize(OrDie(co_await remote_->Spawn(AddOneTask)));
    } while (course.Count());
  }
  void End() {}

 private:
  std::optional<Remote> remote_;
};

class ChannelCalls {
 public:
  explicit ChannelCalls(std::size_t in_flight)
      : there_(in_flight), back_(in_flight) {}

  Task<> Start(TaskScope& scope) {
    scope.Spawn(AnswerOnOther(*this));
    co_return;
  }
  Task<> Call(Course& course) {
    do {
      OrDie(co_await there_.Send(1));
      benchmark::DoNotOptimize(OrDie(co_await back_.Receive()));
    } while (course.Count());
  }
  void End() { there_.Close(); }

 private:
  static Task<> Answer(ChannelCalls& self) {
    while (const Result<long> value = co_await self.there_.Receive()) {
      OrDie(co_await self.back_.Send(*value + 1));
    }
  }
  static Task<> AnswerOnOther(ChannelCalls& self) {
    OrDie(co_await SubmitTo(kOther, [&self] { return Answer(self); }));
  }

  SharedChannel<long> there_;
  SharedChannel<long> back_;
};

// Values in one direction.
class ChannelSends {
 public:
  explicit ChannelSends(std::size_t capacity) : channel_(capacity) {}

  Task<> Start(TaskScope& scope) {
    scope.Spawn(ReceiveOnOther(*this));
    co_return;
  }
  Task<> Call(Course& course) {
    do {
      OrDie(co_await channel_.Send(1));
    } while (course.Count());
  }
  void End() { channel_.Close(); }

 private:
  static Task<> Receive(ChannelSends& self) {
    while (const Result<long> value = co_await self.channel_.Receive()) {
      benchmark::DoNotOptimize(*value);
    }
  }
  static Task<> ReceiveOnOther(ChannelSends& self) {
    OrDie(co_await SubmitTo(kOther, [&self] { return Receive(self); }));
  }

  SharedChannel<long> channel_;
};

// --- The run -----------------------------------------------------------------

struct Counts {
  std::uint64_t system_calls = 0;
  std::uint64_t wake_ups = 0;
};

// Each wake-up is a write to an eventfd, which a read in a ring is about; there
// are no other operations.
Task<Counts> CountBoth() {
  Counts counts;
  for (unsigned core = 0; core <= kOther; ++core) {
    const auto get = [] { return Reactor::Current()->stats(); };
    const ReactorStats stats = OrDie(co_await SubmitTo(core, get));
    counts.system_calls += stats.enters + stats.completions;
    counts.wake_ups += stats.completions;
  }
  co_return counts;
}

template <class Calls>
Task<CallOutcome> Measure(Calls& calls, const Window& window,
                          std::size_t tasks) {
  Course course(window);
  const Counts before = co_await CountBoth();
  const auto all = [&](TaskScope& scope) -> Task<> {
    co_await calls.Start(scope);
    const auto callers = [&](TaskScope& inner) -> Task<> {
      for (std::size_t i = 0; i < tasks; ++i) inner.Spawn(calls.Call(course));
      co_return;
    };
    static_cast<void>(co_await WithScope(callers));
    calls.End();
  };
  static_cast<void>(co_await WithScope(all));
  const Counts after = co_await CountBoth();
  co_return course.Outcome(after.system_calls - before.system_calls,
                           after.wake_ups - before.wake_ups);
}

template <class Calls>
CallOutcome RunCalls(bool spins, Calls& calls, const Window& window,
                     std::size_t tasks) {
  RuntimeOptions options;
  options.cores = kOther + 1;
  if (spins) options.reactor.busy_poll = std::chrono::seconds(1);
  const std::unique_ptr<Runtime> runtime = OrDie(Runtime::Create(options));
  return runtime->Run(Measure(calls, window, tasks));
}

template <class Calls>
CallSubject Subject(const char* name, bool spins) {
  return {name, [spins](const Window& window, std::size_t in_flight) {
            if constexpr (std::is_constructible_v<Calls, std::size_t>) {
              Calls calls(in_flight);
              return RunCalls(spins, calls, window, in_flight);
            } else {
              Calls calls;
              return RunCalls(spins, calls, window, in_flight);
            }
          }};
}

}  // namespace

std::vector<CallSubject> EddyCalls(bool spins) {
  return {Subject<FunctionCalls>("eddy", spins),
          Subject<TaskCalls>("eddy-task", spins),
          Subject<RemoteCalls>("eddy-remote", spins),
          Subject<ChannelCalls>("eddy-channel", spins)};
}

CallSubject EddyChannel(bool spins) {
  return {"eddy", [spins](const Window& window, std::size_t capacity) {
            ChannelSends sends(capacity);
            return RunCalls(spins, sends, window, 1);
          }};
}

}  // namespace eddy::bench
