// The search of trees: files are searched at once, but not too many, and what
// is found is printed as if they were searched one after the other.
#ifndef EDDY_EXAMPLES_GREP_TREE_GREP_H_
#define EDDY_EXAMPLES_GREP_TREE_GREP_H_

#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <string>
#include <vector>

#include "examples/grep_tree/pattern.h"

namespace grep_tree {

struct Found {
  bool matched = false;
  // Something could not be searched.
  bool failed = false;
  // As grep's.
  int exit_code() const { return failed ? 2 : matched ? 0 : 1; }
};

// Searches all regular files below the folders `roots`, in the order of their
// names, and those of `roots` that are files; links below are not followed, and
// the file that `out` is is not searched. Lines go to `out`, messages to
// `messages`.
//
// Errors: those of writing to `out`; kCanceled.
// Cost: memory for `most_files` parts of files and of their output, 1 MiB each
// at most; and for each of these files, while it is searched, up to four times
// its longest line, which has 64 MiB at most.
eddy::Task<eddy::Result<Found>> Grep(const Pattern& pattern,
                                     const std::vector<std::string>& roots,
                                     std::size_t most_files,
                                     const eddy::io::Fd& out,
                                     const eddy::io::Fd& messages);

}  // namespace grep_tree

#endif  // EDDY_EXAMPLES_GREP_TREE_GREP_H_
