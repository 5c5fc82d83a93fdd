// Result and the macros that pass its error on.
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/testing/co_test.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace eddy {
namespace {

static_assert(sizeof(Result<void>) <= 8);
static_assert(sizeof(Result<int>) <= 8);
static_assert(sizeof(Result<std::size_t>) <= 16);
static_assert(internal::kIsResult<Result<int>>);
static_assert(!internal::kIsResult<int>);
static_assert(std::is_same_v<internal::AsResult<int>, Result<int>>);
static_assert(std::is_same_v<internal::AsResult<void>, Result<void>>);
static_assert(std::is_same_v<internal::AsResult<Result<int>>, Result<int>>);

TEST(ResultTest, HoldsAValueOrAnError) {
  const Result<int> value = 3;
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, 3);
  const Result<int> failed = Unexpected(kClosed);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error(), kClosed);
  EXPECT_EQ(failed.value_or(9), 9);
}

TEST(ResultTest, TakesAnErrcAsItsError) {
  const Result<void> failed = Unexpected(std::errc::broken_pipe);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), EPIPE);
}

Task<Result<std::unique_ptr<int>>> Make(bool works) {
  if (!works) co_return Unexpected(kClosed);
  co_return std::make_unique<int>(4);
}
Task<Result<void>> Check(bool works) {
  if (!works) co_return Unexpected(kEndOfStream);
  co_return Result<void>();
}

Task<Result<int>> Chain(bool make_works, bool check_works, int& steps) {
  EDDY_CO_TRY(const std::unique_ptr<int> made, co_await Make(make_works));
  ++steps;
  EDDY_CO_CHECK(co_await Check(check_works));
  ++steps;
  int copy = 0;
  EDDY_CO_TRY(copy, Result<int>(*made + 1));
  co_return copy;
}

CO_TEST(ResultTest, CoTryTakesTheValueAlsoOfAMoveOnlyType) {
  int steps = 0;
  const Result<int> result = co_await Chain(true, true, steps);
  CO_ASSERT_OK(result);
  EXPECT_EQ(*result, 5);
  EXPECT_EQ(steps, 2);
}

CO_TEST(ResultTest, CoTryEndsTheCoroutineWithTheError) {
  int steps = 0;
  CO_EXPECT_ERROR(co_await Chain(false, true, steps), kClosed);
  EXPECT_EQ(steps, 0);
}

CO_TEST(ResultTest, CoCheckEndsTheCoroutineWithTheError) {
  int steps = 0;
  CO_EXPECT_ERROR(co_await Chain(true, false, steps), kEndOfStream);
  EXPECT_EQ(steps, 1);
}

Task<Result<int>> TemplateArguments() {
  // Commas in the expression are one argument.
  EDDY_CO_TRY(const auto pair, Result<std::pair<int, int>>({1, 2}));
  EDDY_CO_CHECK(Result<std::pair<int, int>>({3, 4}));
  co_return pair.first + pair.second;
}

CO_TEST(ResultTest, MacrosTakeExpressionsWithCommas) {
  CO_EXPECT_EQ((co_await TemplateArguments()).value_or(0), 3);
}

// Where it is the only statement of a branch, the macro is still one statement.
Task<Result<int>> InBranch(bool check) {
  if (check)
    EDDY_CO_CHECK(co_await Check(false));
  else
    co_return 1;
  co_return 2;
}

CO_TEST(ResultTest, CoCheckIsOneStatement) {
  CO_EXPECT_EQ((co_await InBranch(false)).value_or(0), 1);
  CO_EXPECT_ERROR(co_await InBranch(true), kEndOfStream);
}

}  // namespace
}  // namespace eddy
