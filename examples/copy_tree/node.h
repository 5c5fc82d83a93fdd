// What is done to one name of a tree that is copied. All of it blocks: it is
// for threads of the blocking pool, where one trip does several system calls.
#ifndef EDDY_EXAMPLES_COPY_TREE_NODE_H_
#define EDDY_EXAMPLES_COPY_TREE_NODE_H_

#include <eddy/runtime/result.h>

#include <sys/stat.h>

#include <string>

namespace copy_tree {

struct Look {
  struct stat info {};
  // The target has the same: type, size, time of modification, owner where this
  // process may give files away, and as much of the mode as a copy takes over
  // from a file of that owner.
  bool unchanged = false;
};

// Whether this process may give files away.
bool MayChangeOwner();

// `to` -1: the target has no such name.
eddy::Result<Look> LookAt(int from, const char* name, int to);

struct FolderMade {
  struct stat info {};
  int fd = -1;
  bool is_new = false;
};

// Makes and opens the folder, for its owner alone as long as it is not whole.
// Where it was there, files that an earlier copy was killed over are removed,
// and the owner may change it, whatever the mode that it was finished with.
eddy::Result<FolderMade> MakeFolder(int from, const char* name, int to);

// Owner, mode and times, when nothing is put into the folder any more. No
// set-id bits where the owner could not be kept.
eddy::Result<void> FinishFolder(int to, const struct stat& info);

// Symbolic links, FIFOs, sockets and devices.
eddy::Result<void> CopyNode(int from, const char* name, const struct stat& info,
                            int to);

// One more name for a file of the target, whose path below the root is `first`.
// No link is followed. True where it had that name before.
eddy::Result<bool> LinkNode(int target_root, const std::string& first, int to,
                            const char* name);

}  // namespace copy_tree

#endif  // EDDY_EXAMPLES_COPY_TREE_NODE_H_
