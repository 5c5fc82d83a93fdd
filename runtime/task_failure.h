// TaskFailure: how a task ended, if not well.
#ifndef EDDY_RUNTIME_TASK_FAILURE_H_
#define EDDY_RUNTIME_TASK_FAILURE_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <exception>
#include <optional>
#include <type_traits>

namespace eddy {

// An exception that left the task, or the error in the Result that it returned.
struct TaskFailure {
  std::exception_ptr exception;
  std::optional<Error> error;

  explicit operator bool() const noexcept { return exception || error; }
  friend bool operator==(const TaskFailure&, const TaskFailure&) = default;
};

namespace internal {

// Whether an ended task threw, or returned an error.
template <class T>
bool HasFailed(Task<T>& task) noexcept {
  auto& promise = TaskAccess::PromiseOf(task);
  if constexpr (kIsResult<T>) {
    return promise.has_exception() || !promise.value();
  } else {
    return promise.has_exception();
  }
}

// Takes the exception of an ended task, or gives the error of its Result.
template <class T>
TaskFailure FailureOf(Task<T>& task) noexcept {
  auto& promise = TaskAccess::PromiseOf(task);
  TaskFailure failure;
  if (!HasFailed(task)) return failure;
  failure.exception = promise.TakeException();
  if constexpr (kIsResult<T>) {
    if (!failure.exception) failure.error = promise.value().error();
  }
  return failure;
}

}  // namespace internal
}  // namespace eddy

#endif  // EDDY_RUNTIME_TASK_FAILURE_H_
