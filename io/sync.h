// Sync: waits until a file's data is on its device.
//
// `kind`: all metadata too (fsync), or only what is needed to read the data
// back (fdatasync).
// Result: nothing. Every write to the file that completed before is durable.
// Errors: EIO, ENOSPC, EDQUOT: a write was lost (a second call may succeed all
// the same, see fsync(2)); EROFS, EINVAL: the descriptor cannot be synced;
// kCanceled.
// Lifetime: fd lives until the await returns.
// Stop: a sync that the device works on is not interrupted.
// Cost: one operation, which a kernel worker carries out. See fsync(2).
#ifndef EDDY_IO_SYNC_H_
#define EDDY_IO_SYNC_H_

#include <eddy/io/fd_operation.h>

namespace eddy::io {

enum class SyncKind { kAll, kData };

class [[nodiscard]] Sync final : public FdOperation<Sync> {
 public:
  explicit Sync(const Fd& fd, SyncKind kind = SyncKind::kAll) noexcept
      : FdOperation(fd), kind_(kind) {}

  const char* name() const noexcept override { return "Sync"; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_fsync(sqe, fd,
                        kind_ == SyncKind::kData ? IORING_FSYNC_DATASYNC : 0);
  }
  [[nodiscard]] Result<void> await_resume() const { return VoidResult(); }

 private:
  SyncKind kind_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_SYNC_H_
