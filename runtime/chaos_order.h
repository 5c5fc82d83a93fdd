// ChaosOrder: lets what is ready run in an order that depends on a seed.
//
// Any order is allowed but for one promise: a coroutine that yields runs after
// everything that was ready when it did.
#ifndef EDDY_RUNTIME_CHAOS_ORDER_H_
#define EDDY_RUNTIME_CHAOS_ORDER_H_

#include <eddy/runtime/random.h>
#include <eddy/runtime/suspension.h>

#include <cstdint>
#include <vector>

namespace eddy::internal {

class ChaosOrder {
 public:
  explicit ChaosOrder(std::uint64_t seed) noexcept : random_(seed) {}

  // The node, which was pushed just now, is of a coroutine that yields.
  void Yielded(const ReadyNode& node) { yielded_.push_back(&node); }

  // Brings one of the coroutines that may be next to the front.
  // REQUIRES: the queue is not empty.
  void Choose(ReadyQueue& queue);

 private:
  Random random_;
  // In the order in which they stand in the queue.
  std::vector<const ReadyNode*> yielded_;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_CHAOS_ORDER_H_
