// Whether a test runs under EDDY_CHAOS_SEED. What chaos is there to change (the
// order of what is ready, how entries are batched, how much one read gives, the
// allocations of the chaos ring) no test may expect then.
#ifndef EDDY_TESTS_CHAOS_H_
#define EDDY_TESTS_CHAOS_H_

#include <gtest/gtest.h>

#include <cstdlib>

namespace eddy::test {

inline bool InChaos() { return std::getenv("EDDY_CHAOS_SEED") != nullptr; }

}  // namespace eddy::test

// For tests that are no coroutines; in a CO_TEST: if (...) CO_SKIP(reason).
#define EDDY_SKIP_IN_CHAOS(reason) \
  if (::eddy::test::InChaos()) GTEST_SKIP() << "under chaos: " << (reason)

#endif  // EDDY_TESTS_CHAOS_H_
