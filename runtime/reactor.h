// Reactor: the loop that runs the tasks of one thread.
//
//   int main() {
//     auto reactor = Reactor::Create();
//     if (!reactor) Fail(reactor.error().message());
//     return (*reactor)->Run(Main());
//   }
//
// (SyncWait(Main()) does the same in one call.)
//
// A turn of the loop runs what is ready, fires the timers that are due, enters
// the kernel once, to submit every operation that was started and to wait where
// nothing is ready, and moves the completions to the ready queue. It never
// waits while something is ready and never spins while nothing is, but for
// ReactorOptions::busy_poll.
//
// Thread safety: a reactor belongs to the thread that created it. Everything
// here, and everything that runs on it, is called on that thread; a call from
// another thread aborts.
#ifndef EDDY_RUNTIME_REACTOR_H_
#define EDDY_RUNTIME_REACTOR_H_

#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/intrusive_list.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/ring.h>
#include <eddy/runtime/suspension.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_failure.h>
#include <eddy/runtime/time.h>
#include <eddy/runtime/timer_wheel.h>

#include <sys/types.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace eddy {

class Operation;
class TaskScope;

namespace internal {

class ChaosOrder;
class Inbox;
class MultishotOperation;
class ReadyGroups;

// Sees the loop between its steps, for tests that act there.
class LoopObserver {
 public:
  // After coroutines have run, and after completions were reaped.
  virtual void Step(Reactor& reactor) noexcept = 0;

 protected:
  ~LoopObserver() = default;
};

// What a loop is for besides its own tasks: it does not end before this lets
// it.
class LoopKeeper {
 public:
  // Asked in each turn in which the reactor has no task of its own.
  virtual bool MayEnd() noexcept = 0;
  // In each turn, when coroutines have run and messages were delivered.
  virtual void EndTurn() noexcept = 0;
  // The contexts of what runs for it, for Reactor::VisitTasks.
  virtual void VisitContexts(ContextVisitor& visitor) const = 0;

 protected:
  ~LoopKeeper() = default;
};

}  // namespace internal

struct ReactorOptions {
  // See RingOptions: 256 to 1024 suit nearly every program.
  unsigned entries = RingOptions{}.entries;
  unsigned file_workers = RingOptions{}.file_workers;
  unsigned unbounded_workers = RingOptions{}.unbounded_workers;
  // How long to look for completions before sleeping in the kernel. Costs a
  // whole core while it looks, and saves the wake-up (about 20 us on a virtual
  // machine) when something comes in that time.
  Duration busy_poll = Duration::zero();
  // How many ready coroutines may run, or 16 times as many awaits go on without
  // waiting, before timers and I/O get their turn. 0 counts as 1.
  unsigned ready_per_turn = 256;
  // Memory whose page faults are taken by Create and not while the loop runs:
  // bytes of coroutine frames and spawned tasks, which this thread's pool takes
  // before it asks the heap, and bytes of the stack below the caller. Size the
  // first for the most tasks that live at once.
  std::size_t prefault_frames = 0;
  std::size_t prefault_stack = 0;
  // Locks what is prefaulted, and buffer pools made on this reactor, so that
  // none of it is ever paged out. See mlock(2) for what counts against
  // RLIMIT_MEMLOCK, and docs/files.md for what it brings; the program's code
  // and the heap are the program's to lock, with mlockall(2).
  bool lock_memory = false;
  // Not 0: the ring that Create makes is a ChaosRing of this seed, and what is
  // ready runs in a shuffled order; see chaos_ring.h. 0: so too, in Create,
  // where the environment has an EDDY_CHAOS_SEED.
  std::uint64_t chaos_seed = 0;
};

struct ReactorStats {
  std::uint64_t turns = 0;
  std::uint64_t enters = 0;       // system calls made by the loop
  std::uint64_t submitted = 0;    // operations given to the kernel
  std::uint64_t completions = 0;  // their completions
  std::uint64_t cancels = 0;      // requests to end early, repeats too
  std::uint64_t overflows = 0;    // turns that found the queue overflown
  // Operations without a waiter (a close by a destructor) that failed.
  std::uint64_t detached_errors = 0;
  // Failures that came after the one that is reported (see WithScope, WhenAll).
  std::uint64_t dropped_failures = 0;
};

class Reactor {
 public:
  // Errors: see Ring::Create; kMemoryLockLimit; ENOMEM. message() says what to
  // change.
  // Cost: six system calls and the memory of the ring; may wait up to 90 ms
  // for memory (see Ring::Create). Memory to prefault costs its page faults.
  static Result<std::unique_ptr<Reactor>> Create(
      const ReactorOptions& options = {});
  // The same over a ring made elsewhere, such as one that injects faults. What
  // is to be prefaulted is not.
  static std::unique_ptr<Reactor> CreateOn(std::unique_ptr<Ring> ring,
                                           const ReactorOptions& options = {});

  // REQUIRES: not running.
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // The reactor that runs on this thread, or null.
  static Reactor* Current() noexcept { return current_; }

  // Runs `main` to its end, then stops what was spawned in scope(), and returns
  // when nothing is left: no task, no operation in flight, no descriptor on its
  // way to be closed.
  //
  // Result: what main returned or threw. If a task in scope() fails, everything
  // is stopped, and its exception is thrown or its error is returned (thrown as
  // std::system_error where T is no Result). Of several failures, main's among
  // them, the first comes out.
  //
  // SIGPIPE is blocked on this thread meanwhile, so that a write to a closed
  // pipe is an error and not the end of the process. Threads and programs that
  // are started meanwhile inherit that.
  //
  // REQUIRES: called on the creating thread, not from a task.
  template <class T>
  T Run(Task<T> main);

  // The scope for what outlives its caller. REQUIRES: running.
  TaskScope& scope() noexcept {
    AssertCurrent();
    return *scope_;
  }

  // Requests a stop of all that runs.
  void RequestStop() noexcept;

  ReactorStats stats() const noexcept;

  // What waits for what, as text: a line for each task with what it waits on,
  // below it the coroutines from the innermost out with the source line of
  // their await, and then the tasks that it waits for. Allocates.
  std::string DumpTasks() const;

  // Visits the context of the main task and those in scope(), from where the
  // contexts below are reached.
  void VisitTasks(internal::ContextVisitor& visitor) const;

  bool locks_memory() const noexcept { return options_.lock_memory; }

  const Ring& ring() const noexcept { return *ring_; }
  Ring& ring() noexcept { return *ring_; }

  // Null: no one looks.
  void set_observer(internal::LoopObserver* observer) noexcept {
    observer_ = observer;
  }
  // Null: the loop ends with its tasks. The keeper lives until the loop ends.
  void set_keeper(internal::LoopKeeper* keeper) noexcept { keeper_ = keeper; }

  // --- For awaitables -------------------------------------------------------

  // An entry for an operation; submits the queue first where it is full. Never
  // null. The operation's address goes to its user_data through Track().
  io_uring_sqe* GetSqe() noexcept {
    AssertCurrent();
    io_uring_sqe* sqe = ring_->TryGetSqe();
    if (sqe == nullptr) [[unlikely]] {
      sqe = FlushForSqe();
    }
    return sqe;
  }

  // The entry belongs to the operation: the kernel's completions go to it, and
  // the reactor does not end before the last of them.
  // (In operation.h.)
  void Track(io_uring_sqe* sqe, Operation& operation) noexcept;

  // Requests the cancellation of an operation, once; its own completion tells
  // how it ended. Does nothing where that has come.
  void CancelOperation(Operation& operation) noexcept;

  // Lets the loop call operation.Continue() before it enters the kernel again:
  // for what has to take an SQE, and may not where it is. The operation lives
  // until then.
  void SubmitLater(Operation& operation) { later_.push_back(&operation); }

  // Operations that may be in flight while nobody awaits them. What is in here
  // when all tasks have ended is cancelled.
  internal::IntrusiveList<internal::MultishotOperation>& multishots() noexcept {
    return multishots_;
  }

  // The T of this reactor: made by T(Reactor&) at the first call, destroyed
  // with the reactor, while the ring is still there.
  template <class T>
  T& Local();

  // Submits an operation without a waiter: prepare(sqe) fills the entry. The
  // reactor does not end before it has completed.
  template <class F>
  void SubmitDetached(F prepare) noexcept {
    io_uring_sqe* sqe = GetSqe();
    prepare(sqe);
    sqe->user_data = kDetached;
    ++stats_.submitted;
  }

  void Ready(internal::ReadyNode& node) noexcept {
#ifndef NDEBUG
    AssertCurrent();
#endif
    ready_.Push(node);
  }

  // The same for a coroutine that is to run after all that is ready now (in its
  // scheduling group).
  void ReadyLast(internal::ReadyNode& node) noexcept {
    Ready(node);
    if (chaos_order_ != nullptr) [[unlikely]] {
      YieldedInChaos(node);
    }
  }

  // A failure has nobody to go to: another one is reported.
  void DropFailure() noexcept { ++stats_.dropped_failures; }

  internal::TimerWheel& timers() noexcept { return timers_; }

  // The scheduling groups; made at the first call.
  internal::ReadyGroups& EnsureGroups();

  // Where other threads send to; made at the first call, on this thread.
  // Errors: EMFILE, ENFILE, ENOMEM.
  Result<std::shared_ptr<internal::Inbox>> GetInbox();

  void AssertCurrent() const noexcept {
    if (current_ != this) [[unlikely]] {
      WrongThread();
    }
  }

 private:
  friend class TaskScope;
  friend class internal::AwaitBudget;
  class MainContext;

  // Values of user_data that are no operation.
  static constexpr std::uint64_t kIgnored = 0;
  static constexpr std::uint64_t kDetached = 1;
  // Set in an operation's address: the answer to its cancel.
  static constexpr std::uint64_t kOfCancel = 1;

  Reactor(std::unique_ptr<Ring> ring, const ReactorOptions& options);

  // Runs the coroutine as the first of a chain, and the loop until all ends.
  using StartMain = std::coroutine_handle<internal::PromiseBase> (*)(
      void* task, internal::TaskContext& context);
  using FailureOfMain = TaskFailure (*)(void* task);
  TaskFailure RunUntilEnded(StartMain start, FailureOfMain failure_of,
                            void* task);

  void Loop(const MainContext& main);
  void RunReady();
  void RunGroups(unsigned most);
  void DeliverMessages();
  void ResumeFirst(internal::ReadyQueue& queue);
  bool HasReady() const noexcept;
  void EnterRing();
  void WaitVirtually(internal::VirtualTime& time, TimePoint wake);
  bool BusyPoll(TimePoint until);
  void Reap() noexcept;
  void PrepareCancel(io_uring_sqe* sqe, Operation& operation) noexcept;
  void CancelAnswered(Operation& operation, std::int32_t result) noexcept;
  void CancelAgain() noexcept;
  void ContinueLater() noexcept;
  void EndMultishots() noexcept;
  void Release(Operation& operation) noexcept;
  io_uring_sqe* FlushForSqe() noexcept;
  std::uint64_t in_flight() const noexcept {
    return stats_.submitted - stats_.completions;
  }
  void Observe() noexcept {
    if (observer_ != nullptr) [[unlikely]] {
      observer_->Step(*this);
    }
  }
  void PutBehind(std::coroutine_handle<internal::PromiseBase> next);
  void YieldedInChaos(const internal::ReadyNode& node) noexcept;
  [[noreturn]] void WrongThread() const noexcept;

  static inline constinit thread_local Reactor* current_ = nullptr;
  // True in the child of a fork() that a task made.
  static inline constinit thread_local bool forked_ = false;

  std::unique_ptr<Ring> ring_;
  // What Local() has made, each with the address that stands for its type.
  struct LocalObject {
    const void* type;
    std::unique_ptr<void, void (*)(void*)> object;
  };
  std::vector<LocalObject> locals_;
  internal::ReadyQueue ready_;
  internal::TimerWheel timers_;
  ReactorStats stats_;
  const ReactorOptions options_;
  std::shared_ptr<internal::Inbox> inbox_;
  std::unique_ptr<internal::ChaosOrder> chaos_order_;
  std::unique_ptr<internal::ReadyGroups> groups_;
  internal::LoopObserver* observer_ = nullptr;
  internal::LoopKeeper* keeper_ = nullptr;
  // Coroutines that have used up a turn's awaits. Seldom more than one.
  std::list<internal::ReadyNode> put_behind_;
  // Operations whose cancel has to be submitted once more.
  std::vector<Operation*> cancel_again_;
  // Operations to Continue(), and those of the turn that does it.
  std::vector<Operation*> later_, now_;
  internal::IntrusiveList<internal::MultishotOperation> multishots_;
  TaskScope* scope_ = nullptr;
  MainContext* main_ = nullptr;
  const std::thread::id thread_;
  const pid_t process_;
};

namespace internal {

// A std::system_error of a task in a reactor's scope.
[[noreturn]] void ThrowScopeFailure(Error error);

// Not const: equal constants may be one.
template <class T>
inline char type_address = 0;

}  // namespace internal

template <class T>
T& Reactor::Local() {
  AssertCurrent();
  const void* type = &internal::type_address<T>;
  for (const LocalObject& local : locals_) {
    if (local.type == type) return *static_cast<T*>(local.object.get());
  }
  auto made = std::make_unique<T>(*this);
  T& object = *made;
  locals_.push_back(
      {type, {made.release(), [](void* t) { delete static_cast<T*>(t); }}});
  return object;
}

template <class T>
T Reactor::Run(Task<T> main) {
  TaskFailure failure = RunUntilEnded(
      [](void* task, internal::TaskContext& context) {
        return internal::TaskAccess::Begin(*static_cast<Task<T>*>(task),
                                           context);
      },
      [](void* task) {
        return internal::FailureOf(*static_cast<Task<T>*>(task));
      },
      &main);
  auto& promise = internal::TaskAccess::PromiseOf(main);
  if (failure.exception) std::rethrow_exception(failure.exception);
  if (failure.error) {
    if constexpr (internal::kIsResult<T>) {
      return Unexpected(*failure.error);
    } else {
      internal::ThrowScopeFailure(*failure.error);
    }
  }
  return promise.Take();
}

inline void internal::Suspension::Wake() noexcept {
  TaskContext& context = *coroutine.promise().context;
  context.set_waiting_on(nullptr);
  context.reactor().Ready(*this);
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_REACTOR_H_
