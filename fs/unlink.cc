#include <eddy/fs/unlink.h>

#include <eddy/io/fd.h>
#include <eddy/io/unlink_at.h>

#include <fcntl.h>

namespace eddy::fs {

Task<Result<void>> Unlink(std::string path) {
  co_return co_await io::UnlinkAt(io::Fd::CurrentDirectory(), path);
}

Task<Result<void>> RemoveDirectory(std::string path) {
  co_return co_await io::UnlinkAt(io::Fd::CurrentDirectory(), path,
                                  AT_REMOVEDIR);
}

}  // namespace eddy::fs
