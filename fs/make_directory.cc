#include <eddy/fs/make_directory.h>

#include <eddy/io/fd.h>
#include <eddy/io/make_directory_at.h>
#include <eddy/io/statx.h>

#include <cstddef>

namespace eddy::fs {
namespace {

constexpr mode_t kParentMode = 0777;

// Where the parent's path within a path of this size ends; 0 where it has none.
std::size_t EndOfParent(const std::string& path, std::size_t size) {
  const std::size_t last = path.find_last_not_of('/', size - 1);
  if (last == std::string::npos) return 0;
  const std::size_t slash = path.rfind('/', last);
  if (slash == std::string::npos) return 0;
  const std::size_t end = path.find_last_not_of('/', slash);
  return end == std::string::npos ? 0 : end + 1;
}

// Where the next component after such a path ends.
std::size_t EndOfNext(const std::string& path, std::size_t size) {
  const std::size_t begin = path.find_first_not_of('/', size);
  if (begin == std::string::npos) return path.size();
  const std::size_t end = path.find('/', begin);
  return end == std::string::npos ? path.size() : end;
}

}  // namespace

Task<Result<void>> MakeDirectory(std::string path, mode_t mode) {
  co_return co_await io::MakeDirectoryAt(io::Fd::CurrentDirectory(), path,
                                         mode);
}

Task<Result<void>> MakeDirectories(std::string path, mode_t mode) {
  if (path.empty()) co_return co_await MakeDirectory(std::move(path), mode);
  const std::size_t last = path.find_last_not_of('/');
  path.resize(last == std::string::npos ? 1 : last + 1);  // "/" stays
  // Up to the first parent that is there or can be made, and down again.
  std::size_t end = path.size();
  bool up = true;
  while (true) {
    const std::string part = path.substr(0, end);
    const bool whole = end == path.size();
    const Result<void> made = co_await io::MakeDirectoryAt(
        io::Fd::CurrentDirectory(), part, whole ? mode : kParentMode);
    const bool missing =
        !made && made.error() == std::errc::no_such_file_or_directory;
    const std::size_t parent = EndOfParent(path, end);
    if (up && missing && parent != 0) {
      end = parent;
      continue;
    }
    up = false;
    if (!made) {
      if (made.error() != std::errc::file_exists) {
        co_return Unexpected(made.error());
      }
      EDDY_CO_TRY(
          const struct statx info,
          co_await io::Statx(io::Fd::CurrentDirectory(), part, 0, STATX_TYPE));
      if (!S_ISDIR(info.stx_mode)) co_return Unexpected(made.error());
    }
    if (whole) co_return Result<void>();
    end = EndOfNext(path, end);
  }
}

}  // namespace eddy::fs
