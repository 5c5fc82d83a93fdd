// Tests whose body is a coroutine.
//
//   CO_TEST(TcpStreamTest, ReadReturnsZeroAtEndOfStream) {
//     auto n = co_await stream.Read(buffer);
//     CO_ASSERT_OK(n);
//     EXPECT_EQ(*n, 0u);
//   }
//
// The body runs as the main task of a fresh reactor. EXPECT_* work as always;
// ASSERT_* would `return`, so the CO_ASSERT_* here co_return instead.
#ifndef EDDY_TESTS_CO_TEST_H_
#define EDDY_TESTS_CO_TEST_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>
#include <gtest/gtest.h>

// Defines a coroutine that is the test's body. Falls off its end or co_returns.
#define CO_TEST(suite, name)                                       \
  static ::eddy::Task<void> suite##_##name##_Body();               \
  TEST(suite, name) { ::eddy::SyncWait(suite##_##name##_Body()); } \
  static ::eddy::Task<void> suite##_##name##_Body()

#define EDDY_CO_ASSERT(assertion)                                           \
  if (const ::testing::AssertionResult eddy_assertion = (assertion)) {      \
  } else {                                                                  \
    GTEST_MESSAGE_AT_(__FILE__, __LINE__, eddy_assertion.failure_message(), \
                      ::testing::TestPartResult::kFatalFailure);            \
    co_return;                                                              \
  }                                                                         \
  static_assert(true, "")

#define CO_ASSERT_TRUE(condition)                                         \
  EDDY_CO_ASSERT(::testing::AssertionResult(static_cast<bool>(condition)) \
                 << #condition << " is false")
#define CO_ASSERT_FALSE(condition)                        \
  EDDY_CO_ASSERT(::testing::AssertionResult(!(condition)) \
                 << #condition << " is true")
#define CO_ASSERT_EQ(a, b) \
  EDDY_CO_ASSERT(::testing::internal::EqHelper::Compare(#a, #b, a, b))

// A Result that has a value.
#define CO_ASSERT_OK(result) \
  EDDY_CO_ASSERT(::eddy::testing_internal::IsOk(#result, result))
#define EXPECT_OK(result) \
  EXPECT_TRUE(::eddy::testing_internal::IsOk(#result, result))
// A Result that has this Error (or std::errc).
#define EXPECT_ERROR(result, expected) \
  EXPECT_TRUE(::eddy::testing_internal::HasError(#result, result, expected))

namespace eddy::testing_internal {

template <class T>
::testing::AssertionResult IsOk(const char* text, const Result<T>& result) {
  if (result) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << text << ": " << result.error();
}

template <class T>
::testing::AssertionResult HasError(const char* text, const Result<T>& result,
                                    Error expected) {
  if (!result && result.error() == expected) {
    return ::testing::AssertionSuccess();
  }
  ::testing::AssertionResult failure = ::testing::AssertionFailure();
  failure << text << ": expected \"" << expected << "\", got ";
  if (result) {
    failure << "a value";
  } else {
    failure << '"' << result.error() << '"';
  }
  return failure;
}

}  // namespace eddy::testing_internal

#endif  // EDDY_TESTS_CO_TEST_H_
