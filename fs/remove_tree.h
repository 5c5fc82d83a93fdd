// RemoveTree: removes a folder with all that is in it, or a file.
//
//   EDDY_CO_CHECK(co_await fs::RemoveTree("build"));
//
// Symbolic links are removed and never followed, also where somebody puts one
// in the place of a folder meanwhile. The tree may be deeper than a path can
// be long. What others remove at the same time is no error, and what they add
// is removed too.
//
// What is mounted below is not entered. The folder that the path leads to is
// found once, at first; what is renamed meanwhile leads to no other one.
//
// Result: nothing; the name is gone. Durable after Directory::Sync of the
// parent folder.
// Errors: the first one, after all the rest has been removed: those of open(2),
// getdents64(2) and unlink(2), such as EACCES, EPERM; EXDEV or EBUSY for a
// mount; ENOENT where the path itself is not there; ESTALE where something else
// has taken its name meanwhile, which stays; EINVAL for a path that ends with
// "." or "..", and for "/"; EMFILE, EAGAIN as Blocking; kCanceled.
// Stop: after an error, or kCanceled, a part of the tree is gone. Folders from
// more than 32 levels down may then stand in the uppermost, under a temporary
// name (see temporary_name.h): it empties deep trees by moving them up.
// Lifetime: takes the path by value; a folder lives until the await returns.
// Cost: io_uring cannot read folders, so a trip to the blocking pool for each,
// two for one that has folders, and one more for each 2000 names; with a path
// one operation before. At most `parallel` trips at once, and 33 * `parallel` +
// 1 descriptors; more where a tree is deeper than 32 levels and folders cannot
// be moved (overlayfs, or for want of rights): then one for each level.
#ifndef EDDY_FS_REMOVE_TREE_H_
#define EDDY_FS_REMOVE_TREE_H_

#include <eddy/fs/directory.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <string>

namespace eddy::fs {

struct RemoveTreeOptions {
  // Folders that are worked on at once. 0 counts as 1.
  unsigned parallel = 4;
};

Task<Result<void>> RemoveTree(std::string path, RemoveTreeOptions options = {});
// A single name (see Directory).
Task<Result<void>> RemoveTree(const Directory& directory, std::string name,
                              RemoveTreeOptions options = {});

}  // namespace eddy::fs

#endif  // EDDY_FS_REMOVE_TREE_H_
