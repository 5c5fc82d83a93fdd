#include <eddy/io/copy.h>

#include <eddy/io/read.h>
#include <eddy/io/write_all.h>

#include <memory>
#include <span>

namespace eddy::io {

Task<Result<std::uint64_t>> Copy(const Fd& from, const Fd& to,
                                 std::uint64_t* copied,
                                 std::size_t buffer_size) {
  std::uint64_t ignored = 0;
  std::uint64_t& total = copied != nullptr ? *copied : ignored;
  total = 0;
  if (buffer_size == 0) co_return Unexpected(std::errc::invalid_argument);
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(buffer_size);
  const std::span buffer(memory.get(), buffer_size);
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await Read(from, buffer));
    if (n == 0) co_return total;
    std::size_t written = 0;
    const Result<void> result =
        co_await WriteAll(to, buffer.first(n), &written);
    total += written;
    if (!result) co_return Unexpected(result.error());
  }
}

}  // namespace eddy::io
