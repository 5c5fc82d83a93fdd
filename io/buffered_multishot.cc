#include <eddy/io/buffered_multishot.h>

#include <eddy/io/fd_operation.h>
#include <eddy/runtime/misuse.h>

#include <cerrno>

namespace eddy::io::internal {

BufferedMultishot::BufferedMultishot(BufferPool pool,
                                     std::size_t most_waiting) noexcept
    : pool_(std::move(pool)), most_waiting_(most_waiting) {}

BufferedMultishot::~BufferedMultishot() {
  while (!elements_.empty()) static_cast<void>(Take());
}

std::int32_t BufferedMultishot::FinishSingle(std::int32_t result,
                                             std::span<std::byte>) noexcept {
  return result;
}

Result<Buffer> BufferedMultishot::Take() {
  const Element element = elements_.Pop();
  if (element.error != 0) {
    return Unexpected(Error::FromErrno(element.error));
  }
  if (element.slice.size == 0) return Buffer();
  waiting_ -= store().CostOf(element.slice);
  return Buffer(store(), element.slice);
}

bool BufferedMultishot::MaySubmit() noexcept {
  if (store().reactor() != Reactor::Current()) {
    eddy::internal::Misuse(
        "a BufferPool was used on another reactor than the one that made it");
  }
  return store().IsAvailable(*this);
}

void BufferedMultishot::ForgetWait() noexcept {
  if (BufferWaiter::linked()) BufferWaiter::Unlink();
}

void BufferedMultishot::Prepare(io_uring_sqe* sqe) noexcept {
  single_ = !store().kernel_picks();
  if (single_) {
    picked_ = store().TakeFree();
    PrepareSingle(sqe, fd_, store().Whole(picked_));
    return;
  }
  limited_ = false;
  PrepareMultishot(sqe, fd_);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = store().group();
}

void BufferedMultishot::LimitReceive(io_uring_sqe* sqe) noexcept {
  limited_ = store().limits_receive() && !without_limit_;
  if (limited_) {
    eddy::internal::SetReceiveLimit(sqe, ClampLength(MostWaiting()));
  }
}

void BufferedMultishot::PushSlice(const BufferSlice& slice) {
  elements_.Push({0, slice});
  waiting_ += store().CostOf(slice);
}

void BufferedMultishot::Deliver(std::int32_t result,
                                std::uint32_t flags) noexcept {
  if (single_) {
    DeliverSingle(result);
    return;
  }
  if ((flags & IORING_CQE_F_BUFFER) != 0 && result >= 0) {
    store().Take(static_cast<std::size_t>(result), flags,
                 [&](const BufferSlice& slice) { PushSlice(slice); });
  }
  if (result > 0) {
    // So it was the limit that the kernel refused.
    if (without_limit_) store().set_no_receive_limit();
    // (Where the kernel knows the limit, it has ended there.)
    if (IsBehind()) Pause();
  } else if (result == 0) {
    elements_.Push({});
  } else if (result == -EINVAL && limited_) {
    // The kernel does not know the limit, or something else is wrong, which it
    // will say without one too.
    without_limit_ = true;
  } else if (result == -ENOBUFS) {
    store().Exhausted();
  } else if (result != -ECANCELED) {
    PushError(result);
  }
}

void BufferedMultishot::DeliverSingle(std::int32_t result) noexcept {
  if (result >= 0) result = FinishSingle(result, store().Whole(picked_));
  if (result > 0) {
    BufferSlice slice;
    slice.id = picked_;
    slice.size = static_cast<std::uint32_t>(result);
    PushSlice(slice);
    return;
  }
  store().Return(picked_);
  if (result == 0) {
    elements_.Push({});
  } else if (result != -ECANCELED) {
    PushError(result);
  }
}

}  // namespace eddy::io::internal
