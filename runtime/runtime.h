// Runtime: a reactor on each core, and nothing shared between them.
//
//   int main() {
//     auto runtime = Runtime::Create();
//     if (!runtime) Fail(runtime.error().message());
//     return (*runtime)->Run(Main());
//   }
//
//   Task<int> Main() {                       // on core 0
//     const Result<void> served = co_await ForEachCore([](unsigned core) {
//       return ServeOn(core);                // on each core, at the same time
//     });
//     ...
//
// Each core has a thread of its own (see RuntimeOptions::pin), a reactor,
// timers, buffers and frames of its own; a task stays on the core where it
// began. What another core has is asked for by a message: SubmitTo,
// ForEachCore, MapReduce, Sharded, OwnedBy, SharedChannel. So no task takes a
// lock, and a cache line belongs to one core. docs/cores.md says how to design
// for it.
//
// Core 0 is the thread that calls Create and Run. The other threads block all
// signals: they arrive at core 0 (io::Signals, io::UntilSignal).
#ifndef EDDY_RUNTIME_RUNTIME_H_
#define EDDY_RUNTIME_RUNTIME_H_

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_failure.h>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace eddy {

struct RuntimeOptions {
  // How many; 0: as many as this process may use, which are the cores of its
  // affinity mask, and no more of them than the quota of its control group.
  unsigned cores = 0;
  // Each thread stays on its core, where there is one for each CPU of the
  // affinity mask. (With fewer, two programs would choose the same ones: give
  // each of them CPUs of its own, as taskset does.) The thread that calls
  // Create stays until the Runtime is destroyed; programs and threads that are
  // started from a core meanwhile inherit that (eddy's own pool of threads does
  // not).
  bool pin = true;
  // More cores than this process may use, which then share them: for tests.
  bool oversubscribe = false;
  // The threads are named NAME-1, NAME-2, ... (core 0 keeps its name); of a
  // long name the first 11 characters are seen.
  std::string name = "eddy";
  // From a core to another one, how many calls may be on their way or carried
  // out at once; see SubmitTo. 0 counts as 1. (A service that is started as a
  // call, as by ForEachCore, is one for as long as it runs.)
  std::size_t most_calls = 1024;
  // Of each core. busy_poll makes messages between cores a hundred times faster
  // where cores have nothing else to do, and costs each of them whole.
  ReactorOptions reactor = {};
};

class Runtime {
 public:
  // Makes the threads and their reactors.
  // Errors: kTooFewCores; EAGAIN where no thread can be started; those of
  // Reactor::Create; EMFILE, ENFILE.
  // Cost: a thread and a ring for each core but the first, which has a ring.
  static Result<std::unique_ptr<Runtime>> Create(
      const RuntimeOptions& options = {});

  // REQUIRES: not running; on the thread that created it.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Starts the loop of each core, runs `main` on core 0 to its end, then stops
  // what runs on any core (in Reactor::scope()) and returns when nothing is
  // left: no task, no message, no operation. The loops of all cores go on until
  // all of them have nothing to do, so what is stopped may still ask other
  // cores. It may be called again.
  //
  // Result: what main returned or threw. If a task in the scope of a core
  // fails, all cores are stopped, and its exception is thrown or its error
  // returned, as by Reactor::Run; failed_core() says where it was. Of failures
  // on several cores, that of the core which was stopped first comes out, and
  // the others are counted on core 0 (ReactorStats::dropped_failures). So too
  // are all stopped by Reactor::RequestStop on any of them.
  //
  // REQUIRES: on the thread that created it, not from a task.
  template <class T>
  T Run(Task<T> main);
  // The same for main(), a callable that is kept until the end.
  template <class F>
  requires(!internal::kIsTask<std::decay_t<F>>) auto Run(F main) {
    return Run(main());
  }

  // The Runtime that runs on this thread, or null.
  static Runtime* Current() noexcept;
  // The same, and the core of this thread, from 0 on. REQUIRES: one runs here.
  static Runtime& OfTask() noexcept;
  static unsigned CurrentCore() noexcept;

  unsigned cores() const noexcept;

  // The core whose failure the last Run gave, 0 where it was main's; none after
  // a run without one.
  std::optional<unsigned> failed_core() const noexcept;

 private:
  struct State;
  explicit Runtime(std::unique_ptr<State> state) noexcept;

  Reactor& main_reactor() noexcept;
  // Lets the other cores run.
  void Begin();
  // Waits for their end. Returns the failure that comes out: that of core 0, or
  // of another one.
  TaskFailure End(TaskFailure of_main) noexcept;

  std::unique_ptr<State> state_;
};

template <class T>
T Runtime::Run(Task<T> main) {
  static_assert(
      !std::is_reference_v<T>,
      "what Run gives is a value; what a reference refers to ends with "
      "the run");
  Begin();
  TaskFailure failure;
  if constexpr (std::is_void_v<T>) {
    try {
      main_reactor().Run(std::move(main));
    } catch (...) {
      failure.exception = std::current_exception();
    }
    failure = End(std::move(failure));
    if (failure.exception) std::rethrow_exception(failure.exception);
    if (failure.error) internal::ThrowScopeFailure(*failure.error);
  } else {
    std::optional<T> result;
    try {
      result.emplace(main_reactor().Run(std::move(main)));
      if constexpr (internal::kIsResult<T>) {
        if (!*result) failure.error = result->error();
      }
    } catch (...) {
      failure.exception = std::current_exception();
    }
    failure = End(std::move(failure));
    if (failure.exception) std::rethrow_exception(failure.exception);
    if (failure.error) {
      if constexpr (internal::kIsResult<T>) {
        return Unexpected(*failure.error);
      } else {
        internal::ThrowScopeFailure(*failure.error);
      }
    }
    return *std::move(result);
  }
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_RUNTIME_H_
