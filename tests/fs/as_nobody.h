// What root's rights would hide: a task that is run, in a forked child, by a
// user who has none.
#ifndef EDDY_TESTS_FS_AS_NOBODY_H_
#define EDDY_TESTS_FS_AS_NOBODY_H_

#include "tests/io/io_test_util.h"

#include <eddy/runtime/sync_wait.h>

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

namespace eddy::fs_test {

inline constexpr unsigned kNobody = 65534;

// Needs root, to become somebody else.
inline bool MayBecomeNobody() { return geteuid() == 0; }

inline void GiveToNobody(const std::string& path) {
  IO_TEST_CHECK(lchown(path.c_str(), kNobody, kNobody));
}

// Whether nothing has failed there. Not in a CO_TEST: a reactor does not
// survive a fork.
inline bool PassesAsNobody(const std::function<Task<void>()>& body) {
  const pid_t child = IO_TEST_CHECK(fork());
  if (child == 0) {
    IO_TEST_CHECK(setgroups(0, nullptr));
    IO_TEST_CHECK(setresgid(kNobody, kNobody, kNobody));
    IO_TEST_CHECK(setresuid(kNobody, kNobody, kNobody));
    SyncWait(body());
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  IO_TEST_CHECK(waitpid(child, &status, 0));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace eddy::fs_test

#endif  // EDDY_TESTS_FS_AS_NOBODY_H_
