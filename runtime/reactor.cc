#include <eddy/runtime/reactor.h>

#include <eddy/runtime/blocking_guard_hooks.h>
#include <eddy/runtime/chaos_order.h>
#include <eddy/runtime/chaos_ring.h>
#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/inbox.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/multishot_operation.h>
#include <eddy/runtime/operation.h>
#include <eddy/runtime/ready_groups.h>
#include <eddy/runtime/resident_memory.h>
#include <eddy/runtime/task_scope.h>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <source_location>
#include <system_error>

namespace eddy {
namespace {

// Keeps the count of awaits within an int.
constexpr unsigned kMostReadyPerTurn = 1U << 26;

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

// Tells the guard which chain of awaits goes on: what a coroutine awaits next
// may end the others, so that they cannot be asked when a call has blocked.
[[gnu::noinline, gnu::cold]] void ResumeGuarded(internal::ReadyQueue& ready) {
  internal::ResumedTask task;
  const internal::PromiseBase* frame = &ready.front()->coroutine.promise();
  for (; frame != nullptr; frame = frame->parent) {
    if (task.count == internal::ResumedTask::kMostAwaits) {
      task.more = true;
      break;
    }
    const std::source_location& at = frame->where;
    task.awaits[task.count++] = {at.file_name(), at.function_name(), at.line()};
  }
  internal::blocking_guard->begin_task(&task);
  ready.Pop().resume();
  internal::blocking_guard->end_task();
}

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
    if (TaskFailure failure = failure_of_(task_)) {
      reactor().scope().BodyFailed(std::move(failure));
    }
    reactor().scope().RequestStop();
    return std::noop_coroutine();
  }

  const FailureOfMain failure_of_;
  void* const task_;
  bool ended_ = false;
};

Result<std::unique_ptr<Reactor>> Reactor::Create(
    const ReactorOptions& options) {
  const bool lock = options.lock_memory;
  if (Result<void> made =
          internal::FramePool::Prefault(options.prefault_frames, lock);
      !made) {
    return Unexpected(made.error());
  }
  if (Result<void> made = internal::PrefaultStack(options.prefault_stack, lock);
      !made) {
    return Unexpected(made.error());
  }
  RingOptions ring_options;
  ring_options.entries = options.entries;
  ring_options.file_workers = options.file_workers;
  ring_options.unbounded_workers = options.unbounded_workers;
  const std::uint64_t chaos_seed =
      options.chaos_seed != 0 ? options.chaos_seed : internal::NextChaosSeed();
  if (chaos_seed == 0) {
    return Ring::Create(ring_options).map([&](std::unique_ptr<Ring> ring) {
      return CreateOn(std::move(ring), options);
    });
  }
  ChaosOptions chaos;
  chaos.seed = chaos_seed;
  return ChaosRing::Create(ring_options, chaos)
      .map([&](std::unique_ptr<ChaosRing> ring) {
        ReactorOptions chaotic = options;
        chaotic.chaos_seed = chaos_seed;
        return CreateOn(std::move(ring), chaotic);
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
  if (options.chaos_seed != 0) {
    chaos_order_ = std::make_unique<internal::ChaosOrder>(options.chaos_seed);
  }
  // It may free only frames that another thread has made.
  internal::FramePool::TrimAtThreadExit();
  // One, so that a steady state allocates none.
  put_behind_.emplace_back();
}

Reactor::~Reactor() {
  if (thread_ != std::this_thread::get_id()) WrongThread();
  if (current_ == this) {
    internal::Misuse("a reactor was destroyed by a task that runs on it");
  }
  // A thread of the pool that has sent its answer is about to let go of the
  // inbox, and must not be the one that closes it, later. (In a forked child
  // there is no such thread.)
  while (inbox_ != nullptr && inbox_.use_count() > 1 && process_ == getpid()) {
    std::this_thread::yield();
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

TaskFailure Reactor::RunUntilEnded(StartMain start, FailureOfMain failure_of,
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
  // An earlier run may have had a virtual clock, which went ahead.
  if (timers_.empty()) timers_.Restart(Clock::now());
  current_ = this;
  main_ = &main;
  scope_ = &scope;
  Ready(first);
  if (internal::blocking_guard != nullptr) {
    internal::blocking_guard->begin_loop();
    Loop(main);
    internal::blocking_guard->end_loop();
  } else {
    Loop(main);
  }
  current_ = nullptr;
  main_ = nullptr;
  scope_ = nullptr;
  if (auto*& time = internal::VirtualTime::current; time && !time->held) {
    time = nullptr;
  }
  return scope.failure_;
}

void internal::ThrowScopeFailure(Error error) {
  throw std::system_error(error.ToErrorCode(),
                          "a task in the reactor's scope failed");
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
    Observe();
    // Before the look at whether this is the end: it may be all that is left.
    if (!cancel_again_.empty()) [[unlikely]] {
      CancelAgain();
    }
    if (!later_.empty()) ContinueLater();
    if (inbox_ != nullptr) DeliverMessages();
    if (keeper_ != nullptr) keeper_->EndTurn();
    if (main.ended() && scope_->live() == 0 &&
        (keeper_ == nullptr || keeper_->MayEnd())) {
      if (in_flight() == 0 && ring_->pending() == 0 && later_.empty()) return;
      EndMultishots();
      if (inbox_ != nullptr) inbox_->EndReading(*this);
    }
    EnterRing();
    Reap();
    Observe();
  }
}

// A coroutine that becomes ready meanwhile runs too, in its turn, until a bound
// is reached, of coroutines or of their awaits that need not wait: then timers
// and I/O come first.
void Reactor::RunReady() {
  constexpr unsigned kAwaitsEach = 16;
  unsigned n = std::clamp(options_.ready_per_turn, 1U, kMostReadyPerTurn);
  internal::AwaitBudget::Refill(static_cast<int>(kAwaitsEach * n));
  if (groups_ != nullptr) [[unlikely]] {
    return RunGroups(n);
  }
  // Neither comes or goes during a turn; groups may, which ends it.
  if (chaos_order_ != nullptr || internal::blocking_guard != nullptr)
      [[unlikely]] {
    for (; n != 0 && !ready_.empty() && !internal::AwaitBudget::spent(); --n) {
      if (chaos_order_ != nullptr) chaos_order_->Choose(ready_);
      ResumeFirst(ready_);
    }
    return;
  }
  for (; n != 0 && !ready_.empty() && !internal::AwaitBudget::spent(); --n) {
    ready_.Pop().resume();
  }
}

void Reactor::ResumeFirst(internal::ReadyQueue& queue) {
  if (internal::blocking_guard != nullptr) [[unlikely]] {
    ResumeGuarded(queue);
  } else {
    queue.Pop().resume();
  }
}

// After each coroutine the group that is most behind comes next, and after a
// while timers and I/O, which may have something for a group that waits.
// (Measured by the real clock, also where the reactor's is virtual.)
void Reactor::RunGroups(unsigned most) {
  using RealClock = std::chrono::steady_clock;
  constexpr Duration kMost = std::chrono::microseconds(500);
  const RealClock::time_point begin = RealClock::now();
  RealClock::time_point before = begin;
  for (; most != 0 && before - begin < kMost; --most) {
    groups_->Sort(ready_);
    internal::ReadyGroups::Group* const group = groups_->Next();
    if (group == nullptr || internal::AwaitBudget::spent()) break;
    ResumeFirst(group->ready);
    const RealClock::time_point now = RealClock::now();
    group->Ran(now - before);
    before = now;
  }
  groups_->Leave();
}

// (What they let run at once is in no group.)
void Reactor::DeliverMessages() {
  if (groups_ == nullptr) [[likely]] {
    return inbox_->Deliver();
  }
  using RealClock = std::chrono::steady_clock;
  const RealClock::time_point before = RealClock::now();
  inbox_->Deliver();
  (*groups_)[0].Ran(RealClock::now() - before);
}

internal::ReadyGroups& Reactor::EnsureGroups() {
  AssertCurrent();
  if (groups_ == nullptr) {
    groups_ = std::make_unique<internal::ReadyGroups>();
    // The turn ends, which knows of none.
    internal::AwaitBudget::Refill(0);
  }
  return *groups_;
}

bool Reactor::HasReady() const noexcept {
  return !ready_.empty() || (groups_ != nullptr && groups_->has_ready());
}

void Reactor::EnterRing() {
  AssertCurrent();
  auto* const time = internal::VirtualTime::current;
  const bool polls = options_.busy_poll > Duration::zero() && time == nullptr;
  // Making room for an entry may have reaped what there is to do about.
  const auto idle = [this] {
    return !HasReady() && later_.empty() && cancel_again_.empty();
  };
  if (polls && idle() && BusyPoll(timers_.NextWake())) return;
  if (inbox_ != nullptr && idle()) inbox_->ReadEvent(*this);
  if (!idle() || (inbox_ != nullptr && !inbox_->Sleep())) {
    // Nothing to wait for: enter only where it moves something.
    if (ring_->pending() != 0 || ring_->NeedsEnter()) {
      ++stats_.enters;
      ring_->Enter(nullptr);
    }
    return;
  }
  const TimePoint wake = timers_.NextWake();
  if (time != nullptr) [[unlikely]] {
    WaitVirtually(*time, wake);
  } else {
    ++stats_.enters;
    ring_->Enter(&wake);
  }
  if (inbox_ != nullptr) inbox_->Awake();
}

// What is in flight gets a moment of real time; then the virtual time goes on
// to the nearest timer. A thread's job for this reactor is waited for.
void Reactor::WaitVirtually(internal::VirtualTime& time, TimePoint wake) {
  using RealClock = std::chrono::steady_clock;
  const bool job_runs = inbox_ != nullptr && inbox_->expects_message();
  if (wake == kNoDeadline || job_runs || !time.advances) {
    ++stats_.enters;
    ring_->Enter(&kNoDeadline);
    return;
  }
  // A read of the inbox that is left over waits for nothing.
  const bool left_over =
      inbox_ != nullptr && inbox_->reading() && !inbox_->is_open();
  if (in_flight() != (left_over ? 1U : 0U) || ring_->pending() != 0) {
    const RealClock::time_point until = RealClock::now() + time.settle;
    do {
      const TimePoint settled = After(time.now, until - RealClock::now());
      ++stats_.enters;
      ring_->Enter(&settled);
      if (ring_->HasCompletions()) return;
    } while (RealClock::now() < until);
  }
  time.now = std::max(time.now, wake);
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
    if (inbox_ != nullptr && inbox_->has_messages()) return true;
    Pause();
  } while (Clock::now() < until);
  return until == wake;
}

// Only queues: a coroutine that ran here could reuse an operation whose other
// completions are still in the queue, or recurse through a full queue.
void Reactor::Reap() noexcept {
  ring_->ForEachCompletion([this](const io_uring_cqe& cqe) {
    if (cqe.user_data == kIgnored) return;
    const bool last = (cqe.flags & IORING_CQE_F_MORE) == 0;
    if (cqe.user_data == kDetached) {
      if (last) ++stats_.completions;
      if (cqe.res < 0) ++stats_.detached_errors;
      return;
    }
    if ((cqe.user_data & kOfCancel) != 0) {
      CancelAnswered(*reinterpret_cast<Operation*>(cqe.user_data & ~kOfCancel),
                     cqe.res);
      return;
    }
    Operation& operation = *reinterpret_cast<Operation*>(cqe.user_data);
    if (last) {
      if (operation.canceling_) {
        operation.held_result_ = cqe.res;
        operation.held_flags_ = cqe.flags;
        operation.held_ = true;
        // Bytes in a buffer are told of in the kernel's order: several
        // operations may have parts of one. What is held is the bare end.
        if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
          operation.held_result_ = -ECANCELED;
          operation.held_flags_ = 0;
          operation.Complete(cqe.res, cqe.flags | IORING_CQE_F_MORE);
        }
        return;
      }
      ++stats_.completions;
      operation.in_flight_ = false;
    }
    operation.Complete(cqe.res, cqe.flags);
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
  if (!operation.in_flight_ || operation.canceling_) return;
  io_uring_sqe* sqe = GetSqe();
  // Making room for the entry may have brought the operation's completion.
  if (operation.in_flight_ && !operation.canceling_) {
    PrepareCancel(sqe, operation);
  } else {
    io_uring_prep_nop(sqe);
    sqe->user_data = kIgnored;
  }
}

void Reactor::PrepareCancel(io_uring_sqe* sqe, Operation& operation) noexcept {
  const auto address = reinterpret_cast<std::uint64_t>(&operation);
  io_uring_prep_cancel64(sqe, address, 0);
  sqe->user_data = address | kOfCancel;
  operation.canceling_ = true;
  ++operation.cancels_;
  ++stats_.cancels;
}

// ENOENT is also the answer while the kernel is about to try an operation
// again: it has left the list of those that wait, and is not among them again.
// That lasts until the next turn. But a direct read or write is not found all
// the time that the device works on it, so the number of cancels is bounded.
void Reactor::CancelAnswered(Operation& operation,
                             std::int32_t result) noexcept {
  constexpr std::uint8_t kMostCancels = 64;
  if (operation.held_) {
    Release(operation);
  } else if (result == -ENOENT && operation.cancels_ < kMostCancels) {
    cancel_again_.push_back(&operation);
  } else {
    operation.canceling_ = false;
  }
}

void Reactor::CancelAgain() noexcept {
  while (!cancel_again_.empty()) {
    Operation& operation = *cancel_again_.back();
    cancel_again_.pop_back();
    if (operation.held_) {
      Release(operation);
      continue;
    }
    // May reap, and so bring the operation's completion, which is held.
    PrepareCancel(GetSqe(), operation);
  }
}

void Reactor::Release(Operation& operation) noexcept {
  operation.canceling_ = operation.held_ = operation.in_flight_ = false;
  ++stats_.completions;
  operation.Complete(operation.held_result_, operation.held_flags_);
}

// What is asked for meanwhile is for the next turn.
void Reactor::ContinueLater() noexcept {
  now_.swap(later_);
  for (Operation* operation : now_) operation->Continue();
  now_.clear();
}

void Reactor::EndMultishots() noexcept {
  std::vector<internal::MultishotOperation*> all;
  multishots_.ForEach([&](auto& multishot) { all.push_back(&multishot); });
  // (Abandoned ones are not in the list, so none of these is deleted where a
  // full queue lets this reap.)
  for (internal::MultishotOperation* multishot : all) multishot->RequestEnd();
}

Result<std::shared_ptr<internal::Inbox>> Reactor::GetInbox() {
  if (current_ != this && thread_ != std::this_thread::get_id()) WrongThread();
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
  if (keeper_ != nullptr) keeper_->VisitContexts(visitor);
}

void Reactor::PutBehind(std::coroutine_handle<internal::PromiseBase> next) {
  auto free = std::find_if(put_behind_.begin(), put_behind_.end(),
                           [](const auto& node) { return !node.coroutine; });
  internal::ReadyNode& node =
      free != put_behind_.end() ? *free : put_behind_.emplace_back();
  node.coroutine = next;
  ReadyLast(node);
}

bool internal::AwaitBudget::PutBehind(
    std::coroutine_handle<PromiseBase> next) noexcept {
  next.promise().context->reactor().PutBehind(next);
  return true;
}

// (Groups have an order of their own.)
void Reactor::YieldedInChaos(const internal::ReadyNode& node) noexcept {
  if (groups_ == nullptr) chaos_order_->Yielded(node);
}

ReactorStats Reactor::stats() const noexcept {
  ReactorStats stats = stats_;
  stats.overflows = ring_->overflows();
  return stats;
}

}  // namespace eddy
