#include <eddy/fs/write_file.h>

#include <utility>

namespace eddy::fs {

Task<Result<void>> WriteFile(std::string path, std::span<const std::byte> data,
                             OpenOptions options) {
  EDDY_CO_TRY(File file, co_await File::Open(std::move(path), options));
  EDDY_CO_CHECK(co_await file.WriteAllAt(0, data));
  co_return co_await file.Close();
}

Task<Result<void>> WriteFile(std::string path, std::string_view data,
                             OpenOptions options) {
  return WriteFile(std::move(path), std::as_bytes(std::span(data)), options);
}

}  // namespace eddy::fs
