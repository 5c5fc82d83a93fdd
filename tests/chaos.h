// Whether a test runs under EDDY_CHAOS_SEED. What chaos is there to change (the
// order of what is ready, how entries are batched, how much one transfer moves,
// the allocations of the chaos ring) no test may expect then.
#ifndef EDDY_TESTS_CHAOS_H_
#define EDDY_TESTS_CHAOS_H_

#include <eddy/runtime/testing/co_test.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

namespace eddy::test {

inline bool InChaos() { return std::getenv("EDDY_CHAOS_SEED") != nullptr; }

// What one transfer has moved of `all`: everything, or under chaos also less,
// from the front, but something.
inline bool IsAllOrShort(std::string_view moved, std::string_view all) {
  if (!InChaos()) return moved == all;
  return !moved.empty() && all.substr(0, moved.size()) == moved;
}

inline constexpr char kShort[] = "under chaos: one transfer may be short";

}  // namespace eddy::test

// For tests that are no coroutines, and for those that are.
#define EDDY_SKIP_IN_CHAOS(reason) \
  if (::eddy::test::InChaos()) GTEST_SKIP() << (reason)
#define EDDY_CO_SKIP_IN_CHAOS(reason) \
  if (::eddy::test::InChaos()) CO_SKIP(reason)

#endif  // EDDY_TESTS_CHAOS_H_
