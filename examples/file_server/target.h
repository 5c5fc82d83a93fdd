// From the target of a request to a path below the root, and back to a URL.
#ifndef EDDY_EXAMPLES_FILE_SERVER_TARGET_H_
#define EDDY_EXAMPLES_FILE_SERVER_TARGET_H_

#include <string>
#include <string_view>

#include "examples/file_server/status.h"

namespace file_server {

struct Target {
  // Relative to the root, decoded, without empty, "." and ".." segments; ends
  // with a slash where the URL asks for a folder. The root itself is "./".
  std::string path;
  // From the question mark on; refers to the request's target.
  std::string_view query;

  bool is_folder() const noexcept { return path.back() == '/'; }
};

// Reads "/a%20b/?q" or "http://host/a%20b/?q" into `target`, whose memory is
// used again. Result: kOk, or the status to refuse the request with:
// kBadRequest for what is no path, kForbidden for one that leads above the
// root, kNotFound for one that no file can have (an encoded slash).
//
// This is not what keeps requests inside the root; the kernel does that when
// the file is opened (see file_cache.h).
Status ParseTarget(std::string_view text, Target& target);

// The path of a URL, always with one slash in front: "/a%20b/".
std::string UrlPath(std::string_view path);

// Every byte that is not plain in a path becomes %XX; '/' stays.
std::string PercentEncode(std::string_view text);

std::string EscapeHtml(std::string_view text);

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_TARGET_H_
