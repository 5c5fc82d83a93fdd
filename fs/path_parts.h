// What a path is made of.
#ifndef EDDY_FS_PATH_PARTS_H_
#define EDDY_FS_PATH_PARTS_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace eddy::fs::internal {

// The folder that a path names something in, and its name there.
struct SplitPath {
  std::string folder;  // "." where the path has none
  std::string name;    // empty where the path ends with a slash
};

inline SplitPath Split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// Whether it names something in a folder itself.
inline bool IsSingleName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

}  // namespace eddy::fs::internal

#endif  // EDDY_FS_PATH_PARTS_H_
