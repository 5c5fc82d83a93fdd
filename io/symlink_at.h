// SymlinkAt: makes a symbolic link.
//
//   EDDY_CO_CHECK(co_await io::SymlinkAt("releases/7", folder, "current"));
//
// The link holds `target` as it is: relative to the folder that the link is in,
// of something that need not exist.
// Result: nothing. Durable after a Sync of the folder.
// Errors: those of symlinkat(2): EEXIST, ENOENT (also for an empty target),
// EACCES, ENOSPC, EPERM (the file system has no symbolic links); EINVAL for
// a path with a zero byte; kCanceled.
// Lifetime: directory, target and path live until the await returns.
// Stop: after kCanceled there is no link (on a network file system that was
// interrupted, perhaps there is).
// Cost: one operation, which a kernel worker carries out; before Linux 5.15 a
// thread of the blocking pool. See symlinkat(2).
#ifndef EDDY_IO_SYMLINK_AT_H_
#define EDDY_IO_SYMLINK_AT_H_

#include <eddy/io/name_operation.h>

#include <unistd.h>

namespace eddy::io {

class [[nodiscard]] SymlinkAt final : public NameOperation {
 public:
  SymlinkAt(PathView target, const Fd& directory, PathView path) noexcept
      : NameOperation(IORING_OP_SYMLINKAT, directory, target, directory, path) {
  }

  const char* name() const noexcept override { return "SymlinkAt"; }

 private:
  void Prepare(io_uring_sqe* sqe) const noexcept override {
    io_uring_prep_symlinkat(sqe, from(), to_directory(), to());
  }
  int Call() const noexcept override {
    return symlinkat(from(), to_directory(), to());
  }
};

}  // namespace eddy::io

#endif  // EDDY_IO_SYMLINK_AT_H_
