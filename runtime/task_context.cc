#include <eddy/runtime/task_context.h>

#include <eddy/runtime/misuse.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/suspension.h>

namespace eddy::internal {

void TaskContext::DropStopState() noexcept { stop_state_->Unref(); }

void TaskContext::RequestStop() noexcept {
#ifndef NDEBUG
  reactor_->AssertCurrent();
#endif
  if (flows_down_.stop_requested) return;
  flows_down_.stop_requested = true;
  if (stop_state_ != nullptr) stop_state_->RequestStop();
  // Last: down a long line of contexts this is a tail call.
  if (waiting_on_ != nullptr) waiting_on_->Cancel();
}

StopState& TaskContext::EnsureStopState() {
  if (stop_state_ == nullptr) {
    stop_state_ = new StopState;
    if (flows_down_.stop_requested) stop_state_->RequestStop();
  }
  return *stop_state_;
}

std::coroutine_handle<> TaskContext::ChainEnded() noexcept {
  Misuse("a task that nobody awaits has ended");
}

}  // namespace eddy::internal
