#include "tests/runtime/heap_count.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> total_allocations{0};
std::atomic<std::uint64_t> total_frees{0};

}  // namespace

namespace eddy::test {

std::uint64_t HeapCount::TotalAllocations() noexcept {
  return total_allocations.load(std::memory_order_relaxed);
}
std::uint64_t HeapCount::TotalFrees() noexcept {
  return total_frees.load(std::memory_order_relaxed);
}

}  // namespace eddy::test

#if !EDDY_TEST_ASAN && !EDDY_TEST_TSAN

// The other forms of new and delete call these.
void* operator new(std::size_t size) {
  total_allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size != 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  total_frees.fetch_add(1, std::memory_order_relaxed);
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  ::operator delete(memory);
}

#endif
