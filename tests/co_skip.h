// GTEST_SKIP for the body of a CO_TEST, which may not `return`.
#ifndef EDDY_TESTS_CO_SKIP_H_
#define EDDY_TESTS_CO_SKIP_H_

#include <gtest/gtest.h>

#define CO_SKIP(reason)                                  \
  do {                                                   \
    GTEST_MESSAGE_AT_(__FILE__, __LINE__, reason,        \
                      ::testing::TestPartResult::kSkip); \
    co_return;                                           \
  } while (false)

#endif  // EDDY_TESTS_CO_SKIP_H_
