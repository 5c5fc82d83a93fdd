#include <eddy/io/shared_stream.h>

#include <eddy/io/fd_operation.h>
#include <eddy/io/poll.h>
#include <eddy/io/read.h>
#include <eddy/io/write.h>

#include <unistd.h>

#include <cstdint>
#include <system_error>

namespace eddy::io {
namespace {

// A read or write that only a kernel worker tries. It is submitted when the
// terminal is ready: a cancel that meets a worker which is about to wait for
// that is lost.
template <class Verb>
class ByWorker final : public FdOperation<ByWorker<Verb>> {
 public:
  template <class Buffer>
  ByWorker(const Fd& fd, Buffer buffer) noexcept
      : FdOperation<ByWorker>(fd), verb_(fd, buffer) {}

  const char* name() const noexcept override { return verb_.name(); }
  void Prepare(io_uring_sqe* sqe, int fd) const noexcept {
    verb_.Prepare(sqe, fd);
    sqe->flags |= IOSQE_ASYNC;
  }
  [[nodiscard]] Result<std::size_t> await_resume() const {
    return this->CountResult();
  }

 private:
  // What fills the entry; it is not awaited.
  Verb verb_;
};

}  // namespace

SharedStream::SharedStream(const Fd& fd) noexcept
    : fd_(&fd), is_terminal_(isatty(fd.get()) == 1) {}

Task<Result<std::size_t>> SharedStream::Read(std::span<std::byte> buffer) {
  if (!is_terminal_) co_return co_await io::Read(*fd_, buffer);
  if (buffer.empty()) co_return std::size_t{0};
  EDDY_CO_CHECK(co_await Poll(*fd_, POLLIN));
  co_return co_await ByWorker<io::Read>(*fd_, buffer);
}

Task<Result<void>> SharedStream::Write(std::span<const std::byte> data,
                                       std::size_t* written) {
  std::size_t ignored = 0;
  std::size_t& done = written != nullptr ? *written : ignored;
  done = 0;
  while (done < data.size()) {
    const std::span<const std::byte> rest = data.subspan(done);
    std::size_t n = 0;
    if (is_terminal_) {
      EDDY_CO_CHECK(co_await Poll(*fd_, POLLOUT));
      EDDY_CO_TRY(n, co_await ByWorker<io::Write>(*fd_, rest));
    } else {
      EDDY_CO_TRY(n, co_await io::Write(*fd_, rest));
    }
    if (n == 0) co_return Unexpected(std::errc::io_error);
    done += n;
  }
  co_return Result<void>();
}

Task<Result<void>> SharedStream::Shutdown() { co_return Result<void>(); }

}  // namespace eddy::io
