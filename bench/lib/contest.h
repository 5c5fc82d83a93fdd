// A contest: servers in turn on one core under the same load from another, as
// every side-by-side benchmark of servers does it.
//
// A round starts all servers afresh and loads them in turn, 50 ms each, over
// and over: a virtual machine's cores change their speed within a second, and
// so that hits all subjects alike. Who comes first rotates.

#ifndef EDDY_BENCH_LIB_CONTEST_H_
#define EDDY_BENCH_LIB_CONTEST_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/lib/load.h"
#include "bench/lib/machine.h"
#include "bench/lib/process.h"
#include "bench/lib/report.h"

namespace eddy::bench {

struct Subject {
  std::string name;
  // Starts a server that says on its first line which port it has taken.
  std::vector<std::string> command;
  // Or that says nothing, and listens on this one.
  std::uint16_t port = 0;
};

// Those of `subjects` that are built and that --subjects names, or the floor;
// says which are left out because they are not built.
std::vector<Subject> ChooseBuilt(std::vector<Subject> subjects,
                                 const std::string& floor);

// A server and the port, which its first line ends in: "40001" or
// "listening on 127.0.0.1:40001".
struct Server {
  Process process;
  std::uint16_t port;
};
absl::StatusOr<Server> StartServer(const std::vector<std::string>& command,
                                   int cpu);
// The same for either kind; one that says nothing is waited for.
absl::StatusOr<Server> StartServer(const Subject& subject, int cpu);

// What went wrong, and how the server has ended.
absl::Status Both(const absl::Status& first, const absl::Status& end);

struct Pace {
  std::size_t rounds;
  std::size_t slices;  // of each subject in a round
  std::chrono::nanoseconds warm_up;
  Cores cores;
};

// How many slices `seconds` are.
std::size_t Slices(double seconds);

struct Contest {
  std::string workload;
  std::vector<Subject> subjects;
  std::function<absl::StatusOr<std::unique_ptr<Load>>(std::uint16_t port)>
      connect;
  std::function<std::vector<double>(const LoadTotals&)> values;
  // Whose CPU time counts as the client's; may be null.
  const Process* helper = nullptr;
  // Slices are so many times as long, and there are so many fewer: for a load
  // that takes longer until each of its connections has had a turn.
  std::size_t stretch = 1;
};

// Measures the contest, adds `values` of each subject's rounds to `report`,
// prints the workload, and returns how many rounds have failed.
int Hold(const Contest& contest, const Pace& pace, Report& report);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_CONTEST_H_
