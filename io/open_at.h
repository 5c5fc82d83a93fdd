// OpenAt: opens or creates a file.
//
//   io::OpenHow how;
//   how.flags = O_RDONLY;
//   how.resolve = RESOLVE_BENEATH;   // nothing outside `folder`
//   EDDY_CO_TRY(io::Fd file, co_await io::OpenAt(folder, "a/b.html", how));
//
// Result: the descriptor; close-on-exec is always set.
// Errors: those of openat2(2): ENOENT, EACCES, EISDIR, ELOOP, EMFILE, ENFILE,
// EXDEV (a path that leads out under RESOLVE_BENEATH), EAGAIN (a rename raced
// with RESOLVE_BENEATH: try again); EINVAL for a string with a zero byte;
// kCanceled.
// Lifetime: directory and path live until the await returns.
// Stop: after kCanceled nothing was opened or created, except that O_CREAT may
// have created the file.
// Cost: one operation; a kernel worker carries it out where the path is not in
// the kernel's cache, or a file may be created or truncated. See openat2(2).
#ifndef EDDY_IO_OPEN_AT_H_
#define EDDY_IO_OPEN_AT_H_

#include <eddy/io/fd_operation.h>
#include <eddy/io/path_view.h>

#include <fcntl.h>
#include <linux/openat2.h>

#include <cstdint>

namespace eddy::io {

struct OpenHow {
  int flags = O_RDONLY;       // O_*, as for open(2)
  std::uint32_t mode = 0666;  // of a created file, before the umask
  std::uint64_t resolve = 0;  // RESOLVE_*, as for openat2(2)
};

class [[nodiscard]] OpenAt final : public FdOperation<OpenAt> {
 public:
  OpenAt(const Fd& directory, PathView path, const OpenHow& how = {}) noexcept
      : FdOperation(directory), path_(path) {
    how_.flags = static_cast<std::uint64_t>(how.flags | O_CLOEXEC);
    // The kernel refuses a mode where nothing is created.
    const bool creates =
        (how.flags & O_CREAT) != 0 || (how.flags & O_TMPFILE) == O_TMPFILE;
    how_.mode = creates ? how.mode : 0;
    how_.resolve = how.resolve;
  }

  const char* name() const noexcept override { return "OpenAt"; }
  int Invalid() const noexcept { return path_.Invalid(); }
  void Prepare(io_uring_sqe* sqe, int fd) noexcept {
    io_uring_prep_openat2(sqe, fd, path_.c_str(), &how_);
  }
  [[nodiscard]] Result<Fd> await_resume() const {
    if (failed()) return Unexpected(error());
    return Fd(raw_result());
  }

 private:
  PathView path_;
  open_how how_{};
};

}  // namespace eddy::io

#endif  // EDDY_IO_OPEN_AT_H_
