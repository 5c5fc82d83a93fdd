#include <eddy/fs/copy_file.h>

#include <eddy/fs/file_copy.h>
#include <eddy/fs/path_parts.h>
#include <eddy/fs/pool_call.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/with_stop.h>

#include <fcntl.h>

#include <utility>

namespace eddy::fs {
namespace {

using internal::FileCopy;

Task<Result<std::uint64_t>> Run(FileCopy& copy) {
  while (true) {
    const Result<bool> step = co_await Blocking(&FileCopy::Step, &copy);
    if (step && *step) co_return copy.size();
    if (step) continue;
    // No step may have seen the error: that of a stop between two.
    if (copy.open()) {
      static_cast<void>(co_await Shield(Blocking(&FileCopy::Discard, &copy)));
    }
    co_return Unexpected(step.error());
  }
}

bool IsPath(const std::string& path) {
  return path.find('\0') == std::string::npos;
}

}  // namespace

Task<Result<std::uint64_t>> CopyFile(std::string from, std::string to,
                                     CopyFileOptions options) {
  internal::SplitPath split = internal::Split(to);
  if (!IsPath(from) || !IsPath(to) || !internal::IsSingleName(split.name)) {
    co_return Unexpected(std::errc::invalid_argument);
  }
  FileCopy copy({AT_FDCWD, std::move(from)}, 0,
                {AT_FDCWD, std::move(split.folder)}, std::move(split.name),
                options);
  co_return co_await Run(copy);
}

Task<Result<std::uint64_t>> CopyFile(const Directory& from_directory,
                                     std::string from,
                                     const Directory& to_directory,
                                     std::string to, CopyFileOptions options) {
  if (!internal::IsSingleName(from) || !internal::IsSingleName(to)) {
    co_return Unexpected(std::errc::invalid_argument);
  }
  const internal::FdPin from_pin(from_directory.fd());
  const internal::FdPin to_pin(to_directory.fd());
  FileCopy copy({from_directory.fd().get(), std::move(from)}, O_NOFOLLOW,
                {to_directory.fd().get(), "."}, std::move(to), options);
  co_return co_await Run(copy);
}

}  // namespace eddy::fs
