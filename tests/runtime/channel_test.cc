// Channel: what is sent comes out, once and in order. See also
// channel_stop_test.cc and channel_value_test.cc.
#include <eddy/runtime/channel.h>

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timer.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/chaos.h"
#include "tests/runtime/channel_values.h"
#include "tests/runtime/heap_count.h"
#include "tests/runtime/settle.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::Item;
using test::Settle;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::errc kWouldBlock = std::errc::operation_would_block;

// --- In order, with a bound --------------------------------------------------

CO_TEST(ChannelTest, GivesWhatWasSentInOrder) {
  Channel<int> channel(3);
  EXPECT_EQ(channel.capacity(), 3U);
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 3; ++i) {
      CO_EXPECT_OK(co_await channel.Send(10 * round + i));
      EXPECT_EQ(channel.size(), static_cast<std::size_t>(i) + 1);
    }
    for (int i = 0; i < 3; ++i) {
      const Result<int> value = co_await channel.Receive();
      CO_ASSERT_OK(value);
      EXPECT_EQ(*value, 10 * round + i);
    }
    EXPECT_EQ(channel.size(), 0U);
  }
}

CO_TEST(ChannelTest, EndsALoopOverItWhenItIsClosed) {
  for (const std::size_t capacity : {0U, 1U, 2U, 64U}) {
    Channel<int> channel(capacity);
    std::vector<int> received;
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        for (int i = 0; i < 5; ++i) CO_EXPECT_OK(co_await channel.Send(i));
        channel.Close();
      });
      while (auto value = co_await channel.Receive()) {
        received.push_back(*value);
      }
    };
    CO_EXPECT_OK(co_await WithScope(body));
    EXPECT_THAT(received, ElementsAre(0, 1, 2, 3, 4));
    CO_EXPECT_ERROR(co_await channel.Receive(), kEndOfStream);
  }
}

CO_TEST(ChannelTest, ASendWaitsWhileTheChannelIsFull) {
  Channel<int> channel(2);
  int sent = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (; sent < 5; ++sent) CO_EXPECT_OK(co_await channel.Send(sent));
    });
    co_await Settle();
    EXPECT_EQ(sent, 2);
    EXPECT_EQ(channel.size(), 2U);
    for (int i = 0; i < 5; ++i) {
      CO_EXPECT_EQ(*co_await channel.Receive(), i);
      co_await Settle();
      EXPECT_EQ(sent, std::min(i + 3, 5));
    }
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(ChannelTest, OfNoCapacityASendWaitsForAReceiver) {
  Channel<std::string> channel(0);
  bool sent = false;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    CO_EXPECT_ERROR(channel.TrySend("nobody is there"), kWouldBlock);
    CO_EXPECT_ERROR(channel.TryReceive(), kWouldBlock);
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await channel.Send("one"));
      sent = true;
    });
    co_await Settle();
    EXPECT_FALSE(sent);
    EXPECT_EQ(channel.size(), 0U);
    CO_EXPECT_EQ(*co_await channel.Receive(), "one");
    co_await Settle();
    EXPECT_TRUE(sent);
    // And the other way round.
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_EQ(*co_await channel.Receive(), "two");
      CO_EXPECT_EQ(*co_await channel.Receive(), "three");
    });
    co_await Settle();
    CO_EXPECT_OK(channel.TrySend("two"));
    // Who was handed a value does not wait any more.
    CO_EXPECT_ERROR(channel.TrySend("not yet"), kWouldBlock);
    co_await Settle();
    CO_EXPECT_OK(co_await channel.Send("three"));
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(ChannelTest, TriesDoNotWait) {
  Channel<int> channel(1);
  CO_EXPECT_ERROR(channel.TryReceive(), kWouldBlock);
  CO_EXPECT_OK(channel.TrySend(1));
  CO_EXPECT_ERROR(channel.TrySend(2), kWouldBlock);
  const Result<int> value = channel.TryReceive();
  CO_ASSERT_OK(value);
  EXPECT_EQ(*value, 1);
  channel.Close();
  EXPECT_TRUE(channel.is_closed());
  CO_EXPECT_ERROR(channel.TrySend(2), kClosed);
  CO_EXPECT_ERROR(channel.TryReceive(), kEndOfStream);
  co_return;
}

TEST(ChannelTest, TriesNeedNoReactor) {
  Channel<int> channel(1);
  EXPECT_TRUE(channel.TrySend(1).has_value());
  SyncWait([&]() -> Task<void> {
    CO_EXPECT_EQ(*co_await channel.Receive(), 1);
    CO_EXPECT_OK(co_await channel.Send(2));
  }());
  EXPECT_EQ(channel.TryReceive().value(), 2);
}

// --- Whose turn it is --------------------------------------------------------

CO_TEST(ChannelTest, ServesThoseThatWaitInTheirOrder) {
  EDDY_CO_SKIP_IN_CHAOS("the tasks start in another order");
  for (const std::size_t capacity : {0U, 1U}) {
    Channel<int> channel(capacity);
    std::vector<int> order;
    const auto receivers = [&](TaskScope& scope) -> Task<void> {
      for (int i = 0; i < 4; ++i) {
        scope.Spawn([&, i]() -> Task<void> {
          const Result<int> value = co_await channel.Receive();
          CO_ASSERT_OK(value);
          EXPECT_EQ(*value, i);
          order.push_back(i);
        });
      }
      co_await Settle();
      for (int i = 0; i < 4; ++i) CO_EXPECT_OK(channel.TrySend(i));
    };
    CO_EXPECT_OK(co_await WithScope(receivers));
    EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));

    const auto senders = [&](TaskScope& scope) -> Task<void> {
      for (int i = 0; i < 4; ++i) {
        scope.Spawn(
            [&, i]() -> Task<void> { CO_EXPECT_OK(co_await channel.Send(i)); });
      }
      co_await Settle();
      for (int i = 0; i < 4; ++i) {
        CO_EXPECT_EQ(channel.TryReceive().value(), i);
      }
    };
    CO_EXPECT_OK(co_await WithScope(senders));
  }
}

CO_TEST(ChannelTest, NobodyOvertakesATaskThatWaits) {
  Channel<int> channel(1);
  const auto body = [&](TaskScope& scope) -> Task<void> {
    // A receiver that was given a value, and has not run since.
    JoinHandle<int> receiver = scope.Spawn([&]() -> Task<int> {
      const Result<int> value = co_await channel.Receive();
      co_return value.value_or(-1);
    });
    co_await Settle();
    CO_EXPECT_OK(channel.TrySend(1));
    CO_EXPECT_ERROR(channel.TryReceive(), kWouldBlock);
    CO_EXPECT_OK(channel.TrySend(2));
    CO_EXPECT_EQ(*co_await channel.Receive(), 2);
    CO_EXPECT_EQ(co_await receiver, 1);
    // A sender whose value has moved up into the buffer.
    CO_EXPECT_OK(channel.TrySend(3));
    JoinHandle<void> sender = scope.Spawn(
        [&]() -> Task<void> { CO_EXPECT_OK(co_await channel.Send(4)); });
    co_await Settle();
    CO_EXPECT_EQ(channel.TryReceive().value(), 3);
    CO_EXPECT_ERROR(channel.TrySend(5), kWouldBlock);
    CO_EXPECT_EQ(channel.TryReceive().value(), 4);
    CO_EXPECT_OK(channel.TrySend(5));
    co_await sender;
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(ChannelTest, ManySendersTakeTurns) {
  EDDY_CO_SKIP_IN_CHAOS("what is ready runs in another order");
  constexpr std::size_t kTasks = 5;
  for (const std::size_t capacity : {0U, 1U, 3U}) {
    Channel<std::size_t> channel(capacity);
    std::array<int, kTasks> received = {};
    std::vector<std::size_t> last(kTasks, 0);
    const auto body = [&](TaskScope& scope) -> Task<void> {
      for (std::size_t task = 0; task < kTasks; ++task) {
        scope.Spawn([&, task]() -> Task<void> {
          for (int i = 0; i < 100; ++i) {
            CO_EXPECT_OK(co_await channel.Send(task));
          }
        });
      }
      co_await Settle();
      for (std::size_t i = 0; i < 100 * kTasks; ++i) {
        const Result<std::size_t> task = co_await channel.Receive();
        CO_ASSERT_OK(task);
        // Between two of one task come the others, and what a task can send
        // at most before it waits.
        if (received[*task] != 0) {
          EXPECT_LE(i - last[*task], kTasks + capacity + 1);
        }
        last[*task] = i;
        ++received[*task];
      }
    };
    CO_EXPECT_OK(co_await WithScope(body));
    EXPECT_THAT(received, ::testing::Each(100));
  }
}

CO_TEST(ChannelTest, TasksThatNeverWaitStarveNobody) {
  Channel<int> channel(1);
  bool done = false;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      while (!done) {
        CO_EXPECT_OK(co_await channel.Send(1));
        CO_EXPECT_OK(co_await channel.Receive());
      }
    });
    CO_EXPECT_OK(co_await Sleep(1ms));
    done = true;
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

// --- Close -------------------------------------------------------------------

CO_TEST(ChannelTest, CloseLetsReceiversDrainAndSendersKeepTheirValues) {
  Channel<Item> channel(2);
  Item kept(3);
  const auto body = [&](TaskScope& scope) -> Task<void> {
    CO_EXPECT_OK(co_await channel.Send(Item(1)));
    CO_EXPECT_OK(co_await channel.Send(Item(2)));
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await channel.Send(std::move(kept)), kClosed);
    });
    co_await Settle();
    channel.Close();
    channel.Close();
    CO_EXPECT_ERROR(co_await channel.Send(std::move(kept)), kClosed);
    CO_EXPECT_ERROR(channel.TrySend(std::move(kept)), kClosed);
    CO_EXPECT_EQ((co_await channel.Receive())->value(), 1);
    CO_EXPECT_EQ(channel.TryReceive()->value(), 2);
    CO_EXPECT_ERROR(co_await channel.Receive(), kEndOfStream);
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(kept.value(), 3);
}

CO_TEST(ChannelTest, CloseWakesAllThatWait) {
  Channel<int> channel(0);
  int woken = 0;
  const auto receivers = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      scope.Spawn([&]() -> Task<void> {
        CO_EXPECT_ERROR(co_await channel.Receive(), kEndOfStream);
        ++woken;
      });
    }
    co_await Settle();
    channel.Close();
  };
  CO_EXPECT_OK(co_await WithScope(receivers));
  EXPECT_EQ(woken, 3);
}

CO_TEST(ChannelTest, MayGoBeforeThoseItHasWokenRun) {
  auto channel = std::make_unique<Channel<Item>>(1);
  Item kept(3);
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_EQ((co_await channel->Receive())->value(), 1);
    });
    co_await Settle();
    CO_EXPECT_OK(channel->TrySend(Item(1)));
    channel.reset();
    co_await Settle();
    channel = std::make_unique<Channel<Item>>(0);
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await channel->Send(std::move(kept)), kClosed);
    });
    co_await Settle();
    channel->Close();
    channel.reset();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(kept.value(), 3);
  EXPECT_EQ(Item::live(), 1);
}

// --- Cost, dumps, misuse -----------------------------------------------------

CO_TEST(ChannelTest, AllocatesNothing) {
  if (!test::CountsAllocations()) CO_SKIP("allocations cannot be counted");
  for (const std::size_t capacity : {0U, 1U, 64U}) {
    Channel<int> channel(capacity);
    std::uint64_t allocations = 0;
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        for (int i = 0; i < 1000; ++i) CO_EXPECT_OK(co_await channel.Send(i));
        channel.Close();
      });
      CO_EXPECT_EQ(*co_await channel.Receive(), 0);
      const test::HeapCount count;
      while (auto value = co_await channel.Receive()) {
        static_cast<void>(*value);
      }
      allocations = count.allocations();
    };
    CO_EXPECT_OK(co_await WithScope(body));
    EXPECT_EQ(allocations, 0U);
  }
}

CO_TEST(ChannelTest, IsNamedInADumpOfTheTasks) {
  Channel<int> full(0);
  Channel<int> empty(0);
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> { CO_EXPECT_OK(co_await full.Send(1)); });
    scope.Spawn(
        [&]() -> Task<void> { CO_EXPECT_OK(co_await empty.Receive()); });
    co_await Settle();
    const std::string dump = Reactor::Current()->DumpTasks();
    EXPECT_THAT(dump, HasSubstr("Channel::Send"));
    EXPECT_THAT(dump, HasSubstr("Channel::Receive"));
    CO_EXPECT_OK(full.TryReceive());
    CO_EXPECT_OK(empty.TrySend(1));
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

template <class F>
void WhileATaskWaits(F wait) {
  SyncWait([](F waits) -> Task<void> {
    auto channel = std::make_unique<Channel<int>>(0);
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> { co_await waits(*channel); });
      co_await Settle();
      channel.reset();
    };
    static_cast<void>(co_await WithScope(body));
  }(wait));
}

TEST(ChannelDeathTest, IsDestroyedWhileATaskWaits) {
  const auto sends = [](Channel<int>& channel) -> Task<void> {
    static_cast<void>(co_await channel.Send(1));
  };
  const auto receives = [](Channel<int>& channel) -> Task<void> {
    static_cast<void>(co_await channel.Receive());
  };
  constexpr char kText[] = "a Channel was destroyed while a task waits";
  EXPECT_DEATH(WhileATaskWaits(sends), kText);
  EXPECT_DEATH(WhileATaskWaits(receives), kText);
}

TEST(ChannelDeathTest, IsUsedOnAnotherThread) {
  const auto run = [] {
    SyncWait([]() -> Task<void> {
      Channel<int> channel(0);
      const auto body = [&](TaskScope& scope) -> Task<void> {
        scope.Spawn([&]() -> Task<void> {
          static_cast<void>(co_await channel.Receive());
        });
        co_await Settle();
        std::thread([&] { static_cast<void>(channel.TrySend(1)); }).join();
      };
      static_cast<void>(co_await WithScope(body));
    }());
  };
  EXPECT_DEATH(run(), "a reactor or a task of it was used on another thread");
}

}  // namespace
}  // namespace eddy
