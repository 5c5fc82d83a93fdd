#include <eddy/runtime/frame_pool.h>

namespace eddy::internal {

void* FramePool::AllocateSlow(std::size_t index) {
  TrimAtThreadExit();
  return AllocateFromHeap(index * kGranularity);
}

void* FramePool::AllocateFromHeap(std::size_t size) {
  void* memory = ::operator new(size);
  ++from_heap_;
  return memory;
}

void FramePool::FreeToHeap(void* memory) noexcept {
  --from_heap_;
  ::operator delete(memory);
}

void FramePool::TrimAtThreadExit() {
  // Constructed with a thread's first call, destroyed with the thread.
  static thread_local ThreadExit at_exit;
  static_cast<void>(&at_exit);
}

std::ptrdiff_t FramePool::Live() noexcept {
  std::ptrdiff_t live = from_heap_;
  for (const Block* list : free_) {
    for (; list != nullptr; list = list->next) --live;
  }
  return live;
}

void FramePool::Trim() noexcept {
  for (Block*& list : free_) {
    while (list != nullptr) {
      Block* block = list;
      list = block->next;
      FreeToHeap(block);
    }
  }
}

FramePool::ThreadExit::~ThreadExit() { Trim(); }

}  // namespace eddy::internal
