// Counts the heap allocations of this program, so that a benchmark can show
// that an operation makes none.
#ifndef EDDY_BENCH_TASK_ALLOCATIONS_H_
#define EDDY_BENCH_TASK_ALLOCATIONS_H_

#include <cstdint>

// Calls of operator new since the program started.
std::uint64_t Allocations();

#endif  // EDDY_BENCH_TASK_ALLOCATIONS_H_
