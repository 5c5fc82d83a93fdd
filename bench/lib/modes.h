// The subjects of a benchmark that are written on one library are one program
// with a mode for each:
//
//   PROGRAM MODE ARGS...

#ifndef EDDY_BENCH_LIB_MODES_H_
#define EDDY_BENCH_LIB_MODES_H_

#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

namespace eddy::bench {

struct Mode {
  std::string_view name;
  // Gets the command line from the mode's name on.
  int (*run)(int argc, char** argv);
};

inline int RunMode(std::initializer_list<Mode> modes, int argc, char** argv) {
  for (const Mode& mode : modes) {
    if (argc > 1 && mode.name == argv[1]) return mode.run(argc - 1, argv + 1);
  }
  std::fprintf(stderr, "usage: %s MODE ARGS...; modes:", argv[0]);
  for (const Mode& mode : modes) std::fprintf(stderr, " %s", mode.name.data());
  std::fprintf(stderr, "\n");
  return 2;
}

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_MODES_H_
