// Copies a tree: what is in one folder goes to another one.
//
// Preserved are contents with their holes, modes, times, symbolic and hard
// links, FIFOs, sockets, devices, extended attributes of files, and, for root,
// owners; where the owner is not kept, set-id bits are not either. What the
// target has already (see LookAt) is left alone, so a copy
// that was stopped goes on where it was. What the target has besides stays, but
// for temporary files of fs::CopyFile (fs::IsTemporaryName) in folders that are
// copied to: what a copy left that was killed.
#ifndef EDDY_EXAMPLES_COPY_TREE_TREE_COPY_H_
#define EDDY_EXAMPLES_COPY_TREE_TREE_COPY_H_

#include <eddy/runtime/error.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace copy_tree {

struct Failure {
  std::string path;  // below the source
  eddy::Error error;
};

// What has been done so far.
struct Report {
  std::uint64_t files = 0;  // copied
  std::uint64_t bytes = 0;  // of them
  std::uint64_t folders = 0;
  std::uint64_t links = 0;  // symbolic and hard, and other things
  std::uint64_t unchanged = 0;
  std::vector<Failure> failures;
  // All was copied, but for the failures: nothing was left out for a stop.
  bool complete = false;
};

// Errors: where nothing could be begun; EINVAL where one of the folders is in
// the other. What goes wrong with a file goes to the report, and the copy goes
// on; where the walk itself cannot go on, its error is given after a part of
// the tree was copied. kCanceled where a stop left something out. Stop: after a
// stop every name of the target has what it had or all of what it shall have.
eddy::Task<eddy::Result<void>> CopyTree(std::string from, std::string to,
                                        std::size_t in_flight, Report& report);

}  // namespace copy_tree

#endif  // EDDY_EXAMPLES_COPY_TREE_TREE_COPY_H_
