// UnlinkAt: removes a name: that of a file, or with AT_REMOVEDIR that of a
// folder that is empty.
//
//   EDDY_CO_CHECK(co_await io::UnlinkAt(folder, "old"));
//
// A symbolic link is removed itself. A file that has no name left is gone when
// nobody has it open any more.
//
// Result: nothing. Durable after a Sync of the folder.
// Errors: those of unlinkat(2): ENOENT, EACCES, EPERM, EROFS; EISDIR for a
// folder without AT_REMOVEDIR, and with it ENOTDIR, ENOTEMPTY, EBUSY (a mount);
// EINVAL for a path with a zero byte; kCanceled.
// Lifetime: directory and path live until the await returns.
// Stop: after kCanceled nothing was removed (on a network file system that was
// interrupted, perhaps it was).
// Cost: one operation, which a kernel worker carries out. See unlinkat(2).
#ifndef EDDY_IO_UNLINK_AT_H_
#define EDDY_IO_UNLINK_AT_H_

#include <eddy/io/name_operation.h>

#include <fcntl.h>
#include <unistd.h>

namespace eddy::io {

class [[nodiscard]] UnlinkAt final : public NameOperation {
 public:
  UnlinkAt(const Fd& directory, PathView path, int flags = 0) noexcept
      : NameOperation(IORING_OP_UNLINKAT, directory, path, directory, path),
        flags_(flags) {}

  const char* name() const noexcept override { return "UnlinkAt"; }

 private:
  void Prepare(io_uring_sqe* sqe) const noexcept override {
    io_uring_prep_unlinkat(sqe, from_directory(), from(), flags_);
  }
  int Call() const noexcept override {
    return unlinkat(from_directory(), from(), flags_);
  }

  int flags_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_UNLINK_AT_H_
