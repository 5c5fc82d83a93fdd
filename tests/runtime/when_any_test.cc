// WhenAny: the first to end wins, the losers are stopped and awaited, and what
// they gave all the same is there.
#include <eddy/runtime/when_any.h>

#include <eddy/io/fd.h>
#include <eddy/io/open_at.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
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

Task<int> Value(int value) { co_return value; }
Task<void> Nothing() { co_return; }
Task<int> ValueAfter(int yields, int value) {
  for (int i = 0; i < yields; ++i) co_await Yield();
  co_return value;
}
Task<std::unique_ptr<int>> MoveOnly(int value) {
  co_await Yield();
  co_return std::make_unique<int>(value);
}
Task<int&> Reference(int& target) { co_return target; }
Task<Result<int>> Fails(Error error) {
  co_await Yield();
  co_return Unexpected(error);
}
Task<int> Throws(int yields, const char* what) {
  for (int i = 0; i < yields; ++i) co_await Yield();
  throw std::runtime_error(what);
}
Task<Result<int>> GivesWhenStopped(Result<int> result) {
  CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
  co_await Yield();
  co_return result;
}
template <class Awaitable>
Task<std::string> Thrown(Awaitable awaitable) {
  std::string what;
  try {
    static_cast<void>(co_await std::move(awaitable));
  } catch (const std::exception& error) {
    what = error.what();
  }
  co_return what;
}
Task<void> StopAfter(StopSource& source, Duration duration) {
  CO_EXPECT_OK(co_await Sleep(duration));
  source.RequestStop();
}

template <class... Awaitables>
using AnyOf =
    internal::AwaitResult<decltype(WhenAny(std::declval<Awaitables>()...))>;

static_assert(std::is_base_of_v<std::variant<int, std::monostate, Result<void>>,
                                AnyOf<Task<int>, Task<void>, SleepUntil>>);
static_assert(std::is_base_of_v<std::variant<std::reference_wrapper<int>>,
                                AnyOf<Task<int&>>>);
static_assert(std::is_same_v<AnyOf<std::vector<Task<int>>>, WhenAnyOf<int>>);
static_assert(
    std::is_same_v<AnyOf<std::vector<Yield>>, WhenAnyOf<std::monostate>>);
static_assert(std::is_move_constructible_v<AnyOf<Task<std::unique_ptr<int>>>>);

CO_TEST(WhenAnyTest, TheFirstToEndWins) {
  auto first = co_await WhenAny(Sleep(1h), ValueAfter(2, 7), Sleep(1h));
  CO_ASSERT_EQ(first.index(), 1U);
  EXPECT_EQ(std::get<1>(first), 7);
  EXPECT_EQ(*first.value<1>(), 7);
  EXPECT_EQ(first.value<0>(), nullptr);
  EXPECT_EQ(first.value<2>(), nullptr);
  EXPECT_FALSE(first.late<0>().has_value());
  EXPECT_FALSE(first.late<1>().has_value());
  EXPECT_FALSE(first.late<2>().has_value());
}

CO_TEST(WhenAnyTest, OfOneGivesThatOne) {
  auto first = co_await WhenAny(ValueAfter(1, 7));
  EXPECT_EQ(first.index(), 0U);
  EXPECT_EQ(std::get<0>(first), 7);
  std::vector<Task<int>> one;
  one.push_back(Value(8));
  auto only = co_await WhenAny(std::move(one));
  EXPECT_EQ(only.index, 0U);
  EXPECT_EQ(only.value, 8);
  EXPECT_TRUE(only.late.empty());
}

CO_TEST(WhenAnyTest, IsAVariant) {
  auto first = co_await WhenAny(Sleep(1h), ValueAfter(1, 7), Nothing());
  static_assert(std::is_same_v<decltype(std::get<1>(first)), int&>);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(first));
  EXPECT_EQ(std::get_if<0>(&first), nullptr);
  EXPECT_NE(std::get_if<std::monostate>(&first), nullptr);
  const auto visitor = [](const auto& value) {
    return std::is_same_v<std::decay_t<decltype(value)>, std::monostate>;
  };
  EXPECT_TRUE(std::visit(visitor, first));
  EXPECT_TRUE(std::visit(visitor, std::as_const(first)));
  EXPECT_TRUE(std::visit(visitor, std::move(first)));
}

CO_TEST(WhenAnyTest, AnErrorWins) {
  auto first = co_await WhenAny(Sleep(1h), Fails(kClosed));
  CO_ASSERT_EQ(first.index(), 1U);
  CO_EXPECT_ERROR(std::get<1>(first), kClosed);
  auto canceled = co_await WhenAny(Sleep(1h), Fails(kCanceled));
  CO_ASSERT_EQ(canceled.index(), 1U);
  CO_EXPECT_ERROR(*canceled.value<1>(), kCanceled);
}

CO_TEST(WhenAnyTest, OneThatIsReadyWinsAndTheOthersSeeAStop) {
  const std::uint64_t submitted = Reactor::Current()->stats().submitted;
  bool started = false;
  const auto starts = [&]() -> Task<Result<void>> {
    started = true;
    co_return co_await Sleep(1h);
  };
  auto first = co_await WhenAny(Value(1), test::Nop(), starts());
  EXPECT_EQ(first.index(), 0U);
  EXPECT_TRUE(started);
  EXPECT_EQ(first.value<1>(), nullptr);
  EXPECT_EQ(first.value<2>(), nullptr);
  EXPECT_EQ(Reactor::Current()->stats().submitted, submitted);
}

CO_TEST(WhenAnyTest, GoesOnOnlyWhenTheLosersHaveEnded) {
  bool ended = false;
  const auto ends = [&]() -> Task<Result<void>> {
    Result<void> result = co_await Sleep(1h);
    for (int i = 0; i < 5; ++i) co_await Yield();
    CO_EXPECT_OK(co_await Shield(Sleep(1ms)));
    ended = true;
    co_return result;
  };
  auto first = co_await WhenAny(ends(), ValueAfter(1, 2));
  EXPECT_TRUE(ended);
  EXPECT_EQ(first.index(), 1U);
}

CO_TEST(WhenAnyTest, WhatLosersGiveAllTheSameIsLate) {
  auto first = co_await WhenAny(ValueAfter(1, 0), GivesWhenStopped(1),
                                GivesWhenStopped(Unexpected(kClosed)),
                                GivesWhenStopped(Unexpected(kCanceled)),
                                ValueAfter(9, 4), Nothing());
  // Nothing() ends in its first turn, before a Yield comes back.
  CO_ASSERT_EQ(first.index(), 5U);
  EXPECT_FALSE(first.late<5>().has_value());
  EXPECT_EQ(first.late<0>(), 0);
  CO_ASSERT_TRUE(first.late<1>().has_value());
  CO_ASSERT_OK(*first.late<1>());
  EXPECT_EQ(**first.late<1>(), 1);
  CO_ASSERT_TRUE(first.late<2>().has_value());
  CO_EXPECT_ERROR(*first.late<2>(), kClosed);
  EXPECT_FALSE(first.late<3>().has_value());
  EXPECT_EQ(first.late<4>(), 4);
  EXPECT_EQ(first.value<4>(), &*first.late<4>());
  const auto& same = first;
  EXPECT_EQ(same.value<4>(), first.value<4>());
  EXPECT_EQ(same.late<4>(), 4);
  EXPECT_EQ(same.value<5>(), std::get_if<5>(&same));
}

CO_TEST(WhenAnyTest, MoveOnlyResultsAndReferences) {
  int target = 1;
  auto first = co_await WhenAny(MoveOnly(3), MoveOnly(4), Reference(target));
  CO_ASSERT_EQ(first.index(), 2U);
  EXPECT_EQ(&std::get<2>(first).get(), &target);
  CO_ASSERT_TRUE(first.late<0>().has_value() && first.late<1>().has_value());
  EXPECT_EQ(**first.late<0>(), 3);
  const std::unique_ptr<int> taken = *std::move(first.late<1>());
  EXPECT_EQ(*taken, 4);
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
Task<Counted> MakeCounted(int& live) {
  co_await Yield();
  co_return Counted(live);
}

CO_TEST(WhenAnyTest, DestroysEachResultOnce) {
  int live = 0;
  {
    auto first = co_await WhenAny(MakeCounted(live), MakeCounted(live));
    EXPECT_EQ(first.index(), 0U);
    EXPECT_NE(first.value<1>(), nullptr);
    EXPECT_GE(live, 2);
    std::vector<Task<Counted>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(MakeCounted(live));
    const auto any = co_await WhenAny(std::move(tasks));
    EXPECT_EQ(any.late.size(), 2U);
    std::vector<Task<Counted>> more;
    more.push_back(MakeCounted(live));
    CO_EXPECT_EQ((co_await WhenAny(std::move(more))).late.size(), 0U);
  }
  EXPECT_EQ(live, 0);
}

CO_TEST(WhenAnyTest, OfARange) {
  std::vector<Task<Result<int>>> tasks;
  tasks.push_back(GivesWhenStopped(0));
  tasks.push_back(GivesWhenStopped(Unexpected(kCanceled)));
  tasks.push_back(Fails(kClosed));
  tasks.push_back(GivesWhenStopped(Unexpected(kTimedOut)));
  auto any = co_await WhenAny(std::move(tasks));
  EXPECT_EQ(any.index, 2U);
  CO_EXPECT_ERROR(any.value, kClosed);
  CO_ASSERT_EQ(any.late.size(), 2U);
  EXPECT_EQ(any.late[0].first, 0U);
  CO_EXPECT_OK(any.late[0].second);
  EXPECT_EQ(any.late[1].first, 3U);
  CO_EXPECT_ERROR(any.late[1].second, kTimedOut);

  const std::vector<int> yields = {5, 1, 3};
  const auto numbers = co_await WhenAny(
      yields | std::views::transform([](int n) { return ValueAfter(n, n); }));
  EXPECT_EQ(numbers.index, 1U);
  EXPECT_EQ(numbers.value, 1);
  EXPECT_EQ(numbers.late.size(), 2U);

  std::vector<SleepUntil> sleeps;
  sleeps.push_back(Sleep(1h));
  sleeps.push_back(Sleep(1ms));
  auto slept = co_await WhenAny(std::move(sleeps));
  EXPECT_EQ(slept.index, 1U);
  CO_EXPECT_OK(slept.value);
  EXPECT_TRUE(slept.late.empty());
}

CO_TEST(WhenAnyTest, OfTenThousandStopsTheRest) {
  std::vector<Task<Result<void>>> tasks;
  const auto sleeps = [](Duration duration) -> Task<Result<void>> {
    co_return co_await Sleep(duration);
  };
  for (int i = 0; i < 10'000; ++i) {
    tasks.push_back(sleeps(i == 5'000 ? Duration(1ms) : Duration(1h)));
  }
  const auto any = co_await WhenAny(std::move(tasks));
  EXPECT_EQ(any.index, 5'000U);
  EXPECT_TRUE(any.late.empty());
}

// Bytes for two pipes: into both at once, or into one and then the other.
Task<void> Feed(int a, int b, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    const auto byte = static_cast<char>(i % 251);
    CO_ASSERT_EQ(write(i % 2 == 0 ? a : b, &byte, 1), 1);
    if (i % 3 != 0) {
      CO_EXPECT_OK(co_await Sleep(0s));
    }
    CO_ASSERT_EQ(write(i % 2 == 0 ? b : a, &byte, 1), 1);
    if (i % 5 != 0) {
      CO_EXPECT_OK(co_await Sleep(0s));
    }
  }
}

CO_TEST(WhenAnyTest, LosesNoByteOfTwoPipes) {
  constexpr int kRounds = 1'000;
  const test::Pipe a;
  const test::Pipe b;
  int both = 0;
  int one = 0;
  const auto reads = [&]() -> Task<void> {
    std::array<std::byte, 1> from_a{};
    std::array<std::byte, 1> from_b{};
    int got_a = 0;
    int got_b = 0;
    while (got_a < kRounds || got_b < kRounds) {
      auto first = co_await WhenAny(test::ReadInto(a.reader(), from_a),
                                    test::ReadInto(b.reader(), from_b));
      const Result<std::size_t>* const n = first.value<0>();
      const Result<std::size_t>* const m = first.value<1>();
      ++(n != nullptr && m != nullptr ? both : one);
      if (n != nullptr) {
        CO_ASSERT_OK(*n);
        CO_ASSERT_EQ(**n, 1U);
        CO_ASSERT_EQ(static_cast<int>(from_a[0]), got_a++ % 251);
      }
      if (m != nullptr) {
        CO_ASSERT_OK(*m);
        CO_ASSERT_EQ(**m, 1U);
        CO_ASSERT_EQ(static_cast<int>(from_b[0]), got_b++ % 251);
      }
    }
    EXPECT_EQ(got_a, kRounds);
    EXPECT_EQ(got_b, kRounds);
  };
  co_await WhenAll(reads(), Feed(a.writer(), b.writer(), kRounds));
  // It did come to losers with a value, and to such without.
  if (test::InChaos()) co_return;  // to only one of them, perhaps
  EXPECT_GT(both, 100);
  EXPECT_GT(one, 100);
}

Task<Result<io::Fd>> OpensWhenStopped() {
  static_cast<void>(co_await Sleep(1h));
  const io::Fd none;
  co_return co_await Shield(io::OpenAt(none, "/dev/null"));
}

CO_TEST(WhenAnyTest, ADescriptorThatALoserOpenedIsLateAndClosesWithTheResult) {
  const std::ptrdiff_t before = test::CountDescriptors();
  {
    auto first = co_await WhenAny(OpensWhenStopped(), ValueAfter(1, 1));
    EXPECT_EQ(first.index(), 1U);
    CO_ASSERT_TRUE(first.late<0>().has_value());
    CO_ASSERT_OK(*first.late<0>());
    EXPECT_EQ(test::CountDescriptors(), before + 1);
  }
  static_cast<void>(co_await WhenAny(OpensWhenStopped(), ValueAfter(1, 1)));
  CO_EXPECT_OK(co_await Sleep(1ms));  // the closes go through the ring
  EXPECT_EQ(test::CountDescriptors(), before);
}

CO_TEST(WhenAnyTest, WhatNoStopReachesIsWaitedForAndLate) {
  JoinHandle<int> handle = Reactor::Current()->scope().Spawn(ValueAfter(9, 2));
  bool begun = false;
  auto first = co_await WhenAny(Shield(Sleep(2ms)), Sleep(0s),
                                std::move(handle), Blocking([&] {
                                  begun = true;
                                  return 3;
                                }));
  CO_ASSERT_TRUE(first.index() == 1U || first.index() == 3U ||
                 first.index() == 2U);
  CO_ASSERT_TRUE(first.value<0>() != nullptr);
  CO_EXPECT_OK(*first.value<0>());
  CO_ASSERT_TRUE(first.value<2>() != nullptr);
  EXPECT_EQ(*first.value<2>(), 2);
  // Its thread has begun before the stop came, or never.
  EXPECT_EQ(first.value<3>() != nullptr, begun);
}

CO_TEST(WhenAnyTest, AnExceptionOfTheWinnerIsThrown) {
  for (const int yields : {0, 1, 5}) {
    bool ended = false;
    const auto sleeps = [&]() -> Task<Result<void>> {
      Result<void> result = co_await Sleep(1h);
      co_await Yield();
      ended = true;
      co_return result;
    };
    CO_EXPECT_EQ(co_await Thrown(WhenAny(Throws(yields, "won"), sleeps())),
                 "won");
    EXPECT_TRUE(ended);
  }
  EXPECT_EQ(Reactor::Current()->stats().dropped_failures, 0U);
}

CO_TEST(WhenAnyTest, AnExceptionOfALoserIsThrown) {
  const auto throws_when_stopped = []() -> Task<void> {
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
    throw std::runtime_error("lost");
  };
  int live = 0;
  CO_EXPECT_EQ(
      co_await Thrown(WhenAny(MakeCounted(live), throws_when_stopped())),
      "lost");
  EXPECT_EQ(live, 0);
  EXPECT_EQ(Reactor::Current()->stats().dropped_failures, 0U);
  CO_EXPECT_EQ(co_await Thrown(WhenAny(throws_when_stopped(), Throws(1, "won"),
                                       throws_when_stopped())),
               "won");
  EXPECT_EQ(Reactor::Current()->stats().dropped_failures, 2U);
  std::vector<Task<void>> tasks;
  tasks.push_back(throws_when_stopped());
  tasks.push_back(Nothing());
  CO_EXPECT_EQ(co_await Thrown(WhenAny(std::move(tasks))), "lost");
}

CO_TEST(WhenAnyTest, AStopFromAboveStopsAllAndOneOfThemWins) {
  for (const auto delay : {-1ms, 0ms, 2ms}) {
    StopSource source;
    if (delay < 0ms) source.RequestStop();
    const test::EventFd event;
    const auto any = [&]() -> Task<void> {
      auto first = co_await WhenAny(test::PollIn(event.fd()), Sleep(1h));
      const auto error = [](const auto& result) { return result.error(); };
      EXPECT_EQ(std::visit(error, first), kCanceled);
      EXPECT_FALSE(first.late<0>().has_value());
      EXPECT_FALSE(first.late<1>().has_value());
    };
    co_await WhenAll(WithStop(source.token(), any()),
                     StopAfter(source, std::max(delay, 0ms)));
  }
}

CO_TEST(WhenAnyTest, OnlyWhatIsBelowIsStopped) {
  auto first = co_await WhenAny(Value(1), Sleep(1h));
  EXPECT_EQ(first.index(), 0U);
  const StopToken token = co_await CurrentStopToken();
  EXPECT_FALSE(token.stop_requested());
  CO_EXPECT_OK(co_await Sleep(0s));
}

CO_TEST(WhenAnyTest, TheLosersTokenSeesTheStop) {
  StopToken of_loser;
  StopToken of_winner;
  const auto keeps = [](StopToken& token, Duration duration) -> Task<void> {
    token = co_await CurrentStopToken();
    static_cast<void>(co_await Sleep(duration));
  };
  auto first = co_await WhenAny(keeps(of_loser, 1h), keeps(of_winner, 0ms));
  EXPECT_EQ(first.index(), 1U);
  EXPECT_TRUE(of_loser.stop_requested());
  EXPECT_FALSE(of_winner.stop_requested());
}

CO_TEST(WhenAnyTest, TimeoutsAroundAndInside) {
  auto around = co_await WithTimeout(1ms, WhenAny(Sleep(1h), Sleep(1h)));
  CO_EXPECT_ERROR(around, kTimedOut);
  auto in_time = co_await WithTimeout(1h, WhenAny(Sleep(1h), ValueAfter(1, 2)));
  CO_ASSERT_OK(in_time);
  EXPECT_EQ(in_time->index(), 1U);
  auto inside =
      co_await WhenAny(WithTimeout(1ms, Sleep(1h)), WithTimeout(1h, Sleep(1h)));
  CO_ASSERT_EQ(inside.index(), 0U);
  CO_EXPECT_ERROR(std::get<0>(inside), kTimedOut);
  // Stopped, not out of time.
  EXPECT_FALSE(inside.late<1>().has_value());
}

CO_TEST(WhenAnyTest, InheritsTheDeadline) {
  const TimePoint deadline = After(Clock::now(), 1h);
  auto first =
      co_await WithDeadline(deadline, WhenAny(CurrentDeadline(), Sleep(1h)));
  CO_ASSERT_OK(first);
  CO_ASSERT_EQ(first->index(), 0U);
  EXPECT_EQ(std::get<0>(*first), deadline);
}

CO_TEST(WhenAnyTest, Nests) {
  auto outer = co_await WhenAny(
      WhenAll(Sleep(1h), ValueAfter(1, 1)),
      WithTimeout(1h, WhenAny(Sleep(1h), Shield(ValueAfter(2, 5)))),
      WithScope([](TaskScope& scope) -> Task<Result<void>> {
        scope.Spawn([]() -> Task<void> {
          CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
        });
        co_return co_await Sleep(1h);
      }));
  CO_ASSERT_EQ(outer.index(), 1U);
  auto& inner = std::get<1>(outer);
  CO_ASSERT_OK(inner);
  CO_ASSERT_EQ(inner->index(), 1U);
  EXPECT_EQ(std::get<1>(*inner), 5);
  // The loser was a WhenAll: each of its results as it is.
  CO_ASSERT_TRUE(outer.late<0>().has_value());
  CO_EXPECT_ERROR(std::get<0>(*outer.late<0>()), kCanceled);
  EXPECT_EQ(std::get<1>(*outer.late<0>()), 1);
  EXPECT_FALSE(outer.late<2>().has_value());
}

Task<int> Nested(int depth) {
  if (depth == 0) {
    co_await Yield();
    co_return 1;
  }
  auto first = co_await WhenAny(Nested(depth - 1), Sleep(1h));
  EXPECT_EQ(first.index(), 0U);
  co_return std::get<0>(first) + 1;
}

TEST(WhenAnyStackTest, NestedAThousandDeepDoesNotGrowTheStack) {
  test::RunOnSmallStack([] { EXPECT_EQ(SyncWait(Nested(1'000)), 1'001); });
}

CO_TEST(WhenAnyTest, ADumpShowsTheLosersThatAreWaitedFor) {
  std::string text;
  const auto dumps = [&]() -> Task<void> {
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
    text = Reactor::Current()->DumpTasks();
  };
  static_cast<void>(
      co_await WhenAny(ValueAfter(1, 1), Shield(Sleep(1ms)), dumps()));
  EXPECT_THAT(text, testing::StartsWith("WhenAny\n"));
  EXPECT_THAT(text, testing::HasSubstr("    Shield (stop requested)\n"));
  EXPECT_THAT(text, testing::HasSubstr("    runs or is ready to run (stop "
                                       "requested)\n"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("ValueAfter")));
}

CO_TEST(WhenAnyTest, ASteadyStateAllocatesNothing) {
  if (!test::CountsAllocations()) {
    CO_SKIP("the sanitizer's operator new cannot be counted");
  }
  const std::array<Duration, 3> durations = {1h, 1us, 1h};
  std::uint64_t allocations = 0;
  for (int round = 0; round < 2; ++round) {
    const test::HeapCount count;
    for (int i = 0; i < 100; ++i) {
      auto first =
          co_await WhenAny(Sleep(1h), test::Nop(), WhenAny(Value(1), Yield()));
      CO_ASSERT_EQ(first.index(), 2U);
      auto any =
          co_await WhenAny(durations | std::views::transform([](Duration d) {
                             return Sleep(d);
                           }));
      CO_ASSERT_EQ(any.index, 1U);
    }
    allocations = count.allocations();
  }
  EXPECT_EQ(allocations, 0U);
}

TEST(WhenAnyDeathTest, OfAnEmptyRangeAborts) {
  EXPECT_DEATH(static_cast<void>(WhenAny(std::vector<Task<int>>())),
               "^eddy: WhenAny of no awaitables would wait for ever");
}

TEST(WhenAnyDeathTest, AFrameDestroyedWhileItWaitsAborts) {
  const auto destroys = []() -> Task<void> {
    auto outer = std::make_unique<Task<void>>([]() -> Task<void> {
      static_cast<void>(co_await WhenAny(Sleep(1h), Sleep(1h)));
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

}  // namespace
}  // namespace eddy
