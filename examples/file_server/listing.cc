#include "examples/file_server/listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <vector>

#include "examples/file_server/target.h"
#include "examples/file_server/text.h"

namespace file_server {
namespace {

using eddy::Error;
using eddy::Result;
using eddy::Unexpected;

// Bounds the memory for one page.
constexpr std::size_t kMaxNames = 10000;

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

// Sorted; folders have a slash at their end. One more than kMaxNames at most.
Result<std::vector<std::string>> ReadNames(int folder) {
  // A position of its own: several clients may read the same folder.
  const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Unexpected(Error::FromErrno(errno));
  const std::unique_ptr<DIR, CloseDirectory> directory(fdopendir(fd));
  if (!directory) {
    const int error = errno;
    close(fd);
    return Unexpected(Error::FromErrno(error));
  }
  std::vector<std::string> names;
  while (names.size() <= kMaxNames) {
    errno = 0;
    const dirent* entry = readdir(directory.get());
    if (entry == nullptr && errno != 0) {
      return Unexpected(Error::FromErrno(errno));
    }
    if (entry == nullptr) break;
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (entry->d_type == DT_DIR) name += '/';
    names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<std::string> ListFolder(int folder, const std::string& path) {
  return ReadNames(folder).map([&](const std::vector<std::string>& names) {
    const bool is_root = path == "./";
    const std::string title = is_root ? "/" : '/' + EscapeHtml(path);
    std::string page = Concat(
        {"<!DOCTYPE html>\n<html>\n<head><meta charset=\"utf-8\"><title>",
         title, "</title></head>\n<body>\n<h1>", title, "</h1>\n<ul>\n"});
    if (!is_root) page += "<li><a href=\"../\">../</a></li>\n";
    for (std::size_t i = 0; i < std::min(names.size(), kMaxNames); ++i) {
      // "./": a name with a colon is not a scheme.
      page += Concat({"<li><a href=\"./", PercentEncode(names[i]), "\">",
                      EscapeHtml(names[i]), "</a></li>\n"});
    }
    page += "</ul>\n";
    if (names.size() > kMaxNames) page += "<p>There are more.</p>\n";
    page += "</body>\n</html>\n";
    return page;
  });
}

}  // namespace file_server
