// MakeDirectoryAt: makes a folder.
//
//   EDDY_CO_CHECK(co_await io::MakeDirectoryAt(folder, "logs"));
//
// `mode` is that of the folder, before the umask.
// Result: nothing. Durable after a Sync of the parent folder.
// Errors: those of mkdirat(2): EEXIST (a file or a link has the name too),
// ENOENT, EACCES, ENOSPC, EROFS; EINVAL for a path with a zero byte; kCanceled.
// Lifetime: directory and path live until the await returns.
// Stop: after kCanceled nothing was made (on a network file system that was
// interrupted, perhaps it was).
// Cost: one operation, which a kernel worker carries out; before Linux 5.15 a
// thread of the blocking pool. See mkdirat(2).
#ifndef EDDY_IO_MAKE_DIRECTORY_AT_H_
#define EDDY_IO_MAKE_DIRECTORY_AT_H_

#include <eddy/io/name_operation.h>

#include <sys/stat.h>

namespace eddy::io {

class [[nodiscard]] MakeDirectoryAt final : public NameOperation {
 public:
  MakeDirectoryAt(const Fd& directory, PathView path,
                  mode_t mode = 0777) noexcept
      : NameOperation(IORING_OP_MKDIRAT, directory, path, directory, path),
        mode_(mode) {}

  const char* name() const noexcept override { return "MakeDirectoryAt"; }

 private:
  void Prepare(io_uring_sqe* sqe) const noexcept override {
    io_uring_prep_mkdirat(sqe, from_directory(), from(), mode_);
  }
  int Call() const noexcept override {
    return mkdirat(from_directory(), from(), mode_);
  }

  mode_t mode_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_MAKE_DIRECTORY_AT_H_
