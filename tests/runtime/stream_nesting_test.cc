// Streams that yield streams: order, exceptions, contexts and ownership at any
// depth, in constant stack.
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/stream.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/runtime/heap_count.h"
#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using testing::ElementsAre;

// As deep as a line of streams that each yield the next is tried.
constexpr int kDeep = 100'000;

Stream<int> Count(int begin, int end) {
  for (int i = begin; i < end; ++i) co_yield i;
}
Stream<int> Nothing() { co_return; }

Task<std::vector<int>> All(Stream<int> stream) {
  std::vector<int> all;
  while (auto x = co_await stream.Next()) all.push_back(*x);
  co_return all;
}

Stream<int> Mixed() {
  co_yield 0;
  co_yield Count(1, 3);
  co_yield Nothing();
  co_yield Nothing();
  co_yield 3;
  Stream<int> kept = Count(4, 6);
  co_yield std::move(kept);
}

CO_TEST(StreamNestingTest, YieldsAllElementsOfOthersInOrder) {
  const std::vector<int> all = co_await All(Mixed());
  EXPECT_THAT(all, ElementsAre(0, 1, 2, 3, 4, 5));
}

Stream<int> Around(Stream<int> inner) {
  co_yield -1;
  co_yield std::move(inner);
  co_yield -2;
}

CO_TEST(StreamNestingTest, YieldsWhatIsLeftOfAStreamThatHasBegun) {
  Stream<int> inner = Count(0, 4);
  CO_EXPECT_EQ(co_await inner.Next(), 0);
  const std::vector<int> all = co_await All(Around(std::move(inner)));
  EXPECT_THAT(all, ElementsAre(-1, 1, 2, 3, -2));
}

CO_TEST(StreamNestingTest, YieldsWhatIsLeftOfALineOfStreamsThatHasBegun) {
  Stream<int> inner = Around(Around(Count(0, 3)));
  for (const int expected : {-1, -1, 0}) {
    CO_EXPECT_EQ(co_await inner.Next(), expected);
  }
  const std::vector<int> all = co_await All(Around(Around(std::move(inner))));
  EXPECT_THAT(all, ElementsAre(-1, -1, 1, 2, -2, -2, -2, -2));
}

CO_TEST(StreamNestingTest, AStreamThatHasEndedAddsNothing) {
  Stream<int> inner = Nothing();
  CO_EXPECT_EQ(co_await inner.Next(), std::nullopt);
  const std::vector<int> all = co_await All(Around(std::move(inner)));
  EXPECT_THAT(all, ElementsAre(-1, -2));
}

struct Node {
  int value;
  std::unique_ptr<Node> left;
  std::unique_ptr<Node> right;
};

std::unique_ptr<Node> Tree(int begin, int end) {
  if (begin == end) return nullptr;
  const int middle = begin + (end - begin) / 2;
  return std::make_unique<Node>(
      Node{middle, Tree(begin, middle), Tree(middle + 1, end)});
}

Stream<int> Walk(const Node& node) {
  if (node.left) co_yield Walk(*node.left);
  co_await Yield();
  co_yield node.value;
  if (node.right) co_yield Walk(*node.right);
}

CO_TEST(StreamNestingTest, WalksATree) {
  const std::unique_ptr<Node> tree = Tree(0, 1000);
  const std::vector<int> all = co_await All(Walk(*tree));
  CO_EXPECT_EQ(co_await All(Count(0, 1000)), all);
}

// --- Exceptions --------------------------------------------------------------

Stream<int> Throws(int value) {
  co_yield int{value};
  co_await Yield();
  throw std::runtime_error("inner");
}
Stream<int> PassesOn() {
  co_yield Throws(1);
  ADD_FAILURE() << "went on after an exception";
}
Stream<int> Catches(std::string& caught) {
  try {
    co_yield PassesOn();
    ADD_FAILURE() << "went on after an exception";
  } catch (const std::runtime_error& error) {
    caught = error.what();
  }
  co_yield 2;
  co_yield Throws(3);
}

CO_TEST(StreamNestingTest, ExceptionsGoOutwardToWhoCatchesThem) {
  std::string caught;
  std::string out;
  std::vector<int> all;
  Stream<int> stream = Catches(caught);
  try {
    while (auto x = co_await stream.Next()) all.push_back(*x);
    ADD_FAILURE() << "ended without an exception";
  } catch (const std::runtime_error& error) {
    out = error.what();
  }
  EXPECT_EQ(caught, "inner");
  EXPECT_EQ(out, "inner");
  EXPECT_THAT(all, ElementsAre(1, 2, 3));
  CO_EXPECT_EQ(co_await stream.Next(), std::nullopt);
}

// --- Contexts ----------------------------------------------------------------

// Each stream tells how its own wait went, before and after an inner one.
Stream<int> Tells(int depth) {
  const Result<void> before = co_await Sleep(1us);
  co_yield before.has_value() ? depth : -depth;
  if (depth > 1) co_yield Tells(depth - 1);
  const Result<void> after = co_await Sleep(1us);
  co_yield after.has_value() ? depth : -depth;
}

CO_TEST(StreamNestingTest, AfterAnInnerStreamTheOuterHasTheContextOfThatNext) {
  Stream<int> stream = Tells(3);
  std::vector<int> all;
  // Every second one is awaited by a task of its own that has gone when the
  // next is, under a time that is over at once.
  for (int i = 0; i < 6; ++i) {
    const auto in_time = [&]() -> Task<void> {
      all.push_back((co_await stream.Next()).value_or(0));
    };
    const auto too_late = [&]() -> Task<void> {
      const auto next = co_await WithTimeout(0s, stream.Next());
      all.push_back(next.value_or(0).value_or(0));
    };
    if (i % 2 == 0) {
      co_await in_time();
    } else {
      co_await too_late();
    }
  }
  EXPECT_THAT(all, ElementsAre(3, -2, 1, -1, 2, -3));
  CO_EXPECT_EQ(co_await stream.Next(), std::nullopt);
}

// --- Ownership ---------------------------------------------------------------

// Writes its letter when it goes.
class Mark {
 public:
  Mark(std::string& trace, char letter) : trace_(trace), letter_(letter) {}
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;
  ~Mark() { trace_ += letter_; }

 private:
  std::string& trace_;
  char letter_;
};

Stream<int> Marked(std::string& trace, char letter) {
  const Mark mark(trace, letter);
  co_yield letter;
  if (letter < 'd') co_yield Marked(trace, static_cast<char>(letter + 1));
  co_yield letter;
}

CO_TEST(StreamNestingTest, DestroysTheInnermostFirstWhereverItIsLeft) {
  const std::vector<std::string> expected = {
      "", "a", "ba", "cba", "dcba", "dcba", "dcba", "dcba", "dcba", "dcba"};
  for (std::size_t taken = 0; taken < expected.size(); ++taken) {
    std::string trace;
    {
      Stream<int> stream = Marked(trace, 'a');
      for (std::size_t i = 0; i < taken; ++i) {
        static_cast<void>(co_await stream.Next());
      }
    }
    EXPECT_EQ(trace, expected[taken]) << taken;
  }
}

CO_TEST(StreamNestingTest, AnInnerStreamIsDestroyedBeforeTheOuterGoesOn) {
  std::string trace;
  const auto outer = [&]() -> Stream<int> {
    co_yield Marked(trace, 'd');
    trace += '-';
    co_yield 0;
  };
  Stream<int> stream = outer();
  for (int i = 0; i < 3; ++i) static_cast<void>(co_await stream.Next());
  EXPECT_EQ(trace, "d-");
}

// --- Depth -------------------------------------------------------------------

Stream<int> Down(int depth) {
  co_yield depth;
  if (depth > 0) co_yield Down(depth - 1);
  co_yield -depth;
}
Stream<int> DownToAnException(int depth) {
  if (depth == 0) throw std::runtime_error("from the bottom");
  co_yield DownToAnException(depth - 1);
}

TEST(StreamNestingTest, AnyDepthTakesConstantStackToItsEnd) {
  std::int64_t elements = 0;
  std::int64_t sum = 0;
  const auto consume = [&]() -> Task<void> {
    Stream<int> stream = Down(kDeep);
    while (auto x = co_await stream.Next()) {
      ++elements;
      sum += std::abs(*x);
    }
  };
  test::RunOnSmallStack([&] { SyncWait(consume()); });
  EXPECT_EQ(elements, 2 * (kDeep + 1));
  EXPECT_EQ(sum, std::int64_t{kDeep} * (kDeep + 1));
}

TEST(StreamNestingTest, AnyDepthIsDestroyedInConstantStack) {
  int last = -1;
  const auto consume = [&]() -> Task<void> {
    Stream<int> stream = Down(kDeep);
    for (int i = 0; i <= kDeep; ++i) last = *co_await stream.Next();
  };
  test::RunOnSmallStack([&] { SyncWait(consume()); });
  EXPECT_EQ(last, 0);
}

TEST(StreamNestingTest, AnExceptionPassesAnyDepthInConstantStack) {
  std::string caught;
  const auto consume = [&]() -> Task<void> {
    Stream<int> stream = DownToAnException(10'000);
    try {
      static_cast<void>(co_await stream.Next());
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
  };
  test::RunOnSmallStack([&] { SyncWait(consume()); });
  EXPECT_EQ(caught, "from the bottom");
}

CO_TEST(StreamNestingTest, ElementsOfADeepStreamAllocateNothing) {
  const auto below = [](auto self, int depth) -> Stream<int> {
    if (depth == 0) {
      for (int i = 0;; ++i) co_yield i;
    }
    co_yield self(self, depth - 1);
  };
  Stream<int> stream = below(below, 1000);
  CO_EXPECT_EQ(co_await stream.Next(), 0);
  const test::HeapCount count;
  std::int64_t sum = 0;
  for (int i = 0; i < 1000; ++i) sum += (co_await stream.Next()).value_or(0);
  const std::uint64_t allocations = count.allocations();
  EXPECT_EQ(sum, 500'500);
  if (test::CountsAllocations()) {
    EXPECT_EQ(allocations, 0u);
  }
}

// --- Misuse ------------------------------------------------------------------

TEST(StreamNestingDeathTest, YieldedTwiceAborts) {
  const auto twice = []() -> Stream<int> {
    Stream<int> inner = Count(0, 1);
    co_yield std::move(inner);
    co_yield std::move(inner);  // NOLINT: moved from
  };
  EXPECT_DEATH(SyncWait(All(twice())),
               "^eddy: a Stream that was moved from was yielded; a Stream is "
               "yielded once");
}

Stream<int> Sleeps() {
  const Result<void> slept = co_await Sleep(1h);
  co_yield slept.has_value() ? 1 : -1;
}

TEST(StreamNestingDeathTest, YieldedWhileItsNextIsInProgressAborts) {
  const auto misuses = []() -> Task<void> {
    Stream<int> stream = Sleeps();
    const auto next = [&]() -> Task<void> {
      static_cast<void>(co_await stream.Next());
    };
    Reactor::Current()->scope().Spawn(next);
    co_await Yield();
    Stream<int> outer = Around(std::move(stream));
    for (int i = 0; i < 2; ++i) static_cast<void>(co_await outer.Next());
    std::_Exit(0);
  };
  EXPECT_DEATH(SyncWait(misuses()),
               "^eddy: a Stream was destroyed or yielded while its Next is in "
               "progress");
}

}  // namespace
}  // namespace eddy
