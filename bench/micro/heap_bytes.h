// What a program's heap holds, so that a benchmark can say what a thing takes.
#ifndef EDDY_BENCH_MICRO_HEAP_BYTES_H_
#define EDDY_BENCH_MICRO_HEAP_BYTES_H_

#include <malloc.h>

#include <cstddef>

// Bytes of the heap in use, with what malloc adds to each block.
inline std::size_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

#endif  // EDDY_BENCH_MICRO_HEAP_BYTES_H_
