// A second core under a TCP server: what it is worth, and whether connections
// spread over the listeners of several.
#ifndef EDDY_BENCH_CORES_SERVERS_H_
#define EDDY_BENCH_CORES_SERVERS_H_

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "bench/lib/machine.h"
#include "bench/lib/report.h"

namespace eddy::bench {

struct EchoPlan {
  std::size_t rounds;
  std::chrono::nanoseconds time;
  Cores cores;
};

// Adds the rounds of the hand-written echo server, a process for each core, and
// of eddy's, on one core and on two. Each core has 64 connections' worth of
// load on it, too: so a second one doubles what the machine has. Returns how
// many rounds have failed.
std::vector<Metric> EchoMetrics();
std::map<std::string, std::string> EchoFloors();
int CompareEcho(const EchoPlan& plan, Report& report);

// Adds how 1,000 connections spread over the listeners of so many cores (which
// share the machine's), and how they would by chance.
std::vector<Metric> DistributionMetrics();
int Distribute(unsigned listeners, std::size_t rounds, Report& report);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_CORES_SERVERS_H_
