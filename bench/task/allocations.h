// Counts the heap allocations of this program, so that a benchmark can show
// that an operation makes none.
#ifndef BENCH_TASK_ALLOCATIONS_H_
#define BENCH_TASK_ALLOCATIONS_H_

#include <cstdint>

// Calls of operator new since the program started.
std::uint64_t Allocations();

#endif  // BENCH_TASK_ALLOCATIONS_H_
