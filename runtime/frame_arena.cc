#include <eddy/runtime/frame_arena.h>

#include <eddy/runtime/brief_mutex.h>
#include <eddy/runtime/resident_memory.h>

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <mutex>
#include <vector>

namespace eddy::internal {
namespace {

struct Arenas {
  BriefMutex mutex;
  std::vector<FrameArena*> all;
};

// Never destroyed: threads may end after the destructors of static objects.
Arenas& TheArenas() {
  static Arenas* const arenas = new Arenas;
  return *arenas;
}

// Set by the first arena: most programs have none, and ask for no mutex.
std::atomic<bool> any_made{false};

}  // namespace

Result<FrameArena*> FrameArena::Create(std::size_t size, bool lock) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  if (size > ~std::size_t{0} - page) {
    return Unexpected(std::errc::not_enough_memory);
  }
  size = (size + page - 1) / page * page;
  // (Locking faults the pages in.)
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | (lock ? 0 : MAP_POPULATE);
  void* memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, /*fd=*/-1, 0);
  if (memory == MAP_FAILED) return Unexpected(Error::FromErrno(errno));
  if (lock) {
    if (Result<void> locked = LockMemory(memory, size); !locked) {
      munmap(memory, size);
      return Unexpected(locked.error());
    }
  }
  // Where a hypervisor keeps page tables of its own, those of pages that the
  // kernel has mapped are filled by the first access only.
  auto* const bytes = static_cast<std::byte*>(memory);
  for (std::size_t at = 0; at < size; at += page) {
    static_cast<volatile std::byte*>(bytes)[at] = std::byte{0};
  }
  Arenas& arenas = TheArenas();
  const std::lock_guard guard(arenas.mutex);
  auto* arena = new FrameArena(bytes, size, lock);
  arenas.all.push_back(arena);
  any_made.store(true, std::memory_order_release);
  return arena;
}

FrameArena::~FrameArena() { munmap(memory_, size_); }

void* FrameArena::Take(std::size_t size) noexcept {
  if (size > size_ - taken_) return nullptr;
  void* block = memory_ + taken_;
  taken_ += size;
  ++blocks_;
  return block;
}

bool FrameArena::Contains(const void* block) const noexcept {
  const std::less<> before;
  return !before(block, memory_) && before(block, memory_ + size_);
}

bool FrameArena::Return(const void* block) noexcept {
  if (!any_made.load(std::memory_order_acquire)) return false;
  Arenas& arenas = TheArenas();
  std::unique_lock lock(arenas.mutex);
  for (FrameArena* arena : arenas.all) {
    if (!arena->Contains(block)) continue;
    ++arena->returned_;
    if (arena->over()) {
      std::erase(arenas.all, arena);
      lock.unlock();
      delete arena;
    }
    return true;
  }
  return false;
}

void FrameArena::LetGo() noexcept {
  Arenas& arenas = TheArenas();
  std::unique_lock lock(arenas.mutex);
  let_go_ = true;
  if (!over()) return;
  std::erase(arenas.all, this);
  lock.unlock();
  delete this;
}

}  // namespace eddy::internal
