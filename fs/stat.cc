#include <eddy/fs/stat.h>

#include <eddy/io/fd.h>
#include <eddy/io/statx.h>

#include <fcntl.h>

namespace eddy::fs {

Task<Result<FileInfo>> Stat(std::string path, bool follow) {
  EDDY_CO_TRY(
      const struct statx native,
      co_await io::Statx(io::Fd::CurrentDirectory(), path,
                         follow ? 0 : AT_SYMLINK_NOFOLLOW, kFileInfoMask));
  co_return ToFileInfo(native);
}

}  // namespace eddy::fs
