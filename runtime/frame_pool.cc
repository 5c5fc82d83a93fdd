#include <eddy/runtime/frame_pool.h>

#include <eddy/runtime/frame_arena.h>

#include <algorithm>
#include <utility>

namespace eddy::internal {

void* FramePool::AllocateSlow(std::size_t index) {
  TrimAtThreadExit();
  const std::size_t size = std::max<std::size_t>(index, 1) * kGranularity;
  if (arena_ != nullptr) {
    if (void* block = arena_->Take(size); block != nullptr) {
      ++from_heap_;
      return block;
    }
  }
  return AllocateFromHeap(size);
}

void* FramePool::AllocateLarge(std::size_t size) {
  void* memory = AllocateFromHeap(size);
  ++large_.blocks;
  large_.bytes += size;
  return memory;
}

void* FramePool::AllocateFromHeap(std::size_t size) {
  void* memory = ::operator new(size);
  ++from_heap_;
  return memory;
}

void FramePool::FreeToHeap(void* memory) noexcept {
  --from_heap_;
  if (!FrameArena::Return(memory)) ::operator delete(memory);
}

void FramePool::TrimAtThreadExit() {
  // Constructed with a thread's first call, destroyed with the thread.
  static thread_local ThreadExit at_exit;
  static_cast<void>(&at_exit);
}

FrameTotals FramePool::Allocated() noexcept {
  FrameTotals totals = large_;
  for (std::size_t index = 0; index != kClasses; ++index) {
    totals.blocks += allocated_[index];
    totals.bytes +=
        allocated_[index] * std::max<std::size_t>(index, 1) * kGranularity;
  }
  return totals;
}

std::ptrdiff_t FramePool::Live() noexcept {
  std::ptrdiff_t live = from_heap_;
  for (const Block* list : free_) {
    for (; list != nullptr; list = list->next) --live;
  }
  return live;
}

Result<void> FramePool::Prefault(std::size_t size, bool lock) {
  if (!EDDY_INTERNAL_POOL_FRAMES || size == 0) return {};
  if (arena_ != nullptr && arena_->size() >= size &&
      (arena_->locked() || !lock)) {
    return {};
  }
  Result<FrameArena*> arena = FrameArena::Create(size, lock);
  if (!arena) return Unexpected(arena.error());
  TrimAtThreadExit();
  if (arena_ != nullptr) arena_->LetGo();
  arena_ = *arena;
  return {};
}

void FramePool::Trim() noexcept {
  for (Block*& list : free_) {
    Block* kept = nullptr;
    while (list != nullptr) {
      Block* block = std::exchange(list, list->next);
      if (arena_ != nullptr && arena_->Contains(block)) {
        block->next = std::exchange(kept, block);
      } else {
        FreeToHeap(block);
      }
    }
    list = kept;
  }
}

FramePool::ThreadExit::~ThreadExit() {
  if (arena_ != nullptr) std::exchange(arena_, nullptr)->LetGo();
  Trim();
}

}  // namespace eddy::internal
