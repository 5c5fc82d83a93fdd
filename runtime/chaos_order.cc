#include <eddy/runtime/chaos_order.h>

#include <cstddef>

namespace eddy::internal {

void ChaosOrder::Choose(ReadyQueue& queue) {
  // Further ones stay where they are: the walk is for each resumption.
  constexpr std::size_t kMost = 64;
  const ReadyNode* const barrier =
      yielded_.empty() ? nullptr : yielded_.front();
  std::size_t count = 0;
  for (const ReadyNode* node = queue.front();
       node != nullptr && node != barrier && count != kMost;
       node = node->next_ready) {
    ++count;
  }
  if (count == 0) {
    // All that was ready before the one that yielded has run.
    yielded_.erase(yielded_.begin());
    return;
  }
  queue.MoveToFront(random_.Below(count));
}

}  // namespace eddy::internal
