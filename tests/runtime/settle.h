// Settle: lets the other tasks of a test come to where they wait.
#ifndef EDDY_TESTS_RUNTIME_SETTLE_H_
#define EDDY_TESTS_RUNTIME_SETTLE_H_

#include <eddy/runtime/task.h>
#include <eddy/runtime/yield.h>

namespace eddy::test {

// Until all that is ready has run.
inline Task<void> Settle() {
  for (int i = 0; i < 10; ++i) co_await Yield();
}

}  // namespace eddy::test

#endif  // EDDY_TESTS_RUNTIME_SETTLE_H_
