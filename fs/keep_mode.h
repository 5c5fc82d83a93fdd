// KeepMode: gives a new file the permissions of the one that it replaces, or
// copies, so that nobody may do more with it than with the old one. Blocks.
//
// Set-user-id and set-group-id would run the file as somebody else than before,
// and stay only where owner and group are the old ones. The members of another
// group were among the others, and those of the old group are now: they both
// have what both had.
//
// An access control list is not looked at: of a file that has one, the group's
// permissions are its mask (see acl(5)).
#ifndef EDDY_FS_KEEP_MODE_H_
#define EDDY_FS_KEEP_MODE_H_

#include <eddy/runtime/result.h>

#include <sys/types.h>

namespace eddy::fs::internal {

// What a new file is made with before it is given such permissions.
inline constexpr mode_t kModeBefore = 0600;

// Mode, owner and group are those of the old file. REQUIRES: the new one has
// its owner and group, whose change would take set-id bits away.
Result<void> KeepMode(int new_fd, mode_t mode, uid_t owner, gid_t group);

}  // namespace eddy::fs::internal

#endif  // EDDY_FS_KEEP_MODE_H_
