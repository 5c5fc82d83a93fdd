#include "examples/hash_tree/hash_tree.h"

#include <eddy/fs/file.h>
#include <eddy/fs/walk.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/channel.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace hash_tree {
namespace {

using eddy::Error;
using eddy::Result;
using eddy::Task;
using eddy::TaskScope;
using eddy::Unexpected;
namespace fs = eddy::fs;

constexpr std::size_t kBuffer = 64 * 1024;

// As threads do it, on one of the pool.
Result<void> HashRest(int fd, std::uint64_t offset,
                      const std::atomic<bool>& stopped, Sha256& sha256,
                      std::span<std::byte> buffer) {
  while (!stopped) {
    const ssize_t n =
        pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (n < 0) return Unexpected(Error::FromErrno(errno));
    if (n == 0) return {};
    sha256.Update(buffer.first(static_cast<std::size_t>(n)));
    offset += static_cast<std::uint64_t>(n);
  }
  return Unexpected(eddy::kCanceled);
}

class Pipeline {
 public:
  Pipeline(std::string root, const Options& options)
      : prefix_(root.ends_with('/') ? root : root + '/'),
        root_(std::move(root)),
        pool_from_(options.pool_from),
        queue_(options.queue) {}

  // In one task.
  Task<Result<void>> Walk() {
    auto walk = fs::Walk(root_);
    while (auto next = co_await walk.Next()) {
      if (!*next) {
        if (next->error() == eddy::kCanceled) {
          co_return Unexpected(eddy::kCanceled);
        }
        Fail(root_, next->error());
      } else if ((*next)->error) {
        Fail(prefix_ + (*next)->path, *(*next)->error);
      } else if ((*next)->type == fs::FileType::kRegular) {
        EDDY_CO_CHECK(co_await queue_.Send(**std::move(next)));
      }
    }
    queue_.Close();
    co_return Result<void>();
  }

  // In each of the others.
  Task<Result<void>> HashFiles() {
    Sha256 sha256;
    std::vector<std::byte> buffer(kBuffer);
    while (auto entry = co_await queue_.Receive()) {
      const Result<void> read = co_await Hash(*entry, sha256, buffer);
      std::string hash = sha256.Finish();
      if (read) {
        hashes_.files.push_back({prefix_ + entry->path, std::move(hash)});
      } else if (read.error() == eddy::kCanceled) {
        co_return read;
      } else {
        Fail(prefix_ + entry->path, read.error());
      }
    }
    co_return Result<void>();
  }

  TreeHashes Take() { return std::move(hashes_); }

 private:
  Task<Result<void>> Hash(const fs::WalkEntry& entry, Sha256& sha256,
                          std::span<std::byte> buffer) {
    EDDY_CO_TRY(const fs::File file, co_await entry.Open());
    std::uint64_t offset = 0;
    // Not for the end of the file alone, which is near after a part of a
    // buffer.
    for (bool near_end = true; near_end || offset <= pool_from_;) {
      EDDY_CO_TRY(const std::size_t n, co_await file.ReadAt(offset, buffer));
      if (n == 0) co_return Result<void>();
      sha256.Update(buffer.first(n));
      offset += n;
      near_end = n < buffer.size();
    }
    std::atomic<bool> stopped = false;
    const eddy::StopToken token = co_await eddy::CurrentStopToken();
    const eddy::StopCallback on_stop(token, [&] { stopped = true; });
    co_return co_await eddy::Blocking([&] {
      return HashRest(file.fd().get(), offset, stopped, sha256, buffer);
    });
  }

  void Fail(const std::string& path, Error error) {
    hashes_.problems.push_back(path + ": " + error.message());
  }

  const std::string prefix_;
  const std::string root_;
  const std::size_t pool_from_;
  eddy::Channel<fs::WalkEntry> queue_;
  TreeHashes hashes_;
};

}  // namespace

Task<Result<TreeHashes>> HashTree(std::string root, Options options) {
  Pipeline pipeline(std::move(root), options);
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    for (std::size_t i = 0; i < options.tasks; ++i) {
      scope.Spawn(pipeline.HashFiles());
    }
    co_return co_await pipeline.Walk();
  };
  EDDY_CO_CHECK(co_await eddy::WithScope(body));
  TreeHashes hashes = pipeline.Take();
  Sort(hashes);
  co_return hashes;
}

}  // namespace hash_tree
