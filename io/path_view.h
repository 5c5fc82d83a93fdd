// PathView: a path as the kernel takes it, referring to the caller's string.
//
// Converts from C strings, std::string and std::filesystem::path. A string with
// a zero byte inside would name another file than it says: operations answer
// EINVAL to it. A null pointer likewise.
//
// Lifetime: the string lives until the await of the operation returns; a
// temporary in the co_await expression does.
#ifndef EDDY_IO_PATH_VIEW_H_
#define EDDY_IO_PATH_VIEW_H_

#include <cerrno>
#include <concepts>
#include <cstring>
#include <string>

namespace eddy::io {

class PathView {
 public:
  PathView(const char* path) noexcept : path_(path) {}  // NOLINT: converts
  PathView(const std::string& path) noexcept            // NOLINT: converts
      : path_(std::strlen(path.c_str()) == path.size() ? path.c_str()
                                                       : nullptr) {}
  // std::filesystem::path, without its header.
  template <class Path>
  requires requires(const Path& path) {
    { path.native() } -> std::same_as<const std::string&>;
  }
  PathView(const Path& path) noexcept  // NOLINT: converts
      : PathView(path.native()) {}

  // Null if the string is no path.
  const char* c_str() const noexcept { return path_; }
  // EINVAL if the string is no path, or 0.
  int Invalid() const noexcept { return path_ == nullptr ? EINVAL : 0; }

 private:
  const char* path_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_PATH_VIEW_H_
