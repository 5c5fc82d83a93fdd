// RemoteHandle<T>: the result of a task that Remote::Spawn has started on
// another thread's reactor.
//
//   RemoteHandle<Result<int>> handle = remote.Spawn(Count, folder);
//   Result<int> count = handle.Wait();     on a plain thread: blocks it
//   Result<int> count = co_await handle;   in a task, of any reactor
//
// Result: Result<R> where the task gives R or Result<R>: what it returned; its
// exception is thrown again. Errors besides: kClosed where the reactor has
// ended before the task began; EAGAIN where 65,536 others are queued before it;
// ENOMEM; kCanceled of the task, which its reactor's end stops too. Of the
// first await of a reactor also EMFILE, ENFILE: it needs an eventfd, as
// Blocking does. (Then the result was not taken.)
//
// Stop: a stop of the await, or RequestStop(), goes across to the task; the
// await returns when that has ended, with what it gave. So nothing of the task
// goes on behind the back of who waits for it, and a timeout lasts as long as
// the other reactor needs to end it.
//
// Lifetime: the handle may be dropped: the task goes on, and its reactor waits
// for it; if it fails then, that is counted there
// (ReactorStats::dropped_failures). A handle may outlive the reactor; it stays
// where it is while it is awaited.
// Thread safety: a handle is used by one thread at a time, which may be any.
// The result is made on the reactor's thread and taken on another one: it must
// own what it needs, and not belong to the reactor (an io::Fd may go along, a
// Task or an awaitable may not).
// REQUIRES: the result is taken at most once, by one who waits. Wait() is for
// threads on which no reactor runs; a task that calls it aborts.
// Cost: taking the result of a task on another thread is a mutex, and, where it
// is not there yet, a thread switch or a wake-up of the awaiting reactor.
#ifndef EDDY_RUNTIME_REMOTE_HANDLE_H_
#define EDDY_RUNTIME_REMOTE_HANDLE_H_

#include <eddy/runtime/brief_mutex.h>
#include <eddy/runtime/join_handle.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/parked.h>
#include <eddy/runtime/remote_port.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/time.h>

#include <chrono>
#include <coroutine>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace eddy {

class Remote;

namespace internal {

// What the handle of a call and the reactor that carries it out share.
//
// Invariants:
//  1. result_ and exception_ are written before ended_ is set, by one thread,
//     and read after it was seen, by another.
//  2. task_ belongs to the reactor's thread: it is there while the task runs.
template <class T>
class RemoteCallOf : public RemoteCall {
 public:
  using Outcome = AsResult<T>;

  void Stop() noexcept final {
    if (task_) task_->RequestStop();
  }
  // Any thread. False, and nothing will be unparked, if the call has ended.
  bool Park(Parked& parked) noexcept {
    const std::lock_guard lock(mutex_);
    if (ended_) return false;
    if (parked_ != nullptr) [[unlikely]] {
      Misuse("a RemoteHandle is waited for twice at the same time");
    }
    parked_ = &parked;
    return true;
  }
  // Takes that back; false if `parked` is being unparked.
  bool Unpark() noexcept {
    const std::lock_guard lock(mutex_);
    return std::exchange(parked_, nullptr) != nullptr;
  }
  bool ended() noexcept {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  // Nobody will take the result. Returns whether a failure is lost with it.
  bool Drop() noexcept {
    const std::lock_guard lock(mutex_);
    dropped_ = true;
    return ended_ && failed();
  }

  // REQUIRES: ended.
  Outcome Take() {
    if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
    if (!result_) [[unlikely]] {
      Misuse("the result of a RemoteHandle was taken twice");
    }
    return *std::exchange(result_, std::nullopt);
  }

 protected:
  // (A kCanceled is what was asked for.)
  bool failed() const noexcept {
    return exception_ ||
           (result_ && !*result_ && result_->error() != kCanceled);
  }

  // The task that carries the call out has ended, with result_ or exception_.
  // Returns whether nobody will take that.
  bool End() noexcept {
    Parked* parked;
    bool dropped;
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      parked = std::exchange(parked_, nullptr);
      dropped = dropped_;
    }
    if (parked != nullptr) parked->Unpark();
    return dropped;
  }

  std::optional<Outcome> result_;
  std::exception_ptr exception_;
  std::optional<JoinHandle<void>> task_;

 private:
  BriefMutex mutex_;
  Parked* parked_ = nullptr;
  bool ended_ = false;
  bool dropped_ = false;
};

template <class T, class F, class... Args>
class RemoteCallTo final : public RemoteCallOf<T> {
 public:
  explicit RemoteCallTo(F&& f, Args&&... args) {
    call_.emplace(KeptCall<F, Args...>{std::move(f), {std::move(args)...}});
  }

  void Start(TaskScope& scope, std::shared_ptr<RemoteCall> self) override {
    this->task_ = scope.Spawn(
        Run(std::static_pointer_cast<RemoteCallTo>(std::move(self))));
  }
  void Refuse(Error error) noexcept override {
    call_.reset();
    this->result_.emplace(Unexpected(error));
    this->End();
  }

 private:
  static Task<void> Run(std::shared_ptr<RemoteCallTo> self) {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await self->call_->Invoke();
        self->result_.emplace();
      } else {
        self->result_.emplace(co_await self->call_->Invoke());
      }
    } catch (...) {
      self->exception_ = std::current_exception();
    }
    // On this thread, on which they may have come to belong to something.
    self->call_.reset();
    self->task_.reset();
    // After the end it is another thread's.
    const bool failed = self->failed();
    if (self->End() && failed) Reactor::Current()->DropFailure();
  }

  std::optional<KeptCall<F, Args...>> call_;
};

}  // namespace internal

template <class T>
class RemoteHandle {
  using Call = internal::RemoteCallOf<T>;
  using Outcome = typename Call::Outcome;

 public:
  RemoteHandle(RemoteHandle&&) noexcept = default;
  RemoteHandle& operator=(RemoteHandle&& other) noexcept {
    RemoteHandle moved(std::move(other));
    std::swap(call_, moved.call_);
    std::swap(port_, moved.port_);
    return *this;
  }
  ~RemoteHandle() {
    if (call_ != nullptr && call_->Drop()) port_->CountFailure();
  }

  // Whether the result is there, so that taking it does not wait.
  bool ended() const noexcept { return Checked().ended(); }

  // Requests a stop of the task.
  void RequestStop() noexcept {
    Checked();
    port_->Stop(call_);
  }

  // Blocks this thread until the task has ended.
  [[nodiscard]] Outcome Wait() {
    internal::ParkedThread parked("RemoteHandle::Wait");
    if (Checked().Park(parked)) parked.Wait();
    return call_->Take();
  }

  // Blocks this thread until the task has ended, for at most so long. Returns
  // whether it has; the task goes on.
  template <class Rep, class Period>
  [[nodiscard]] bool WaitFor(std::chrono::duration<Rep, Period> time) {
    internal::ParkedThread parked("RemoteHandle::WaitFor");
    if (!Checked().Park(parked)) return true;
    const TimePoint now = std::chrono::steady_clock::now();
    if (parked.WaitUntil(After(now, time))) return true;
    if (call_->Unpark()) return false;
    parked.Wait();
    return true;
  }

  class [[nodiscard]] Awaiter final : public internal::ParkedTask {
   public:
    explicit Awaiter(RemoteHandle& handle) noexcept : handle_(handle) {}
    // Before it is awaited.
    Awaiter(Awaiter&& other) noexcept : handle_(other.handle_) {}

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) {
      internal::PromiseBase& promise = waiter.promise();
      internal::TaskContext& context = *promise.context;
      if (context.stop_requested()) handle_.RequestStop();
      Reactor& reactor = context.reactor();
      const Result<void> opened = Open(reactor);
      if (!opened) {
        error_ = opened.error();
        return internal::AwaitBudget::Spend(promise);
      }
      // Before it is known to the other thread.
      Suspend(promise);
      if (handle_.Checked().Park(*this)) {
        Expect();
        return true;
      }
      Unsuspend(context);
      Close();
      return internal::AwaitBudget::Spend(promise);
    }
    [[nodiscard]] Outcome await_resume() {
      if (error_) return Unexpected(*error_);
      return handle_.call_->Take();
    }

    const char* name() const noexcept override { return "RemoteHandle"; }

   private:
    void Cancel() noexcept override { handle_.RequestStop(); }

    RemoteHandle& handle_;
    std::optional<Error> error_;
  };
  Awaiter operator co_await() noexcept { return Awaiter(*this); }

 private:
  Call& Checked() const noexcept {
    if (call_ == nullptr) [[unlikely]] {
      internal::Misuse("a RemoteHandle was used that has been moved from");
    }
    return *call_;
  }

  friend class Remote;
  RemoteHandle(std::shared_ptr<Call> call,
               std::shared_ptr<internal::RemotePort> port) noexcept
      : call_(std::move(call)), port_(std::move(port)) {}

  std::shared_ptr<Call> call_;
  std::shared_ptr<internal::RemotePort> port_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_REMOTE_HANDLE_H_
