// SharedChannel: values between threads and tasks.
#include <eddy/runtime/reactor_thread.h>
#include <eddy/runtime/shared_channel.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/testing/sweep.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "tests/runtime/heap_count.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using Values = SharedChannel<std::unique_ptr<int>>;

std::unique_ptr<int> Value(int n) { return std::make_unique<int>(n); }

constexpr std::errc kWouldWait = std::errc::resource_unavailable_try_again;

// --- Without waiting ---------------------------------------------------------

TEST(SharedChannelTest, GivesValuesInTheirOrder) {
  Values channel(3);
  EXPECT_EQ(channel.capacity(), 3U);
  for (int round = 0; round != 5; ++round) {
    for (int n = 0; n != 3; ++n) EXPECT_TRUE(channel.TrySend(Value(n)));
    EXPECT_EQ(channel.size(), 3U);
    for (int n = 0; n != 3; ++n) {
      Result<std::unique_ptr<int>> value = channel.TryReceive();
      ASSERT_TRUE(value);
      EXPECT_EQ(**value, n);
    }
  }
  EXPECT_EQ(channel.TryReceive().error(), kWouldWait);
}

TEST(SharedChannelTest, LeavesTheValueWhereItIsRefused) {
  Values channel(1);
  EXPECT_TRUE(channel.TrySend(Value(1)));
  auto value = Value(2);
  EXPECT_EQ(channel.TrySend(std::move(value)).error(), kWouldWait);
  EXPECT_NE(value, nullptr);
  EXPECT_EQ(channel.BlockingSendFor(1ms, std::move(value)).error(), kTimedOut);
  EXPECT_NE(value, nullptr);
  channel.Close();
  EXPECT_TRUE(channel.is_closed());
  EXPECT_EQ(channel.TrySend(std::move(value)).error(), kClosed);
  EXPECT_EQ(channel.BlockingSend(std::move(value)).error(), kClosed);
  EXPECT_NE(value, nullptr);
}

TEST(SharedChannelTest, CloseLeavesWhatWasSent) {
  Values channel(2);
  EXPECT_TRUE(channel.BlockingSend(Value(1)));
  EXPECT_TRUE(channel.BlockingSend(Value(2)));
  channel.Close();
  channel.Close();
  EXPECT_EQ(*channel.BlockingReceive().value(), 1);
  EXPECT_EQ(*channel.TryReceive().value(), 2);
  EXPECT_EQ(channel.BlockingReceive().error(), kEndOfStream);
  EXPECT_EQ(channel.TryReceive().error(), kEndOfStream);
}

TEST(SharedChannelTest, DestroysWhatNobodyReceives) {
  auto shared = std::make_shared<int>(1);
  {
    SharedChannel<std::shared_ptr<int>> channel(2);
    EXPECT_TRUE(channel.TrySend(std::shared_ptr<int>(shared)));
    EXPECT_EQ(shared.use_count(), 2);
  }
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(SharedChannelTest, AllocatesOnlyWhenItIsMade) {
  if (!test::CountsAllocations()) {
    GTEST_SKIP() << "allocations cannot be counted";
  }
  SharedChannel<int> channel(8);
  const test::HeapCount count;
  for (int n = 0; n != 100; ++n) {
    EXPECT_TRUE(channel.TrySend(int{n}));
    EXPECT_EQ(channel.TryReceive(), n);
  }
  EXPECT_EQ(count.allocations(), 0U);
}

// --- Threads -----------------------------------------------------------------

TEST(SharedChannelTest, AThreadWaitsForAValueAndForRoom) {
  for (const std::size_t capacity : {0U, 1U}) {
    Values channel(capacity);
    std::thread sender([&] {
      for (int n = 0; n != 1000; ++n) {
        EXPECT_TRUE(channel.BlockingSend(Value(n)));
      }
      channel.Close();
    });
    int next = 0;
    while (auto value = channel.BlockingReceive()) EXPECT_EQ(**value, next++);
    EXPECT_EQ(next, 1000);
    sender.join();
  }
}

TEST(SharedChannelTest, AThreadWaitsNoLongerThanItsTime) {
  Values channel(0);
  EXPECT_EQ(channel.BlockingReceiveFor(1ms).error(), kTimedOut);
  auto value = Value(1);
  EXPECT_EQ(channel.BlockingSendFor(0ms, std::move(value)).error(), kTimedOut);
  EXPECT_NE(value, nullptr);
  std::thread receiver(
      [&] { EXPECT_EQ(*channel.BlockingReceiveFor(1h).value(), 1); });
  EXPECT_TRUE(channel.BlockingSendFor(1h, std::move(value)));
  receiver.join();
}

// Until the thread sleeps.
void WaitUntilAsleep(pid_t thread) {
  const std::string path =
      "/proc/self/task/" + std::to_string(thread) + "/stat";
  for (std::string state; state != "S"; std::this_thread::yield()) {
    std::ifstream stat(path);
    std::string number;
    std::string name;
    stat >> number >> name >> state;
  }
}

TEST(SharedChannelTest, CloseWakesThreads) {
  Values channel(0);
  std::atomic<pid_t> id = 0;
  std::thread receiver([&] {
    id = gettid();
    EXPECT_EQ(channel.BlockingReceive().error(), kEndOfStream);
  });
  while (id == 0) std::this_thread::yield();
  WaitUntilAsleep(id);
  channel.Close();
  receiver.join();
  Values full(1);
  EXPECT_TRUE(full.TrySend(Value(1)));
  std::thread sender([&] {
    auto value = Value(2);
    EXPECT_EQ(full.BlockingSend(std::move(value)).error(), kClosed);
    EXPECT_NE(value, nullptr);
  });
  std::this_thread::yield();
  full.Close();
  sender.join();
  EXPECT_EQ(*full.TryReceive().value(), 1);
}

// Who is woken by the end may destroy the channel at once.
TEST(SharedChannelTest, CloseLetsGoOfTheChannelBeforeItsWaitersGoOn) {
  for (int round = 0; round != 100; ++round) {
    auto* channel = new Values(0);
    std::atomic<pid_t> id = 0;
    std::thread receiver([&id, channel] {
      id = gettid();
      EXPECT_EQ(channel->BlockingReceive().error(), kEndOfStream);
      delete channel;
    });
    while (id == 0) std::this_thread::yield();
    WaitUntilAsleep(id);
    channel->Close();
    receiver.join();
  }
}

// A time-out that meets a value: it is received, or still there.
TEST(SharedChannelTest, ATimeOutLosesNothing) {
  SharedChannel<int> channel(0);
  constexpr int kValues = 300;
  std::atomic<int> sent = 0;
  std::thread sender([&] {
    for (int n = 0; n != kValues; ++n) {
      while (!channel.BlockingSendFor(50us, int{n})) {
      }
      ++sent;
    }
    channel.Close();
  });
  int next = 0;
  while (true) {
    const Result<int> value = channel.BlockingReceiveFor(50us);
    if (value) {
      EXPECT_EQ(*value, next++);
    } else if (value.error() == kEndOfStream) {
      break;
    }
  }
  EXPECT_EQ(next, kValues);
  sender.join();
  EXPECT_EQ(sent, kValues);
}

// --- Tasks -------------------------------------------------------------------

CO_TEST(SharedChannelTaskTest, ATaskReceivesWhatAThreadSends) {
  for (int capacity = 0; capacity != 3; ++capacity) {
    Values channel(static_cast<std::size_t>(capacity));
    std::thread sender([&] {
      for (int n = 0; n != 500; ++n) {
        EXPECT_TRUE(channel.BlockingSend(Value(n)));
      }
      channel.Close();
    });
    int next = 0;
    while (auto value = co_await channel.Receive()) {
      EXPECT_EQ(**value, next++);
    }
    EXPECT_EQ(next, 500);
    CO_EXPECT_ERROR(co_await channel.Receive(), kEndOfStream);
    sender.join();
  }
}

CO_TEST(SharedChannelTaskTest, AThreadReceivesWhatATaskSends) {
  Values channel(1);
  std::thread receiver([&] {
    int next = 0;
    while (auto value = channel.BlockingReceive()) EXPECT_EQ(**value, next++);
    EXPECT_EQ(next, 500);
  });
  for (int n = 0; n != 500; ++n) {
    auto value = Value(n);
    CO_EXPECT_OK(co_await channel.Send(std::move(value)));
    EXPECT_EQ(value, nullptr);
  }
  channel.Close();
  auto value = Value(1);
  CO_EXPECT_ERROR(co_await channel.Send(std::move(value)), kClosed);
  EXPECT_NE(value, nullptr);
  receiver.join();
}

CO_TEST(SharedChannelTaskTest, TasksOfOneReactorShareIt) {
  SharedChannel<int> channel(0);
  int sum = 0;
  const auto send = [&](int first) -> Task<void> {
    for (int n = first; n != first + 50; ++n) {
      CO_EXPECT_OK(co_await channel.Send(int{n}));
    }
  };
  const auto receive = [&]() -> Task<void> {
    while (auto value = co_await channel.Receive()) sum += *value;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(receive);
    scope.Spawn(receive);
    JoinHandle<void> first = scope.Spawn(send, 0);
    JoinHandle<void> second = scope.Spawn(send, 50);
    co_await first;
    co_await second;
    channel.Close();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(sum, 99 * 100 / 2);
}

CO_TEST(SharedChannelTaskTest, AStoppedWaitHasDoneNothing) {
  Values channel(1);
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, channel.Receive()), kTimedOut);
  auto value = Value(1);
  CO_EXPECT_OK(co_await channel.Send(std::move(value)));
  value = Value(2);
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, channel.Send(std::move(value))),
                  kTimedOut);
  EXPECT_NE(value, nullptr);
  EXPECT_EQ(*channel.TryReceive().value(), 1);
  EXPECT_EQ(channel.TryReceive().error(), kWouldWait);
}

CO_TEST(SharedChannelTaskTest, WithAStopFromBeforeNothingIsDone) {
  SharedChannel<int> channel(1);
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.RequestStop();
    CO_EXPECT_ERROR(co_await channel.Send(1), kCanceled);
    CO_EXPECT_ERROR(co_await channel.Receive(), kCanceled);
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(channel.size(), 0U);
}

// A value that comes together with the stop is given, not dropped.
CO_TEST(SharedChannelTaskTest, WhatCameBeforeTheStopIsGiven) {
  SharedChannel<int> channel(0);
  int received = 0;
  const auto receive = [&]() -> Task<void> {
    const Result<int> value = co_await channel.Receive();
    received = value.value_or(-1);
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(receive);
    while (!channel.TrySend(7)) co_await Yield();
    scope.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(received, 7);
}

// Values arrive once each, although the receiver waits for something else too.
CO_TEST(SharedChannelTaskTest, InWhenAnyNothingIsLost) {
  SharedChannel<int> one(0);
  SharedChannel<int> other(1);
  constexpr int kEach = 300;
  const auto send = [](SharedChannel<int>& channel) {
    for (int n = 0; n != kEach; ++n) {
      EXPECT_TRUE(channel.BlockingSend(int{n}));
    }
    channel.Close();
  };
  std::thread first([&] { send(one); });
  std::thread second([&] { send(other); });
  int next_one = 0;
  int next_other = 0;
  while (next_one != kEach && next_other != kEach) {
    auto any = co_await WhenAny(one.Receive(), other.Receive());
    if (auto* value = any.value<0>()) {
      CO_ASSERT_OK(*value);
      EXPECT_EQ(**value, next_one++);
    }
    if (auto* value = any.value<1>()) {
      CO_ASSERT_OK(*value);
      EXPECT_EQ(**value, next_other++);
    }
  }
  // One that is closed would win at once each time.
  while (auto value = co_await one.Receive()) EXPECT_EQ(*value, next_one++);
  while (auto value = co_await other.Receive()) {
    EXPECT_EQ(*value, next_other++);
  }
  EXPECT_EQ(next_one, kEach);
  EXPECT_EQ(next_other, kEach);
  first.join();
  second.join();
}

// Senders and receivers of all kinds, with stops and time-outs among them: what
// was sent arrives, once.
TEST(SharedChannelStressTest, NothingIsLostBetweenThreadsAndReactors) {
  constexpr int kEach = 400;
  for (const std::size_t capacity : {0U, 1U, 16U}) {
    SharedChannel<int> channel(capacity);
    std::atomic<std::int64_t> sum = 0;
    std::atomic<int> received = 0;
    const auto take = [&](int value) {
      sum += value;
      ++received;
    };
    const auto send_task = [&]() -> Task<void> {
      for (int n = 1; n <= kEach; ++n) {
        int value = n;
        while (true) {
          const Result<void> sent =
              co_await WithTimeout(100us, channel.Send(std::move(value)));
          if (sent) break;
          EXPECT_EQ(sent.error(), kTimedOut);
        }
      }
    };
    const auto receive_task = [&]() -> Task<void> {
      while (true) {
        const Result<int> value =
            co_await WithTimeout(100us, channel.Receive());
        if (value) {
          take(*value);
        } else if (value.error() == kEndOfStream) {
          break;
        }
      }
    };
    Result<ReactorThread> a = ReactorThread::Start();
    Result<ReactorThread> b = ReactorThread::Start();
    ASSERT_TRUE(a && b);
    std::vector<RemoteHandle<void>> senders;
    std::vector<RemoteHandle<void>> receivers;
    for (const ReactorThread* reactor : {&*a, &*b}) {
      senders.push_back(reactor->remote().Spawn(send_task));
      receivers.push_back(reactor->remote().Spawn(receive_task));
    }
    std::thread sender([&] {
      for (int n = 1; n <= kEach; ++n) {
        EXPECT_TRUE(channel.BlockingSend(int{n}));
      }
    });
    std::thread receiver([&] {
      while (auto value = channel.BlockingReceive()) take(*value);
    });
    sender.join();
    for (RemoteHandle<void>& handle : senders) EXPECT_TRUE(handle.Wait());
    channel.Close();
    for (RemoteHandle<void>& handle : receivers) EXPECT_TRUE(handle.Wait());
    receiver.join();
    EXPECT_EQ(received, 3 * kEach);
    EXPECT_EQ(sum, 3 * kEach * (kEach + 1) / 2);
  }
}

TEST(SharedChannelTaskTest, StopsAtEveryPointLeaveNothing) {
  const auto scenario = []() -> Task<Result<void>> {
    SharedChannel<int> channel(0);
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn([&]() -> Task<Result<void>> {
        for (int n = 0; n != 3; ++n)
          EDDY_CO_CHECK(co_await channel.Send(int{n}));
        channel.Close();
        co_return {};
      });
      while (true) {
        const Result<int> value = co_await channel.Receive();
        if (value) continue;
        if (value.error() == kEndOfStream) break;
        co_return Unexpected(value.error());
      }
      co_return {};
    };
    co_return co_await WithScope(body);
  };
  const SweepReport stops = StopAtEveryPoint(scenario);
  EXPECT_EQ(stops.failure, "");
  EXPECT_GE(stops.points, 3U);
}

using SharedChannelDeathTest = testing::Test;

TEST(SharedChannelDeathTest, BlockingInATaskAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto receives = []() -> Task<void> {
    SharedChannel<int> channel(1);
    static_cast<void>(channel.BlockingReceive());
    co_return;
  };
  EXPECT_DEATH(SyncWait(receives()),
               "eddy: SharedChannel::BlockingReceive was called by a task");
}

TEST(SharedChannelDeathTest, DestroyingAChannelThatAThreadWaitsForAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto destroys = [] {
    auto channel = std::make_unique<SharedChannel<int>>(0);
    std::atomic<pid_t> id = 0;
    std::thread receiver([&] {
      id = gettid();
      static_cast<void>(channel->BlockingReceive());
    });
    while (id == 0) std::this_thread::yield();
    WaitUntilAsleep(id);
    channel.reset();
    receiver.join();
  };
  EXPECT_DEATH(destroys(), "a SharedChannel was destroyed while");
}

TEST(SharedChannelDeathTest, DestroyingAChannelThatATaskWaitsForAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto destroys = []() -> Task<void> {
    auto channel = std::make_unique<SharedChannel<int>>(0);
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        static_cast<void>(co_await channel->Receive());
      });
      co_await Yield();
      channel.reset();
    };
    static_cast<void>(co_await WithScope(body));
  };
  EXPECT_DEATH(SyncWait(destroys()), "a SharedChannel was destroyed while");
}

}  // namespace
}  // namespace eddy
