#include <eddy/fs/rename.h>

#include <eddy/io/fd.h>
#include <eddy/io/rename_at.h>

#include <stdio.h>

namespace eddy::fs {

unsigned internal::RenameFlags(RenameMode mode) noexcept {
  switch (mode) {
    case RenameMode::kNoReplace:
      return RENAME_NOREPLACE;
    case RenameMode::kExchange:
      return RENAME_EXCHANGE;
    default:
      return 0;
  }
}

Task<Result<void>> Rename(std::string from, std::string to, RenameMode mode) {
  const io::Fd& here = io::Fd::CurrentDirectory();
  co_return co_await io::RenameAt(here, from, here, to,
                                  internal::RenameFlags(mode));
}

}  // namespace eddy::fs
