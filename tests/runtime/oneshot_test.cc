#include <eddy/runtime/oneshot.h>

#include <eddy/runtime/channel.h>
#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/with_stop.h>
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
using test::Item;
using test::Nop;
using test::Settle;

constexpr std::errc kWouldBlock = std::errc::operation_would_block;

CO_TEST(OneshotTest, GivesTheValueWhicheverEndIsFirst) {
  {
    Oneshot<Item> oneshot;
    CO_EXPECT_ERROR(oneshot.receiver.TryReceive(), kWouldBlock);
    CO_EXPECT_OK(oneshot.sender.Send(Item(1)));
    CO_EXPECT_EQ((co_await oneshot.receiver.Receive())->value(), 1);
  }
  {
    auto [sender, receiver] = Oneshot<Item>();
    CO_EXPECT_OK(sender.Send(Item(2)));
    CO_EXPECT_EQ(receiver.TryReceive()->value(), 2);
  }
  Oneshot<Item> oneshot;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_EQ((co_await oneshot.receiver.Receive())->value(), 3);
    });
    co_await Settle();
    CO_EXPECT_OK(oneshot.sender.Send(Item(3)));
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(Item::live(), 0);
}

CO_TEST(OneshotTest, ASenderThatGoesWithoutAValueWakesTheReceiver) {
  std::optional<Oneshot<int>> oneshot(std::in_place);
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await oneshot->receiver.Receive(), kClosed);
      CO_EXPECT_ERROR(co_await oneshot->receiver.Receive(), kClosed);
      CO_EXPECT_ERROR(oneshot->receiver.TryReceive(), kClosed);
    });
    co_await Settle();
    oneshot->sender = Oneshot<int>::Sender();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(OneshotTest, AReceiverThatGoesLeavesTheValueWithTheSender) {
  Oneshot<Item> oneshot;
  EXPECT_FALSE(oneshot.sender.is_closed());
  oneshot.receiver = Oneshot<Item>::Receiver();
  EXPECT_TRUE(oneshot.sender.is_closed());
  Item item(1);
  CO_EXPECT_ERROR(oneshot.sender.Send(std::move(item)), kClosed);
  CO_EXPECT_ERROR(oneshot.sender.Send(std::move(item)), kClosed);
  EXPECT_EQ(item.value(), 1);
  co_return;
}

CO_TEST(OneshotTest, BothEndsMayBeMoved) {
  Oneshot<std::string> first;
  Oneshot<std::string> second = std::move(first);
  Oneshot<std::string>::Sender sender = std::move(second.sender);
  const auto body = [&](TaskScope& scope) -> Task<void> {
    // Also while a task waits for it: what waits is not the receiver.
    auto waits = second.receiver.Receive();
    Oneshot<std::string>::Receiver receiver = std::move(second.receiver);
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_EQ(*co_await std::move(waits), "text");
    });
    co_await Settle();
    const std::string text = "text";
    CO_EXPECT_OK(sender.Send(text));
    EXPECT_EQ(text, "text");
    co_await Settle();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(OneshotTest, AValueThatNobodyReceivesGoesWithTheReceiver) {
  {
    Oneshot<Item> oneshot;
    CO_EXPECT_OK(oneshot.sender.Send(Item(1)));
    EXPECT_EQ(Item::live(), 1);
  }
  EXPECT_EQ(Item::live(), 0);
  co_return;
}

CO_TEST(OneshotTest, BothEndsMayGoBeforeTheTaskThatWasWokenRuns) {
  auto oneshot = std::make_unique<Oneshot<Item>>();
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_EQ((co_await oneshot->receiver.Receive())->value(), 1);
    });
    co_await Settle();
    CO_EXPECT_OK(oneshot->sender.Send(Item(1)));
    oneshot.reset();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(Item::live(), 0);
}

CO_TEST(OneshotTest, AStopTakesNothing) {
  Oneshot<Item> oneshot;
  StopSource stopped;
  stopped.RequestStop();
  CO_EXPECT_ERROR(
      co_await WithStop(stopped.token(), oneshot.receiver.Receive()),
      kCanceled);
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, oneshot.receiver.Receive()),
                  kTimedOut);
  // Stopped, and sent before the task runs.
  StopSource stop;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_ERROR(
          co_await WithStop(stop.token(), oneshot.receiver.Receive()),
          kCanceled);
    });
    co_await Settle();
    stop.RequestStop();
    CO_EXPECT_OK(oneshot.sender.Send(Item(1)));
  };
  CO_EXPECT_OK(co_await WithScope(body));
  CO_EXPECT_ERROR(
      co_await WithStop(stopped.token(), oneshot.receiver.Receive()),
      kCanceled);
  CO_EXPECT_EQ((co_await oneshot.receiver.Receive())->value(), 1);
}

CO_TEST(OneshotTest, WhatWasSentBeforeTheStopIsGiven) {
  Oneshot<Item> oneshot;
  StopSource stop;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      const Result<Item> item =
          co_await WithStop(stop.token(), oneshot.receiver.Receive());
      CO_ASSERT_OK(item);
      EXPECT_EQ(item->value(), 1);
    });
    co_await Settle();
    CO_EXPECT_OK(oneshot.sender.Send(Item(1)));
    stop.RequestStop();
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(OneshotTest, InAWhenAnyNothingIsLost) {
  Oneshot<Item> oneshot;
  CO_EXPECT_OK(oneshot.sender.Send(Item(1)));
  // The Sleep has ended before the Receive starts.
  auto first = co_await WhenAny(Sleep(0ms), oneshot.receiver.Receive());
  if (auto* item = first.value<1>()) {
    CO_ASSERT_OK(*item);
    EXPECT_EQ((*item)->value(), 1);
  } else {
    CO_EXPECT_EQ((co_await oneshot.receiver.Receive())->value(), 1);
  }
}

CO_TEST(OneshotTest, AMoveThatThrowsMovesNothing) {
  Oneshot<Fragile> oneshot;
  Fragile value(1);
  Fragile::ThrowAfter(0);
  CO_EXPECT_BREAKS(oneshot.sender.Send(std::move(value)));
  EXPECT_EQ(value.value(), 1);
  const Fragile& constant = value;
  Fragile::ThrowAfter(0);
  CO_EXPECT_BREAKS(oneshot.sender.Send(constant));
  CO_EXPECT_OK(oneshot.sender.Send(std::move(value)));
  Fragile::ThrowAfter(0);
  CO_EXPECT_BREAKS(co_await oneshot.receiver.Receive());
  Fragile::ThrowAfter(0);
  CO_EXPECT_BREAKS(oneshot.receiver.TryReceive());
  CO_EXPECT_EQ((co_await oneshot.receiver.Receive())->value(), 1);
}

// (Inlined, its frame may be part of its caller's.)
[[gnu::noinline]] Task<void> SendToItself() {
  Oneshot<int> oneshot;
  CO_EXPECT_OK(oneshot.sender.Send(1));
  CO_EXPECT_EQ(*co_await oneshot.receiver.Receive(), 1);
}

CO_TEST(OneshotTest, TakesOneBlockOfTheFramePool) {
  co_await SendToItself();
  if (test::CountsAllocations()) {
    const test::HeapCount count;
    for (int i = 0; i < 100; ++i) co_await SendToItself();
    EXPECT_EQ(count.allocations(), 0U);
  }
  const std::ptrdiff_t before = internal::FramePool::Live();
  {
    const Oneshot<int> oneshot;
    EXPECT_LE(internal::FramePool::Live(), before + 1);
  }
  EXPECT_EQ(internal::FramePool::Live(), before);
}

// Requests with their answers; some are refused, some answers are not awaited.
struct Question {
  int number;
  Oneshot<int>::Sender answer;
};

Task<Result<void>> AnswerAll(Channel<Question>& questions) {
  while (auto question = co_await questions.Receive()) {
    EDDY_CO_CHECK(co_await Nop());
    if (question->number % 3 == 2) continue;
    question->answer.Send(question->number * 10);
  }
  co_return Result<void>();
}

Task<Result<void>> Ask(Channel<Question>& questions, int number) {
  Oneshot<int> answer;
  Question question{number, std::move(answer.sender)};
  EDDY_CO_CHECK(co_await questions.Send(std::move(question)));
  Result<int> answered = co_await answer.receiver.Receive();
  if (answered) {
    EXPECT_EQ(*answered, number * 10);
  } else if (answered.error() == kCanceled) {
    co_return Unexpected(kCanceled);
  }
  co_return Result<void>();
}

Task<Result<void>> QuestionsAndAnswers() {
  Channel<Question> questions(1);
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(AnswerAll(questions));
    std::vector<JoinHandle<Result<void>>> tasks;
    for (int i = 0; i < 6; ++i) tasks.push_back(scope.Spawn(Ask(questions, i)));
    for (JoinHandle<Result<void>>& task : tasks) EDDY_CO_CHECK(co_await task);
    questions.Close();
    co_return Result<void>();
  };
  co_return co_await WithScope(body);
}

TEST(OneshotSweepTest, LeavesNobodyWaiting) {
  ExpectCleanSweeps([] { return QuestionsAndAnswers(); }, {20, 6});
}

template <class F>
void WithOneshot(F f) {
  SyncWait([](F g) -> Task<void> {
    Oneshot<int> oneshot;
    co_await g(oneshot);
  }(f));
}

TEST(OneshotDeathTest, AnEndThatIsNone) {
  const auto sends_twice = [](Oneshot<int>& oneshot) -> Task<void> {
    oneshot.sender.Send(1);
    oneshot.sender.Send(2);
    co_return;
  };
  EXPECT_DEATH(WithOneshot(sends_twice), "sender was used that has sent");
  const auto moved = [](Oneshot<int>& oneshot) -> Task<void> {
    const Oneshot<int> other = std::move(oneshot);
    static_cast<void>(co_await oneshot.receiver.Receive());
  };
  EXPECT_DEATH(WithOneshot(moved), "receiver was used that was moved from");
}

TEST(OneshotDeathTest, ReceivesTwice) {
  const auto twice = [](Oneshot<int>& oneshot) -> Task<void> {
    oneshot.sender.Send(1);
    static_cast<void>(co_await oneshot.receiver.Receive());
    static_cast<void>(co_await oneshot.receiver.Receive());
  };
  EXPECT_DEATH(WithOneshot(twice),
               "whose value has been received has no other one");
  const auto two = [](Oneshot<int>& oneshot) -> Task<void> {
    static_cast<void>(co_await WhenAny(oneshot.receiver.Receive(),
                                       oneshot.receiver.Receive()));
  };
  EXPECT_DEATH(WithOneshot(two), "two tasks receive from one Oneshot");
}

TEST(OneshotDeathTest, TheReceiverIsDestroyedWhileATaskWaits) {
  const auto destroys = [](Oneshot<int>& oneshot) -> Task<void> {
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        static_cast<void>(co_await oneshot.receiver.Receive());
      });
      co_await Settle();
      oneshot.receiver = Oneshot<int>::Receiver();
    };
    static_cast<void>(co_await WithScope(body));
  };
  EXPECT_DEATH(WithOneshot(destroys),
               "the receiver of a Oneshot was destroyed while a task waits");
}

}  // namespace
}  // namespace eddy
