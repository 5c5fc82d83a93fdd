// For tests on several cores.
#ifndef EDDY_TESTS_RUNTIME_CORES_H_
#define EDDY_TESTS_RUNTIME_CORES_H_

#include <eddy/runtime/runtime.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <utility>

namespace eddy::test {

// A Runtime of so many cores, also where this machine has fewer.
inline std::unique_ptr<Runtime> MakeRuntime(unsigned cores,
                                            RuntimeOptions options = {}) {
  options.cores = cores;
  options.oversubscribe = true;
  Result<std::unique_ptr<Runtime>> runtime = Runtime::Create(options);
  EXPECT_TRUE(runtime) << runtime.error().message();
  return *std::move(runtime);
}

// Runs f(), which returns a task, on core 0 of a fresh Runtime.
template <class F>
auto OnCores(unsigned cores, F f, const RuntimeOptions& options = {}) {
  return MakeRuntime(cores, options)->Run(std::move(f));
}

}  // namespace eddy::test

#endif  // EDDY_TESTS_RUNTIME_CORES_H_
