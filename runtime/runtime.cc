#include <eddy/runtime/runtime.h>

#include <eddy/runtime/core_port.h>
#include <eddy/runtime/granted_cores.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/until_stopped.h>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace eddy {
namespace {  // Threads that are started meanwhile block the signals that others
             // send; not
// those of their own faults, nor a profiler's.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t sent;
    sigfillset(&sent);
    for (const int own :
         {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF}) {
      sigdelset(&sent, own);
    }
    pthread_sigmask(SIG_SETMASK, &sent, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// (A Result, so that the error of a task in the scope is not thrown.)
Task<Result<void>> UntilTheEnd() {
  co_await UntilStopped();
  co_return Result<void>();
}

}  // namespace

struct Runtime::State {
  // A core but the first, and what its thread is told and tells.
  struct Core {
    std::thread thread;
    std::unique_ptr<Reactor> reactor;
    // Of its creation, then of each run.
    TaskFailure failure;
  };

  State(const RuntimeOptions& options_in, unsigned count)
      : options(options_in),
        group(count, std::max<std::size_t>(options_in.most_calls, 1)),
        others(count - 1) {}

  ~State() {
    // A reactor waits for those who may still send to it.
    for (std::shared_ptr<internal::Inbox>& inbox : group.inboxes) inbox.reset();
    Tell(Command::kQuit);
    for (auto core = others.rbegin(); core != others.rend(); ++core) {
      if (core->thread.joinable()) core->thread.join();
    }
  }

  Result<void> Start(Runtime& runtime, const std::vector<int>& cpus);
  Result<void> Open(Runtime& runtime, unsigned core, Reactor& reactor);
  void Serve(Runtime& runtime, unsigned core, std::optional<int> cpu) noexcept;
  void RunOnce(Core& core, internal::CorePort& port) noexcept;

  // What all threads are to do next, and how many have done it.
  enum class Command : unsigned char { kNone, kRun, kQuit };
  void Tell(Command next) {
    const std::lock_guard lock(mutex);
    command = next;
    ++round;
    done = 0;
    changed.notify_all();
  }
  Command Await(std::uint64_t last_round) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return round != last_round; });
    return command;
  }
  void Done() {
    const std::lock_guard lock(mutex);
    ++done;
    changed.notify_all();
  }
  void AwaitDone(std::size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done == count; });
  }

  const RuntimeOptions options;
  const pid_t process = getpid();
  internal::CoreGroup group;
  std::optional<internal::ThreadPin> pin;
  std::unique_ptr<Reactor> reactor;
  std::vector<Core> others;
  std::optional<unsigned> failed_core;

  std::mutex mutex;
  std::condition_variable changed;
  Command command = Command::kNone;
  std::uint64_t round = 0;
  std::size_t done = 0;
};

Result<std::unique_ptr<Runtime>> Runtime::Create(
    const RuntimeOptions& options) {
  if (Reactor::Current() != nullptr) {
    internal::Misuse(
        "Runtime::Create was called by a task; a Runtime is made by main()");
  }
  const unsigned granted = internal::GrantedCores();
  const unsigned count = options.cores == 0 ? granted : options.cores;
  if (count > granted && !options.oversubscribe) {
    return Unexpected(kTooFewCores);
  }
  std::unique_ptr<Runtime> runtime(
      new Runtime(std::make_unique<State>(options, count)));
  const std::vector<int> allowed = internal::AllowedCores();
  const bool pins = options.pin && count == allowed.size();
  const Result<void> started =
      runtime->state_->Start(*runtime, pins ? allowed : std::vector<int>());
  if (!started) return Unexpected(started.error());
  return runtime;
}

Result<void> Runtime::State::Start(Runtime& runtime,
                                   const std::vector<int>& cpus) {
  const auto cpu_of = [&](unsigned core) {
    return core < cpus.size() ? std::optional(cpus[core]) : std::nullopt;
  };
  if (const std::optional<int> cpu = cpu_of(0)) {
    Result<internal::ThreadPin> pinned = internal::ThreadPin::To(*cpu);
    if (!pinned) return Unexpected(pinned.error());
    pin.emplace(*std::move(pinned));
  }
  Result<std::unique_ptr<Reactor>> made = Reactor::Create(options.reactor);
  if (!made) return Unexpected(made.error());
  reactor = *std::move(made);
  if (Result<void> opened = Open(runtime, 0, *reactor); !opened) return opened;
  std::size_t started = 0;
  Result<void> failure;
  std::exception_ptr exception;
  try {
    const SignalsBlocked blocked;
    for (; started < others.size(); ++started) {
      const unsigned core = static_cast<unsigned>(started) + 1;
      others[started].thread =
          std::thread([this, &runtime, core, cpu = cpu_of(core)] {
            Serve(runtime, core, cpu);
          });
    }
  } catch (const std::system_error& error) {
    failure = Unexpected(Error::FromErrno(error.code().value()));
  } catch (...) {
    exception = std::current_exception();
  }
  AwaitDone(started);
  for (Core& core : others) {
    const TaskFailure failed = std::exchange(core.failure, {});
    if (failed.exception && !exception) exception = failed.exception;
    if (failed.error && failure) failure = Unexpected(*failed.error);
  }
  if (exception) std::rethrow_exception(exception);
  return failure;
}

Result<void> Runtime::State::Open(Runtime& runtime, unsigned core,
                                  Reactor& of_core) {
  Result<std::shared_ptr<internal::Inbox>> inbox = of_core.GetInbox();
  if (!inbox) return Unexpected(inbox.error());
  group.inboxes[core] = *std::move(inbox);
  group.ports[core] =
      std::make_unique<internal::CorePort>(group, core, runtime, of_core);
  return {};
}

// The thread of a core but the first.
void Runtime::State::Serve(Runtime& runtime, unsigned core,
                           std::optional<int> cpu) noexcept {
  char name[16];
  std::snprintf(name, sizeof name, "%.11s-%u", options.name.c_str(), core);
  pthread_setname_np(pthread_self(), name);
  Core& self = others[core - 1];
  std::optional<internal::ThreadPin> pinned;
  try {
    Result<void> ready;
    if (cpu) {
      ready = internal::ThreadPin::To(*cpu).map(
          [&](internal::ThreadPin made) { pinned.emplace(std::move(made)); });
    }
    if (ready) {
      ready = Reactor::Create(options.reactor)
                  .and_then([&](std::unique_ptr<Reactor> made) {
                    self.reactor = std::move(made);
                    return Open(runtime, core, *self.reactor);
                  });
    }
    if (!ready) self.failure.error = ready.error();
  } catch (...) {
    self.failure.exception = std::current_exception();
  }
  std::uint64_t last_round = 0;
  for (Done(); Await(last_round) == Command::kRun; Done()) {
    ++last_round;
    RunOnce(self, *group.ports[core]);
  }
  self.reactor.reset();
}

void Runtime::State::RunOnce(Core& core, internal::CorePort& port) noexcept {
  core.failure = {};
  port.Open();
  try {
    const Result<void> ended = core.reactor->Run(UntilTheEnd());
    if (!ended) core.failure.error = ended.error();
  } catch (...) {
    core.failure.exception = std::current_exception();
  }
  port.Close();
}

Runtime::Runtime(std::unique_ptr<State> state) noexcept
    : state_(std::move(state)) {}
Runtime::~Runtime() {
  if (Current() == this) {
    internal::Misuse("a Runtime was destroyed by a task that runs on it");
  }
  // The child of a fork() has none of its threads, and leaves it alone.
  if (state_->process != getpid()) static_cast<void>(state_.release());
}

Reactor& Runtime::main_reactor() noexcept { return *state_->reactor; }

void Runtime::Begin() {
  if (Reactor::Current() != nullptr) {
    internal::Misuse(
        "Runtime::Run was called while a reactor runs on this thread; co_await "
        "the task instead");
  }
  internal::CoreGroup& group = state_->group;
  group.idle = group.drained = 0;
  group.stopping = false;
  group.stopped.store(0, std::memory_order_relaxed);
  group.running.store(true, std::memory_order_relaxed);
  group.ports[0]->Open();
  state_->Tell(State::Command::kRun);
}

TaskFailure Runtime::End(TaskFailure of_main) noexcept {
  internal::CoreGroup& group = state_->group;
  group.ports[0]->Close();
  state_->AwaitDone(state_->others.size());
  // Relaxed: who reads it has learnt otherwise that Run has returned.
  group.running.store(false, std::memory_order_relaxed);
  for (const auto& port : group.ports) port->DropLeftOver();
  state_->failed_core.reset();
  const auto failure_of = [&](unsigned core) -> TaskFailure& {
    return core == 0 ? of_main : state_->others[core - 1].failure;
  };
  std::optional<unsigned>& failed = state_->failed_core;
  for (unsigned core = 0; core < group.size(); ++core) {
    if (!failure_of(core)) continue;
    // One of two is not told.
    if (failed) main_reactor().DropFailure();
    if (!failed ||
        group.ports[core]->stop_order() < group.ports[*failed]->stop_order()) {
      failed = core;
    }
  }
  return failed ? std::move(failure_of(*failed)) : TaskFailure();
}

Runtime* Runtime::Current() noexcept {
  const internal::CorePort* const port = internal::CorePort::Current();
  return port != nullptr ? &port->runtime() : nullptr;
}

Runtime& Runtime::OfTask() noexcept {
  return internal::CorePort::OfThread("Runtime::OfTask").runtime();
}

unsigned Runtime::CurrentCore() noexcept {
  return internal::CorePort::OfThread("Runtime::CurrentCore").core();
}

unsigned Runtime::cores() const noexcept { return state_->group.size(); }

std::optional<unsigned> Runtime::failed_core() const noexcept {
  return state_->failed_core;
}

}  // namespace eddy
