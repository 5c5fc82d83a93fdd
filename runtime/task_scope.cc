#include <eddy/runtime/task_scope.h>

#include <eddy/runtime/misuse.h>

namespace eddy {

TaskScope::~TaskScope() {
  if (live_ != 0) {
    internal::Misuse(
        "a TaskScope was destroyed while %zu of its tasks run; only the end of "
        "WithScope may end a scope",
        live_);
  }
}

void TaskScope::UsedAfterEnd() noexcept {
  internal::Misuse("a TaskScope was used after its end");
}

void TaskScope::RequestStop() noexcept {
  context_.reactor().AssertCurrent();
  // (After a stop from above, what is cut short stays cut short.)
  if (!context_.stop_requested()) stopped_here_ = true;
  StopAll();
}

void TaskScope::StopAll() noexcept {
  context_.RequestStop();
  tasks_.ForEach([](internal::SpawnedTask& task) { task.RequestStop(); });
}

void TaskScope::Fail(TaskFailure failure) noexcept {
  if (failure_) {
    if (later_failure_) {
      later_failure_(failure);
    } else {
      context_.reactor().DropFailure();
    }
    return;
  }
  failure_ = std::move(failure);
  StopAll();
}

void TaskScope::TaskEnded(internal::SpawnedTask& task,
                          const TaskFailure* failure) noexcept {
  task.Unlink();
  --live_;
  if (failure != nullptr) [[unlikely]] {
    if (failure->error == kCanceled && task.stop_requested()) {
      cut_short_ = cut_short_ || (stop_requested() && !stopped_here_);
    } else {
      Fail(*failure);
    }
  }
  if (live_ == 0 && drained_ != nullptr) drained_->Wake();
}

void TaskScope::BodyFailed(TaskFailure failure) noexcept {
  // What was asked for is no failure; a later one of a task is not hidden by
  // it.
  if (failure.error == kCanceled && stop_requested()) return;
  // A body that joined the task which failed gives that failure on.
  if (failure_ && failure == failure_) return;
  Fail(std::move(failure));
}

void TaskScope::VisitContexts(internal::ContextVisitor& visitor) const {
  for (const internal::SpawnedTask& task : tasks_) visitor.Visit(task);
}

namespace internal {

void SpawnedTask::End(const TaskFailure* failure) noexcept {
  std::exchange(scope_, nullptr)->TaskEnded(*this, failure);
  if (joiner_ != nullptr) joiner_->Wake();
  Unref();
}

}  // namespace internal
}  // namespace eddy
