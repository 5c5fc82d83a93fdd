// Where a benchmark runs: which cores it may use, and the facts that a reader
// needs to judge its numbers.

#ifndef EDDY_BENCH_LIB_MACHINE_H_
#define EDDY_BENCH_LIB_MACHINE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace eddy::bench {

// The cores of a side-by-side run. They are the same only on a machine that
// grants a single one.
struct Cores {
  int server;
  int client;
};

// The last two cores of this process' affinity mask, because interrupts tend
// to the first ones.
Cores PickCores();

// Binds the calling thread, and what it starts from now on, to one core.
// Exits with a message where that is refused: unpinned numbers mislead.
void PinThisThread(int cpu);

// Raises the soft limit of open descriptors to the hard one and returns it.
// Child processes inherit it.
std::uint64_t RaiseDescriptorLimit();

// Key and value pairs: cpu, kernel, compiler, flags, load, ...
using Facts = std::vector<std::pair<std::string, std::string>>;
Facts DescribeMachine(const Cores& cores);

// A TCP port of the loopback address that nobody listened on just now.
std::uint16_t FreePort();

// The folder of the running program, where its sibling programs are.
std::string ProgramFolder();

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_MACHINE_H_
