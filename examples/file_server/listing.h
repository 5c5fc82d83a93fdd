// The page that stands for a folder without an index.html.
#ifndef EDDY_EXAMPLES_FILE_SERVER_LISTING_H_
#define EDDY_EXAMPLES_FILE_SERVER_LISTING_H_

#include <eddy/runtime/result.h>

#include <string>

namespace file_server {

// Lists an open folder. Blocks on the disk (there is no readdir in io_uring),
// so it is for Blocking(). Names are shown escaped and linked percent-encoded,
// so that those that are not UTF-8 can be followed too.
// `path` is the folder's, for the title. Errors: those of openat and readdir.
eddy::Result<std::string> ListFolder(int folder, const std::string& path);

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_LISTING_H_
