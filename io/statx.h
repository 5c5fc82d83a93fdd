// Statx: size, times, mode and more of a file.
//
//   EDDY_CO_TRY(struct statx info, co_await io::Statx(fd));
//
// Result: the kernel's struct statx; stx_mask tells which of the asked fields
// it filled.
// Errors: those of statx(2); EINVAL for a path with a zero byte; kCanceled.
// Lifetime: fd and path live until the await returns.
// Cost: one operation, which a kernel worker carries out. See statx(2).
#ifndef EDDY_IO_STATX_H_
#define EDDY_IO_STATX_H_

#include <eddy/io/fd_operation.h>
#include <eddy/io/path_view.h>

#include <fcntl.h>
#include <sys/stat.h>

namespace eddy::io {

class [[nodiscard]] Statx final : public FdOperation<Statx> {
 public:
  // Of an open file.
  explicit Statx(const Fd& fd, unsigned mask = STATX_BASIC_STATS) noexcept
      : Statx(fd, "", AT_EMPTY_PATH, mask) {}
  // Of what `path`, relative to `directory`, names. `flags` as for statx(2):
  // AT_SYMLINK_NOFOLLOW, AT_STATX_DONT_SYNC, ...
  Statx(const Fd& directory, PathView path, int flags = 0,
        unsigned mask = STATX_BASIC_STATS) noexcept
      : FdOperation(directory), path_(path), flags_(flags), mask_(mask) {}

  const char* name() const noexcept override { return "Statx"; }
  int Invalid() const noexcept { return path_.Invalid(); }
  void Prepare(io_uring_sqe* sqe, int fd) noexcept {
    io_uring_prep_statx(sqe, fd, path_.c_str(), flags_, mask_, &result_);
  }
  [[nodiscard]] Result<struct statx> await_resume() const {
    if (failed()) return Unexpected(error());
    return result_;
  }

 private:
  PathView path_;
  int flags_;
  unsigned mask_;
  struct statx result_ {};
};

}  // namespace eddy::io

#endif  // EDDY_IO_STATX_H_
