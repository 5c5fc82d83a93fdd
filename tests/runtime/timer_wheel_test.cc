// TimerWheel: order and exactness at all scales, against a model, in virtual
// time.
#include <eddy/runtime/time.h>
#include <eddy/runtime/timer_wheel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace eddy::internal {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

class TestTimer final : public Timer {
 public:
  explicit TestTimer(std::function<void()> f = [] {}) : f_(std::move(f)) {}

 private:
  void Expire() noexcept override { f_(); }
  std::function<void()> f_;
};

TimePoint At(Duration since_epoch) { return TimePoint(since_epoch); }

class TimerWheelTest : public testing::Test {
 protected:
  static constexpr Duration kStart = hours(1000) + nanoseconds(123'456'789);

  // A timer that writes its number down.
  TestTimer& Make(int number) {
    timers_.push_back(std::make_unique<TestTimer>(
        [this, number] { order_.push_back(number); }));
    return *timers_.back();
  }

  TimerWheel wheel_{At(kStart)};
  std::vector<int> order_;
  std::vector<std::unique_ptr<TestTimer>> timers_;
};

TEST_F(TimerWheelTest, IsEmptyWithoutTimers) {
  EXPECT_TRUE(wheel_.empty());
  EXPECT_EQ(wheel_.NextWake(), kNoDeadline);
  wheel_.Advance(At(kStart + hours(1)));
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, ExpiresAtTheDeadlineAndNotANanosecondBefore) {
  TestTimer& timer = Make(1);
  wheel_.Add(timer, At(kStart + seconds(3)));
  EXPECT_TRUE(timer.pending());
  EXPECT_EQ(timer.deadline(), At(kStart + seconds(3)));
  wheel_.Advance(At(kStart + seconds(3) - nanoseconds(1)));
  EXPECT_TRUE(order_.empty());
  EXPECT_TRUE(timer.pending());
  wheel_.Advance(At(kStart + seconds(3)));
  EXPECT_EQ(order_, std::vector<int>{1});
  EXPECT_FALSE(timer.pending());
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, IsExactAtEveryScale) {
  for (int bits = 0; bits < 62; ++bits) {
    for (const std::int64_t extra : {-1, 0, 1}) {
      const Duration distance((std::int64_t{1} << bits) + extra);
      if (distance <= Duration::zero()) continue;
      TimerWheel wheel(At(kStart));
      int expired = 0;
      TestTimer timer([&] { ++expired; });
      const TimePoint deadline = After(At(kStart), distance);
      wheel.Add(timer, deadline);
      EXPECT_EQ(wheel.NextWake(), deadline) << bits;
      wheel.Advance(deadline - nanoseconds(1));
      EXPECT_EQ(expired, 0) << bits;
      wheel.Advance(deadline);
      EXPECT_EQ(expired, 1) << bits;
    }
  }
}

TEST_F(TimerWheelTest, ExpiresInTheOrderOfDeadlines) {
  const Duration distances[] = {hours(24 * 365), seconds(1), nanoseconds(1),
                                milliseconds(5), hours(3),   nanoseconds(65)};
  for (int i = 0; i < 6; ++i) wheel_.Add(Make(i), At(kStart + distances[i]));
  wheel_.Advance(At(kStart + hours(24 * 366)));
  EXPECT_EQ(order_, (std::vector<int>{2, 5, 3, 1, 4, 0}));
}

TEST_F(TimerWheelTest, ExpiresEqualDeadlinesInTheOrderOfAdd) {
  for (int i = 0; i < 100; ++i) wheel_.Add(Make(i), At(kStart + seconds(9)));
  wheel_.Advance(At(kStart + seconds(10)));
  ASSERT_EQ(order_.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order_.begin(), order_.end()));
}

TEST_F(TimerWheelTest, KeepsTheOrderOfEqualDeadlinesAddedAtDifferentTimes) {
  const TimePoint deadline = At(kStart + seconds(100));
  for (int i = 0; i < 100; ++i) {
    wheel_.Advance(At(kStart + seconds(i)));
    wheel_.Add(Make(i), deadline);
  }
  wheel_.Advance(deadline);
  ASSERT_EQ(order_.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order_.begin(), order_.end()));
}

TEST_F(TimerWheelTest, DeadlineInThePastIsDueAtOnce) {
  wheel_.Add(Make(1), At(kStart - hours(1)));
  wheel_.Add(Make(2), At(Duration::zero()));
  wheel_.Add(Make(3), TimePoint::min());
  EXPECT_LE(wheel_.NextWake(), At(kStart));
  wheel_.Advance(At(kStart));
  EXPECT_EQ(order_.size(), 3u);
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, PastDeadlineCanBeRemovedAfterTimeWentOn) {
  TestTimer& timer = Make(1);
  wheel_.Add(timer, At(kStart - hours(1)));
  wheel_.Remove(timer);
  EXPECT_TRUE(wheel_.empty());
  EXPECT_FALSE(timer.pending());
  wheel_.Advance(At(kStart + hours(1)));
  EXPECT_TRUE(order_.empty());
}

TEST_F(TimerWheelTest, NoDeadlineNeverExpires) {
  TestTimer& timer = Make(1);
  wheel_.Add(timer, kNoDeadline);
  EXPECT_EQ(wheel_.NextWake(), kNoDeadline);
  wheel_.Advance(At(hours(24 * 365 * 200)));
  EXPECT_TRUE(order_.empty());
  wheel_.Remove(timer);
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, TimeDoesNotGoBack) {
  wheel_.Add(Make(1), At(kStart + seconds(2)));
  wheel_.Advance(At(kStart + seconds(1)));
  wheel_.Advance(At(kStart));
  EXPECT_TRUE(order_.empty());
  wheel_.Advance(At(kStart + seconds(2)));
  EXPECT_EQ(order_.size(), 1u);
}

TEST_F(TimerWheelTest, RemovedTimerDoesNotExpireAndCanBeAddedAgain) {
  TestTimer& timer = Make(1);
  wheel_.Add(timer, At(kStart + seconds(1)));
  wheel_.Remove(timer);
  EXPECT_TRUE(wheel_.empty());
  EXPECT_EQ(wheel_.NextWake(), kNoDeadline);
  wheel_.Advance(At(kStart + seconds(2)));
  EXPECT_TRUE(order_.empty());
  wheel_.Add(timer, At(kStart + seconds(3)));
  wheel_.Advance(At(kStart + seconds(3)));
  EXPECT_EQ(order_.size(), 1u);
}

TEST_F(TimerWheelTest, ExpireMayRemoveATimerThatIsDueToo) {
  TestTimer& second = Make(2);
  TestTimer& third = Make(3);
  TestTimer first([&] {
    wheel_.Remove(second);
    wheel_.Remove(third);
  });
  wheel_.Add(first, At(kStart + seconds(1)));
  wheel_.Add(second, At(kStart + seconds(1)));
  wheel_.Add(third, At(kStart + seconds(1) + nanoseconds(1)));
  wheel_.Add(Make(4), At(kStart + seconds(1)));
  wheel_.Advance(At(kStart + seconds(5)));
  EXPECT_EQ(order_, std::vector<int>{4});
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, ExpireMayAddTimersAndItself) {
  int rounds = 0;
  TestTimer* self = nullptr;
  TestTimer timer([&] {
    if (++rounds < 5) wheel_.Add(*self, At(kStart + seconds(rounds + 1)));
    wheel_.Add(Make(rounds), At(kStart));  // due already
  });
  self = &timer;
  wheel_.Add(timer, At(kStart + seconds(1)));
  wheel_.Advance(At(kStart + seconds(3)));
  EXPECT_EQ(rounds, 3);
  EXPECT_EQ(order_, (std::vector<int>{1, 2, 3}));
  wheel_.Advance(At(kStart + seconds(30)));
  EXPECT_EQ(rounds, 5);
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, NextWakeIsNeverLaterThanTheNearestOfManyTimers) {
  const TimePoint nearest = At(kStart + hours(50));
  for (int i = 0; i < 1000; ++i) {
    wheel_.Add(Make(i), nearest + nanoseconds((i * 7919) % 100'000));
  }
  int wakes = 0;
  while (order_.empty()) {
    const TimePoint wake = wheel_.NextWake();
    ASSERT_LE(wake, nearest);
    ASSERT_LT(++wakes, 12) << "woken more often than there are levels";
    wheel_.Advance(wake);
  }
  EXPECT_EQ(order_.front(), 0);
}

// The same actions on a wheel and on a sorted map have the same effect.
class TimerWheelModelTest : public testing::TestWithParam<unsigned> {};

TEST_P(TimerWheelModelTest, BehavesLikeASortedMap) {
  std::mt19937_64 random(GetParam());
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  TimePoint now = At(nanoseconds(static_cast<std::int64_t>(
      below(std::uint64_t{1} << (GetParam() % 60 + 1)))));
  TimerWheel wheel(now);

  // Deadline and order of Add, as in the wheel: what is late is due now.
  using Key = std::pair<TimePoint, int>;
  std::map<Key, TestTimer*> model;
  std::vector<Key> keys(200);
  std::vector<Key> expired;
  std::vector<std::unique_ptr<TestTimer>> timers;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    timers.push_back(std::make_unique<TestTimer>(
        [&expired, &keys, i] { expired.push_back(keys[i]); }));
  }

  int sequence = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t i = below(timers.size());
    TestTimer& timer = *timers[i];
    if (!timer.pending()) {
      // Any scale from a nanosecond to nearly a hundred years.
      const auto distance =
          static_cast<std::int64_t>(below(std::uint64_t{1} << below(62)));
      TimePoint deadline = After(now, Duration(distance));
      if (below(20) == 0) deadline = now - Duration(below(1000));
      keys[i] = {std::max(deadline, now), sequence++};
      model[keys[i]] = &timer;
      wheel.Add(timer, deadline);
    } else if (below(3) == 0) {
      model.erase(keys[i]);
      wheel.Remove(timer);
    } else if (below(10) == 0) {
      ASSERT_LE(wheel.NextWake(), model.begin()->first.first);
      TimePoint target = wheel.NextWake();
      if (below(2) == 0) {
        target = After(now, Duration(static_cast<std::int64_t>(
                                below(std::uint64_t{1} << below(45)))));
      }
      now = std::max(now, target);
      expired.clear();
      wheel.Advance(now);
      std::vector<Key> expected;
      while (!model.empty() && model.begin()->first.first <= now) {
        expected.push_back(model.begin()->first);
        model.erase(model.begin());
      }
      ASSERT_EQ(expired, expected) << "step " << step;
    }
    ASSERT_EQ(wheel.empty(), model.empty());
  }
  for (const auto& timer : timers) {
    if (timer->pending()) wheel.Remove(*timer);
  }
  EXPECT_TRUE(wheel.empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, TimerWheelModelTest, testing::Range(1U, 21U));

TEST_F(TimerWheelTest, HundredThousandTimersExpireInOrder) {
  constexpr int kTimers = 100'000;
  std::mt19937_64 random(42);
  std::vector<Duration> distances(kTimers);
  for (int i = 0; i < kTimers; ++i) {
    distances[static_cast<std::size_t>(i)] =
        nanoseconds(static_cast<std::int64_t>(random() % 3'600'000'000'000));
    wheel_.Add(Make(i), At(kStart + distances[static_cast<std::size_t>(i)]));
  }
  while (!wheel_.empty()) wheel_.Advance(wheel_.NextWake());
  ASSERT_EQ(order_.size(), static_cast<std::size_t>(kTimers));
  EXPECT_TRUE(std::is_sorted(order_.begin(), order_.end(), [&](int a, int b) {
    return distances[static_cast<std::size_t>(a)] <
           distances[static_cast<std::size_t>(b)];
  }));
}

}  // namespace
}  // namespace eddy::internal
