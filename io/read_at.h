// ReadAt: bytes of a file from an offset.
//
// Result: the bytes read, 1 to buffer.size(); 0 at or beyond the end of the
// file, or for an empty buffer. Fewer than asked for is possible.
// Errors: those of pread(2), such as EIO, EISDIR; EINVAL for an offset beyond
// 2^63-1; for direct I/O kMisalignedOffset, kMisalignedLength or
// kMisalignedMemory where `alignment` is given, else EINVAL; EFAULT where
// registered memory is another reactor's; kCanceled.
// Lifetime: fd and buffer live until the await returns.
// Stop: reads that the device works on are not interrupted; they complete.
// Any number may be in flight on one file.
// Cost: one operation; on some file systems (tmpfs) a kernel worker carries it
// out, on others only what is not cached waits for the device. Registered
// memory saves the kernel the look-up of its pages. See pread(2).
#ifndef EDDY_IO_READ_AT_H_
#define EDDY_IO_READ_AT_H_

#include <eddy/io/direct_alignment.h>
#include <eddy/io/fd_operation.h>
#include <eddy/io/registered_memory.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::io {

class [[nodiscard]] ReadAt final : public FdOperation<ReadAt> {
 public:
  ReadAt(const Fd& fd, std::uint64_t offset, std::span<std::byte> buffer,
         DirectAlignment alignment = {}) noexcept
      : ReadAt(fd, offset, RegisteredSpan(buffer), alignment) {}
  ReadAt(const Fd& fd, std::uint64_t offset, RegisteredSpan buffer,
         DirectAlignment alignment = {}) noexcept
      : FdOperation(fd),
        offset_(FileOffset(offset)),
        buffer_(buffer.bytes().data()),
        size_(ClampLength(buffer.bytes().size())),
        slot_(buffer.slot()),
        invalid_(alignment.Missed(offset, buffer_, buffer.bytes().size())) {}

  const char* name() const noexcept override { return "ReadAt"; }
  int Invalid() const noexcept { return invalid_; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_read(sqe, fd, buffer_, size_, offset_);
    if (slot_ != RegisteredSpan::kNoSlot) {
      sqe->opcode = IORING_OP_READ_FIXED;
      sqe->buf_index = slot_;
    }
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  std::uint64_t offset_;
  std::byte* buffer_;
  unsigned size_;
  std::uint16_t slot_;
  int invalid_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_READ_AT_H_
