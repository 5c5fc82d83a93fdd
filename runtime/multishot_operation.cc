#include <eddy/runtime/multishot_operation.h>

#include <eddy/runtime/await_budget.h>
#include <eddy/runtime/misuse.h>

#include <utility>

namespace eddy::internal {

MultishotOperation::~MultishotOperation() = default;

bool MultishotOperation::Await(PromiseBase& consumer) noexcept {
  if (awaited_) [[unlikely]] {
    Misuse(
        "two tasks await the next element of one socket (%s); let one await "
        "it at a time",
        name());
  }
  awaited_ = true;
  stopped_ = consumer.context->stop_requested();
  // After a stop the kernel brings no more; what it has brought is given.
  if (stopped_ ? !in_flight() : HasElement()) {
    return AwaitBudget::Spend(consumer);
  }
  consumer.context->reactor().AssertCurrent();
  Suspend(consumer);
  if (in_flight()) {
    if (stopped_) RequestEnd();
  } else if (!continues_) {
    Submit();
  }
  return true;
}

void MultishotOperation::Submit() noexcept {
  if (!MaySubmit()) return;
  Reactor& reactor = waiter()->context->reactor();
  io_uring_sqe* sqe = reactor.GetSqe();
  Prepare(sqe);
  reactor.Track(sqe, *this);
  reactor_ = &reactor;
  reactor.multishots().PushBack(*this);
}

void MultishotOperation::Complete(std::int32_t result,
                                  std::uint32_t flags) noexcept {
  const bool last = (flags & IORING_CQE_F_MORE) == 0;
  if (last && linked()) Unlink();
  Deliver(result, flags);
  if (abandoned_) {
    if (last && !continues_) delete this;
    return;
  }
  if (!waits() || (stopped_ && !last)) return;
  if (stopped_ || HasElement()) {
    Wake();
  } else if (last) {
    ContinueLater();
  }
}

// (One that was woken, and has not run yet, waits no more.)
bool MultishotOperation::waits() const noexcept {
  return waiter() != nullptr && waiter()->context->waiting_on() == this;
}

void MultishotOperation::Cancel() noexcept {
  stopped_ = true;
  if (in_flight()) {
    RequestEnd();
  } else if (!continues_) {
    ForgetWait();
    Wake();
  }
}

void MultishotOperation::RequestEnd() noexcept {
  if (in_flight() && !canceling()) {
    Reactor::Current()->CancelOperation(*this);
  }
}

void MultishotOperation::ContinueLater() noexcept {
  if (continues_) return;
  continues_ = true;
  Reactor::Current()->SubmitLater(*this);
}

void MultishotOperation::Continue() noexcept {
  continues_ = false;
  const bool pauses = std::exchange(pausing_, false);
  if (abandoned_) {
    if (!in_flight()) delete this;
  } else if (in_flight()) {
    if (pauses && !waits() && IsBehind()) RequestEnd();
  } else if (waits()) {
    if (stopped_ || HasElement()) {
      Wake();
    } else {
      Submit();
    }
  }
}

void MultishotOperation::Pause() noexcept {
  pausing_ = true;
  ContinueLater();
}

void MultishotOperation::Abandon() noexcept {
  if (awaited_) [[unlikely]] {
    Misuse(
        "a socket was closed or destroyed while a task awaits its next element "
        "(%s); stop the task and await its end first",
        name());
  }
  if (in_flight() && reactor_ != Reactor::Current()) [[unlikely]] {
    Misuse(
        "a socket was closed or destroyed on another reactor than the one that "
        "receives on it (%s); destroy it there, such as with SubmitTo",
        name());
  }
  // (Taking an entry may bring its end.)
  if (in_flight()) RequestEnd();
  if (!in_flight() && !continues_) {
    delete this;
    return;
  }
  abandoned_ = true;
  if (linked()) Unlink();
}

}  // namespace eddy::internal
