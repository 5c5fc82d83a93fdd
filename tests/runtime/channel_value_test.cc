// Channel: values that can only be moved, temporaries, lvalues, and those whose
// moves throw.
#include <eddy/runtime/channel.h>

#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/when_any.h>
#include <gtest/gtest.h>

#include <any>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/runtime/channel_values.h"
#include "tests/runtime/settle.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::Fragile;
using test::Item;
using test::Settle;

CO_TEST(ChannelValueTest, DestroysWhatIsLeftInIt) {
  {
    Channel<Item> channel(3);
    CO_EXPECT_OK(co_await channel.Send(Item(1)));
    CO_EXPECT_OK(co_await channel.Send(Item(2)));
    EXPECT_EQ(Item::live(), 2);
    CO_EXPECT_EQ((co_await channel.Receive())->value(), 1);
    EXPECT_EQ(Item::live(), 1);
  }
  EXPECT_EQ(Item::live(), 0);
}

// Through the buffer, to a receiver that waits, and from a sender that waits.
CO_TEST(ChannelValueTest, SendsTemporaries) {
  const std::string text(100, 'x');
  for (const std::size_t capacity : {0U, 1U}) {
    Channel<Item> items(capacity);
    Channel<std::string> texts(capacity);
    Channel<std::unique_ptr<int>> pointers(capacity);
    const auto sends = [&]() -> Task<void> {
      for (int i = 0; i < 4; ++i) {
        CO_EXPECT_OK(co_await items.Send(Item(i)));
        CO_EXPECT_OK(co_await texts.Send(std::string(100, 'x')));
        CO_EXPECT_OK(co_await texts.Send(text + "y"));
        CO_EXPECT_OK(co_await texts.Send(text.c_str()));
        CO_EXPECT_OK(co_await pointers.Send(std::make_unique<int>(i)));
        CO_EXPECT_OK(co_await WithTimeout(1h, items.Send(Item(i + 10))));
        auto any = co_await WhenAny(texts.Send(text + "z"), Sleep(1h));
        CO_ASSERT_TRUE(any.value<0>() != nullptr);
        CO_EXPECT_OK(*any.value<0>());
        auto all =
            co_await WhenAll(items.Send(Item(i + 20)), texts.Send(text + "!"));
        CO_EXPECT_OK(std::get<0>(all));
        CO_EXPECT_OK(std::get<1>(all));
      }
    };
    const auto receives = [&]() -> Task<void> {
      for (int i = 0; i < 4; ++i) {
        CO_EXPECT_EQ((co_await items.Receive())->value(), i);
        CO_EXPECT_EQ(*co_await texts.Receive(), text);
        CO_EXPECT_EQ(*co_await texts.Receive(), text + "y");
        CO_EXPECT_EQ(*co_await texts.Receive(), text);
        CO_EXPECT_EQ(**co_await pointers.Receive(), i);
        CO_EXPECT_EQ((co_await items.Receive())->value(), i + 10);
        CO_EXPECT_EQ(*co_await texts.Receive(), text + "z");
        CO_EXPECT_EQ((co_await items.Receive())->value(), i + 20);
        CO_EXPECT_EQ(*co_await texts.Receive(), text + "!");
      }
    };
    co_await WhenAll(sends(), receives());
    co_await WhenAll(receives(), sends());
    EXPECT_EQ(Item::live(), 0);
    // And those that are not taken.
    items.Close();
    texts.Close();
    CO_EXPECT_ERROR(co_await items.Send(Item(1)), kClosed);
    CO_EXPECT_ERROR(co_await texts.Send(text + "y"), kClosed);
    EXPECT_EQ(Item::live(), 0);
  }
}

CO_TEST(ChannelValueTest, SendsCopiesOfLvalues) {
  Channel<std::string> channel(1);
  std::string text(100, 'x');
  const std::string& constant = text;
  CO_EXPECT_OK(co_await channel.Send(text));
  CO_EXPECT_EQ(*co_await channel.Receive(), text);
  CO_EXPECT_OK(channel.TrySend(constant));
  EXPECT_EQ(text.size(), 100U);
  // The copy is made by the call.
  auto send = channel.Send(constant);
  text = "another";
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_EQ(*co_await channel.Receive(), std::string(100, 'x'));
      CO_EXPECT_EQ(*co_await channel.Receive(), std::string(100, 'x'));
    });
    CO_EXPECT_OK(co_await WithTimeout(1h, std::move(send)));
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

template <class T>
concept SendsLvalues = requires(Channel<T>& channel, T& value) {
  channel.Send(value);
  channel.TrySend(value);
};
static_assert(SendsLvalues<int> && SendsLvalues<std::string>);
static_assert(!SendsLvalues<Item> && !SendsLvalues<std::unique_ptr<int>>);

CO_TEST(ChannelValueTest, HoldsTypesThatLookLikeSomethingElse) {
  // (Said to be copied, but is not.)
  Channel<std::vector<std::unique_ptr<int>>> vectors(1);
  std::vector<std::unique_ptr<int>> vector;
  vector.push_back(std::make_unique<int>(1));
  CO_EXPECT_OK(co_await vectors.Send(std::move(vector)));
  CO_EXPECT_EQ(*(*co_await vectors.Receive())[0], 1);
  Channel<Result<int>> results(1);
  CO_EXPECT_OK(co_await results.Send(Result<int>(Unexpected(kClosed))));
  const Result<Result<int>> result = co_await results.Receive();
  CO_ASSERT_OK(result);
  CO_EXPECT_ERROR(*result, kClosed);
  Channel<Error> errors(1);
  CO_EXPECT_OK(co_await errors.Send(Error(kClosed)));
  CO_EXPECT_EQ(*co_await errors.Receive(), kClosed);
  Channel<std::any> anything(1);
  CO_EXPECT_OK(co_await anything.Send(std::any(7)));
  const Result<std::any> any = co_await anything.Receive();
  CO_ASSERT_OK(any);
  EXPECT_EQ(std::any_cast<int>(*any), 7);
  Channel<bool> flags(1);
  CO_EXPECT_OK(co_await flags.Send(false));
  CO_EXPECT_EQ(*co_await flags.Receive(), false);
}

CO_TEST(ChannelValueTest, AMoveThatThrowsInASendSendsNothing) {
  Channel<Fragile> channel(1);
  Fragile value(1);
  // Into the buffer.
  Fragile::ThrowAfter(0);
  CO_EXPECT_BREAKS(co_await channel.Send(std::move(value)));
  Fragile::ThrowAfter(0);
  CO_EXPECT_BREAKS(channel.TrySend(std::move(value)));
  EXPECT_EQ(channel.size(), 0U);
  EXPECT_EQ(value.value(), 1);
  const auto body = [&](TaskScope& scope) -> Task<void> {
    // To a receiver that waits, which waits on.
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_EQ((co_await channel.Receive())->value(), 1);
    });
    co_await Settle();
    Fragile::ThrowAfter(0);
    CO_EXPECT_BREAKS(co_await channel.Send(std::move(value)));
    Fragile::ThrowAfter(0);
    CO_EXPECT_BREAKS(channel.TrySend(std::move(value)));
    EXPECT_EQ(value.value(), 1);
    CO_EXPECT_OK(co_await channel.Send(std::move(value)));
    co_await Settle();
    // Out of a sender that waits, while another one waits behind it.
    CO_EXPECT_OK(channel.TrySend(Fragile(2)));
    Fragile third(3);
    JoinHandle<void> breaks = scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_BREAKS(co_await channel.Send(std::move(third)));
    });
    co_await Settle();
    JoinHandle<void> works = scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await channel.Send(Fragile(4)));
    });
    co_await Settle();
    Fragile::ThrowAfter(1);
    CO_EXPECT_EQ(channel.TryReceive()->value(), 2);
    co_await breaks;
    EXPECT_EQ(third.value(), 3);
    co_await works;
    CO_EXPECT_EQ(channel.TryReceive()->value(), 4);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(ChannelValueTest, OfNoCapacityAMoveThatThrowsIsTheSenders) {
  Channel<Fragile> channel(0);
  Fragile first(1);
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_BREAKS(co_await channel.Send(std::move(first)));
    });
    co_await Settle();
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await channel.Send(Fragile(2)));
    });
    co_await Settle();
    Fragile::ThrowAfter(0);
    CO_EXPECT_EQ((co_await channel.Receive())->value(), 2);
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(first.value(), 1);
}

CO_TEST(ChannelValueTest, AMoveThatThrowsInAReceiveTakesThatValue) {
  Channel<Fragile> channel(2);
  for (int moves = 0; moves < 2; ++moves) {
    CO_EXPECT_OK(channel.TrySend(Fragile(1)));
    CO_EXPECT_OK(channel.TrySend(Fragile(2)));
    Fragile::ThrowAfter(moves);
    CO_EXPECT_BREAKS(co_await channel.Receive());
    CO_EXPECT_EQ((co_await channel.Receive())->value(), 2);
    CO_EXPECT_OK(channel.TrySend(Fragile(1)));
    CO_EXPECT_OK(channel.TrySend(Fragile(2)));
    Fragile::ThrowAfter(moves);
    CO_EXPECT_BREAKS(co_await WithTimeout(1h, channel.Receive()));
    Fragile::ThrowAfter(moves);
    CO_EXPECT_BREAKS(channel.TryReceive());
    EXPECT_EQ(channel.size(), 0U);
  }
}

}  // namespace
}  // namespace eddy
