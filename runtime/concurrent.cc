#include <eddy/runtime/concurrent.h>

namespace eddy::internal {

void Concurrent::VisitContexts(ContextVisitor& visitor) const {
  for (const ConcurrentChild* child = first_; child != nullptr;
       child = child->next_) {
    if (!child->ended_) visitor.Visit(*child);
  }
}

void ConcurrentChild::Fail(std::exception_ptr exception) noexcept {
  ended_ = true;
  owner_.Fail(std::move(exception));
}

void Concurrent::Fail(std::exception_ptr exception) noexcept {
  if (exception_) {
    first_->reactor().DropFailure();
    return;
  }
  exception_ = std::move(exception);
  StopChildren();
}

void Concurrent::StopChildren() noexcept {
  for (ConcurrentChild* child = first_; child != nullptr;
       child = child->next_) {
    if (!child->ended_) child->RequestStop();
  }
}

}  // namespace eddy::internal
