// WriteAt: bytes to a file at an offset.
//
// Result: the bytes written, 1 to data.size(), or 0 for empty data. Fewer than
// given is possible, for instance on a disk that becomes full.
// Errors: those of pwrite(2), such as ENOSPC, EDQUOT, EFBIG, EIO; EINVAL for
// direct I/O with a wrong alignment or an offset beyond 2^63-1; kCanceled.
// Lifetime: fd and data live until the await returns.
// Stop: writes that the device works on are not interrupted; they complete.
// Any number may be in flight on one file. Not durable before a Sync.
// Cost: one operation; a buffered write is carried out by a kernel worker on
// most file systems (ext4, tmpfs). See pwrite(2).
#ifndef EDDY_IO_WRITE_AT_H_
#define EDDY_IO_WRITE_AT_H_

#include <eddy/io/fd_operation.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace eddy::io {

class [[nodiscard]] WriteAt final : public FdOperation<WriteAt> {
 public:
  WriteAt(const Fd& fd, std::uint64_t offset,
          std::span<const std::byte> data) noexcept
      : FdOperation(fd), offset_(offset), data_(data) {}

  const char* name() const noexcept override { return "WriteAt"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_write(sqe, fd, data_.data(), ClampLength(data_.size()),
                        FileOffset(offset_));
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  std::uint64_t offset_;
  std::span<const std::byte> data_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_WRITE_AT_H_
