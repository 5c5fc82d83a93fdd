// MakeDirectory, MakeDirectories: make a folder, the second one with the
// parents that it lacks.
//
//   EDDY_CO_CHECK(co_await fs::MakeDirectories("/var/cache/eddy/pages"));
//
// `mode` is that of the folder, before the umask; parents have 0777 before it.
//
// Result: nothing. MakeDirectories is content with a folder, or a link to one,
// that is there already; several may make the same folders at once. Durable
// after Directory::Sync of the parents.
// Errors: as io::MakeDirectoryAt: EEXIST (for MakeDirectories: of something
// else than a folder), ENOENT, EACCES, ENOSPC; kCanceled. Parents that were
// made before an error stay.
// Stop: after kCanceled parents may have been made.
// Lifetime: takes the path by value.
// Cost: one operation, which a kernel worker carries out; MakeDirectories two
// more for each folder that is missing, and one where nothing is.
#ifndef EDDY_FS_MAKE_DIRECTORY_H_
#define EDDY_FS_MAKE_DIRECTORY_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <sys/types.h>

#include <string>

namespace eddy::fs {

Task<Result<void>> MakeDirectory(std::string path, mode_t mode = 0777);
Task<Result<void>> MakeDirectories(std::string path, mode_t mode = 0777);

}  // namespace eddy::fs

#endif  // EDDY_FS_MAKE_DIRECTORY_H_
