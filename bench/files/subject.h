// Who takes part in the files benchmark: programs that tell their outcome
// themselves, fio, and programs that are measured as a whole.

#ifndef EDDY_BENCH_FILES_SUBJECT_H_
#define EDDY_BENCH_FILES_SUBJECT_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace eddy::bench {

struct Outcome {
  double operations;
  double seconds;
  double cpu_seconds;  // of all threads, the kernel's workers too
};

struct Subject {
  std::string name;
  // Runs once. `prepare`, if there is one, comes before and is not measured.
  std::function<absl::StatusOr<Outcome>()> run;
  std::function<void()> prepare = {};
};

// A command whose only line says operations, seconds and CPU seconds.
absl::StatusOr<Outcome> RunOwn(const std::vector<std::string>& command,
                               int cpu);

// fio with these options beside --output-format=json; reads only.
absl::StatusOr<Outcome> RunFio(std::vector<std::string> options, int cpu);

// A command that does `operations` from its start to its end, silently.
absl::StatusOr<Outcome> RunWhole(const std::vector<std::string>& command,
                                 int cpu, double operations);

}  // namespace eddy::bench

#endif  // EDDY_BENCH_FILES_SUBJECT_H_
