// FramePool: the memory of coroutine frames and spawned tasks.
//
// A frame lives for one call, and calls of the same coroutine need the same
// size again and again. So freed blocks go to a free list of their size class
// (multiples of 64 bytes up to 32 KiB) on the thread that frees them, and the
// next frame of that class takes the one that is warm in the cache: a load and
// two stores, and one of a counter; no lock, no heap call. Larger blocks come
// from operator new.
//
// A block that was allocated on one thread may be freed on another. Free lists
// only grow to the highest number of frames that lived at once; Trim() gives
// them back, and so does the end of a thread that has allocated or made a
// reactor (not what a later destructor of a thread_local object frees: those
// blocks stay allocated).
//
// Prefault() gives a thread's pool memory that is there already; see
// frame_arena.h.
//
// Where AddressSanitizer is on, the pool is bypassed, so that a use after the
// end of a frame is reported. A program and a library of which only one is
// built with it go together: every block is one of operator new, of its class's
// size, or of an arena, so either may free what the other has allocated.
#ifndef EDDY_RUNTIME_FRAME_POOL_H_
#define EDDY_RUNTIME_FRAME_POOL_H_

#include <eddy/runtime/result.h>

#include <cstddef>
#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define EDDY_INTERNAL_POOL_FRAMES false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EDDY_INTERNAL_POOL_FRAMES false
#endif
#endif
#ifndef EDDY_INTERNAL_POOL_FRAMES
#define EDDY_INTERNAL_POOL_FRAMES true
#endif

namespace eddy::internal {

class FrameArena;

// Blocks, and their sizes, which are multiples of 64 up to 32 KiB.
struct FrameTotals {
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
};

class FramePool {
 public:
  // A block of at least `size` bytes, aligned for std::max_align_t. Throws
  // std::bad_alloc.
  static void* Allocate(std::size_t size) {
    const std::size_t index = ClassOf(size);
    if (index >= kClasses) return AllocateLarge(size);
    ++allocated_[index];
    if (!EDDY_INTERNAL_POOL_FRAMES) {
      return AllocateFromHeap(index * kGranularity);
    }
    Block* block = free_[index];
    if (block == nullptr) return AllocateSlow(index);
    free_[index] = block->next;
    return block;
  }

  // Takes back a block of Allocate(size).
  static void Free(void* memory, std::size_t size) noexcept {
    const std::size_t index = ClassOf(size);
    if (index >= kClasses || !EDDY_INTERNAL_POOL_FRAMES) {
      FreeToHeap(memory);
      return;
    }
    free_[index] = ::new (memory) Block{free_[index]};
  }

  // Sees to it that the next `size` bytes of blocks of this thread, of all that
  // it ever takes, cost no page fault, and none later where `lock` is set. Does
  // nothing where AddressSanitizer is on.
  // Errors: ENOMEM, kMemoryLockLimit.
  static Result<void> Prefault(std::size_t size, bool lock);

  // Gives the free blocks of this thread back to the heap; those of its
  // prefaulted memory stay.
  static void Trim() noexcept;

  // Sees to it that the end of this thread does the same. Allocate does, too.
  static void TrimAtThreadExit();

  // What this thread has ever allocated.
  static FrameTotals Allocated() noexcept;

  // How many blocks this thread has allocated and not freed. A block that is
  // freed on another thread stays in this one's number, and is subtracted from
  // the other's, which may be negative: only the sum is that of all blocks.
  // Cost: walks the free lists, so that Free need not count.
  static std::ptrdiff_t Live() noexcept;

 private:
  struct Block {
    Block* next;
  };
  struct ThreadExit {
    ~ThreadExit();
  };

  static constexpr std::size_t kGranularity = 64;
  static constexpr std::size_t kClasses = 32768 / kGranularity + 1;

  static constexpr std::size_t ClassOf(std::size_t size) {
    return (size + kGranularity - 1) / kGranularity;
  }
  static void* AllocateSlow(std::size_t index);
  static void* AllocateLarge(std::size_t size);
  static void* AllocateFromHeap(std::size_t size);
  static void FreeToHeap(void* memory) noexcept;

  static inline constinit thread_local Block* free_[kClasses] = {};
  // Blocks of each class, and larger ones, that were ever allocated.
  static inline constinit thread_local std::uint64_t allocated_[kClasses] = {};
  static inline constinit thread_local FrameTotals large_ = {};
  static inline constinit thread_local FrameArena* arena_ = nullptr;
  // Blocks that this thread took from the heap or an arena, less those it gave
  // back.
  static inline constinit thread_local std::ptrdiff_t from_heap_ = 0;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_FRAME_POOL_H_
