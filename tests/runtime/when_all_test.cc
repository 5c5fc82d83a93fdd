// WhenAll: results in order, of everything that can be awaited, in a stack and
// a heap that do not grow. (when_all_stop_test.cc: failures and stops.)
#include <eddy/runtime/when_all.h>

#include <eddy/runtime/blocking.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <forward_list>
#include <list>
#include <memory>
#include <ranges>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tests/chaos.h"
#include "tests/runtime/heap_count.h"
#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using testing::ElementsAre;

Task<int> Value(int value) { co_return value; }
Task<void> Nothing() { co_return; }
Task<int> After(int yields, int value) {
  for (int i = 0; i < yields; ++i) co_await Yield();
  co_return value;
}
Task<std::unique_ptr<int>> MoveOnly(int value) {
  co_await Yield();
  co_return std::make_unique<int>(value);
}
Task<int&> Reference(int& target) { co_return target; }
Task<std::string&&> RvalueReference(std::string& target) {
  co_return std::move(target);
}
template <class... Awaitables>
using AllOf =
    internal::AwaitResult<decltype(WhenAll(std::declval<Awaitables>()...))>;

static_assert(std::is_same_v<AllOf<Task<int>, Task<void>, SleepUntil>,
                             std::tuple<int, std::monostate, Result<void>>>);
static_assert(std::is_same_v<AllOf<Task<int&>, Task<std::string&&>>,
                             std::tuple<int&, std::string>>);
static_assert(std::is_same_v<AllOf<>, std::tuple<>>);
static_assert(std::is_same_v<AllOf<std::vector<Task<int>>>, std::vector<int>>);
static_assert(std::is_same_v<AllOf<std::vector<Task<void>>>, void>);
static_assert(std::is_same_v<AllOf<std::vector<Yield>>, void>);
static_assert(std::is_same_v<AllOf<std::vector<Task<int&>>>,
                             std::vector<std::reference_wrapper<int>>>);
static_assert(
    std::is_same_v<AllOf<std::vector<SleepUntil>>, std::vector<Result<void>>>);
// A Task that the caller keeps, a range that it keeps, and a view of one.
static_assert(internal::kMayBeAwaited<Task<int>>);
static_assert(!internal::kMayBeAwaited<Task<int>&>);
static_assert(!internal::kMayBeAwaited<const Task<int>&>);
static_assert(internal::Consumable<std::vector<Task<int>>>);
static_assert(!internal::Consumable<std::vector<Task<int>>&>);
static_assert(
    !internal::Consumable<std::ranges::ref_view<std::vector<Task<int>>>>);

CO_TEST(WhenAllTest, GivesResultsInOrderWhateverEndsFirst) {
  auto [a, b, c, d] =
      co_await WhenAll(After(3, 1), After(1, 2), Value(3), After(2, 4));
  EXPECT_THAT((std::array{a, b, c, d}), ElementsAre(1, 2, 3, 4));
}

CO_TEST(WhenAllTest, OfNothingEndsAtOnce) {
  co_await WhenAll();
  std::vector<Task<int>> none;
  CO_EXPECT_EQ((co_await WhenAll(std::move(none))).size(), 0U);
  std::vector<Yield> no_operations;
  co_await WhenAll(std::move(no_operations));
}

CO_TEST(WhenAllTest, OfOneGivesThatOne) {
  const std::tuple<int> one = co_await WhenAll(After(1, 7));
  EXPECT_EQ(std::get<0>(one), 7);
  std::vector<Task<int>> tasks;
  tasks.push_back(Value(8));
  const auto all_1 = co_await WhenAll(std::move(tasks));
  EXPECT_THAT(all_1, ElementsAre(8));
}

CO_TEST(WhenAllTest, TakesAllKindsOfAwaitables) {
  const test::EventFd event;
  event.Signal();
  const StopSource source;
  JoinHandle<int> handle = Reactor::Current()->scope().Spawn(After(5, 5));
  const auto body = [](TaskScope& scope) -> Task<int> {
    scope.Spawn(Nothing());
    co_return 6;
  };
  auto results = co_await WhenAll(
      Nothing(), Yield(), Sleep(1ms), test::Nop(), test::PollIn(event.fd()),
      std::move(handle), WithScope(body), WithTimeout(1h, Value(7)),
      WithStop(source.token(), Shield(Value(8))), Blocking([] { return 9; }),
      WhenAll(Value(10), Value(11)), CurrentDeadline());
  CO_EXPECT_OK(std::get<2>(results));
  CO_EXPECT_OK(std::get<3>(results));
  CO_EXPECT_OK(std::get<4>(results));
  EXPECT_EQ(std::get<5>(results), 5);
  EXPECT_EQ(std::get<6>(results), 6);
  EXPECT_EQ(std::get<7>(results), 7);
  EXPECT_EQ(std::get<8>(results), 8);
  EXPECT_EQ(std::get<9>(results), 9);
  EXPECT_EQ(std::get<10>(results), std::tuple(10, 11));
  EXPECT_EQ(std::get<11>(results), kNoDeadline);
}

CO_TEST(WhenAllTest, AwaitsAnLvalueWhereItIs) {
  SleepUntil sleep = Sleep(0s);
  JoinHandle<int> handle = Reactor::Current()->scope().Spawn(After(2, 5));
  auto [slept, joined] = co_await WhenAll(sleep, handle);
  CO_EXPECT_OK(slept);
  EXPECT_EQ(joined, 5);
}

CO_TEST(WhenAllTest, GivesMoveOnlyResultsAndReferences) {
  int target = 1;
  std::string text(100, 'x');
  auto [p, reference, taken] =
      co_await WhenAll(MoveOnly(4), Reference(target), RvalueReference(text));
  EXPECT_EQ(*p, 4);
  EXPECT_EQ(&reference, &target);
  EXPECT_EQ(taken.size(), 100U);
  EXPECT_TRUE(text.empty());

  std::vector<Task<std::unique_ptr<int>>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(MoveOnly(i));
  const std::vector<std::unique_ptr<int>> all =
      co_await WhenAll(std::move(tasks));
  CO_ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(*all[2], 2);

  std::vector<Task<int&>> references;
  references.push_back(Reference(target));
  CO_EXPECT_EQ(&(co_await WhenAll(std::move(references)))[0].get(), &target);
}

// Neither default-constructible nor assignable; counts how many live.
class Counted {
 public:
  Counted(int& live, int value) : live_(&live), value_(value) { ++*live_; }
  Counted(Counted&& other) noexcept : live_(other.live_), value_(other.value_) {
    ++*live_;
  }
  Counted& operator=(Counted&&) = delete;
  ~Counted() { --*live_; }
  int value() const { return value_; }

 private:
  int* live_;
  int value_;
};
Task<Counted> MakeCounted(int& live, int value) {
  co_await Yield();
  co_return Counted(live, value);
}

CO_TEST(WhenAllTest, DestroysEachResultOnce) {
  int live = 0;
  {
    const auto both =
        co_await WhenAll(MakeCounted(live, 1), MakeCounted(live, 2));
    EXPECT_EQ(std::get<1>(both).value(), 2);
    std::vector<Task<Counted>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(MakeCounted(live, i));
    const auto all = co_await WhenAll(std::move(tasks));
    EXPECT_EQ(all[4].value(), 4);
    EXPECT_GE(live, 7);
    static_cast<void>(co_await WhenAll(MakeCounted(live, 3)));
  }
  EXPECT_EQ(live, 0);
}

CO_TEST(WhenAllTest, TakesAnyRangeThatItMayConsume) {
  std::list<Task<int>> list;
  std::forward_list<Task<int>> forward_list;
  std::array<Task<int>, 2> array = {Value(5), Value(6)};
  for (int i = 0; i < 3; ++i) {
    list.push_back(Value(i));
    forward_list.push_front(Value(i));
  }
  const auto all_2 = co_await WhenAll(std::move(list));
  EXPECT_THAT(all_2, ElementsAre(0, 1, 2));
  const auto all_3 = co_await WhenAll(std::move(forward_list));
  EXPECT_THAT(all_3, ElementsAre(2, 1, 0));
  const auto all_4 = co_await WhenAll(std::move(array));
  EXPECT_THAT(all_4, ElementsAre(5, 6));
  const std::vector<int> numbers(3, 9);
  const auto all_5 = co_await WhenAll(numbers | std::views::transform(Value));
  EXPECT_THAT(all_5, ElementsAre(9, 9, 9));
  std::vector<test::Nop> operations(4);
  for (const Result<void>& result : co_await WhenAll(std::move(operations))) {
    CO_EXPECT_OK(result);
  }
  std::vector<Task<bool>> bools;
  bools.push_back([]() -> Task<bool> { co_return true; }());
  const auto all_6 = co_await WhenAll(std::move(bools));
  EXPECT_THAT(all_6, ElementsAre(true));
}

CO_TEST(WhenAllTest, RunsTenThousandAtTheSameTime) {
  int running = 0;
  int most = 0;
  const auto runs = [&](int i) -> Task<int> {
    most = std::max(most, ++running);
    co_await Yield();
    --running;
    co_return i;
  };
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 10'000; ++i) tasks.push_back(runs(i));
  const std::vector<int> all = co_await WhenAll(std::move(tasks));
  CO_ASSERT_EQ(all.size(), 10'000U);
  for (int i = 0; i < 10'000; ++i) {
    CO_ASSERT_EQ(all[static_cast<std::size_t>(i)], i);
  }
  EXPECT_GT(most, 200);  // a turn of the loop is bounded
}

CO_TEST(WhenAllTest, StartsInOrder) {
  EDDY_CO_SKIP_IN_CHAOS("under chaos: the order is another");
  std::vector<int> order;
  const auto starts = [&](int i) -> Task<void> {
    order.push_back(i);
    co_return;
  };
  co_await WhenAll(starts(0), starts(1), starts(2));
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

CO_TEST(WhenAllTest, GoesOnOnlyWhenAllHaveEnded) {
  int ended = 0;
  const auto ends = [&](Duration duration) -> Task<void> {
    CO_EXPECT_OK(co_await Sleep(duration));
    ++ended;
  };
  co_await WhenAll(ends(3ms), ends(0ms), ends(1ms));
  EXPECT_EQ(ended, 3);
}

Task<int> Nested(int depth) {
  if (depth == 0) {
    co_await Yield();
    co_return 1;
  }
  auto [below, here] = co_await WhenAll(Nested(depth - 1), Value(1));
  co_return below + here;
}

TEST(WhenAllStackTest, NestedAThousandDeepDoesNotGrowTheStack) {
  test::RunOnSmallStack([] { EXPECT_EQ(SyncWait(Nested(1'000)), 1'001); });
}

Task<int> Rounds(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    auto [a, b] = co_await WhenAll(Value(1), Value(2));
    sum += a + b;
  }
  co_return sum;
}

TEST(WhenAllStackTest, AHundredThousandInALoopDoNotGrowTheStack) {
  test::RunOnSmallStack([] { EXPECT_EQ(SyncWait(Rounds(100'000)), 300'000); });
}

class DumpCounter final : public internal::ContextVisitor {
 public:
  void Visit(const internal::TaskContext& context) override {
    const internal::Suspension* waiting_on = context.waiting_on();
    text_ += waiting_on == nullptr ? "ready" : waiting_on->name();
    if (waiting_on != nullptr) {
      text_ += '(';
      waiting_on->VisitContexts(*this);
      text_ += ')';
    }
    text_ += ' ';
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string Waits() {
  DumpCounter counter;
  Reactor::Current()->VisitTasks(counter);
  return counter.text();
}

CO_TEST(WhenAllTest, ADumpShowsThoseThatHaveNotEnded) {
  std::string waits;
  std::string text;
  const auto dumps = [&]() -> Task<void> {
    co_await Yield();
    waits = Waits();
    text = Reactor::Current()->DumpTasks();
  };
  static_cast<void>(
      co_await WhenAll(Sleep(1ms), Value(1), WhenAll(Sleep(1ms)), dumps()));
  EXPECT_EQ(waits, "WhenAll(Sleep() WhenAll(Sleep() ) ready ) ");
  EXPECT_THAT(text, testing::HasSubstr("when_all_test.cc"));
}

CO_TEST(WhenAllTest, ASteadyStateAllocatesNothing) {
  if (!test::CountsAllocations()) {
    CO_SKIP("the sanitizer's operator new cannot be counted");
  }
  const std::array<int, 10> numbers{};
  std::uint64_t allocations = 0;
  for (int round = 0; round < 2; ++round) {
    const test::HeapCount count;
    for (int i = 0; i < 100; ++i) {
      static_cast<void>(co_await WhenAll(Value(1), Yield(), Sleep(1us),
                                         test::Nop(), WhenAll(Nothing())));
      co_await WhenAll(numbers |
                       std::views::transform([](int) { return Nothing(); }));
      co_await WhenAll(numbers |
                       std::views::transform([](int) { return Yield(); }));
    }
    allocations = count.allocations();
  }
  EXPECT_EQ(allocations, 0U);
  const test::HeapCount count;
  static_cast<void>(co_await WhenAll(numbers | std::views::transform(Value)));
  EXPECT_EQ(count.allocations(), 1U);  // the result
}

CO_TEST(WhenAllTest, DroppedInsteadOfAwaitedRunsNothing) {
  bool ran = false;
  const auto runs = [&]() -> Task<void> {
    ran = true;
    co_return;
  };
  {
    auto all = WhenAll(runs(), Sleep(1h));
    auto moved = std::move(all);
  }
  co_await Yield();
  EXPECT_FALSE(ran);
  auto all = WhenAll(runs(), Sleep(0s));
  auto moved = std::move(all);
  static_cast<void>(co_await std::move(moved));
  EXPECT_TRUE(ran);
}

TEST(WhenAllDeathTest, AFrameDestroyedWhileItWaitsAborts) {
  const auto destroys = []() -> Task<void> {
    auto outer = std::make_unique<Task<void>>([]() -> Task<void> {
      static_cast<void>(co_await WhenAll(Sleep(1h), Sleep(1h)));
    }());
    const auto runs = [&]() -> Task<void> { co_await std::move(*outer); };
    Reactor::Current()->scope().Spawn(runs);
    co_await Yield();
    co_await Yield();
    outer.reset();
  };
  EXPECT_DEATH(SyncWait(destroys()),
               "^eddy: coroutine frame destroyed while it waits at ");
}

TEST(WhenAllDeathTest, ATaskThatWasMovedFromAborts) {
  const auto awaits = []() -> Task<void> {
    Task<int> task = Value(1);
    static_cast<void>(co_await std::move(task));
    static_cast<void>(co_await WhenAll(Value(2), std::move(task)));
  };
  EXPECT_DEATH(SyncWait(awaits()),
               "^eddy: a Task was awaited or spawned twice");
}

}  // namespace
}  // namespace eddy
