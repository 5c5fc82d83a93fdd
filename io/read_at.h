// ReadAt: bytes of a file from an offset.
//
// Result: the bytes read, 1 to buffer.size(); 0 at or beyond the end of the
// file, or for an empty buffer. Fewer than asked for is possible.
// Errors: those of pread(2), such as EIO, EISDIR; EINVAL for direct I/O
// with a wrong alignment or an offset beyond 2^63-1; kCanceled.
// Lifetime: fd and buffer live until the await returns.
// Stop: reads that the device works on are not interrupted; they complete.
// Any number may be in flight on one file.
// Cost: one operation; on some file systems (tmpfs) a kernel worker carries it
// out, on others only what is not cached waits for the device. See pread(2).
#ifndef EDDY_IO_READ_AT_H_
#define EDDY_IO_READ_AT_H_

#include <eddy/io/fd_operation.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::io {

class [[nodiscard]] ReadAt final : public FdOperation<ReadAt> {
 public:
  ReadAt(const Fd& fd, std::uint64_t offset,
         std::span<std::byte> buffer) noexcept
      : FdOperation(fd), offset_(offset), buffer_(buffer) {}

  const char* name() const noexcept override { return "ReadAt"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_read(sqe, fd, buffer_.data(), ClampLength(buffer_.size()),
                       FileOffset(offset_));
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  std::uint64_t offset_;
  std::span<std::byte> buffer_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_READ_AT_H_
