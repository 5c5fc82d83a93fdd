// Counts the heap allocations of this program, so that a benchmark can show
// that an operation makes none.
#ifndef EDDY_BENCH_MICRO_ALLOCATIONS_H_
#define EDDY_BENCH_MICRO_ALLOCATIONS_H_

#include <cstddef>
#include <cstdint>

// Calls of operator new since the program started.
std::uint64_t Allocations();

// Bytes of the heap in use, with what malloc adds to each block.
std::size_t HeapBytes();

#endif  // EDDY_BENCH_MICRO_ALLOCATIONS_H_
