// Append: bytes to the end of a file, wherever that is by then.
//
// Two appends at once follow each other, whoever made them: on a local file
// system neither tears the other. Where they went is not told.
// Result: the bytes written, 1 to data.size(), or 0 for empty data. Fewer than
// given is possible, for instance on a disk that becomes full; what others
// append may then come before the rest.
// Errors: as WriteAt; EOPNOTSUPP where the file system has no such write (use
// O_APPEND).
// Lifetime: fd and data live until the await returns.
// Stop: as WriteAt. Not durable before a Sync.
// Cost: as WriteAt. See pwritev2(2), RWF_APPEND.
#ifndef EDDY_IO_APPEND_H_
#define EDDY_IO_APPEND_H_

#include <eddy/io/direct_alignment.h>
#include <eddy/io/fd_operation.h>

#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace eddy::io {

class [[nodiscard]] Append final : public FdOperation<Append> {
 public:
  Append(const Fd& fd, std::span<const std::byte> data,
         DirectAlignment alignment = {}) noexcept
      : FdOperation(fd),
        data_(data),
        invalid_(alignment.Missed(0, data.data(), data.size())) {}

  const char* name() const noexcept override { return "Append"; }
  int Invalid() const noexcept { return invalid_; }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    io_uring_prep_write(sqe, fd, data_.data(), ClampLength(data_.size()), 0);
    sqe->rw_flags = RWF_APPEND;
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  std::span<const std::byte> data_;
  int invalid_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_APPEND_H_
