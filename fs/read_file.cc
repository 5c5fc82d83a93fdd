#include <eddy/fs/read_file.h>

#include <eddy/fs/file.h>

#include <algorithm>
#include <cstdint>
#include <span>

namespace eddy::fs {

Task<Result<std::string>> ReadFile(std::string path, std::size_t limit) {
  constexpr std::size_t kSmallest = 4096;
  EDDY_CO_TRY(const File file, co_await File::Open(std::move(path)));
  EDDY_CO_TRY(const std::uint64_t size, co_await file.Size());
  if (size > limit) co_return Unexpected(std::errc::file_too_large);
  std::string contents;
  // One byte more than there should be shows the end of the file.
  std::size_t room = std::max<std::size_t>(size + 1, kSmallest);
  std::size_t done = 0;
  while (true) {
    contents.resize(room);
    EDDY_CO_TRY(
        const std::size_t n,
        co_await file.ReadAllAt(
            done, std::as_writable_bytes(std::span(contents)).subspan(done)));
    done += n;
    if (done > limit) co_return Unexpected(std::errc::file_too_large);
    if (done < room) break;
    room *= 2;
  }
  contents.resize(done);
  co_return contents;
}

}  // namespace eddy::fs
