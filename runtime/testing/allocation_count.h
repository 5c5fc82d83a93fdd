// AllocationCount: how many heap allocations a program has made.
//
// A program that links the CMake target eddy::allocation_count gets an operator
// new that counts: it calls malloc, and adds one to two counters. No program
// has it otherwise. Direct calls of malloc, as C libraries make them, are not
// counted.
//
// Not with sanitizers, which bring an operator new of their own: built with
// one, the target counts nothing, and on() is false. A program that is built
// with a sanitizer does not link a target that is not.
//
// Thread safety: callable on any thread.
// Cost: an atomic addition for each allocation of the program.
#ifndef EDDY_RUNTIME_TESTING_ALLOCATION_COUNT_H_
#define EDDY_RUNTIME_TESTING_ALLOCATION_COUNT_H_

#include <cstdint>

// Defined only by eddy::allocation_count.
extern "C" {
[[gnu::weak]] bool eddy_counts_allocations() noexcept;
[[gnu::weak]] std::uint64_t eddy_allocations_of_process() noexcept;
[[gnu::weak]] std::uint64_t eddy_allocations_of_thread() noexcept;
}

namespace eddy {

class AllocationCount {
 public:
  // Whether this program counts.
  static bool on() noexcept {
    return eddy_counts_allocations != nullptr && eddy_counts_allocations();
  }

  // Since the process, or this thread, began; 0 where nothing is counted.
  static std::uint64_t OfProcess() noexcept {
    return on() ? eddy_allocations_of_process() : 0;
  }
  static std::uint64_t OfThread() noexcept {
    return on() ? eddy_allocations_of_thread() : 0;
  }
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_TESTING_ALLOCATION_COUNT_H_
