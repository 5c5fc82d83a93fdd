// The end of a hand-written program whose system call has failed.
#ifndef EDDY_BENCH_LIB_DIE_H_
#define EDDY_BENCH_LIB_DIE_H_

#include <cstdio>
#include <cstdlib>

namespace eddy::bench {

[[noreturn]] inline void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_DIE_H_
