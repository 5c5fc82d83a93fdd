// Rename: gives a file or a folder another name, in one step.
//
//   EDDY_CO_CHECK(co_await fs::Rename("config.new", "config"));
//
// Whoever opens either name meanwhile finds the old file or the new one, never
// none and never a part.
//
// Result: nothing. Durable after Directory::Sync of both folders.
// Errors: as io::RenameAt; EEXIST for kNoReplace, ENOENT for kExchange where
// the second name is missing; EINVAL for both where the file system has no
// such thing; EXDEV: names on different file systems (see CopyFile).
// Stop: after kCanceled nothing was renamed (see io::RenameAt).
// Lifetime: takes the paths by value.
// Cost: one operation, which a kernel worker carries out.
#ifndef EDDY_FS_RENAME_H_
#define EDDY_FS_RENAME_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <string>

namespace eddy::fs {

enum class RenameMode {
  kReplace,    // what had the second name before is gone
  kNoReplace,  // fails where the second name is there
  kExchange,   // both are there, and change places
};

Task<Result<void>> Rename(std::string from, std::string to,
                          RenameMode mode = RenameMode::kReplace);

namespace internal {

// As renameat2(2) takes it.
unsigned RenameFlags(RenameMode mode) noexcept;

}  // namespace internal
}  // namespace eddy::fs

#endif  // EDDY_FS_RENAME_H_
