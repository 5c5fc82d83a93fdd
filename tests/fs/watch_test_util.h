// What tests of fs::Watch share: changes to make, and events as text.
#ifndef EDDY_TESTS_FS_WATCH_TEST_UTIL_H_
#define EDDY_TESTS_FS_WATCH_TEST_UTIL_H_

#include <eddy/fs/watch.h>

#include "tests/io/io_test_util.h"

#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace eddy::fs_test {

using fs::Watch;
using fs::WatchChange;
using fs::WatchEvent;
using fs::WatchOptions;
using io_test::Check;
using io_test::TempDir;

using Events = std::vector<std::string>;

inline std::string Describe(const WatchEvent& event) {
  const std::string path = event.path + (event.is_directory ? "/" : "");
  switch (event.change) {
    case WatchChange::kCreated:
      return "created " + path;
    case WatchChange::kModified:
      return "modified " + path;
    case WatchChange::kWritten:
      return "written " + path;
    case WatchChange::kAttributes:
      return "attributes " + path;
    case WatchChange::kRemoved:
      return "removed " + path;
    case WatchChange::kMoved:
      return "moved " + event.from + " to " + path;
    case WatchChange::kOverflow:
      return "overflow";
    case WatchChange::kNotWatched:
      return "not watched " + path + ": " + event.error.message();
    case WatchChange::kRootGone:
      return "gone";
  }
  return "";
}

inline void MakeFolder(const std::string& path) {
  IO_TEST_CHECK(mkdir(path.c_str(), 0700));
}
// An empty file, without an event but its creation.
inline void MakeFile(const std::string& path) {
  IO_TEST_CHECK(mknod(path.c_str(), S_IFREG | 0600, 0));
}
inline void Move(const std::string& from, const std::string& to) {
  IO_TEST_CHECK(rename(from.c_str(), to.c_str()));
}

inline void Exchange(const std::string& a, const std::string& b) {
  IO_TEST_CHECK(
      renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE));
}

inline Task<Result<Watch>> OpenRecursive(const std::string& path) {
  WatchOptions options;
  options.recursive = true;
  return Watch::Open(path, options);
}

// What has happened until now.
class WatchTest : public ::testing::Test {
 protected:
  std::string operator/(std::string_view name) const { return dir_ / name; }
  std::string root() const { return dir_.path(); }

  // The next events, up to that of a file that is made for it.
  Task<Result<Events>> Until(Watch& watch) {
    const std::string mark = "mark" + std::to_string(marks_++);
    MakeFile(dir_ / mark);
    Events events;
    while (true) {
      EDDY_CO_TRY(const WatchEvent event, co_await watch.Next());
      if (event.path == mark) break;
      events.push_back(Describe(event));
    }
    co_return events;
  }
  // In any order: those of a folder that is new come in the file system's.
  Task<Result<Events>> SortedUntil(Watch& watch) {
    EDDY_CO_TRY(Events events, co_await Until(watch));
    std::ranges::sort(events);
    co_return events;
  }

 private:
  const TempDir dir_;
  int marks_ = 0;
};

}  // namespace eddy::fs_test

#endif  // EDDY_TESTS_FS_WATCH_TEST_UTIL_H_
