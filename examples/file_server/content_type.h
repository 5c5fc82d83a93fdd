// What kind of content a file is, by its name.
#ifndef EDDY_EXAMPLES_FILE_SERVER_CONTENT_TYPE_H_
#define EDDY_EXAMPLES_FILE_SERVER_CONTENT_TYPE_H_

#include <string>

namespace file_server {

// "text/html; charset=utf-8" for "a/b.HTML"; bytes for what it does not know.
const char* ContentTypeOf(const std::string& path);

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_CONTENT_TYPE_H_
