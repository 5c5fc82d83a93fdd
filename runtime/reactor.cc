#include <eddy/runtime/reactor.h>

#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/inbox.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/operation.h>
#include <eddy/runtime/task_scope.h>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

namespace eddy {
namespace {

// Tells the core that this is a spin loop.
void Pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Blocks SIGPIPE on this thread, and takes away the one that a write may have
// raised meanwhile.
class SigpipeBlock {
 public:
  SigpipeBlock() noexcept {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~SigpipeBlock() {
    if (!was_pending_) {
      const timespec now{};
      sigtimedwait(&pipe_, nullptr, &now);
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SigpipeBlock(const SigpipeBlock&) = delete;
  SigpipeBlock& operator=(const SigpipeBlock&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_;
};

}  // namespace

// The context of the task that Run was given.
class Reactor::MainContext final : public internal::TaskContext {
 public:
  MainContext(Reactor& reactor, FailureOfMain failure_of, void* task) noexcept
      : TaskContext(reactor), failure_of_(failure_of), task_(task) {}

  bool ended() const noexcept { return ended_; }

 private:
  std::coroutine_handle<> ChainEnded() noexcept override {
    ended_ = true;
    reactor().scope().BodyEnded(failure_of_(task_));
    reactor().scope().RequestStop();
    return std::noop_coroutine();
  }

  const FailureOfMain failure_of_;
  void* const task_;
  bool ended_ = false;
};

Result<std::unique_ptr<Reactor>> Reactor::Create(
    const ReactorOptions& options) {
  RingOptions ring_options;
  ring_options.entries = options.entries;
  ring_options.file_workers = options.file_workers;
  ring_options.unbounded_workers = options.unbounded_workers;
  return Ring::Create(ring_options).map([&](std::unique_ptr<Ring> ring) {
    return CreateOn(std::move(ring), options);
  });
}

std::unique_ptr<Reactor> Reactor::CreateOn(std::unique_ptr<Ring> ring,
                                           const ReactorOptions& options) {
  return std::unique_ptr<Reactor>(new Reactor(std::move(ring), options));
}

Reactor::Reactor(std::unique_ptr<Ring> ring, const ReactorOptions& options)
    : ring_(std::move(ring)),
      timers_(Clock::now()),
      options_(options),
      thread_(std::this_thread::get_id()),
      process_(getpid()) {
  // It may free only frames that another thread has made.
  internal::FramePool::TrimAtThreadExit();
}

Reactor::~Reactor() {
  if (thread_ != std::this_thread::get_id()) WrongThread();
  if (current_ == this) {
    internal::Misuse("a reactor was destroyed by a task that runs on it");
  }
}

void Reactor::WrongThread() const noexcept {
  if (forked_ || process_ != getpid()) {
    internal::Misuse(
        "a reactor was used in a forked child; a child ends with exec() or "
        "_exit(), or makes a reactor of its own");
  }
  if (thread_ != std::this_thread::get_id()) {
    internal::Misuse(
        "a reactor or a task of it was used on another thread; a reactor "
        "belongs to the thread that made it");
  }
  internal::Misuse(current_ == nullptr
                       ? "a reactor was used while it does not run; call it "
                         "from a task that Run was given"
                       : "a task was awaited on another reactor than its own");
}

internal::TaskFailure Reactor::RunUntilEnded(StartMain start,
                                             FailureOfMain failure_of,
                                             void* task) {
  if (thread_ != std::this_thread::get_id() || process_ != getpid()) {
    WrongThread();
  }
  if (current_ != nullptr) {
    internal::Misuse(
        "Run or SyncWait was called while a reactor runs on this thread; "
        "co_await the task instead");
  }
  // A child has this thread's stack but must not touch the parent's ring, which
  // is shared memory.
  static const int at_fork = pthread_atfork(nullptr, nullptr, [] {
    forked_ = current_ != nullptr;
    current_ = nullptr;
  });
  static_cast<void>(at_fork);
  const SigpipeBlock sigpipe_block;
  MainContext main(*this, failure_of, task);
  TaskScope scope(main);
  internal::ReadyNode first;
  first.coroutine = start(task, main);
  current_ = this;
  main_ = &main;
  scope_ = &scope;
  Ready(first);
  Loop(main);
  current_ = nullptr;
  main_ = nullptr;
  scope_ = nullptr;
  return scope.failure_;
}

void Reactor::RequestStop() noexcept {
  AssertCurrent();
  main_->RequestStop();
  scope_->RequestStop();
}

void Reactor::Loop(const MainContext& main) {
  for (;;) {
    ++stats_.turns;
    RunReady();
    if (!timers_.empty()) timers_.Advance(Clock::now());
    if (main.ended() && scope_->live() == 0 && in_flight() == 0 &&
        ring_->pending() == 0) {
      return;
    }
    // Before sleeping: a full submission queue may have made RunReady reap.
    if (inbox_ != nullptr) inbox_->DeliverAll(*this);
    EnterRing();
    Reap();
  }
}

// A coroutine that becomes ready meanwhile runs too, in its turn, until the
// bound is reached: then timers and I/O come first.
void Reactor::RunReady() {
  unsigned n = std::max(options_.ready_per_turn, 1U);
  for (; n != 0 && !ready_.empty(); --n) {
    ready_.Pop().resume();
  }
}

void Reactor::EnterRing() {
  AssertCurrent();
  if (!ready_.empty()) {
    // Nothing to wait for: enter only where it moves something.
    if (ring_->pending() != 0 || ring_->NeedsEnter()) {
      ++stats_.enters;
      ring_->Enter(nullptr);
    }
    return;
  }
  const TimePoint wake = timers_.NextWake();
  if (options_.busy_poll > Duration::zero() && BusyPoll(wake)) return;
  ++stats_.enters;
  ring_->Enter(&wake);
}

// Submits, then looks for completions until one is there or the time is over.
// Returns true if there is something to do.
bool Reactor::BusyPoll(TimePoint wake) {
  const TimePoint until =
      std::min(wake, After(Clock::now(), options_.busy_poll));
  do {
    if (ring_->pending() != 0 || ring_->NeedsEnter()) {
      ++stats_.enters;
      ring_->Enter(nullptr);
    }
    if (ring_->HasCompletions()) return true;
    Pause();
  } while (Clock::now() < until);
  return until == wake;
}

// Only queues: a coroutine that ran here could reuse an operation whose other
// completions are still in the queue, or recurse through a full queue.
void Reactor::Reap() noexcept {
  ring_->ForEachCompletion([this](const io_uring_cqe& cqe) {
    if (cqe.user_data == kIgnored) return;
    if ((cqe.flags & IORING_CQE_F_MORE) == 0) ++stats_.completions;
    if (cqe.user_data == kDetached) {
      if (cqe.res < 0) ++stats_.detached_errors;
      return;
    }
    reinterpret_cast<Operation*>(cqe.user_data)->Complete(cqe.res, cqe.flags);
  });
}

io_uring_sqe* Reactor::FlushForSqe() noexcept {
  for (;;) {
    ++stats_.enters;
    ring_->Enter(nullptr);
    if (io_uring_sqe* sqe = ring_->TryGetSqe()) return sqe;
    // The kernel wants room in the completion queue first.
    Reap();
  }
}

void Reactor::CancelOperation(Operation& operation) noexcept {
  io_uring_sqe* sqe = GetSqe();
  // Making room for the entry may have brought the operation's completion.
  const bool waits = operation.waiter()->context->waiting_on() == &operation;
  if (waits) {
    io_uring_prep_cancel64(sqe, reinterpret_cast<std::uint64_t>(&operation), 0);
    ++stats_.cancels;
  } else {
    io_uring_prep_nop(sqe);
  }
  sqe->user_data = kIgnored;
}

Result<std::shared_ptr<internal::Inbox>> Reactor::GetInbox() {
  AssertCurrent();
  if (inbox_ == nullptr) {
    Result<std::shared_ptr<internal::Inbox>> inbox = internal::Inbox::Create();
    if (!inbox) return inbox;
    inbox_ = *std::move(inbox);
  }
  return inbox_;
}

void Reactor::VisitTasks(internal::ContextVisitor& visitor) const {
  if (!main_->ended()) visitor.Visit(*main_);
  scope_->VisitContexts(visitor);
}

ReactorStats Reactor::stats() const noexcept {
  ReactorStats stats = stats_;
  stats.overflows = ring_->overflows();
  return stats;
}

}  // namespace eddy
