// What the tests of Remote and ReactorThread run on other threads.
#ifndef EDDY_TESTS_RUNTIME_REMOTE_TEST_UTIL_H_
#define EDDY_TESTS_RUNTIME_REMOTE_TEST_UTIL_H_

#include <eddy/runtime/reactor_thread.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>

#include <atomic>
#include <chrono>
#include <system_error>
#include <utility>

#include "tests/runtime/gate.h"

namespace eddy::test {

inline Task<int> Twice(int n) {
  co_await Yield();
  co_return 2 * n;
}

inline Task<Result<int>> Fails() {
  co_await Yield();
  co_return Unexpected(std::errc::io_error);
}

// Until it is stopped; says that it runs, and that it has ended.
inline Task<Result<void>> WaitsForStop(Gate& runs, std::atomic<int>& ended) {
  runs.Open();
  const Result<void> slept = co_await Sleep(std::chrono::hours(1));
  ++ended;
  co_return slept;
}

inline ReactorThread StartThread() {
  Result<ReactorThread> thread = ReactorThread::Start();
  if (!thread) throw std::system_error(thread.error().ToErrorCode());
  return *std::move(thread);
}

}  // namespace eddy::test

#endif  // EDDY_TESTS_RUNTIME_REMOTE_TEST_UTIL_H_
