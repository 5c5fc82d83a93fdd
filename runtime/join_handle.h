// JoinHandle<T>: the result of a spawned task.
//
//   JoinHandle<int> handle = scope.Spawn(Compute());
//   int n = co_await handle;
//
// Result: what the task returned; its exception is thrown again. Waiting is not
// a stop point: the task itself is stopped with its scope, and then ends. So a
// WithTimeout around the handle waits for the task all the same; to bound its
// time, put the WithTimeout into the task.
// Lifetime: a handle may be dropped (the scope waits for the task all the same)
// and may outlive the scope. It keeps the task's frame, with what the task was
// given by value, until it is awaited or dropped.
// REQUIRES: awaited at most once, on the reactor of the task.
// Cost: no allocation.
#ifndef EDDY_RUNTIME_JOIN_HANDLE_H_
#define EDDY_RUNTIME_JOIN_HANDLE_H_

#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/intrusive_list.h>
#include <eddy/runtime/misuse.h>
#include <eddy/runtime/suspension.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_context.h>
#include <eddy/runtime/task_failure.h>

#include <coroutine>
#include <cstddef>
#include <utility>

namespace eddy {

class TaskScope;

namespace internal {

// A spawned task: its context, its place in the scope, and who joins it. Two
// references at most: the run and the handle.
class SpawnedTask : public TaskContext,
                    public ReadyNode,
                    public ListHook<SpawnedTask> {
 public:
  static void* operator new(std::size_t size) {
    return FramePool::Allocate(size);
  }
  static void operator delete(void* memory, std::size_t size) noexcept {
    FramePool::Free(memory, size);
  }

  bool ended() const noexcept { return scope_ == nullptr; }
  void set_joiner(Suspension& joiner) noexcept { joiner_ = &joiner; }

  void Unref() noexcept {
    if (--references_ == 0) delete this;
  }

 protected:
  SpawnedTask(TaskScope& scope, const TaskContext& scope_context) noexcept
      : TaskContext(&scope_context), scope_(&scope) {}
  virtual ~SpawnedTask() = default;

  // It has ended, with a failure or null.
  void End(const TaskFailure* failure) noexcept;

 private:
  TaskScope* scope_;
  Suspension* joiner_ = nullptr;
  unsigned references_ = 2;
};

template <class T>
class SpawnedTaskOf : public SpawnedTask {
 public:
  SpawnedTaskOf(TaskScope& scope, const TaskContext& scope_context,
                Task<T> task) noexcept
      : SpawnedTask(scope, scope_context), task_(std::move(task)) {
    this->coroutine = TaskAccess::Begin(task_, *this);
  }

  // (What is here is taken by nobody where the handle was dropped.)
  ~SpawnedTaskOf() override { TaskAccess::PromiseOf(task_).TakeException(); }

  T Take() { return TaskAccess::PromiseOf(task_).Take(); }

 private:
  std::coroutine_handle<> ChainEnded() noexcept final {
    if (HasFailed(task_)) [[unlikely]] {
      Fail();
    } else {
      this->End(nullptr);
    }
    return std::noop_coroutine();
  }
  // Leaves the exception for the handle, too.
  [[gnu::noinline, gnu::cold]] void Fail() noexcept {
    const TaskFailure failure = FailureOf(task_);
    if (failure.exception) {
      TaskAccess::PromiseOf(task_).SetException(failure.exception);
    }
    this->End(&failure);
  }

  Task<T> task_;
};

}  // namespace internal

template <class T>
class JoinHandle {
 public:
  JoinHandle(JoinHandle&& other) noexcept
      : task_(std::exchange(other.task_, nullptr)) {}
  JoinHandle& operator=(JoinHandle&& other) noexcept {
    JoinHandle moved(std::move(other));
    std::swap(task_, moved.task_);
    return *this;
  }
  ~JoinHandle() {
    if (task_ != nullptr) task_->Unref();
  }

  // True when the task has ended, so that awaiting does not wait.
  // REQUIRES, as RequestStop: not awaited and not moved from.
  bool ended() const noexcept { return Checked().ended(); }

  // Requests a stop of this task alone.
  void RequestStop() noexcept { Checked().RequestStop(); }

  class [[nodiscard]] Awaiter final : public internal::Suspension {
   public:
    void Cancel() noexcept override {}
    const char* name() const noexcept override { return "JoinHandle"; }

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
      if (task_->ended()) {
        return internal::AwaitBudget::Spend(waiter.promise());
      }
      if (&waiter.promise().context->reactor() != &task_->reactor())
          [[unlikely]] {
        internal::Misuse("a JoinHandle was awaited on another reactor");
      }
      Suspend(waiter.promise());
      task_->set_joiner(*this);
      return true;
    }
    T await_resume() {
      // The result leaves with this await.
      const Releaser releaser{task_};
      return task_->Take();
    }

   private:
    friend class JoinHandle;
    struct Releaser {
      internal::SpawnedTask* task;
      ~Releaser() { task->Unref(); }
    };
    explicit Awaiter(internal::SpawnedTaskOf<T>* task) noexcept : task_(task) {}
    internal::SpawnedTaskOf<T>* task_;
  };

  Awaiter operator co_await() noexcept {
    Checked();
    return Awaiter(std::exchange(task_, nullptr));
  }

 private:
  friend class TaskScope;
  explicit JoinHandle(internal::SpawnedTaskOf<T>* task) noexcept
      : task_(task) {}

  internal::SpawnedTaskOf<T>& Checked() const noexcept {
    if (task_ == nullptr) [[unlikely]] {
      internal::Misuse("a JoinHandle was used after its await or after a move");
    }
    return *task_;
  }

  internal::SpawnedTaskOf<T>* task_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_JOIN_HANDLE_H_
