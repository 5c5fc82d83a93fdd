// CO_TEST: GoogleTest tests whose body is a coroutine.
//
//   CO_TEST(EchoTest, AnswersWhatItGot) {
//     auto stream = co_await net::TcpStream::Connect(address);
//     CO_ASSERT_OK(stream);
//     CO_EXPECT_OK(co_await stream->Write(AsBytes("hello")));
//     CO_EXPECT_EQ(co_await ReadLine(*stream), "hello");
//   }
//
// The body runs as the main task of a fresh reactor; it falls off its end or
// co_returns. CO_TEST_F has a fixture, whose members the body uses.
//
// GoogleTest's ASSERT_* would `return`, which no coroutine may: CO_ASSERT_*
// co_return instead. Its EXPECT_* evaluate their arguments in the condition of
// an if, where g++ 12 miscompiles a co_await: CO_EXPECT_* and CO_ASSERT_* take
// arguments with co_await in them, on every compiler. Where no argument has
// one, EXPECT_* do as well.
//
//   CO_EXPECT_TRUE FALSE EQ NE LT LE GT GE   as in GoogleTest
//   CO_EXPECT_OK(result)                     a Result that has a value
//   CO_EXPECT_ERROR(result, error)           one that has this Error, std::errc
//   CO_SKIP(reason)                          skips the test, and co_returns
//
// All but CO_EXPECT_* work only in a coroutine. Messages can be streamed to
// CO_EXPECT_* and CO_ASSERT_*. The program links GTest::gtest_main.
#ifndef EDDY_RUNTIME_TESTING_CO_TEST_H_
#define EDDY_RUNTIME_TESTING_CO_TEST_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>

#include <gtest/gtest.h>

#include <utility>

#define CO_TEST(suite, name)                                       \
  static ::eddy::Task<void> suite##_##name##_Body();               \
  TEST(suite, name) { ::eddy::SyncWait(suite##_##name##_Body()); } \
  static ::eddy::Task<void> suite##_##name##_Body()

#define CO_TEST_F(fixture, name)                           \
  class fixture##_##name##_Base : public fixture {         \
   protected:                                              \
    ::eddy::Task<void> Body();                             \
  };                                                       \
  GTEST_TEST_(fixture, name, fixture##_##name##_Base,      \
              ::testing::internal::GetTypeId<fixture>()) { \
    ::eddy::SyncWait(this->Body());                        \
  }                                                        \
  ::eddy::Task<void> fixture##_##name##_Base::Body()

#define CO_SKIP(reason)                                  \
  do {                                                   \
    GTEST_MESSAGE_AT_(__FILE__, __LINE__, reason,        \
                      ::testing::TestPartResult::kSkip); \
    co_return;                                           \
  } while (false)

#define CO_EXPECT_TRUE(...) \
  EDDY_CO_EXPECT(::eddy::testing_internal::IsTrue(#__VA_ARGS__, __VA_ARGS__))
#define CO_EXPECT_FALSE(...) \
  EDDY_CO_EXPECT(::eddy::testing_internal::IsFalse(#__VA_ARGS__, __VA_ARGS__))
#define CO_EXPECT_OK(...) \
  EDDY_CO_EXPECT(::eddy::testing_internal::IsOk(#__VA_ARGS__, __VA_ARGS__))
#define CO_EXPECT_ERROR(result, expected) \
  EDDY_CO_EXPECT(::eddy::testing_internal::HasError(#result, result, expected))
#define CO_EXPECT_EQ(a, b) \
  EDDY_CO_EXPECT(::testing::internal::EqHelper::Compare(#a, #b, a, b))
#define CO_EXPECT_NE(a, b) \
  EDDY_CO_EXPECT(::testing::internal::CmpHelperNE(#a, #b, a, b))
#define CO_EXPECT_LT(a, b) \
  EDDY_CO_EXPECT(::testing::internal::CmpHelperLT(#a, #b, a, b))
#define CO_EXPECT_LE(a, b) \
  EDDY_CO_EXPECT(::testing::internal::CmpHelperLE(#a, #b, a, b))
#define CO_EXPECT_GT(a, b) \
  EDDY_CO_EXPECT(::testing::internal::CmpHelperGT(#a, #b, a, b))
#define CO_EXPECT_GE(a, b) \
  EDDY_CO_EXPECT(::testing::internal::CmpHelperGE(#a, #b, a, b))

#define CO_ASSERT_TRUE(...) \
  EDDY_CO_ASSERT(::eddy::testing_internal::IsTrue(#__VA_ARGS__, __VA_ARGS__))
#define CO_ASSERT_FALSE(...) \
  EDDY_CO_ASSERT(::eddy::testing_internal::IsFalse(#__VA_ARGS__, __VA_ARGS__))
#define CO_ASSERT_OK(...) \
  EDDY_CO_ASSERT(::eddy::testing_internal::IsOk(#__VA_ARGS__, __VA_ARGS__))
#define CO_ASSERT_ERROR(result, expected) \
  EDDY_CO_ASSERT(::eddy::testing_internal::HasError(#result, result, expected))
#define CO_ASSERT_EQ(a, b) \
  EDDY_CO_ASSERT(::testing::internal::EqHelper::Compare(#a, #b, a, b))
#define CO_ASSERT_NE(a, b) \
  EDDY_CO_ASSERT(::testing::internal::CmpHelperNE(#a, #b, a, b))
#define CO_ASSERT_LT(a, b) \
  EDDY_CO_ASSERT(::testing::internal::CmpHelperLT(#a, #b, a, b))
#define CO_ASSERT_LE(a, b) \
  EDDY_CO_ASSERT(::testing::internal::CmpHelperLE(#a, #b, a, b))
#define CO_ASSERT_GT(a, b) \
  EDDY_CO_ASSERT(::testing::internal::CmpHelperGT(#a, #b, a, b))
#define CO_ASSERT_GE(a, b) \
  EDDY_CO_ASSERT(::testing::internal::CmpHelperGE(#a, #b, a, b))

// A loop that runs once: it declares a variable of its own before anything is
// looked at, takes what is streamed into it, and swallows no else.
#define EDDY_CO_EXPECT(...)                                                   \
  for (::testing::AssertionResult eddy_assertion = __VA_ARGS__,               \
                                  *eddy_once = &eddy_assertion;               \
       eddy_once != nullptr; eddy_once = nullptr)                             \
    if (eddy_assertion) {                                                     \
    } else /* NOLINT */                                                       \
      GTEST_MESSAGE_AT_(__FILE__, __LINE__, eddy_assertion.failure_message(), \
                        ::testing::TestPartResult::kNonFatalFailure)

// What is co_returned is void: the failure that is recorded.
#define EDDY_CO_ASSERT(...)                                         \
  for (::testing::AssertionResult eddy_assertion = __VA_ARGS__,     \
                                  *eddy_once = &eddy_assertion;     \
       eddy_once != nullptr; eddy_once = nullptr)                   \
    if (eddy_assertion) {                                           \
    } else /* NOLINT */                                             \
      co_return GTEST_MESSAGE_AT_(__FILE__, __LINE__,               \
                                  eddy_assertion.failure_message(), \
                                  ::testing::TestPartResult::kFatalFailure)

namespace eddy::testing_internal {

template <class T>
::testing::AssertionResult IsTrue(const char* text, const T& condition) {
  if (static_cast<bool>(condition)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << text << " is false";
}

template <class T>
::testing::AssertionResult IsFalse(const char* text, const T& condition) {
  if (!static_cast<bool>(condition)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << text << " is true";
}

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

#endif  // EDDY_RUNTIME_TESTING_CO_TEST_H_
