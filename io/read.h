// Read: bytes from a stream: a pipe, a terminal, a socket, or a file at its
// current position.
//
//   EDDY_CO_TRY(std::size_t n, co_await io::Read(fd, buffer));
//   if (n == 0) co_return ...;               // end of file or of the stream
//
// Result: the bytes read, 1 to buffer.size(); 0 at the end, or for an empty
// buffer. Fewer than asked for is normal.
// Errors: those of read(2); kCanceled.
// Lifetime: fd and buffer live until the await returns; then the kernel refers
// to neither.
// Stop: after kCanceled nothing was consumed; a read that had data already
// gives it, although stopped.
// One read at a time on a file's position: for several use ReadAt.
// Cost: one operation. See read(2); for sockets, Receive takes flags.
#ifndef EDDY_IO_READ_H_
#define EDDY_IO_READ_H_

#include <eddy/io/fd_operation.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::io {

class [[nodiscard]] Read final : public FdOperation<Read> {
 public:
  Read(const Fd& fd, std::span<std::byte> buffer) noexcept
      : FdOperation(fd), buffer_(buffer) {}

  const char* name() const noexcept override { return "Read"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    constexpr auto kCurrentPosition = ~std::uint64_t{0};
    io_uring_prep_read(sqe, fd, buffer_.data(), ClampLength(buffer_.size()),
                       kCurrentPosition);
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  std::span<std::byte> buffer_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_READ_H_
