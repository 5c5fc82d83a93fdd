// WriteFileAtomic: replaces a file, or makes it, all or nothing.
//
//   EDDY_CO_CHECK(co_await fs::WriteFileAtomic("state.json", state));
//
// Whoever opens the file finds the old contents or the new ones, whole,
// whatever happens: an error, a stop, a full disk, kill -9; with `durable` also
// a loss of power. Once it has returned without an error the new ones stay.
//
// How: writes a temporary file in the same folder, syncs it, renames it, and
// syncs the folder. After an error or a stop the temporary is removed; a
// process that is killed may leave it (see temporary_name.h for its name).
//
// Result: nothing. A symbolic link is replaced itself; other names that the old
// file has keep the old one.
// Errors: those of File::Open, io::WriteAt, io::Sync, io::RenameAt; EACCES also
// where the folder may not be read or written; EISDIR; EINVAL for a path that
// ends with a slash, and where there is a FIFO, a socket or a device; with
// keep_owner EPERM; kCanceled.
//
// Stop: after an error, or kCanceled, either the old file or the new one is
// there; the new one only where what failed was the sync of its folder.
//
// Lifetime: takes the path by value; data lives until the await returns.
//
// Cost: 7 operations or more, most of them by kernel workers; `durable` waits
// twice for the device. Where a file is replaced, a trip to the blocking pool,
// unless neither its mode nor its owner is kept.
#ifndef EDDY_FS_WRITE_FILE_ATOMIC_H_
#define EDDY_FS_WRITE_FILE_ATOMIC_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace eddy::fs {

struct WriteAtomicOptions {
  // Survives a loss of power, once it has returned. Without it the old or the
  // new contents may be there afterwards, or, on some file systems, none.
  bool durable = true;
  // Of a file that was not there, before the umask.
  mode_t mode = 0666;
  // Takes over from a file that is replaced: its permissions; its owner and
  // group, which takes the right to give files away (CAP_CHOWN). Where the new
  // file has another owner or group, it has no set-id bits; where it has
  // another group, that group and all others have only what both had. An access
  // control list is not taken over: what its mask allows, the group may do.
  bool keep_mode = true;
  bool keep_owner = false;
};

Task<Result<void>> WriteFileAtomic(std::string path,
                                   std::span<const std::byte> data,
                                   WriteAtomicOptions options = {});
Task<Result<void>> WriteFileAtomic(std::string path, std::string_view data,
                                   WriteAtomicOptions options = {});

}  // namespace eddy::fs

#endif  // EDDY_FS_WRITE_FILE_ATOMIC_H_
