// SyncRange: writes a part of a file from the page cache to its device.
//
// For spreading the work of a later Sync: it writes no metadata and does not
// flush the device's own cache, so nothing is durable by it alone.
// `flags` are those of sync_file_range(2): by default it waits for earlier
// writes of the part, starts one, and waits for it; SYNC_FILE_RANGE_WRITE alone
// starts it. A size of 0 means: to the
// end. (What is longer than 4 GiB is written up to there: the operation
// has 32 bits for the length.)
// Result: nothing. Errors: EIO, ENOSPC: a write was lost; EINVAL, ESPIPE;
// kCanceled.
// Lifetime: fd lives until the await returns.
// Cost: one operation, which a kernel worker carries out. See
// sync_file_range(2), with its warning.
#ifndef EDDY_IO_SYNC_RANGE_H_
#define EDDY_IO_SYNC_RANGE_H_

#include <eddy/io/fd_operation.h>

#include <fcntl.h>

#include <algorithm>
#include <cstdint>

namespace eddy::io {

class [[nodiscard]] SyncRange final : public FdOperation<SyncRange> {
 public:
  static constexpr int kWriteAndWait = SYNC_FILE_RANGE_WAIT_BEFORE |
                                       SYNC_FILE_RANGE_WRITE |
                                       SYNC_FILE_RANGE_WAIT_AFTER;

  SyncRange(const Fd& fd, std::uint64_t offset, std::uint64_t size,
            int flags = kWriteAndWait) noexcept
      : FdOperation(fd), offset_(offset), size_(size), flags_(flags) {}

  const char* name() const noexcept override { return "SyncRange"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    constexpr std::uint64_t kMost = 0xffff'f000;
    io_uring_prep_sync_file_range(sqe, fd,
                                  static_cast<unsigned>(std::min(size_, kMost)),
                                  offset_, flags_);
  }
  [[nodiscard]] Result<void> await_resume() const { return VoidResult(); }

 private:
  std::uint64_t offset_;
  std::uint64_t size_;
  int flags_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_SYNC_RANGE_H_
