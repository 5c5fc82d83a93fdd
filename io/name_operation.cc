#include <eddy/io/name_operation.h>

#include <eddy/io/fd_operation.h>
#include <eddy/runtime/reactor.h>

#include <cerrno>
#include <utility>

namespace eddy::io {

bool NameOperation::Start(eddy::internal::PromiseBase& waiter) noexcept {
  Reactor& reactor = waiter.context->reactor();
  if (waiter.context->stop_requested()) {
    set_raw_result(-ECANCELED);
  } else if (from_ == nullptr || to_ == nullptr) {
    set_raw_result(-EINVAL);
  } else if (reactor.ring().Supports(opcode_)) {
    io_uring_sqe* sqe = reactor.GetSqe();
    Prepare(sqe);
    reactor.Track(sqe, *this);
    from_directory_->Pin();
    to_directory_->Pin();
    Suspend(waiter);
    return true;
  } else {
    const Result<void> started = StartOnPool(waiter);
    if (started) return true;
    set_raw_result(-started.error().code());
  }
  return eddy::internal::AwaitBudget::Spend(waiter);
}

Result<void> NameOperation::StartOnPool(
    eddy::internal::PromiseBase& waiter) noexcept {
  Reactor& reactor = waiter.context->reactor();
  if (Result<void> opened = Open(reactor); !opened) return opened;
  // Before the job: from then on it may end at any time.
  Suspend(waiter);
  if (Result<void> added = eddy::internal::BlockingPool::Get().Add(*this);
      !added) {
    Unsuspend(*waiter.context);
    Close();
    return added;
  }
  from_directory_->Pin();
  to_directory_->Pin();
  Expect();
  return {};
}

void NameOperation::Run() noexcept { SendBack(Call() == 0 ? 0 : -errno); }

void NameOperation::SendBack(std::int32_t result) noexcept {
  result_of_call_ = result;
  Send();
}

void NameOperation::Arrived() noexcept { Complete(result_of_call_, 0); }

void NameOperation::Complete(std::int32_t result,
                             std::uint32_t flags) noexcept {
  from_directory_->Unpin();
  to_directory_->Unpin();
  if (WasInterrupted(result) && waiter()->context->stop_requested()) {
    result = -ECANCELED;
  }
  Operation::Complete(result, flags);
}

void NameOperation::Cancel() noexcept {
  if (!open()) {
    Operation::Cancel();
  } else if (eddy::internal::BlockingPool::Get().Remove(*this)) {
    SendBack(-ECANCELED);
  }
}

}  // namespace eddy::io
