#include <eddy/runtime/testing/allocation_count.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EDDY_COUNTS_ALLOCATIONS false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer) || __has_feature(leak_sanitizer)
#define EDDY_COUNTS_ALLOCATIONS false
#endif
#endif
#ifndef EDDY_COUNTS_ALLOCATIONS
#define EDDY_COUNTS_ALLOCATIONS true
#endif

bool eddy_counts_allocations() noexcept { return EDDY_COUNTS_ALLOCATIONS; }

#if !EDDY_COUNTS_ALLOCATIONS

std::uint64_t eddy_allocations_of_process() noexcept { return 0; }
std::uint64_t eddy_allocations_of_thread() noexcept { return 0; }

#else

namespace {

constinit std::atomic<std::uint64_t> of_process{0};
constinit thread_local std::uint64_t of_thread = 0;

void* Counted(void* memory) {
  // Nothing else is ordered by it.
  of_process.fetch_add(1, std::memory_order_relaxed);
  ++of_thread;
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

std::uint64_t eddy_allocations_of_process() noexcept {
  return of_process.load(std::memory_order_relaxed);
}
std::uint64_t eddy_allocations_of_thread() noexcept { return of_thread; }

// The other forms of new and delete call these.
void* operator new(std::size_t size) {
  return Counted(std::malloc(size != 0 ? size : 1));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  // A multiple of the alignment, as aligned_alloc asks for.
  const std::size_t rounded = (size + align - 1) / align * align;
  return Counted(std::aligned_alloc(align, rounded != 0 ? rounded : align));
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

#endif
