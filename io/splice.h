// Splice: moves bytes from one descriptor to another, one of which is a pipe,
// without a copy in user memory.
//
//   EDDY_CO_TRY(std::size_t n, co_await io::Splice(file, pipe_writer, size));
//
// `flags` are those of splice(2), such as SPLICE_F_MORE.
// Result: the bytes moved, 1 to `size`; 0 at the end of `from`. Fewer than
// asked for is normal. Errors: those of splice(2): EINVAL (neither is a pipe,
// or one of them cannot), EPIPE, ECONNRESET, ...; kCanceled. Lifetime: both Fds
// live until the await returns. What is spliced of a file may be its pages: a
// change of the file shortly after may change what arrives. Stop: after
// kCanceled nothing was moved. Cost: one operation, which a kernel worker
// carries out, and which holds that worker while it waits for bytes or for
// room: at most ReactorOptions::unbounded_workers do so at once, and the others
// wait behind them. Read and Write need none. See splice(2), and
// copy_with_splice.h for when it is worth it. Kernel: 5.7; ENOSYS or EINVAL
// before.
#ifndef EDDY_IO_SPLICE_H_
#define EDDY_IO_SPLICE_H_

#include <eddy/io/fd_operation.h>

#include <cstddef>
#include <cstdint>

namespace eddy::io {

class [[nodiscard]] Splice final : public SingleOperation<Splice> {
 public:
  Splice(const Fd& from, const Fd& to, std::size_t size,
         unsigned flags = 0) noexcept
      : from_(&from), to_(&to), size_(ClampLength(size)), flags_(flags) {}

  const char* name() const noexcept override { return "Splice"; }
  void Prepare(io_uring_sqe* sqe) const noexcept {
    constexpr std::int64_t kCurrentPosition = -1;
    io_uring_prep_splice(sqe, from_->get(), kCurrentPosition, to_->get(),
                         kCurrentPosition, size_, flags_);
    from_->Pin();
    to_->Pin();
  }
  void Complete(std::int32_t result, std::uint32_t flags) noexcept override {
    from_->Unpin();
    to_->Unpin();
    if (WasInterrupted(result) && waiter()->context->stop_requested()) {
      result = -ECANCELED;
    }
    Operation::Complete(result, flags);
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return CountResult();
  }

 private:
  const Fd* from_;
  const Fd* to_;
  unsigned size_;
  unsigned flags_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_SPLICE_H_
