// Memory that is there before it is used: no page fault stalls the loop later.
//
// Cost: LockMemory is a system call that faults in every page of the range;
// PrefaultStack writes to a page after the other. See mlock(2).
#ifndef EDDY_RUNTIME_RESIDENT_MEMORY_H_
#define EDDY_RUNTIME_RESIDENT_MEMORY_H_

#include <eddy/runtime/result.h>

#include <cstddef>

namespace eddy::internal {

enum class LockWhen {
  kNow,      // every page is faulted in
  kOnFault,  // each page when it is used first
};

// The pages of the range stay in memory until they are unmapped.
// Errors: kMemoryLockLimit, which says what to change; ENOMEM.
Result<void> LockMemory(void* memory, std::size_t size,
                        LockWhen when = LockWhen::kNow) noexcept;

// Faults in `size` bytes of this thread's stack below the caller, or what there
// is of it but for a reserve of 64 KiB; and locks them where `lock` is set.
// Errors: as LockMemory.
Result<void> PrefaultStack(std::size_t size, bool lock) noexcept;

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_RESIDENT_MEMORY_H_
