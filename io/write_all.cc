#include <eddy/io/write_all.h>

#include <eddy/io/write.h>
#include <eddy/io/write_vector.h>

namespace eddy::io {

Task<Result<void>> WriteAll(const Fd& fd, std::span<const std::byte> data,
                            std::size_t* transferred) {
  std::size_t ignored = 0;
  std::size_t& done = transferred != nullptr ? *transferred : ignored;
  done = 0;
  while (done < data.size()) {
    EDDY_CO_TRY(const std::size_t n, co_await Write(fd, data.subspan(done)));
    if (n == 0) co_return Unexpected(std::errc::io_error);
    done += n;
  }
  co_return Result<void>();
}

Task<Result<void>> WriteAll(const Fd& fd, std::span<const iovec> buffers,
                            std::size_t* transferred) {
  std::size_t ignored = 0;
  std::size_t& done = transferred != nullptr ? *transferred : ignored;
  done = 0;
  // Of the first buffer, so much is written.
  std::size_t begun = 0;
  while (true) {
    while (!buffers.empty() && begun == buffers.front().iov_len) {
      buffers = buffers.subspan(1);
      begun = 0;
    }
    if (buffers.empty()) co_return Result<void>();
    std::size_t n = 0;
    if (begun == 0) {
      EDDY_CO_TRY(n, co_await WriteVector(fd, buffers));
    } else {
      // The rest of one, so that the array need not be changed or copied.
      const iovec& buffer = buffers.front();
      const std::span data(static_cast<const std::byte*>(buffer.iov_base),
                           buffer.iov_len);
      EDDY_CO_TRY(n, co_await Write(fd, data.subspan(begun)));
    }
    if (n == 0) co_return Unexpected(std::errc::io_error);
    done += n;
    begun += n;
    while (begun > buffers.front().iov_len) {
      begun -= buffers.front().iov_len;
      buffers = buffers.subspan(1);
    }
  }
}

}  // namespace eddy::io
