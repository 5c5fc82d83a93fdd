#include <eddy/io/receive_stream.h>

#include <new>

namespace eddy::io {
namespace internal {

void ReceiveOperation::PrepareMultishot(io_uring_sqe* sqe, int fd) noexcept {
  io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
  LimitReceive(sqe);
  if (store().bundles()) sqe->ioprio |= IORING_RECVSEND_BUNDLE;
}

void ReceiveOperation::PrepareSingle(io_uring_sqe* sqe, int fd,
                                     std::span<std::byte> buffer) noexcept {
  io_uring_prep_recv(sqe, fd, buffer.data(), buffer.size(), 0);
}

}  // namespace internal

Result<ReceiveStream> ReceiveStream::Create(const ReceiveOptions& options) {
  if (options.most_waiting == 0) return Unexpected(std::errc::invalid_argument);
  Result<BufferPool> pool =
      options.pool ? *options.pool : BufferPool::Default();
  if (!pool) return Unexpected(pool.error());
  ReceiveStream stream;
  try {
    stream.operation_.reset(
        new internal::ReceiveOperation(*std::move(pool), options.most_waiting));
  } catch (const std::bad_alloc&) {
    return Unexpected(std::errc::not_enough_memory);
  }
  return stream;
}

ReceiveStream::NextAwaiter ReceiveStream::Next(const Fd& fd) noexcept {
  if (operation_ == nullptr) {
    Result<ReceiveStream> begun = Create();
    if (!begun) return NextAwaiter(begun.error());
    *this = *std::move(begun);
  }
  return {*operation_, fd};
}

}  // namespace eddy::io
