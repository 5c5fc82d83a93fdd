// Counts what the test program allocates on the heap and gives back, on all
// threads together. (eddy::allocation_count does not count the latter: it is to
// cost what it measures little.)
#ifndef EDDY_TESTS_RUNTIME_HEAP_COUNT_H_
#define EDDY_TESTS_RUNTIME_HEAP_COUNT_H_

#include <cstdint>

#include "tests/chaos.h"
#include "tests/runtime/test_verbs.h"

namespace eddy::test {

// Sanitizers have their own operator new; the chaos ring allocates.
inline bool CountsAllocations() { return !kAsan && !kTsan && !InChaos(); }

// What was allocated and freed since the object was made.
class HeapCount {
 public:
  HeapCount() noexcept
      : allocations_(TotalAllocations()), frees_(TotalFrees()) {}

  std::uint64_t allocations() const noexcept {
    return TotalAllocations() - allocations_;
  }
  std::uint64_t frees() const noexcept { return TotalFrees() - frees_; }

 private:
  static std::uint64_t TotalAllocations() noexcept;
  static std::uint64_t TotalFrees() noexcept;

  std::uint64_t allocations_;
  std::uint64_t frees_;
};

}  // namespace eddy::test

#endif  // EDDY_TESTS_RUNTIME_HEAP_COUNT_H_
