// HashTree: hashes all files below a folder, one task walking and others
// reading and hashing.
#ifndef EDDY_EXAMPLES_HASH_TREE_HASH_TREE_H_
#define EDDY_EXAMPLES_HASH_TREE_HASH_TREE_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <limits>
#include <string>

#include "examples/hash_tree/sha256.h"

namespace hash_tree {

struct Options {
  // (No aggregate: g++ 12 destroys those twice as a coroutine's arguments.)
  Options() noexcept {}

  std::size_t tasks = 8;
  // Entries that may wait for a task. Each keeps its folder open.
  std::size_t queue = 64;
  // What of a file comes after so many bytes is read and hashed by a thread of
  // the pool, what comes before by the loop. A trip to the pool takes some 20
  // us, in which SHA-256 gets through 30 KB or more.
  std::size_t pool_from = 64 * 1024;
};

// All regular files below `root`, sorted; links are not followed.
// Errors: kCanceled. What cannot be read is in the result.
eddy::Task<eddy::Result<TreeHashes>> HashTree(std::string root,
                                              Options options);

}  // namespace hash_tree

#endif  // EDDY_EXAMPLES_HASH_TREE_HASH_TREE_H_
