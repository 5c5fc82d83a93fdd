// HashTree: hashes all files below a folder, one thread walking and others
// reading and hashing.
#ifndef EDDY_EXAMPLES_HASH_TREE_THREADS_HASH_TREE_H_
#define EDDY_EXAMPLES_HASH_TREE_THREADS_HASH_TREE_H_

#include <cstddef>
#include <string>

#include "examples/hash_tree/sha256.h"

namespace hash_tree_threads {

struct Options {
  std::size_t threads = 8;
  // Files that may wait for a thread.
  std::size_t queue = 256;
};

// All regular files below `root`, sorted; links are not followed.
hash_tree::TreeHashes HashTree(const std::string& root, const Options& options);

}  // namespace hash_tree_threads

#endif  // EDDY_EXAMPLES_HASH_TREE_THREADS_HASH_TREE_H_
