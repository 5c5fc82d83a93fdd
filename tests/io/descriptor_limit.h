// DescriptorLimit: tests of what happens where descriptors run out.
#ifndef EDDY_TESTS_IO_DESCRIPTOR_LIMIT_H_
#define EDDY_TESTS_IO_DESCRIPTOR_LIMIT_H_

#include "tests/io/io_test_util.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <vector>

// clang's undefined behaviour sanitizer opens a pipe now and then, and reports
// what is not so where it cannot.
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define EDDY_SANITIZER_NEEDS_DESCRIPTORS 1
#endif
#endif
#ifndef EDDY_SANITIZER_NEEDS_DESCRIPTORS
#define EDDY_SANITIZER_NEEDS_DESCRIPTORS 0
#endif

// In tests that are coroutines, before the first DescriptorLimit.
#define EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED() \
  if (EDDY_SANITIZER_NEEDS_DESCRIPTORS != 0)        \
  CO_SKIP("the sanitizer needs descriptors")

namespace eddy::io_test {

// Lets this process open only so many further descriptors, as long as none of
// those that it has is closed.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(std::size_t further = 0) {
    IO_TEST_CHECK(getrlimit(RLIMIT_NOFILE, &before_));
    std::vector<int> free(further + 1);
    for (int& fd : free) fd = IO_TEST_CHECK(dup(0));
    for (const int fd : free) close(fd);
    const rlimit limit{static_cast<rlim_t>(free.back()), before_.rlim_max};
    IO_TEST_CHECK(setrlimit(RLIMIT_NOFILE, &limit));
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

}  // namespace eddy::io_test

#endif  // EDDY_TESTS_IO_DESCRIPTOR_LIMIT_H_
