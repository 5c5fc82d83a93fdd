// Task: laziness, every kind of result, exceptions, ownership, and chains of
// any length in constant stack.
#include <eddy/runtime/attributes.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

static_assert(!std::is_copy_constructible_v<Task<int>>);
static_assert(!std::is_default_constructible_v<Task<int>>);
static_assert(std::is_nothrow_move_constructible_v<Task<int>>);
static_assert(std::is_nothrow_move_assignable_v<Task<int>>);

Task<int> Value(int value) { co_return value; }
Task<void> Nothing() { co_return; }

Task<int> Flag(bool& ran) {
  ran = true;
  co_return 7;
}

CO_TEST(TaskTest, RunsNothingBeforeItIsAwaited) {
  bool ran = false;
  Task<int> task = Flag(ran);
  EXPECT_FALSE(ran);
  CO_EXPECT_EQ(co_await std::move(task), 7);
  EXPECT_TRUE(ran);
}

CO_TEST(TaskTest, GivesAValue) { CO_EXPECT_EQ(co_await Value(3), 3); }

CO_TEST(TaskTest, OfVoidRunsToItsEnd) {
  int steps = 0;
  co_await [](int& count) -> Task<void> {
    ++count;
    co_await Nothing();
    ++count;
  }(steps);
  EXPECT_EQ(steps, 2);
}

Task<int&> Reference(int& target) { co_return target; }
Task<const std::string&> ConstReference(const std::string& s) { co_return s; }
Task<std::string&&> RvalueReference(std::string& s) { co_return std::move(s); }

CO_TEST(TaskTest, GivesTheVeryObjectThatAReferenceNames) {
  int target = 1;
  int& got = co_await Reference(target);
  EXPECT_EQ(&got, &target);
  const std::string text = "text";
  const std::string& same = co_await ConstReference(text);
  EXPECT_EQ(&same, &text);
  std::string source(100, 'x');
  const std::string taken = co_await RvalueReference(source);
  EXPECT_EQ(taken.size(), 100u);
  EXPECT_TRUE(source.empty());
}

Task<std::unique_ptr<int>> MoveOnly() { co_return std::make_unique<int>(5); }

CO_TEST(TaskTest, GivesAMoveOnlyValue) {
  const std::unique_ptr<int> p = co_await MoveOnly();
  CO_ASSERT_TRUE(p != nullptr);
  EXPECT_EQ(*p, 5);
}

struct NoDefault {
  explicit NoDefault(int n) : number(n) {}
  int number;
};
Task<NoDefault> WithoutDefault() { co_return NoDefault(9); }

CO_TEST(TaskTest, GivesAValueWithoutDefaultConstructor) {
  CO_EXPECT_EQ((co_await WithoutDefault()).number, 9);
}

Task<std::string> ConvertsLiteral() { co_return "converted"; }

CO_TEST(TaskTest, ConvertsWhatIsReturnedToItsResult) {
  CO_EXPECT_EQ(co_await ConvertsLiteral(), "converted");
}

// Counts how many of it live.
class Counted {
 public:
  explicit Counted(int& live) : live_(&live) { ++*live_; }
  Counted(Counted&& other) noexcept : live_(other.live_) { ++*live_; }
  Counted& operator=(Counted&&) = delete;
  ~Counted() { --*live_; }

 private:
  int* live_;
};
Task<Counted> MakeCounted(int& live) { co_return Counted(live); }

CO_TEST(TaskTest, DestroysItsResultOnce) {
  int live = 0;
  {
    const Counted counted = co_await MakeCounted(live);
    EXPECT_GE(live, 1);
  }
  EXPECT_EQ(live, 0);
}

Task<int> Throws() {
  throw std::runtime_error("thrown by the task");
  co_return 1;
}
Task<int> Through() { co_return co_await Throws() + 1; }
Task<void> ThrowsVoid() {
  throw std::out_of_range("void");
  co_return;
}
Task<int&> ThrowsReference(int& i) {
  if (i == 0) throw std::logic_error("reference");
  co_return i;
}

CO_TEST(TaskTest, ThrowsItsExceptionAtTheAwait) {
  std::string what;
  try {
    co_await Through();
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "thrown by the task");
}

CO_TEST(TaskTest, OfVoidAndOfAReferenceThrowToo) {
  int caught = 0;
  try {
    co_await ThrowsVoid();
  } catch (const std::out_of_range&) {
    ++caught;
  }
  int zero = 0;
  try {
    co_await ThrowsReference(zero);
  } catch (const std::logic_error&) {
    ++caught;
  }
  EXPECT_EQ(caught, 2);
}

class ThrowsAtEnd {
 public:
  ~ThrowsAtEnd() noexcept(false) { throw std::runtime_error("destructor"); }
};
Task<Counted> ValueThenException(int& live) {
  const ThrowsAtEnd throws_at_end;
  co_return Counted(live);
}

CO_TEST(TaskTest, ExceptionOfALocalReplacesTheValue) {
  int live = 0;
  std::string what;
  try {
    const Counted counted = co_await ValueThenException(live);
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "destructor");
  EXPECT_EQ(live, 0);
}

struct ThrowsWhenMoved {
  ThrowsWhenMoved() = default;
  ThrowsWhenMoved(ThrowsWhenMoved&&) { throw std::runtime_error("moved"); }
};
Task<ThrowsWhenMoved> ResultThatThrows() { co_return ThrowsWhenMoved(); }

CO_TEST(TaskTest, ExceptionOfTheResultsConstructorComesOut) {
  std::string what;
  try {
    co_await ResultThatThrows();
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "moved");
}

Task<void> Holds(Counted) { co_return; }

TEST(TaskTest, DestroyedUnstartedDestroysItsParameters) {
  int live = 0;
  {
    const Task<void> task = Holds(Counted(live));
    EXPECT_EQ(live, 1);
  }
  EXPECT_EQ(live, 0);
}

TEST(TaskTest, AssignmentDestroysTheTaskThatWasThere) {
  int live = 0;
  Task<void> task = Holds(Counted(live));
  task = Nothing();
  EXPECT_EQ(live, 0);
  SyncWait(std::move(task));
}

CO_TEST(TaskTest, RunsAfterBeingMoved) {
  Task<int> first = Value(11);
  Task<int> second = std::move(first);
  Task<int> third = Value(0);
  third = std::move(second);
  CO_EXPECT_EQ(co_await std::move(third), 11);
}

CO_TEST(TaskTest, SwapsWithAnother) {
  Task<int> one = Value(1);
  Task<int> two = Value(2);
  one.Swap(two);
  CO_EXPECT_EQ(co_await std::move(one), 2);
  CO_EXPECT_EQ(co_await std::move(two), 1);
}

Task<int> UsesReference(const std::string& text) {
  co_await Nothing();
  co_return static_cast<int>(text.size());
}

CO_TEST(TaskTest, TemporariesOutliveAnAwaitOnTheSameLine) {
  CO_EXPECT_EQ(co_await UsesReference(std::string(1000, 'x')), 1000);
}

CO_TEST(TaskTest, LocalsAreDestroyedBeforeTheCallerGoesOn) {
  std::vector<std::string> order;
  struct Logs {
    std::vector<std::string>* log;
    ~Logs() { log->push_back("local"); }
  };
  co_await [](std::vector<std::string>& log) -> Task<void> {
    const Logs logs{&log};
    co_await Nothing();
  }(order);
  order.push_back("caller");
  EXPECT_EQ(order, (std::vector<std::string>{"local", "caller"}));
}

constexpr int kManyAwaits = 10'000'000;

Task<int> AddMany(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await Value(1);
  co_return sum;
}

TEST(TaskTest, TenMillionAwaitsThatDoNotSuspendUseConstantStack) {
  int sum = 0;
  test::RunOnSmallStack([&] { sum = SyncWait(AddMany(kManyAwaits)); });
  EXPECT_EQ(sum, kManyAwaits);
}

Task<Result<int>> ResultValue(int value) { co_return value; }
Task<Result<int>> AddManyResults(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    EDDY_CO_TRY(const int one, co_await ResultValue(1));
    sum += one;
  }
  co_return sum;
}

TEST(TaskTest, AMillionAwaitsOfResultsUseConstantStack) {
  int sum = 0;
  test::RunOnSmallStack(
      [&] { sum = SyncWait(AddManyResults(1'000'000)).value_or(-1); });
  EXPECT_EQ(sum, 1'000'000);
}

Task<int> Recurse(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await Recurse(depth - 1);
}

TEST(TaskTest, AChainOfAHundredThousandUsesConstantStack) {
  int depth = 0;
  test::RunOnSmallStack([&] { depth = SyncWait(Recurse(100'000)); });
  EXPECT_EQ(depth, 100'000);
}

Task<int> ThrowFromBelow(int depth) {
  if (depth == 0) throw std::runtime_error("bottom");
  co_return co_await ThrowFromBelow(depth - 1);
}

TEST(TaskTest, AnExceptionPassesThroughADeepChain) {
  std::string what;
  test::RunOnSmallStack([&] {
    try {
      SyncWait(ThrowFromBelow(5'000));
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
  });
  EXPECT_EQ(what, "bottom");
}

TEST(TaskDeathTest, AwaitedTwiceAborts) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 Task<int> task = Value(1);
                 co_await std::move(task);
                 co_await std::move(task);  // NOLINT: the mistake
               }()),
               "^eddy: a Task was awaited or spawned twice; a Task runs once");
}

TEST(TaskDeathTest, MovedFromAwaitedAborts) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 Task<int> task = Value(1);
                 const Task<int> other = std::move(task);
                 co_await std::move(task);  // NOLINT: the mistake
               }()),
               "^eddy: a Task that was moved from was awaited or spawned");
}

TEST(TaskDeathTest, MovedFromRunAborts) {
  EXPECT_DEATH(
      {
        Task<int> task = Value(1);
        const Task<int> other = std::move(task);
        SyncWait(std::move(task));  // NOLINT: the mistake
      },
      "^eddy: a Task that was moved from was awaited or spawned");
}

TEST(TaskDeathTest, SpawnedAfterItWasAwaitedAborts) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 Task<void> task = Nothing();
                 co_await std::move(task);
                 const auto body = [&](TaskScope& scope) -> Task<void> {
                   scope.Spawn(std::move(task));
                   co_return;
                 };
                 static_cast<void>(co_await WithScope(body));
               }()),
               "^eddy: a Task was awaited or spawned twice; a Task runs once");
}

}  // namespace
}  // namespace eddy
