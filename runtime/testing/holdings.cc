#include <eddy/runtime/testing/holdings.h>

#include <eddy/runtime/frame_pool.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace eddy::internal {

Holdings Holdings::Now() {
  Holdings now;
  now.frames_ = FramePool::Live();
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return now;
  while (const dirent* entry = readdir(folder)) {
    const int fd = std::atoi(entry->d_name);
    if (entry->d_name[0] == '.' || fd == dirfd(folder)) continue;
    char target[256];
    const ssize_t n =
        readlinkat(dirfd(folder), entry->d_name, target, sizeof target);
    now.descriptors_[fd] =
        std::string(target, n < 0 ? 0 : static_cast<std::size_t>(n));
  }
  closedir(folder);
  return now;
}

std::string Holdings::MoreThan(const Holdings& before) const {
  std::string text;
  if (frames_ > before.frames_) {
    text += "; " + std::to_string(frames_ - before.frames_) +
            " coroutine frames or spawned tasks are left";
  }
  for (const auto& [fd, target] : descriptors_) {
    if (before.descriptors_.contains(fd)) continue;
    text +=
        "; descriptor " + std::to_string(fd) + " is left open (" + target + ")";
  }
  return text.empty() ? text : text.substr(2);
}

}  // namespace eddy::internal
