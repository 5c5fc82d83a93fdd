// ReadVector: bytes from a stream into several buffers, one after the other.
//
//   const iovec parts[] = {io::ToIovec(header), io::ToIovec(payload)};
//   EDDY_CO_TRY(std::size_t n, co_await io::ReadVector(fd, parts));
//
// Result: the bytes read, in all; 0 at the end, or where there is no room in
// the buffers. Fewer than there is room for is normal. Of more than 1024
// buffers the first 1024 are used.
// Errors: those of readv(2); kCanceled.
// Lifetime: fd, the array of buffers, and the buffers live until the await
// returns.
// Stop: after kCanceled nothing was consumed; a read that had data already
// gives it, although stopped.
// Cost: one operation. See readv(2); Read for one buffer.
#ifndef EDDY_IO_READ_VECTOR_H_
#define EDDY_IO_READ_VECTOR_H_

#include <eddy/io/fd_operation.h>
#include <eddy/io/iovec.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::io {

class [[nodiscard]] ReadVector final : public FdOperation<ReadVector> {
 public:
  ReadVector(const Fd& fd, std::span<const iovec> buffers) noexcept
      : FdOperation(fd), buffers_(ClampCount(buffers)) {}

  const char* name() const noexcept override { return "ReadVector"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    constexpr auto kCurrentPosition = ~std::uint64_t{0};
    io_uring_prep_readv(sqe, fd, buffers_.data(),
                        static_cast<unsigned>(buffers_.size()),
                        kCurrentPosition);
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  std::span<const iovec> buffers_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_READ_VECTOR_H_
