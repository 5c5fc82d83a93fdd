// Unlink, RemoveDirectory: remove one name, that of a file or that of a folder
// that is empty.
//
//   EDDY_CO_CHECK(co_await fs::Unlink("lock"));
//   EDDY_CO_CHECK(co_await fs::RemoveDirectory("spool"));
//
// A symbolic link is removed itself. A file that has no name left is gone when
// nobody has it open any more. For a folder with all that is in it see
// RemoveTree.
//
// Result: nothing. Durable after Directory::Sync of the parent folder.
// Errors: as io::UnlinkAt: ENOENT, EACCES; EISDIR (Unlink of a folder),
// ENOTDIR, ENOTEMPTY (RemoveDirectory); kCanceled.
// Stop: after kCanceled nothing was removed (see io::UnlinkAt).
// Lifetime: takes the path by value.
// Cost: one operation, which a kernel worker carries out.
#ifndef EDDY_FS_UNLINK_H_
#define EDDY_FS_UNLINK_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <string>

namespace eddy::fs {

Task<Result<void>> Unlink(std::string path);
Task<Result<void>> RemoveDirectory(std::string path);

}  // namespace eddy::fs

#endif  // EDDY_FS_UNLINK_H_
