#include <eddy/fs/watch.h>

#include <eddy/fs/folder_watcher.h>

#include <utility>

namespace eddy::fs {

Watch::Watch(std::unique_ptr<internal::FolderWatcher> watcher) noexcept
    : watcher_(std::move(watcher)) {}
Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&&) noexcept = default;
Watch::~Watch() = default;

Task<Result<Watch>> Watch::Open(std::string path, WatchOptions options) {
  auto watcher = std::make_unique<internal::FolderWatcher>(options);
  EDDY_CO_CHECK(co_await watcher->Open(std::move(path)));
  co_return Watch(std::move(watcher));
}

Task<Result<WatchEvent>> Watch::Next() { return watcher_->Next(); }

}  // namespace eddy::fs
