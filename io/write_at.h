// WriteAt: bytes to a file at an offset.
//
// Result: the bytes written, 1 to data.size(), or 0 for empty data. Fewer than
// given is possible, for instance on a disk that becomes full.
// Errors: those of pwrite(2), such as ENOSPC, EDQUOT, EFBIG, EIO; EINVAL for an
// offset beyond 2^63-1; for direct I/O kMisalignedOffset, kMisalignedLength or
// kMisalignedMemory where `alignment` is given, else EINVAL; EFAULT where
// registered memory is another reactor's; kCanceled.
// Lifetime: fd and data live until the await returns.
// Stop: writes that the device works on are not interrupted; they complete.
// Any number may be in flight on one file. Not durable before a Sync.
// Cost: one operation; a buffered write is carried out by a kernel worker on
// most file systems (ext4, tmpfs). See pwrite(2).
#ifndef EDDY_IO_WRITE_AT_H_
#define EDDY_IO_WRITE_AT_H_

#include <eddy/io/direct_alignment.h>
#include <eddy/io/fd_operation.h>
#include <eddy/io/registered_memory.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::io {

class [[nodiscard]] WriteAt final : public FdOperation<WriteAt> {
 public:
  WriteAt(const Fd& fd, std::uint64_t offset, std::span<const std::byte> data,
          DirectAlignment alignment = {}) noexcept
      : WriteAt(fd, offset, data, RegisteredSpan::kNoSlot, alignment) {}
  WriteAt(const Fd& fd, std::uint64_t offset, RegisteredSpan data,
          DirectAlignment alignment = {}) noexcept
      : WriteAt(fd, offset, data.bytes(), data.slot(), alignment) {}

  const char* name() const noexcept override { return "WriteAt"; }
  int Invalid() const noexcept { return invalid_; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_write(sqe, fd, data_, size_, offset_);
    if (slot_ != RegisteredSpan::kNoSlot) {
      sqe->opcode = IORING_OP_WRITE_FIXED;
      sqe->buf_index = slot_;
    }
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  WriteAt(const Fd& fd, std::uint64_t offset, std::span<const std::byte> data,
          std::uint16_t slot, DirectAlignment alignment) noexcept
      : FdOperation(fd),
        offset_(FileOffset(offset)),
        data_(data.data()),
        size_(ClampLength(data.size())),
        slot_(slot),
        invalid_(alignment.Missed(offset, data_, data.size())) {}

  std::uint64_t offset_;
  const std::byte* data_;
  unsigned size_;
  std::uint16_t slot_;
  int invalid_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_WRITE_AT_H_
