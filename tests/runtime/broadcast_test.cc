#include <eddy/runtime/broadcast.h>

#include <eddy/runtime/random.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
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
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/runtime/channel_values.h"
#include "tests/runtime/heap_count.h"
#include "tests/runtime/settle.h"
#include "tests/runtime/test_verbs.h"
#include "tests/sweeps.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::ExpectCleanSweeps;
using test::Fragile;
using test::Nop;
using test::Settle;
using ::testing::Each;
using ::testing::ElementsAre;

using Ints = Broadcast<int>;

constexpr std::errc kWouldBlock = std::errc::operation_would_block;

// What a receiver got, with -n where it lost n.
std::vector<int> Rest(Ints::Receiver& receiver) {
  std::vector<int> got;
  while (Result<Ints::Received> value = receiver.TryReceive()) {
    if (value->lost != 0) got.push_back(-static_cast<int>(value->lost));
    got.push_back(value->value);
  }
  return got;
}

CO_TEST(BroadcastTest, GivesEveryReceiverEveryValue) {
  Ints broadcast(4);
  std::vector<std::vector<int>> got(3);
  const auto receives = [](Ints::Receiver receiver,
                           std::vector<int>& to) -> Task<void> {
    while (auto value = co_await receiver.Receive()) {
      EXPECT_EQ(value->lost, 0U);
      to.push_back(value->value);
    }
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (std::vector<int>& each : got) {
      scope.Spawn(receives, broadcast.Subscribe(), std::ref(each));
    }
    EXPECT_EQ(broadcast.receivers(), 3U);
    for (int i = 0; i < 10; ++i) {
      CO_EXPECT_OK(broadcast.Send(i));
      if (i % 4 == 3) co_await Settle();
    }
    broadcast.Close();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_THAT(got, Each(ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)));
  EXPECT_EQ(broadcast.receivers(), 0U);
}

CO_TEST(BroadcastTest, AReceiverGetsWhatIsSentSinceItSubscribed) {
  Ints broadcast(8);
  CO_EXPECT_OK(broadcast.Send(1));
  Ints::Receiver first = broadcast.Subscribe();
  CO_EXPECT_ERROR(first.TryReceive(), kWouldBlock);
  CO_EXPECT_OK(broadcast.Send(2));
  Ints::Receiver second = broadcast.Subscribe();
  CO_EXPECT_OK(broadcast.Send(3));
  EXPECT_THAT(Rest(first), ElementsAre(2, 3));
  EXPECT_THAT(Rest(second), ElementsAre(3));
  co_return;
}

CO_TEST(BroadcastTest, OneThatFallsBehindIsToldHowManyItLost) {
  Ints broadcast(3);
  EXPECT_EQ(broadcast.capacity(), 3U);
  Ints::Receiver slow = broadcast.Subscribe();
  Ints::Receiver quick = broadcast.Subscribe();
  for (int i = 0; i < 10; ++i) {
    CO_EXPECT_OK(broadcast.Send(i));
    CO_EXPECT_EQ((co_await quick.Receive())->value, i);
  }
  const Result<Ints::Received> value = co_await slow.Receive();
  CO_ASSERT_OK(value);
  EXPECT_EQ(value->lost, 7U);
  EXPECT_EQ(value->value, 7);
  // It goes on with the oldest that is kept, and may fall behind again.
  CO_EXPECT_OK(broadcast.Send(10));
  CO_EXPECT_OK(broadcast.Send(11));
  EXPECT_THAT(Rest(slow), ElementsAre(-1, 9, 10, 11));
  EXPECT_THAT(Rest(quick), ElementsAre(10, 11));
}

CO_TEST(BroadcastTest, OneThatWasWokenMayHaveFallenBehindBeforeItRuns) {
  Ints broadcast(2);
  Ints::Receiver receiver = broadcast.Subscribe();
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      const Result<Ints::Received> value = co_await receiver.Receive();
      CO_ASSERT_OK(value);
      EXPECT_EQ(value->lost, 3U);
      EXPECT_EQ(value->value, 3);
    });
    co_await Settle();
    for (int i = 0; i < 5; ++i) CO_EXPECT_OK(broadcast.Send(i));
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_THAT(Rest(receiver), ElementsAre(4));
}

CO_TEST(BroadcastTest, CloseLetsReceiversDrain) {
  Broadcast<std::string> broadcast(2);
  auto receiver = broadcast.Subscribe();
  auto waits = broadcast.Subscribe();
  const auto body = [&](TaskScope& scope) -> Task<void> {
    std::string text = "one";
    CO_EXPECT_OK(broadcast.Send(text));
    EXPECT_EQ(text, "one");
    CO_EXPECT_EQ((co_await waits.Receive())->value, "one");
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await waits.Receive(), kEndOfStream);
    });
    co_await Settle();
    broadcast.Close();
    broadcast.Close();
    EXPECT_TRUE(broadcast.is_closed());
    CO_EXPECT_ERROR(broadcast.Send(std::move(text)), kClosed);
    EXPECT_EQ(text, "one");
    CO_EXPECT_EQ((co_await receiver.Receive())->value, "one");
    CO_EXPECT_ERROR(co_await receiver.Receive(), kEndOfStream);
    CO_EXPECT_ERROR(receiver.TryReceive(), kEndOfStream);
    auto late = broadcast.Subscribe();
    CO_EXPECT_ERROR(co_await late.Receive(), kEndOfStream);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(BroadcastTest, KeepsNothingWhereNobodyListens) {
  Broadcast<std::shared_ptr<int>> broadcast(4);
  const auto shared = std::make_shared<int>(1);
  CO_EXPECT_OK(broadcast.Send(shared));
  EXPECT_EQ(shared.use_count(), 1);
  {
    auto receiver = broadcast.Subscribe();
    CO_EXPECT_OK(broadcast.Send(shared));
    EXPECT_EQ(shared.use_count(), 2);
  }
  CO_EXPECT_OK(broadcast.Send(shared));
  EXPECT_EQ(shared.use_count(), 1);
  auto receiver = broadcast.Subscribe();
  CO_EXPECT_OK(broadcast.Send(shared));
  CO_EXPECT_EQ((co_await receiver.Receive())->lost, 0U);
}

CO_TEST(BroadcastTest, ReceiversMayBeMoved) {
  Ints broadcast(4);
  Ints other(4);
  Ints::Receiver first = broadcast.Subscribe();
  CO_EXPECT_OK(broadcast.Send(1));
  Ints::Receiver second = std::move(first);
  EXPECT_THAT(Rest(second), ElementsAre(1));
  EXPECT_EQ(broadcast.receivers(), 1U);
  second = other.Subscribe();
  EXPECT_EQ(broadcast.receivers(), 0U);
  EXPECT_EQ(other.receivers(), 1U);
  CO_EXPECT_OK(other.Send(2));
  EXPECT_THAT(Rest(second), ElementsAre(2));
  co_return;
}

CO_TEST(BroadcastTest, AStopTakesNothing) {
  Ints broadcast(4);
  Ints::Receiver receiver = broadcast.Subscribe();
  StopSource stopped;
  stopped.RequestStop();
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, receiver.Receive()), kTimedOut);
  CO_EXPECT_OK(broadcast.Send(1));
  CO_EXPECT_ERROR(co_await WithStop(stopped.token(), receiver.Receive()),
                  kCanceled);
  CO_EXPECT_EQ((co_await receiver.Receive())->value, 1);
  StopSource stop;
  const auto stop_first = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await WithStop(stop.token(), receiver.Receive()),
                      kCanceled);
    });
    co_await Settle();
    stop.RequestStop();
    CO_EXPECT_OK(broadcast.Send(2));
  };
  CO_EXPECT_OK(co_await WithScope(stop_first));
  EXPECT_THAT(Rest(receiver), ElementsAre(2));
  StopSource late;
  const auto send_first = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      const auto value = co_await WithStop(late.token(), receiver.Receive());
      CO_ASSERT_OK(value);
      EXPECT_EQ(value->value, 3);
    });
    co_await Settle();
    CO_EXPECT_OK(broadcast.Send(3));
    late.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(send_first));
  EXPECT_THAT(Rest(receiver), ElementsAre());
}

CO_TEST(BroadcastTest, ACopyThatThrowsTakesNothing) {
  Broadcast<Fragile> broadcast(2);
  auto receiver = broadcast.Subscribe();
  const Fragile value(1);
  Fragile::ThrowAfter(0);
  CO_EXPECT_BREAKS(broadcast.Send(value));
  CO_EXPECT_ERROR(receiver.TryReceive(), kWouldBlock);
  CO_EXPECT_OK(broadcast.Send(value));
  Fragile::ThrowAfter(0);
  CO_EXPECT_BREAKS(co_await receiver.Receive());
  Fragile::ThrowAfter(0);
  CO_EXPECT_BREAKS(receiver.TryReceive());
  const auto got = co_await receiver.Receive();
  CO_ASSERT_OK(got);
  EXPECT_EQ(got->value.value(), 1);
  EXPECT_EQ(got->lost, 0U);
}

CO_TEST(BroadcastTest, SendsAgainWhatItKeeps) {
  Broadcast<std::string> broadcast(1);
  auto receiver = broadcast.Subscribe();
  CO_EXPECT_OK(broadcast.Send(std::string(100, 'x')));
  const auto got = co_await receiver.Receive();
  CO_ASSERT_OK(got);
  CO_EXPECT_OK(broadcast.Send(got->value));
  CO_EXPECT_EQ((co_await receiver.Receive())->value, std::string(100, 'x'));
}

CO_TEST(BroadcastTest, AllocatesNothing) {
  if (!test::CountsAllocations()) CO_SKIP("allocations cannot be counted");
  Ints broadcast(16);
  std::uint64_t allocations = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      scope.Spawn(
          [](Ints::Receiver receiver) -> Task<void> {
            while (auto value = co_await receiver.Receive()) {
              EXPECT_EQ(value->lost, 0U);
            }
          },
          broadcast.Subscribe());
    }
    co_await Settle();
    const test::HeapCount count;
    for (int i = 0; i < 1000; ++i) {
      CO_EXPECT_OK(broadcast.Send(i));
      if (i % 8 == 0) co_await Yield();
    }
    allocations = count.allocations();
    broadcast.Close();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(allocations, 0U);
}

// Every value that a receiver did not get it was told of.
struct Account {
  int next = 0;
  std::uint64_t lost = 0;

  void Take(const Ints::Received& received) {
    lost += received.lost;
    EXPECT_EQ(received.value, next + static_cast<int>(received.lost));
    next = received.value + 1;
  }
  void Drain(Ints::Receiver& receiver, int sent) {
    while (Result<Ints::Received> more = receiver.TryReceive()) Take(*more);
    EXPECT_EQ(next, sent);
  }
};

Task<Result<void>> OneToMany(std::size_t capacity) {
  Ints broadcast(capacity);
  int sent = 0;
  const auto receives = [&](Ints::Receiver receiver,
                            bool slow) -> Task<Result<void>> {
    Account account;
    Result<void> result;
    while (result) {
      // Stopped by the Nop or not, the value is not lost.
      auto first = co_await WhenAny(receiver.Receive(), Nop());
      if (auto* value = first.value<0>()) {
        if (*value) {
          account.Take(**value);
        } else {
          result = Unexpected(value->error());
        }
      }
      if (auto* nop = first.value<1>(); nop != nullptr && !*nop) result = *nop;
      if (slow && result) result = co_await Nop();
    }
    account.Drain(receiver, sent);
    if (result.error() == kEndOfStream) co_return Result<void>();
    co_return result;
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(receives, broadcast.Subscribe(), false);
    scope.Spawn(receives, broadcast.Subscribe(), true);
    for (int i = 0; i < 6; ++i) {
      EDDY_CO_CHECK(broadcast.Send(int(sent++)));
      if (i % 2 == 0) EDDY_CO_CHECK(co_await Nop());
    }
    broadcast.Close();
    co_return Result<void>();
  };
  co_return co_await WithScope(body);
}

TEST(BroadcastSweepTest, LosesNothingInSilence) {
  for (const std::size_t capacity : {1U, 2U, 8U}) {
    ExpectCleanSweeps([=] { return OneToMany(capacity); }, {15, 4});
  }
}

CO_TEST(BroadcastTest, RandomStopsLoseNothingInSilence) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Ints broadcast(1 + seed % 5);
    internal::Random random(seed);
    int sent = 0;
    const auto receives = [&](Ints::Receiver receiver) -> Task<void> {
      Account account;
      while (true) {
        Result<Ints::Received> value = co_await WithTimeout(
            std::chrono::microseconds(random.Below(20)), receiver.Receive());
        if (value) {
          account.Take(*value);
        } else if (value.error() == kEndOfStream) {
          account.Drain(receiver, sent);
          co_return;
        }
        if (random.OneIn(2)) co_await Yield();
      }
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      for (int i = 0; i < 4; ++i) {
        scope.Spawn(receives, broadcast.Subscribe());
      }
      for (int i = 0; i < 200; ++i) {
        CO_EXPECT_OK(broadcast.Send(int(sent++)));
        if (random.OneIn(2)) co_await Yield();
      }
      broadcast.Close();
    };
    CO_EXPECT_OK(co_await WithScope(body));
  }
}

// --- Misuse ------------------------------------------------------------------

template <class F>
void InATask(F f) {
  SyncWait([](F g) -> Task<void> {
    auto broadcast = std::make_unique<Ints>(1);
    co_await g(broadcast);
  }(f));
}

TEST(BroadcastDeathTest, KeepsNoValue) {
  EXPECT_DEATH(Ints broadcast(0), "a Broadcast that keeps no value");
}

TEST(BroadcastDeathTest, IsDestroyedWhileItHasReceivers) {
  const auto destroys = [](std::unique_ptr<Ints>& broadcast) -> Task<void> {
    const Ints::Receiver receiver = broadcast->Subscribe();
    broadcast.reset();
    co_return;
  };
  EXPECT_DEATH(InATask(destroys), "was destroyed while it has receivers");
}

TEST(BroadcastDeathTest, AReceiverThatIsAwaited) {
  const auto destroys = [](std::unique_ptr<Ints>& broadcast) -> Task<void> {
    std::optional<Ints::Receiver> receiver = broadcast->Subscribe();
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        static_cast<void>(co_await receiver->Receive());
      });
      co_await Settle();
      receiver.reset();
    };
    static_cast<void>(co_await WithScope(body));
  };
  EXPECT_DEATH(InATask(destroys), "a receiver was destroyed while a task");
  // Also where the task was woken, and has not run yet.
  const auto moves = [](std::unique_ptr<Ints>& broadcast) -> Task<void> {
    Ints::Receiver receiver = broadcast->Subscribe();
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        static_cast<void>(co_await receiver.Receive());
      });
      co_await Settle();
      broadcast->Send(1);
      const Ints::Receiver other = std::move(receiver);
    };
    static_cast<void>(co_await WithScope(body));
  };
  EXPECT_DEATH(InATask(moves), "a receiver was moved while a task awaits it");
  const auto two = [](std::unique_ptr<Ints>& broadcast) -> Task<void> {
    Ints::Receiver receiver = broadcast->Subscribe();
    static_cast<void>(co_await WhenAny(receiver.Receive(), receiver.Receive()));
  };
  EXPECT_DEATH(InATask(two), "two tasks await one receiver");
  const auto moved = [](std::unique_ptr<Ints>& broadcast) -> Task<void> {
    Ints::Receiver receiver = broadcast->Subscribe();
    const Ints::Receiver other = std::move(receiver);
    static_cast<void>(co_await receiver.Receive());
  };
  EXPECT_DEATH(InATask(moved), "a receiver was used that was moved from");
}

// What tells of its own end through the channel that holds it.
struct Session {
  Broadcast<std::shared_ptr<Session>>* ended = nullptr;
  int* ends = nullptr;
  ~Session() {
    ++*ends;
    if (ended != nullptr) {
      auto last = std::make_shared<Session>();
      last->ends = ends;
      static_cast<void>(ended->Send(std::move(last)));
    }
  }
};

CO_TEST(BroadcastTest, TheEndOfAValueMaySend) {
  int ends = 0;
  {
    Broadcast<std::shared_ptr<Session>> sessions(2);
    const auto session = [&](bool tells) {
      auto made = std::make_shared<Session>();
      made->ends = &ends;
      if (tells) made->ended = &sessions;
      return made;
    };
    {
      auto receiver = sessions.Subscribe();
      for (int i = 0; i != 3; ++i) CO_EXPECT_OK(sessions.Send(session(i < 2)));
      // The first one's end has sent, and so ended the second, which has sent.
      EXPECT_EQ(ends, 3);
      auto received = receiver.TryReceive();
      CO_ASSERT_OK(received);
      EXPECT_EQ(received->lost, 3U);
    }
    // Nobody listens: all of them go.
    CO_EXPECT_OK(sessions.Send(session(false)));
  }
  EXPECT_EQ(ends, 6);
  co_return;
}

}  // namespace
}  // namespace eddy
