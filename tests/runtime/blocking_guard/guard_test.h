// What the tests of the blocking guard share: they link eddy::blocking_guard
// and collect its reports.
#ifndef EDDY_TESTS_RUNTIME_BLOCKING_GUARD_GUARD_TEST_H_
#define EDDY_TESTS_RUNTIME_BLOCKING_GUARD_GUARD_TEST_H_

#include <eddy/runtime/blocking_guard.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace eddy::guard_test {

struct Reported {
  std::string name;
  std::string argument;
  std::string instead;
  std::chrono::nanoseconds duration;
  std::string text;
};

// Begins without any report, and without any place that is known.
class GuardTest : public ::testing::Test {
 protected:
  GuardTest();
  ~GuardTest() override;

  // Options that collect reports.
  static BlockingGuardOptions Options();

  static const std::vector<Reported>& reports();
  static std::vector<std::string> names();
};

// Runs f in a task.
void InTask(const std::function<void()>& f);

// Runs f on another thread when the thread that called this sleeps in the
// kernel; the destructor waits for its end.
class WhenAsleep {
 public:
  explicit WhenAsleep(std::function<void()> f);
  ~WhenAsleep();
  WhenAsleep(const WhenAsleep&) = delete;
  WhenAsleep& operator=(const WhenAsleep&) = delete;

 private:
  struct State;
  State* const state_;
};

}  // namespace eddy::guard_test

#endif  // EDDY_TESTS_RUNTIME_BLOCKING_GUARD_GUARD_TEST_H_
