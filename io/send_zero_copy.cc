#include <eddy/io/send_zero_copy.h>

#include <eddy/runtime/reactor.h>

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace eddy {
namespace internal {
namespace {

constinit thread_local io::ZeroCopySendStats stats;

}  // namespace

void ZeroCopySend::Submit(PromiseBase& waiter) noexcept {
  Reactor& reactor = waiter.context->reactor();
  io_uring_sqe* sqe = reactor.GetSqe();
  io_uring_prep_send_zc(sqe, fd_->get(), data_.data(),
                        io::ClampLength(data_.size()), flags_ | MSG_NOSIGNAL,
                        IORING_SEND_ZC_REPORT_USAGE);
  reactor.Track(sqe, *this);
  fd_->Pin();
  Suspend(waiter);
}

// The first completion is the result. Where the kernel may still use the bytes
// a second one follows, which tells that it does no more.
void ZeroCopySend::Complete(std::int32_t result, std::uint32_t flags) noexcept {
  const bool last = (flags & IORING_CQE_F_MORE) == 0;
  if ((flags & IORING_CQE_F_NOTIF) == 0) {
    fd_->Unpin();
    sent_ = true;
    const bool stopped =
        io::WasInterrupted(result) && waiter()->context->stop_requested();
    set_raw_result(stopped ? -ECANCELED : result);
    Sent();
  } else if (raw_result() > 0) {
    ++stats.sends;
    if ((static_cast<std::uint32_t>(result) & IORING_NOTIF_USAGE_ZC_COPIED) !=
        0) {
      ++stats.copied;
    }
  }
  if (last) LetGo();
}

// There is nothing to cancel in a wait for the kernel to let go.
void ZeroCopySend::Cancel() noexcept {
  if (!sent_) Operation::Cancel();
}

}  // namespace internal

namespace io {

const ZeroCopySendStats& ThreadZeroCopyStats() noexcept {
  return internal::stats;
}

bool CannotZeroCopy(Error error) noexcept {
  return error == std::errc::operation_not_supported ||
         error == std::errc::invalid_argument ||
         error == std::errc::not_enough_memory ||
         error == std::errc::no_buffer_space;
}

bool SendZeroCopyOwned::Send::Start(
    eddy::internal::PromiseBase& waiter) noexcept {
  if (waiter.context->stop_requested()) {
    set_raw_result(-ECANCELED);
    return eddy::internal::AwaitBudget::Spend(waiter);
  }
  in_kernel_ = true;
  Submit(waiter);
  return true;
}

void SendZeroCopyOwned::Send::Release() noexcept {
  released_ = true;
  if (!in_kernel_) delete this;
}

// The owner's destructor may do what must not be done while completions are
// reaped, such as to close a descriptor.
void SendZeroCopyOwned::Send::LetGo() noexcept {
  Reactor::Current()->SubmitLater(*this);
}

void SendZeroCopyOwned::Send::Continue() noexcept {
  in_kernel_ = false;
  owner_.reset();
  if (released_) delete this;
}

}  // namespace io
}  // namespace eddy
