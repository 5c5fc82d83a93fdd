// Changes of a folder as lines of text.
#ifndef EDDY_EXAMPLES_WATCH_FOLDER_LINES_H_
#define EDDY_EXAMPLES_WATCH_FOLDER_LINES_H_

#include <eddy/fs/watch.h>
#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <string>

namespace watch_folder {

// "moved a/b to a/c", with a line's end. Bytes of names that would confuse a
// terminal or a reader of lines are escaped as in C.
std::string LineOf(const eddy::fs::WatchEvent& event);

// Writes a line for each change in `path` to `out`, the first when all is
// watched, until the folder has gone. A want of descriptors or memory is waited
// out.
// Errors: those of fs::Watch and of writing; kCanceled.
eddy::Task<eddy::Result<void>> WriteChanges(std::string path,
                                            eddy::fs::WatchOptions options,
                                            const eddy::io::Fd& out);

}  // namespace watch_folder

#endif  // EDDY_EXAMPLES_WATCH_FOLDER_LINES_H_
