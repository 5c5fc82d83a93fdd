// Stream: order, laziness, ends and exceptions, ownership of elements and
// frames, and what a producer awaits.
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/stream.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/runtime/heap_count.h"
#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using testing::ElementsAre;

static_assert(!std::is_copy_constructible_v<Stream<int>>);
static_assert(!std::is_default_constructible_v<Stream<int>>);
static_assert(std::is_nothrow_move_constructible_v<Stream<int>>);
static_assert(std::is_nothrow_move_assignable_v<Stream<int>>);
static_assert(sizeof(Stream<int>) == sizeof(void*));

Stream<int> Count(int begin, int end) {
  for (int i = begin; i < end; ++i) co_yield i;
}
Stream<int> Nothing() { co_return; }

// The loop of the header, where the coroutine's outermost block declares no
// variable: the form that g++ 12 miscompiles with an if.
Task<void> Append(Stream<int>& stream, std::vector<int>& all) {
  while (auto x = co_await stream.Next()) all.push_back(*x);
}
Task<void> AppendWithFor(Stream<int>& stream, std::vector<int>& all) {
  for (auto x = co_await stream.Next(); x; x = co_await stream.Next()) {
    all.push_back(*x);
  }
}
Task<std::vector<int>> All(Stream<int> stream) {
  std::vector<int> all;
  while (auto x = co_await stream.Next()) all.push_back(*x);
  co_return all;
}

CO_TEST(StreamTest, GivesTheElementsInOrderAndThenTheEnd) {
  Stream<int> stream = Count(1, 4);
  CO_EXPECT_EQ(co_await stream.Next(), 1);
  CO_EXPECT_EQ(co_await stream.Next(), 2);
  CO_EXPECT_EQ(co_await stream.Next(), 3);
  for (int i = 0; i < 3; ++i) {
    CO_EXPECT_EQ(co_await stream.Next(), std::nullopt);
  }
}

CO_TEST(StreamTest, OfNothingEndsAtOnce) {
  Stream<int> stream = Nothing();
  CO_EXPECT_EQ(co_await stream.Next(), std::nullopt);
  CO_EXPECT_EQ(co_await stream.Next(), std::nullopt);
}

CO_TEST(StreamTest, IsConsumedByAWhileLoop) {
  std::vector<int> all;
  Stream<int> stream = Count(0, 3);
  co_await Append(stream, all);
  EXPECT_THAT(all, ElementsAre(0, 1, 2));
  stream = Count(7, 9);
  co_await AppendWithFor(stream, all);
  EXPECT_THAT(all, ElementsAre(0, 1, 2, 7, 8));
  stream = Nothing();
  co_await Append(stream, all);
  EXPECT_EQ(all.size(), 5u);
}

Stream<int> Traced(std::string& trace) {
  trace += 'a';
  co_yield 1;
  trace += 'b';
  co_yield 2;
  trace += 'c';
}

CO_TEST(StreamTest, RunsOnlyWithinNext) {
  std::string trace;
  Stream<int> stream = Traced(trace);
  trace += '-';
  CO_EXPECT_EQ(co_await stream.Next(), 1);
  trace += '-';
  co_await Yield();
  CO_EXPECT_EQ(co_await stream.Next(), 2);
  trace += '-';
  CO_EXPECT_EQ(co_await stream.Next(), std::nullopt);
  EXPECT_EQ(trace, "-a-b-c");
}

// --- Exceptions --------------------------------------------------------------

Stream<int> ThrowsAfter(int count) {
  for (int i = 0; i < count; ++i) co_yield i;
  throw std::runtime_error("thrown by the producer");
}

Task<std::string> CatchNext(Stream<int>& stream) {
  try {
    static_cast<void>(co_await stream.Next());
  } catch (const std::exception& error) {
    co_return error.what();
  }
  co_return "";
}

CO_TEST(StreamTest, ThrowsTheProducersExceptionOnceAndHasEnded) {
  for (const int count : {0, 2}) {
    Stream<int> stream = ThrowsAfter(count);
    for (int i = 0; i < count; ++i) {
      CO_EXPECT_EQ(co_await stream.Next(), i);
    }
    CO_EXPECT_EQ(co_await CatchNext(stream), "thrown by the producer");
    CO_EXPECT_EQ(co_await stream.Next(), std::nullopt);
    CO_EXPECT_EQ(co_await CatchNext(stream), "");
  }
}

Stream<int> SleepsAndThrows() {
  co_await Yield();
  throw std::runtime_error("after a wait");
  co_yield 1;
}

CO_TEST(StreamTest, ThrowsWhatIsThrownAfterAWait) {
  Stream<int> stream = SleepsAndThrows();
  CO_EXPECT_EQ(co_await CatchNext(stream), "after a wait");
}

// Fails to be copied, or moved, when told to.
struct Fragile {
  Fragile(bool copy, bool move) : copy_fails(copy), move_fails(move) {}
  Fragile(const Fragile& other)
      : copy_fails(other.copy_fails), move_fails(other.move_fails) {
    if (copy_fails) throw std::runtime_error("copied");
  }
  Fragile(Fragile&& other)
      : copy_fails(other.copy_fails), move_fails(other.move_fails) {
    if (move_fails) throw std::runtime_error("moved");
  }
  bool copy_fails;
  bool move_fails;
};

Stream<Fragile> Fragiles(std::string& caught) {
  const Fragile no_copy(true, false);
  try {
    co_yield no_copy;
  } catch (const std::runtime_error& error) {
    caught = error.what();
  }
  co_yield Fragile(false, true);
  co_yield Fragile(false, false);
}

CO_TEST(StreamTest, AnElementThatCannotBeCopiedOrMovedDoesNotEndIt) {
  std::string in_producer;
  std::string in_consumer;
  Stream<Fragile> stream = Fragiles(in_producer);
  try {
    static_cast<void>(co_await stream.Next());
  } catch (const std::runtime_error& error) {
    in_consumer = error.what();
  }
  EXPECT_EQ(in_producer, "copied");
  EXPECT_EQ(in_consumer, "moved");
  CO_EXPECT_TRUE((co_await stream.Next()).has_value());
  CO_EXPECT_FALSE((co_await stream.Next()).has_value());
}

// --- Elements ----------------------------------------------------------------

Stream<std::unique_ptr<int>> Pointers() {
  co_yield std::make_unique<int>(1);
  auto two = std::make_unique<int>(2);
  co_yield std::move(two);
  EXPECT_EQ(two, nullptr);
  co_yield nullptr;
}

CO_TEST(StreamTest, MovesMoveOnlyElements) {
  Stream<std::unique_ptr<int>> stream = Pointers();
  std::optional<std::unique_ptr<int>> next = co_await stream.Next();
  CO_ASSERT_TRUE(next && *next);
  EXPECT_EQ(**next, 1);
  next = co_await stream.Next();
  CO_ASSERT_TRUE(next && *next);
  EXPECT_EQ(**next, 2);
  next = co_await stream.Next();
  CO_ASSERT_TRUE(next.has_value());
  EXPECT_EQ(*next, nullptr);
  CO_EXPECT_FALSE((co_await stream.Next()).has_value());
}

const std::string kLong(100, 'x');

Stream<std::string> Strings() {
  std::string own = kLong;
  co_yield own;  // copied
  EXPECT_EQ(own, kLong);
  co_yield std::move(own);
  EXPECT_TRUE(own.empty());  // NOLINT: moved from
  co_yield "converted from a literal that is long enough for the heap";
  co_yield kLong + "temporary";
}

CO_TEST(StreamTest, CopiesLvaluesMovesRvaluesAndConverts) {
  Stream<std::string> stream = Strings();
  CO_EXPECT_EQ(co_await stream.Next(), kLong);
  CO_EXPECT_EQ(co_await stream.Next(), kLong);
  CO_EXPECT_EQ(co_await stream.Next(),
               "converted from a literal that is long enough for the heap");
  CO_EXPECT_EQ(co_await stream.Next(), kLong + "temporary");
  CO_EXPECT_EQ(co_await stream.Next(), std::nullopt);
}

Stream<Result<int>> Results() {
  co_yield 1;
  co_yield Unexpected(kClosed);
  const Result<int> three = 3;
  co_yield three;
}

CO_TEST(StreamTest, OfResultsGoesOnAfterAFailedOne) {
  Stream<Result<int>> stream = Results();
  std::optional<Result<int>> next = co_await stream.Next();
  CO_ASSERT_TRUE(next.has_value());
  CO_EXPECT_EQ(next->value_or(0), 1);
  next = co_await stream.Next();
  CO_ASSERT_TRUE(next.has_value());
  CO_EXPECT_ERROR(*next, kClosed);
  next = co_await stream.Next();
  CO_ASSERT_TRUE(next.has_value());
  CO_EXPECT_EQ(next->value_or(0), 3);
  CO_EXPECT_FALSE((co_await stream.Next()).has_value());
}

Stream<std::optional<bool>> Optionals() {
  co_yield std::nullopt;
  co_yield false;
}

CO_TEST(StreamTest, OfOptionalsTellsAnEmptyElementFromTheEnd) {
  Stream<std::optional<bool>> stream = Optionals();
  std::optional<std::optional<bool>> next = co_await stream.Next();
  CO_ASSERT_TRUE(next.has_value());
  EXPECT_FALSE(next->has_value());
  next = co_await stream.Next();
  CO_ASSERT_TRUE(next && *next);
  EXPECT_FALSE(**next);
  CO_EXPECT_FALSE((co_await stream.Next()).has_value());
}

// --- Lifetime ----------------------------------------------------------------

// Counts how many of it live.
class Counted {
 public:
  explicit Counted(int& live) : live_(&live) { ++*live_; }
  Counted(const Counted& other) : live_(other.live_) { ++*live_; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*live_; }

 private:
  int* live_;
};

Stream<Counted> Counteds(Counted parameter) {
  const Counted local = parameter;
  co_yield local;
  co_yield Counted(parameter);
}

TEST(StreamTest, DestroyedUnstartedDestroysItsParameters) {
  int live = 0;
  {
    const Stream<Counted> stream = Counteds(Counted(live));
    EXPECT_EQ(live, 1);
  }
  EXPECT_EQ(live, 0);
}

CO_TEST(StreamTest, DestroysElementsAndLocalsOnceWhereverItIsLeft) {
  int live = 0;
  for (int taken = 0; taken <= 3; ++taken) {
    {
      Stream<Counted> stream = Counteds(Counted(live));
      for (int i = 0; i < taken; ++i) {
        const std::optional<Counted> next = co_await stream.Next();
        EXPECT_EQ(next.has_value(), i < 2);
      }
      // The parameter, which lives as long as the frame; at a co_yield also
      // the local and what is yielded.
      EXPECT_EQ(live, taken == 0 || taken == 3 ? 1 : 3) << taken;
    }
    EXPECT_EQ(live, 0) << taken;
  }
}

CO_TEST(StreamTest, MayBeMovedBetweenNexts) {
  Stream<int> first = Count(0, 4);
  CO_EXPECT_EQ(co_await first.Next(), 0);
  Stream<int> second = std::move(first);
  CO_EXPECT_EQ(co_await second.Next(), 1);
  auto third = std::make_unique<Stream<int>>(std::move(second));
  CO_EXPECT_EQ(co_await third->Next(), 2);
  Stream<int> other = Count(10, 12);
  other.Swap(*third);
  CO_EXPECT_EQ(co_await other.Next(), 3);
  CO_EXPECT_EQ(co_await third->Next(), 10);
  *third = std::move(other);
  CO_EXPECT_EQ(co_await third->Next(), std::nullopt);
}

CO_TEST(StreamTest, PassesFromTaskToTask) {
  Stream<int> stream = Count(0, 3);
  CO_EXPECT_EQ(co_await stream.Next(), 0);
  const auto takes = [](Stream<int> taken) -> Task<std::vector<int>> {
    co_await Yield();
    co_return co_await All(std::move(taken));
  };
  JoinHandle<std::vector<int>> handle =
      Reactor::Current()->scope().Spawn(takes(std::move(stream)));
  const std::vector<int> rest = co_await handle;
  EXPECT_THAT(rest, ElementsAre(1, 2));
}

// --- What a producer awaits --------------------------------------------------

Task<int> Double(int x) {
  co_await Yield();
  co_return 2 * x;
}

Stream<int> AwaitsAllKinds() {
  co_yield co_await Double(1);
  CO_EXPECT_TRUE((co_await test::Nop()).has_value());
  const auto body = [](TaskScope& scope) -> Task<int> {
    JoinHandle<int> handle = scope.Spawn(Double, 2);
    co_return co_await handle;
  };
  const Result<int> four = co_await WithScope(body);
  co_yield four.value_or(0);
  const Result<int> six = co_await WithTimeout(1h, Shield(Double(3)));
  co_yield six.value_or(0);
  const Result<void> slept = co_await WithTimeout(1us, Sleep(1h));
  co_yield slept == tl::unexpected<Error>(kTimedOut) ? 8 : 0;
  Stream<int> other = Count(10, 12);
  while (auto x = co_await other.Next()) co_yield *x;
}

CO_TEST(StreamTest, ProducerAwaitsTasksOperationsScopesTimeoutsAndStreams) {
  const std::vector<int> all = co_await All(AwaitsAllKinds());
  EXPECT_THAT(all, ElementsAre(2, 4, 6, 8, 10, 11));
}

// --- Cost --------------------------------------------------------------------

TEST(StreamTest, AMillionElementsTakeConstantStackAndNoAllocation) {
  constexpr int kElements = 1'000'000;
  std::int64_t sum = 0;
  std::uint64_t allocations = 0;
  const auto consume = [&]() -> Task<void> {
    Stream<int> stream = Count(0, kElements);
    sum = (co_await stream.Next()).value_or(-1);
    const test::HeapCount count;
    while (auto x = co_await stream.Next()) sum += *x;
    allocations = count.allocations();
  };
  test::RunOnSmallStack([&] { SyncWait(consume()); });
  EXPECT_EQ(sum, std::int64_t{kElements} * (kElements - 1) / 2);
  if (test::CountsAllocations()) {
    EXPECT_EQ(allocations, 0u);
  }
}

CO_TEST(StreamTest, StreamAfterStreamAllocatesNothing) {
  std::vector<int> all;
  all.reserve(3000);
  std::uint64_t allocations = 0;
  for (int round = 0; round < 1000; ++round) {
    const test::HeapCount count;
    Stream<int> stream = Count(0, 3);
    co_await Append(stream, all);
    if (round > 0) allocations += count.allocations();
  }
  EXPECT_EQ(all.size(), 3000u);
  if (test::CountsAllocations()) {
    EXPECT_EQ(allocations, 0u);
  }
}

// --- Misuse ------------------------------------------------------------------

Stream<int> Sleeps() {
  const Result<void> slept = co_await Sleep(1h);
  co_yield slept.has_value() ? 1 : -1;
}

TEST(StreamDeathTest, NextOfAMovedFromStreamAborts) {
  const auto misuses = []() -> Task<void> {
    Stream<int> stream = Count(0, 2);
    const Stream<int> taken = std::move(stream);
    static_cast<void>(co_await stream.Next());  // NOLINT: moved from
  };
  EXPECT_DEATH(SyncWait(misuses()),
               "^eddy: Next of a Stream that was moved from was awaited");
}

TEST(StreamDeathTest, NextWhileANextIsInProgressAborts) {
  const auto misuses = []() -> Task<void> {
    Stream<int> stream = Sleeps();
    const auto next = [&]() -> Task<void> {
      static_cast<void>(co_await stream.Next());
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn(next);
      scope.Spawn(next);
      co_return;
    };
    static_cast<void>(co_await WithScope(body));
  };
  EXPECT_DEATH(SyncWait(misuses()),
               "^eddy: Next of a Stream was awaited while another Next is in "
               "progress");
}

TEST(StreamDeathTest, DestroyedWhileItsNextIsInProgressAborts) {
  const auto misuses = []() -> Task<void> {
    auto stream = std::make_unique<Stream<int>>(Sleeps());
    const auto next = [&]() -> Task<void> {
      static_cast<void>(co_await stream->Next());
    };
    Reactor::Current()->scope().Spawn(next);
    co_await Yield();
    stream.reset();
  };
  EXPECT_DEATH(SyncWait(misuses()),
               "^eddy: a Stream was destroyed or yielded while its Next is in "
               "progress");
}

}  // namespace
}  // namespace eddy
