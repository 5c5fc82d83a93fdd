#include "examples/hash_tree_threads/hash_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "examples/hash_tree_threads/bounded_queue.h"

namespace hash_tree_threads {
namespace {

using hash_tree::Sha256;
using hash_tree::TreeHashes;

constexpr std::size_t kBuffer = 128 * 1024;

class Pipeline {
 public:
  explicit Pipeline(const Options& options) : queue_(options.queue) {}

  // On one thread, while others hash.
  void Walk(const std::filesystem::path& root) { WalkFolder(root); }
  // They end when they have hashed what is there.
  void EndOfWalk() { queue_.Close(); }

  // On each of the others.
  void HashFiles() {
    Sha256 sha256;
    std::vector<std::byte> buffer(kBuffer);
    while (std::optional<std::string> path = queue_.Pop()) {
      const std::optional<std::string> hash = HashFile(*path, sha256, buffer);
      if (!hash) continue;
      const std::lock_guard lock(mutex_);
      hashes_.files.push_back({*std::move(path), *hash});
    }
  }

  TreeHashes Take() { return std::move(hashes_); }

 private:
  void WalkFolder(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::directory_iterator entries(folder, error);
    while (!error && entries != std::filesystem::directory_iterator()) {
      const std::filesystem::file_status status =
          entries->symlink_status(error);
      if (error) {
        Fail(entries->path().string(), error);
      } else if (is_regular_file(status)) {
        queue_.Push(entries->path().string());
      } else if (is_directory(status)) {
        WalkFolder(entries->path());
      }
      entries.increment(error);
    }
    if (error) Fail(folder.string(), error);
  }

  // None where it could not be read, which is noted.
  std::optional<std::string> HashFile(const std::string& path, Sha256& sha256,
                                      std::span<std::byte> buffer) {
    const int fd =
        open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : 0;
    if (fd >= 0) {
      while ((n = read(fd, buffer.data(), buffer.size())) > 0) {
        sha256.Update(buffer.first(static_cast<std::size_t>(n)));
      }
    }
    const std::error_code error(errno, std::generic_category());
    if (fd >= 0) close(fd);
    std::string hash = sha256.Finish();
    if (n == 0) return hash;
    Fail(path, error);
    return std::nullopt;
  }

  void Fail(const std::string& path, std::error_code error) {
    const std::lock_guard lock(mutex_);
    hashes_.problems.push_back(path + ": " + error.message());
  }

  BoundedQueue<std::string> queue_;
  std::mutex mutex_;
  TreeHashes hashes_;
};

class EndAtExit {
 public:
  explicit EndAtExit(Pipeline& pipeline) : pipeline_(pipeline) {}
  EndAtExit(const EndAtExit&) = delete;
  EndAtExit& operator=(const EndAtExit&) = delete;
  ~EndAtExit() { pipeline_.EndOfWalk(); }

 private:
  Pipeline& pipeline_;
};

}  // namespace

TreeHashes HashTree(const std::string& root, const Options& options) {
  Pipeline pipeline(options);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < options.threads; ++i) {
      threads.emplace_back([&] { pipeline.HashFiles(); });
    }
    // They are joined below, also where an exception comes.
    const EndAtExit end(pipeline);
    pipeline.Walk(root);
  }
  TreeHashes hashes = pipeline.Take();
  hash_tree::Sort(hashes);
  return hashes;
}

}  // namespace hash_tree_threads
