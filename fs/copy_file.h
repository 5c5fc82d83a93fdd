// CopyFile: copies a regular file.
//
//   EDDY_CO_TRY(const std::uint64_t bytes,
//               co_await fs::CopyFile("in.iso", "out.iso"));
//
// As fast as the file system can: shares the blocks where it can (a reflink, as
// on Btrfs and XFS), else lets the kernel copy (copy_file_range), else reads
// and writes. Holes stay holes.
//
// The copy is made under a temporary name in the folder of `to`, which is found
// once, and renamed when it is whole: whoever opens `to` finds what was there
// before or the whole copy. A symbolic link `to` is replaced itself, and what
// it leads to stays. After an error or a stop the temporary is removed; a
// process that is killed may leave it (see temporary_name.h).
//
// Result: the bytes of the file, holes too. What changes in `from` meanwhile
// may be copied or not; a file that grows is copied to the end that it had, one
// that shrinks to the end that it comes to.
// Errors: those of open(2), copy_file_range(2) and rename(2), such as ENOENT,
// EACCES, ENOSPC, EMFILE; EINVAL where `from` is no regular file, or `to` is a
// FIFO, a socket or a device; EISDIR where it is a folder; EEXIST with
// `replace` = false; EPERM where the owner may not be given; ENOTSUP where the
// file system of `to` has no such attributes; EACCES with `durable` also where
// the folder may not be read; EAGAIN as Blocking, and where somebody has a
// lease on `from` (fcntl(2), F_SETLEASE) that has to be broken; kCanceled.
// Stop: after an error, or kCanceled, `to` is as it was; with `durable` it may
// be the copy where what failed was the sync of its folder. A stop is answered
// after the chunk in progress, of up to 16 MiB; sharing blocks is one chunk,
// whatever the size.
// Lifetime: takes paths by value; folders live until the await returns.
// Cost: io_uring has no operation for it: a trip to the blocking pool for each
// 16 MiB, one for a small file. Three descriptors meanwhile.
#ifndef EDDY_FS_COPY_FILE_H_
#define EDDY_FS_COPY_FILE_H_

#include <eddy/fs/directory.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstdint>
#include <string>

namespace eddy::fs {

struct CopyFileOptions {
  // False: fails where `to` is there already.
  bool replace = true;
  // Syncs the copy and its folder: it is there after a loss of power.
  bool durable = false;
  // What the copy takes over besides the contents. The permissions are else
  // those of a new file, 0666 before the umask.
  // Permissions. Where the copy has another owner or group, it has no set-id
  // bits; where it has another group, that group and all others have only what
  // both had.
  bool keep_mode = true;
  bool keep_times = false;  // when it was read and modified last
  bool keep_owner = false;  // owner and group
  // Extended attributes: those of users; access control lists, where the
  // process may set them; those of `trusted` and `security` for root.
  bool keep_attributes = false;
  // False: reads and writes, whatever else there is.
  bool offload = true;
};

Task<Result<std::uint64_t>> CopyFile(std::string from, std::string to,
                                     CopyFileOptions options = {});
// Single names (see Directory) in two folders. A symbolic link `from` is not
// followed: ELOOP.
Task<Result<std::uint64_t>> CopyFile(const Directory& from_directory,
                                     std::string from,
                                     const Directory& to_directory,
                                     std::string to,
                                     CopyFileOptions options = {});

}  // namespace eddy::fs

#endif  // EDDY_FS_COPY_FILE_H_
