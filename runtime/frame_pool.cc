#include <eddy/runtime/frame_pool.h>

namespace eddy::internal {

void* FramePool::AllocateSlow(std::size_t index) {
  // Constructed with the first block of a thread, destroyed with the thread.
  static thread_local ThreadExit at_exit;
  static_cast<void>(&at_exit);
  return ::operator new(index* kGranularity);
}

void FramePool::Trim() noexcept {
  for (Block*& list : free_) {
    while (list != nullptr) {
      Block* block = list;
      list = block->next;
      ::operator delete(block);
    }
  }
}

FramePool::ThreadExit::~ThreadExit() { Trim(); }

}  // namespace eddy::internal
