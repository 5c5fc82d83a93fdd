// RenameAt: gives a file or a folder another name, in one step.
//
//   EDDY_CO_CHECK(co_await io::RenameAt(folder, "new", folder, "current"));
//
// What had the second name before is gone; nobody finds the name missing
// meanwhile. `flags` as for renameat2(2): RENAME_NOREPLACE refuses to replace
// anything, RENAME_EXCHANGE exchanges two names that both exist.
//
// Result: nothing. Durable after a Sync of both folders.
// Errors: those of renameat2(2): ENOENT, EACCES, EEXIST (RENAME_NOREPLACE),
// EXDEV (another file system), ENOTEMPTY, EISDIR, ENOTDIR; EINVAL (a folder
// into itself, or the file system knows no such flag) and for a path with a
// zero byte; kCanceled.
// Lifetime: directories and paths live until the await returns.
// Stop: after kCanceled nothing was renamed (on a network file system that was
// interrupted, perhaps it was).
// Cost: one operation, which a kernel worker carries out. See renameat2(2).
#ifndef EDDY_IO_RENAME_AT_H_
#define EDDY_IO_RENAME_AT_H_

#include <eddy/io/name_operation.h>

#include <stdio.h>

namespace eddy::io {

class [[nodiscard]] RenameAt final : public NameOperation {
 public:
  RenameAt(const Fd& from_directory, PathView from, const Fd& to_directory,
           PathView to, unsigned flags = 0) noexcept
      : NameOperation(IORING_OP_RENAMEAT, from_directory, from, to_directory,
                      to),
        flags_(flags) {}

  const char* name() const noexcept override { return "RenameAt"; }

 private:
  void Prepare(io_uring_sqe* sqe) const noexcept override {
    io_uring_prep_renameat(sqe, from_directory(), from(), to_directory(), to(),
                           flags_);
  }
  int Call() const noexcept override {
    return renameat2(from_directory(), from(), to_directory(), to(), flags_);
  }

  unsigned flags_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_RENAME_AT_H_
