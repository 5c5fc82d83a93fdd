// Sweeps of programs that print: without what they print.
#ifndef EDDY_TESTS_EXAMPLES_SILENT_SWEEPS_H_
#define EDDY_TESTS_EXAMPLES_SILENT_SWEEPS_H_

#include <eddy/runtime/testing/sweep.h>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "tests/chaos.h"

namespace eddy::testing_examples {

// What a scenario gives whose client got something else than it should.
inline constexpr std::errc kWrong = std::errc::bad_message;

// While it lives, what is printed to stdout is lost.
class Silence {
 public:
  Silence() : stdout_(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)) {
    std::fflush(stdout);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nowhere, STDOUT_FILENO);
    close(nowhere);
  }
  ~Silence() {
    std::fflush(stdout);
    dup2(stdout_, STDOUT_FILENO);
    close(stdout_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  const int stdout_;
};

// Expects that sweep(), made in silence, is clean, with so many points at
// least. They are recorded under the name.
template <class Sweep>
void ExpectClean(const char* name, std::uint64_t points, const Sweep& sweep) {
  SweepReport report;
  {
    const Silence silence;
    report = sweep();
  }
  EXPECT_EQ(report.failure, "");
  EXPECT_GE(report.points, test::InChaos() ? 1 : points);
  ::testing::Test::RecordProperty(name, std::to_string(report.points));
}

template <class F>
void ExpectCleanWhenStopped(const F& scenario, std::uint64_t points) {
  ExpectClean("stops", points, [&] { return StopAtEveryPoint(scenario); });
}

template <class F>
void ExpectCleanWhenFailed(const F& scenario, std::uint64_t points) {
  ExpectClean("failures", points, [&] { return FailAtEveryPoint(scenario); });
}

}  // namespace eddy::testing_examples

#endif  // EDDY_TESTS_EXAMPLES_SILENT_SWEEPS_H_
