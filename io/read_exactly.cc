#include <eddy/io/read_exactly.h>

#include <eddy/io/read.h>

namespace eddy::io {

Task<Result<void>> ReadExactly(const Fd& fd, std::span<std::byte> buffer,
                               std::size_t* transferred) {
  std::size_t ignored = 0;
  std::size_t& done = transferred != nullptr ? *transferred : ignored;
  done = 0;
  while (done < buffer.size()) {
    EDDY_CO_TRY(const std::size_t n, co_await Read(fd, buffer.subspan(done)));
    if (n == 0) co_return Unexpected(kEndOfStream);
    done += n;
  }
  co_return Result<void>();
}

}  // namespace eddy::io
