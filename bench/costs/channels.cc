// What carries values between the tasks of one reactor.
#include <eddy/runtime/broadcast.h>
#include <eddy/runtime/channel.h>
#include <eddy/runtime/oneshot.h>
#include <eddy/runtime/watch.h>
#include <eddy/runtime/yield.h>

#include <cstddef>
#include <utility>

#include "bench/costs/costs.h"

namespace costs {
namespace {

// --- Channel -----------------------------------------------------------------

template <std::size_t kCapacity>
Task<> MakeChannel(State& state) {
  for (auto _ : state) {
    eddy::Channel<long> channel(kCapacity);
    channel.Close();
    DoNotOptimize(&channel);
  }
  co_return;
}
EDDY_BENCHMARK(MakeChannel<0>)->Name("runtime/Channel(0), and its Close");
EDDY_BENCHMARK(MakeChannel<64>)->Name("runtime/Channel(64), and its Close");

Task<Result<void>> SendWithRoom(State& state) {
  eddy::Channel<long> channel(1);
  for (auto _ : state) {
    EDDY_CO_CHECK(co_await channel.Send(1L));
    DoNotOptimize(co_await channel.Receive());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SendWithRoom)
    ->Name("runtime/Channel::Send with room, and Receive");
Task<Result<void>> TrySend(State& state) {
  eddy::Channel<long> channel(1);
  for (auto _ : state) {
    EDDY_CO_CHECK(channel.TrySend(1L));
    DoNotOptimize(channel.TryReceive());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(TrySend)->Name("runtime/Channel::TrySend, and TryReceive");

template <std::size_t kCapacity>
Task<Result<void>> SendAcross(State& state) {
  eddy::Channel<long> channel(kCapacity);
  const auto send = [&]() -> Task<Result<void>> {
    while (true) EDDY_CO_CHECK(co_await channel.Send(1L));
  };
  const auto receive = [&]() -> Task<Result<void>> {
    for (auto _ : state) EDDY_CO_CHECK(co_await channel.Receive());
    co_return Result<void>();
  };
  co_return co_await Beside(send, receive);
}
EDDY_BENCHMARK(SendAcross<0>)
    ->Name("runtime/Channel(0)::Send to a Receive that waits");
EDDY_BENCHMARK(SendAcross<64>)
    ->Name("runtime/Channel(64)::Send and Receive, between two tasks");

// --- Oneshot -----------------------------------------------------------------

Task<Result<void>> SendOnce(State& state) {
  for (auto _ : state) {
    eddy::Oneshot<long> oneshot;
    DoNotOptimize(&oneshot);
    EDDY_CO_CHECK(oneshot.sender.Send(1));
    EDDY_CO_CHECK(co_await oneshot.receiver.Receive());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SendOnce)->Name("runtime/Oneshot, its Send and Receive");
Task<Result<void>> TryReceiveOnce(State& state) {
  for (auto _ : state) {
    eddy::Oneshot<long> oneshot;
    DoNotOptimize(&oneshot);
    EDDY_CO_CHECK(oneshot.sender.Send(1));
    EDDY_CO_CHECK(oneshot.receiver.TryReceive());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(TryReceiveOnce)
    ->Name("runtime/Oneshot, its Send and TryReceive");
Task<Result<void>> WaitForOnce(State& state) {
  eddy::OneshotSender<long>* sender = nullptr;
  bool ended = false;
  const auto send = [&]() -> Task<Result<void>> {
    while (!ended) {
      if (sender != nullptr) {
        EDDY_CO_CHECK(std::exchange(sender, nullptr)->Send(1));
      }
      co_await eddy::Yield();
    }
    co_return Result<void>();
  };
  const auto receive = [&]() -> Task<Result<void>> {
    for (auto _ : state) {
      eddy::Oneshot<long> oneshot;
      sender = &oneshot.sender;
      EDDY_CO_CHECK(co_await oneshot.receiver.Receive());
    }
    ended = true;
    co_return Result<void>();
  };
  co_return co_await Beside(send, receive);
}
EDDY_BENCHMARK(WaitForOnce)
    ->Name("runtime/Oneshot, its Send to a Receive that waits, with a Yield");

// --- Broadcast ---------------------------------------------------------------

Task<> MakeBroadcast(State& state) {
  for (auto _ : state) {
    eddy::Broadcast<long> broadcast(64);
    DoNotOptimize(&broadcast);
  }
  co_return;
}
EDDY_BENCHMARK(MakeBroadcast)->Name("runtime/Broadcast(64)");
Task<> SubscribeToBroadcast(State& state) {
  eddy::Broadcast<long> broadcast(64);
  for (auto _ : state) {
    auto receiver = broadcast.Subscribe();
    DoNotOptimize(&receiver);
  }
  co_return;
}
EDDY_BENCHMARK(SubscribeToBroadcast)
    ->Name("runtime/Broadcast::Subscribe, and its end");
Task<Result<void>> SendBroadcast(State& state) {
  eddy::Broadcast<long> broadcast(64);
  auto receiver = broadcast.Subscribe();
  for (auto _ : state) {
    EDDY_CO_CHECK(broadcast.Send(1));
    EDDY_CO_CHECK(co_await receiver.Receive());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SendBroadcast)->Name("runtime/Broadcast::Send, and a Receive");
Task<Result<void>> TryReceiveBroadcast(State& state) {
  eddy::Broadcast<long> broadcast(64);
  auto receiver = broadcast.Subscribe();
  for (auto _ : state) {
    EDDY_CO_CHECK(broadcast.Send(1));
    EDDY_CO_CHECK(receiver.TryReceive());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(TryReceiveBroadcast)
    ->Name("runtime/Broadcast::Send, and a TryReceive");
Task<Result<void>> WaitForBroadcast(State& state) {
  eddy::Broadcast<long> broadcast(64);
  auto receiver = broadcast.Subscribe();
  bool ended = false;
  const auto send = [&]() -> Task<Result<void>> {
    while (!ended) {
      EDDY_CO_CHECK(broadcast.Send(1));
      co_await eddy::Yield();
    }
    co_return Result<void>();
  };
  const auto receive = [&]() -> Task<Result<void>> {
    for (auto _ : state) EDDY_CO_CHECK(co_await receiver.Receive());
    ended = true;
    co_return Result<void>();
  };
  co_return co_await Beside(send, receive);
}
EDDY_BENCHMARK(WaitForBroadcast)
    ->Name("runtime/Broadcast::Send to a Receive that waits, with a Yield");

// --- Watch -------------------------------------------------------------------

Task<> SubscribeToWatch(State& state) {
  eddy::Watch<long> watch;
  for (auto _ : state) {
    auto receiver = watch.Subscribe();
    DoNotOptimize(&receiver);
  }
  co_return;
}
EDDY_BENCHMARK(SubscribeToWatch)->Name("runtime/Watch::Subscribe, and its end");
Task<Result<void>> SetWatch(State& state) {
  eddy::Watch<long> watch;
  auto receiver = watch.Subscribe();
  for (auto _ : state) {
    EDDY_CO_CHECK(watch.Set(1));
    EDDY_CO_CHECK(co_await receiver.Changed());
    DoNotOptimize(receiver.Get());
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(SetWatch)->Name("runtime/Watch::Set, and Changed and Get");
Task<Result<void>> UpdateWatch(State& state) {
  eddy::Watch<long> watch;
  for (auto _ : state) {
    EDDY_CO_CHECK(watch.Update([](long& value) { ++value; }));
  }
  co_return Result<void>();
}
EDDY_BENCHMARK(UpdateWatch)->Name("runtime/Watch::Update, nobody waits");
Task<Result<void>> WaitForWatch(State& state) {
  eddy::Watch<long> watch;
  auto receiver = watch.Subscribe();
  bool ended = false;
  const auto send = [&]() -> Task<Result<void>> {
    while (!ended) {
      EDDY_CO_CHECK(watch.Set(1));
      co_await eddy::Yield();
    }
    co_return Result<void>();
  };
  const auto receive = [&]() -> Task<Result<void>> {
    for (auto _ : state) {
      EDDY_CO_CHECK(co_await receiver.Changed());
      DoNotOptimize(receiver.Get());
    }
    ended = true;
    co_return Result<void>();
  };
  co_return co_await Beside(send, receive);
}
EDDY_BENCHMARK(WaitForWatch)
    ->Name("runtime/Watch::Set to a Changed that waits, with a Yield");

}  // namespace
}  // namespace costs
