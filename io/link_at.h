// LinkAt: gives a file one more name (a hard link).
//
//   EDDY_CO_CHECK(co_await io::LinkAt(folder, "file", folder, "same_file"));
//
// `flags` as for linkat(2): without any, a symbolic link is linked itself;
// AT_SYMLINK_FOLLOW links what it leads to.
// Result: nothing. Durable after a Sync of the second folder.
// Errors: those of linkat(2): EEXIST, ENOENT, EACCES, EPERM (a folder, or the
// file system has no hard links), EXDEV (another file system), EMLINK; EINVAL
// for a path with a zero byte; kCanceled.
// Lifetime: directories and paths live until the await returns.
// Stop: after kCanceled there is no new name (on a network file system that was
// interrupted, perhaps there is).
// Cost: one operation, which a kernel worker carries out; before Linux 5.15 a
// thread of the blocking pool. See linkat(2).
#ifndef EDDY_IO_LINK_AT_H_
#define EDDY_IO_LINK_AT_H_

#include <eddy/io/name_operation.h>

#include <fcntl.h>
#include <unistd.h>

namespace eddy::io {

class [[nodiscard]] LinkAt final : public NameOperation {
 public:
  LinkAt(const Fd& from_directory, PathView from, const Fd& to_directory,
         PathView to, int flags = 0) noexcept
      : NameOperation(IORING_OP_LINKAT, from_directory, from, to_directory, to),
        flags_(flags) {}

  const char* name() const noexcept override { return "LinkAt"; }

 private:
  void Prepare(io_uring_sqe* sqe) const noexcept override {
    io_uring_prep_linkat(sqe, from_directory(), from(), to_directory(), to(),
                         flags_);
  }
  int Call() const noexcept override {
    return linkat(from_directory(), from(), to_directory(), to(), flags_);
  }

  int flags_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_LINK_AT_H_
