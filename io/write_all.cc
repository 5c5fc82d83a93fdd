#include <eddy/io/write_all.h>

#include <eddy/io/write.h>

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

}  // namespace eddy::io
