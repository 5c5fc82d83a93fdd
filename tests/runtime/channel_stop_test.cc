// Channel: whatever is stopped, in whatever order, nothing is lost and nothing
// comes twice.
#include <eddy/runtime/channel.h>

#include <eddy/runtime/random.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "tests/runtime/channel_values.h"
#include "tests/runtime/settle.h"
#include "tests/runtime/test_verbs.h"
#include "tests/sweeps.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::ExpectCleanSweeps;
using test::Item;
using test::Nop;
using test::Settle;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAreArray;

constexpr std::errc kWouldBlock = std::errc::operation_would_block;

// --- One stop ----------------------------------------------------------------

CO_TEST(ChannelStopTest, StoppedBeforeItTakesAndGivesNothing) {
  for (const std::size_t capacity : {1U, 2U}) {
    Channel<Item> channel(capacity);
    StopSource stopped;
    stopped.RequestStop();
    Item item(1);
    CO_EXPECT_ERROR(
        co_await WithStop(stopped.token(), channel.Send(std::move(item))),
        kCanceled);
    EXPECT_EQ(item.value(), 1);
    CO_EXPECT_OK(channel.TrySend(std::move(item)));
    CO_EXPECT_ERROR(co_await WithStop(stopped.token(), channel.Receive()),
                    kCanceled);
    CO_EXPECT_EQ(channel.TryReceive()->value(), 1);
    channel.Close();
    CO_EXPECT_ERROR(co_await WithStop(stopped.token(), channel.Receive()),
                    kCanceled);
  }
}

CO_TEST(ChannelStopTest, StoppedWhileItWaitsItTakesAndGivesNothing) {
  Channel<Item> channel(0);
  Item item(1);
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, channel.Send(std::move(item))),
                  kTimedOut);
  EXPECT_EQ(item.value(), 1);
  CO_EXPECT_ERROR(channel.TryReceive(), kWouldBlock);
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, channel.Receive()), kTimedOut);
  CO_EXPECT_ERROR(channel.TrySend(std::move(item)), kWouldBlock);
  EXPECT_EQ(item.value(), 1);
}

CO_TEST(ChannelStopTest, OneOfSeveralLeavesAndTheOthersKeepTheirOrder) {
  EDDY_CO_SKIP_IN_CHAOS("the tasks start in another order");
  Channel<int> channel(0);
  for (std::size_t leaves = 0; leaves < 3; ++leaves) {
    std::vector<StopSource> stops(3);
    std::vector<int> received(3, -1);
    const auto body = [&](TaskScope& scope) -> Task<void> {
      for (std::size_t i = 0; i < 3; ++i) {
        scope.Spawn([&, i]() -> Task<void> {
          const Result<int> value =
              co_await WithStop(stops[i].token(), channel.Receive());
          if (value) received[i] = *value;
        });
      }
      co_await Settle();
      stops[leaves].RequestStop();
      CO_EXPECT_OK(channel.TrySend(0));
      CO_EXPECT_OK(channel.TrySend(1));
      CO_EXPECT_ERROR(channel.TrySend(2), kWouldBlock);
    };
    CO_EXPECT_OK(co_await WithScope(body));
    std::vector<int> expected = {0, 1};
    expected.insert(expected.begin() + static_cast<std::ptrdiff_t>(leaves), -1);
    EXPECT_EQ(received, expected);
  }
}

// The four orders in which a stop and what the task waits for may come before
// it runs again.
CO_TEST(ChannelStopTest, WhatWasGivenBeforeTheStopIsGiven) {
  for (const std::size_t capacity : {0U, 1U}) {
    Channel<Item> channel(capacity);
    StopSource stop;
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        const Result<Item> item =
            co_await WithStop(stop.token(), channel.Receive());
        CO_ASSERT_OK(item);
        EXPECT_EQ(item->value(), 1);
      });
      co_await Settle();
      CO_EXPECT_OK(channel.TrySend(Item(1)));
      stop.RequestStop();
    };
    CO_EXPECT_OK(co_await WithScope(body));
  }
}

CO_TEST(ChannelStopTest, WhatComesAfterTheStopIsForAnother) {
  for (const std::size_t capacity : {0U, 1U}) {
    Channel<Item> channel(capacity);
    StopSource stop;
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        CO_EXPECT_ERROR(co_await WithStop(stop.token(), channel.Receive()),
                        kCanceled);
      });
      co_await Settle();
      JoinHandle<void> another = scope.Spawn([&]() -> Task<void> {
        CO_EXPECT_EQ((co_await channel.Receive())->value(), 1);
      });
      co_await Settle();
      stop.RequestStop();
      CO_EXPECT_OK(channel.TrySend(Item(1)));
      co_await another;
    };
    CO_EXPECT_OK(co_await WithScope(body));
  }
}

CO_TEST(ChannelStopTest, WhatWasTakenBeforeTheStopIsSent) {
  for (const std::size_t capacity : {0U, 1U}) {
    Channel<Item> channel(capacity);
    if (capacity == 1) {
      CO_EXPECT_OK(channel.TrySend(Item(0)));
    }
    StopSource stop;
    Item item(1);
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        CO_EXPECT_OK(
            co_await WithStop(stop.token(), channel.Send(std::move(item))));
      });
      co_await Settle();
      CO_EXPECT_OK(channel.TryReceive());
      stop.RequestStop();
    };
    CO_EXPECT_OK(co_await WithScope(body));
    EXPECT_EQ(item.value(), -1);
    EXPECT_EQ(channel.size(), capacity);
  }
}

CO_TEST(ChannelStopTest, WhatIsAskedForAfterTheStopIsKept) {
  for (const std::size_t capacity : {0U, 1U}) {
    Channel<Item> channel(capacity);
    if (capacity == 1) {
      CO_EXPECT_OK(channel.TrySend(Item(0)));
    }
    StopSource stop;
    Item item(1);
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        CO_EXPECT_ERROR(
            co_await WithStop(stop.token(), channel.Send(std::move(item))),
            kCanceled);
      });
      co_await Settle();
      stop.RequestStop();
      EXPECT_EQ(channel.TryReceive().has_value(), capacity == 1);
      CO_EXPECT_ERROR(channel.TryReceive(), kWouldBlock);
    };
    CO_EXPECT_OK(co_await WithScope(body));
    EXPECT_EQ(item.value(), 1);
  }
}

// --- Many, with an account of what became of each value ----------------------

// Every value that was sent has been received, or is in the channel still.
class Account {
 public:
  int Next() noexcept { return next_++; }
  void Sent(int value) { sent_.push_back(value); }
  void Received(int value) { received_.push_back(value); }

  void Drain(Channel<Item>& channel) {
    while (Result<Item> item = channel.TryReceive()) Received(item->value());
  }
  void ExpectBalanced() const {
    EXPECT_THAT(received_, UnorderedElementsAreArray(sent_));
    EXPECT_EQ(Item::live(), 0);
  }

 private:
  int next_ = 0;
  std::vector<int> sent_;
  std::vector<int> received_;
};

// Each item, sent until it is, with some operations between.
Task<Result<void>> SendSome(Channel<Item>& channel, int count,
                            Account& account) {
  for (int i = 0; i < count; ++i) {
    EDDY_CO_CHECK(co_await Nop());
    Item item(account.Next());
    const int value = item.value();
    Result<void> sent = co_await channel.Send(std::move(item));
    EXPECT_EQ(item.value(), sent ? -1 : value);
    if (!sent) co_return sent;
    account.Sent(value);
  }
  co_return Result<void>();
}

Task<Result<void>> ReceiveAll(Channel<Item>& channel, Account& account) {
  while (auto item = co_await channel.Receive()) {
    account.Received(item->value());
    EDDY_CO_CHECK(co_await Nop());
  }
  co_return Result<void>();
}

Task<Result<void>> ManyToMany(std::size_t capacity) {
  Channel<Item> channel(capacity);
  Account account;
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    std::vector<JoinHandle<Result<void>>> senders;
    for (int i = 0; i < 3; ++i) {
      senders.push_back(scope.Spawn(SendSome(channel, 2, account)));
      scope.Spawn(ReceiveAll(channel, account));
    }
    for (JoinHandle<Result<void>>& sender : senders) {
      EDDY_CO_CHECK(co_await sender);
    }
    channel.Close();
    co_return Result<void>();
  };
  Result<void> result = co_await WithScope(body);
  account.Drain(channel);
  account.ExpectBalanced();
  co_return result;
}

TEST(ChannelSweepTest, LosesNothingBetweenManyTasks) {
  for (const std::size_t capacity : {0U, 1U, 3U}) {
    ExpectCleanSweeps([=] { return ManyToMany(capacity); }, {20, 6});
  }
}

// A loop over two sources, as when_any.h has it.
Task<Result<void>> FromTwoSources(std::size_t capacity) {
  Channel<Item> left(capacity);
  Channel<Item> right(capacity);
  Account left_account;
  Account right_account;
  const auto take = [](Result<Item>& item, Account& account) {
    if (item) {
      account.Received(item->value());
      return true;
    }
    return item.error() != kEndOfStream;
  };
  const auto sends = [](Channel<Item>& channel,
                        Account& account) -> Task<Result<void>> {
    Result<void> sent = co_await SendSome(channel, 4, account);
    channel.Close();
    co_return sent;
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(sends, std::ref(left), std::ref(left_account));
    scope.Spawn(sends, std::ref(right), std::ref(right_account));
    bool left_goes_on = true;
    bool right_goes_on = true;
    while (left_goes_on && right_goes_on) {
      auto first = co_await WhenAny(left.Receive(), right.Receive());
      bool canceled = true;
      if (auto* item = first.value<0>()) {
        left_goes_on = take(*item, left_account);
        canceled = !*item && item->error() == kCanceled;
      }
      if (auto* item = first.value<1>()) {
        right_goes_on = take(*item, right_account);
        canceled = canceled && !*item && item->error() == kCanceled;
      }
      if (canceled) co_return Unexpected(kCanceled);
    }
    while (left_goes_on) {
      Result<Item> item = co_await left.Receive();
      if (!item && item.error() == kCanceled) co_return Unexpected(kCanceled);
      left_goes_on = take(item, left_account);
    }
    while (right_goes_on) {
      Result<Item> item = co_await right.Receive();
      if (!item && item.error() == kCanceled) co_return Unexpected(kCanceled);
      right_goes_on = take(item, right_account);
    }
    co_return Result<void>();
  };
  Result<void> result = co_await WithScope(body);
  left_account.Drain(left);
  right_account.Drain(right);
  left_account.ExpectBalanced();
  right_account.ExpectBalanced();
  co_return result;
}

TEST(ChannelSweepTest, LosesNothingInALoopOverTwoSources) {
  for (const std::size_t capacity : {0U, 1U, 3U}) {
    ExpectCleanSweeps([=] { return FromTwoSources(capacity); }, {20, 8});
  }
}

// What is not taken at one place in time is offered at another.
Task<Result<void>> ToTwoSinks() {
  Channel<Item> left(0);
  Channel<Item> right(0);
  Account account;
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(ReceiveAll(left, account));
    scope.Spawn(ReceiveAll(right, account));
    for (int i = 0; i < 6; ++i) {
      EDDY_CO_CHECK(co_await Nop());
      Item item(account.Next());
      const int value = item.value();
      auto first = co_await WhenAny(left.Send(std::move(item)), Nop());
      if (auto* sent = first.value<0>(); sent != nullptr && *sent) {
        EXPECT_EQ(item.value(), -1);
        account.Sent(value);
        continue;
      }
      EXPECT_EQ(item.value(), value);
      EDDY_CO_CHECK(co_await right.Send(std::move(item)));
      account.Sent(value);
    }
    left.Close();
    right.Close();
    co_return Result<void>();
  };
  Result<void> result = co_await WithScope(body);
  account.ExpectBalanced();
  co_return result;
}

TEST(ChannelSweepTest, ASendThatLosesKeepsItsValue) {
  ExpectCleanSweeps([] { return ToTwoSinks(); }, {20, 6});
}

// Sends and receives with time limits and stops at random.
CO_TEST(ChannelStopTest, RandomStopsLoseNothing) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Channel<Item> channel(seed % 4);
    Account account;
    StopSource stop;
    internal::Random random(seed);
    const auto body = [&](TaskScope& scope) -> Task<void> {
      for (int task = 0; task < 4; ++task) {
        scope.Spawn([&]() -> Task<void> {
          for (int i = 0; i < 50; ++i) {
            Item item(account.Next());
            const int value = item.value();
            Result<void> sent = co_await WithTimeout(
                std::chrono::microseconds(random.Below(30)),
                channel.Send(std::move(item)));
            EXPECT_EQ(item.value(), sent ? -1 : value);
            if (sent) account.Sent(value);
            if (random.OneIn(3)) co_await Yield();
          }
        });
        scope.Spawn([&]() -> Task<void> {
          while (true) {
            Result<Item> item = co_await WithStop(
                stop.token(),
                WithTimeout(std::chrono::microseconds(random.Below(30)),
                            channel.Receive()));
            if (item) {
              account.Received(item->value());
            } else if (item.error() == kCanceled) {
              co_return;
            }
            co_await Yield();
          }
        });
      }
      CO_EXPECT_OK(co_await Sleep(500us));
      stop.RequestStop();
    };
    CO_EXPECT_OK(co_await WithScope(body));
    account.Drain(channel);
    account.ExpectBalanced();
  }
}

}  // namespace
}  // namespace eddy
