#include <eddy/io/buffer_pool.h>

#include <eddy/runtime/misuse.h>

namespace eddy::io {
namespace {

Reactor& RunningReactor() {
  if (Reactor::Current() == nullptr) {
    eddy::internal::Misuse(
        "a BufferPool was asked for where no reactor runs; ask in a task");
  }
  return *Reactor::Current();
}

}  // namespace

Result<BufferPool> BufferPool::Create(const BufferPoolOptions& options) {
  Result<internal::BufferStore*> store =
      internal::BufferStore::Create(options, RunningReactor());
  if (!store) return Unexpected(store.error());
  return BufferPool(*store);
}

Result<BufferPool> BufferPool::Default() {
  auto& pool = RunningReactor().Local<internal::BufferGroups>().default_pool();
  if (!pool) {
    Result<BufferPool> made = Create();
    if (!made) return made;
    pool.emplace(*made);
  }
  return *pool;
}

}  // namespace eddy::io
