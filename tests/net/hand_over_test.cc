// HandOver: connections that go on on another core, with nothing lost.
#include <eddy/net/hand_over.h>

#include <eddy/io/buffered_reader.h>
#include <eddy/io/read_exactly.h>
#include <eddy/net/tcp.h>
#include <eddy/net/unix.h>
#include <eddy/runtime/owned_by.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/io/io_test_util.h"
#include "tests/runtime/cores.h"

namespace eddy::net {
namespace {

using io_test::Bytes;
using io_test::Text;
using test::OnCores;

Task<Result<void>> Echo(UnixStream& client) {
  while (true) {
    EDDY_CO_TRY(const io::Buffer data, co_await client.Receive());
    if (data.empty()) co_return Result<void>();
    EDDY_CO_CHECK(co_await client.Write(data.bytes()));
  }
}

Task<Result<std::string>> Read(UnixStream& stream, std::size_t size) {
  std::string text(size, ' ');
  EDDY_CO_CHECK(co_await io::ReadExactly(
      stream.fd(), std::as_writable_bytes(std::span(text))));
  co_return text;
}

// What comes until the end.
Task<Result<std::string>> ReadAll(UnixStream& stream) {
  std::string all;
  while (true) {
    EDDY_CO_TRY(const io::Buffer data, co_await stream.Receive());
    if (data.empty()) co_return all;
    all += Text(data.bytes());
  }
}

std::pair<UnixStream, UnixStream> MakePair() {
  Result<std::pair<UnixStream, UnixStream>> pair = UnixStream::Pair();
  EXPECT_TRUE(pair);
  return *std::move(pair);
}

TEST(HandOverTest, TheOtherCoreGoesOnWithTheConnection) {
  for (const unsigned core : {0U, 1U}) {
    OnCores(2, [core]() -> Task<> {
      auto [client, server] = MakePair();
      // What the peer has sent by then is in the socket.
      CO_EXPECT_OK(co_await client.Write(Bytes("before ")));
      std::atomic<unsigned> handled_on = 99;
      const auto handler = [&](UnixStream& stream) -> Task<Result<void>> {
        handled_on = Runtime::CurrentCore();
        co_return co_await Echo(stream);
      };
      CO_EXPECT_OK(co_await HandOver(core, std::move(server), handler));
      EXPECT_FALSE(server.fd().valid());
      CO_EXPECT_OK(co_await client.Write(Bytes("after")));
      CO_EXPECT_OK(co_await client.Shutdown());
      const Result<std::string> all = co_await ReadAll(client);
      CO_ASSERT_OK(all);
      EXPECT_EQ(*all, "before after");
      EXPECT_EQ(handled_on, core);
    });
  }
}

// The handler takes along what was read by the old core.
TEST(HandOverTest, WhatAReaderHasBufferedGoesAlong) {
  OnCores(2, []() -> Task<> {
    auto [client, server] = MakePair();
    CO_EXPECT_OK(co_await client.Write(Bytes("name\nfirst\nsecond\n")));
    io::BufferedReader lines(server);
    const Result<std::string_view> name = co_await lines.ReadLine();
    CO_ASSERT_OK(name);
    EXPECT_EQ(*name, "name");
    const std::span<const std::byte> rest = lines.buffered();
    auto handler = [read = std::vector<std::byte>(rest.begin(), rest.end())](
                       UnixStream& stream) -> Task<Result<void>> {
      io::BufferedReader more(stream);
      more.StartWith(read);
      for (int i = 0; i < 3; ++i) {
        EDDY_CO_TRY(const std::string_view line, co_await more.ReadLine());
        const std::string answer = std::string(line) + "!\n";
        EDDY_CO_CHECK(co_await stream.Write(Bytes(answer)));
      }
      co_return Result<void>();
    };
    CO_EXPECT_OK(co_await HandOver(1, std::move(server), std::move(handler)));
    CO_EXPECT_OK(co_await client.Write(Bytes("third\n")));
    const Result<std::string> all = co_await ReadAll(client);
    CO_ASSERT_OK(all);
    EXPECT_EQ(*all, "first!\nsecond!\nthird!\n");
  });
}

TEST(HandOverTest, WhatWasReceivedAheadGoesAlong) {
  OnCores(2, []() -> Task<> {
    auto [client, server] = MakePair();
    std::string sent;
    for (int i = 0; i < 100; ++i) sent += std::to_string(i) + " ";
    CO_EXPECT_OK(co_await client.Write(Bytes("x")));
    const Result<io::Buffer> first = co_await server.Receive();
    CO_ASSERT_OK(first);
    CO_EXPECT_OK(co_await client.Write(Bytes(sent)));
    co_await io_test::Turn();
    std::vector<std::byte> received;
    CO_EXPECT_OK(co_await server.EndReceive(received));
    auto handler = [&received](UnixStream& stream) -> Task<Result<void>> {
      EDDY_CO_CHECK(co_await stream.Write(received));
      co_return co_await Echo(stream);
    };
    CO_EXPECT_OK(co_await HandOver(1, std::move(server), handler));
    CO_EXPECT_OK(co_await client.Shutdown());
    const Result<std::string> all = co_await ReadAll(client);
    CO_ASSERT_OK(all);
    EXPECT_EQ(*all, sent);
  });
}

TEST(EndReceiveTest, TheStreamIsAsNew) {
  OnCores(1, []() -> Task<> {
    auto [client, server] = MakePair();
    std::vector<std::byte> received;
    CO_EXPECT_OK(co_await server.EndReceive(received));
    for (int i = 0; i < 3; ++i) {
      CO_EXPECT_OK(co_await client.Write(Bytes("abc")));
      const Result<io::Buffer> data = co_await server.Receive();
      CO_ASSERT_OK(data);
      received.assign(data->bytes().begin(), data->bytes().end());
      CO_EXPECT_OK(co_await server.EndReceive(received));
      CO_EXPECT_OK(co_await client.Write(Bytes("def")));
      const Result<std::string> rest =
          co_await Read(server, 6 - received.size());
      CO_ASSERT_OK(rest);
      EXPECT_EQ(Text(received) + *rest, "abcdef");
    }
    // The end of the stream is read again.
    CO_EXPECT_OK(co_await client.Close());
    const Result<io::Buffer> end = co_await server.Receive();
    CO_ASSERT_OK(end);
    EXPECT_TRUE(end->empty());
    CO_EXPECT_OK(co_await server.EndReceive(received));
    std::array<std::byte, 1> byte;
    CO_EXPECT_EQ(*co_await server.Read(byte), 0U);
  });
}

// Also where its task is stopped: it loses nothing.
TEST(EndReceiveTest, IsNoStopPoint) {
  OnCores(1, []() -> Task<> {
    auto [client, server] = MakePair();
    CO_EXPECT_OK(co_await client.Write(Bytes("a")));
    CO_EXPECT_OK(co_await server.Receive());
    CO_EXPECT_OK(co_await client.Write(Bytes("bcd")));
    co_await io_test::Turn();
    StopSource stopped;
    stopped.RequestStop();
    std::vector<std::byte> received;
    CO_EXPECT_OK(
        co_await WithStop(stopped.token(), server.EndReceive(received)));
    const Result<std::string> rest = co_await Read(server, 3 - received.size());
    CO_ASSERT_OK(rest);
    EXPECT_EQ(Text(received) + *rest, "bcd");
  });
}

TEST(EndReceiveTest, GivesTheErrorAfterTheBytes) {
  OnCores(1, []() -> Task<> {
    Result<TcpListener> listener =
        TcpListener::Bind(SocketAddress::LoopbackV4(0));
    CO_ASSERT_OK(listener);
    Result<TcpStream> client =
        co_await TcpStream::Connect(*listener->local_address());
    CO_ASSERT_OK(client);
    Result<TcpStream> server = co_await listener->Accept();
    CO_ASSERT_OK(server);
    CO_EXPECT_OK(co_await client->Write(Bytes("a")));
    CO_EXPECT_OK(co_await server->Receive());
    CO_EXPECT_OK(client->ResetOnClose());
    CO_EXPECT_OK(co_await client->Close());
    while (server->info()->state != TcpState::kClosed) co_await io_test::Turn();
    co_await io_test::Turn();
    std::vector<std::byte> received;
    const Result<void> ended = co_await server->EndReceive(received);
    if (ended) {  // the kernel had not told of it
      std::array<std::byte, 1> byte;
      CO_EXPECT_ERROR(co_await server->Read(byte), std::errc::connection_reset);
    } else {
      EXPECT_EQ(ended.error(), std::errc::connection_reset);
    }
  });
}

// Again and again to the next core, with bytes on their way all the time.
Task<Result<void>> Wander(UnixStream& stream, int hops) {
  EDDY_CO_TRY(const std::string bytes, co_await Read(stream, 3));
  EDDY_CO_CHECK(co_await stream.Write(Bytes(bytes)));
  if (hops == 0) co_return co_await stream.Shutdown();
  auto next = [hops](UnixStream& same) { return Wander(same, hops - 1); };
  const unsigned core = (Runtime::CurrentCore() + 1) % 3;
  co_return co_await HandOver(core, std::move(stream), next);
}

TEST(HandOverTest, AConnectionWandersOverAllCores) {
  OnCores(3, []() -> Task<> {
    const auto talk = []() -> Task<> {
      auto [client, server] = MakePair();
      constexpr int kHops = 30;
      std::string sent;
      for (int i = 0; i <= kHops; ++i) sent += std::to_string(100 + i);
      const auto send = [&]() -> Task<Result<void>> {
        for (const char& byte : sent) {
          EDDY_CO_CHECK(co_await client.Write(Bytes({&byte, 1})));
        }
        co_return Result<void>();
      };
      const auto body = [&](TaskScope& scope) -> Task<> {
        scope.Spawn(send);
        CO_EXPECT_OK(co_await Wander(server, kHops));
        const Result<std::string> all = co_await ReadAll(client);
        CO_ASSERT_OK(all);
        EXPECT_EQ(*all, sent);
      };
      CO_EXPECT_OK(co_await WithScope(body));
    };
    const auto body = [&](TaskScope& scope) -> Task<> {
      for (int i = 0; i < 20; ++i) scope.Spawn(talk);
      co_return;
    };
    CO_EXPECT_OK(co_await WithScope(body));
  });
}

TEST(HandOverTest, StoppedBeforeTheStreamStays) {
  OnCores(2, []() -> Task<> {
    auto [client, server] = MakePair();
    StopSource stopped;
    stopped.RequestStop();
    CO_EXPECT_ERROR(co_await WithStop(stopped.token(),
                                      HandOver(1, std::move(server), Echo)),
                    kCanceled);
    CO_EXPECT_OK(co_await client.Write(Bytes("abc")));
    CO_EXPECT_EQ(*co_await Read(server, 3), "abc");
  });
}

// While as many calls are out as may be, connections wait here; those that are
// stopped stay, the others arrive.
TEST(HandOverTest, WaitsWhereTheOtherCoreIsBehind) {
  RuntimeOptions options;
  options.most_calls = 2;
  const auto main = []() -> Task<> {
    std::atomic<bool> go_on = false;
    std::atomic<int> arrived = 0;
    std::vector<std::pair<UnixStream, UnixStream>> pairs(20);
    for (auto& pair : pairs) pair = MakePair();
    const auto handler = [&](UnixStream& stream) -> Task<Result<void>> {
      ++arrived;
      co_return co_await stream.Write(Bytes("here"));
    };
    const auto stall = [&]() -> Task<> {
      CO_EXPECT_OK(co_await SubmitTo(1, [&] {
        while (!go_on) std::this_thread::yield();
      }));
    };
    const auto hand_over = [&](std::size_t i) -> Task<> {
      const Result<void> taken =
          co_await HandOver(1, std::move(pairs[i].second), handler);
      EXPECT_EQ(taken.has_value(), i < 10) << i;
      // Nothing lost: it is there, or here.
      EXPECT_EQ(pairs[i].second.fd().valid(), !taken.has_value());
    };
    const auto body = [&](TaskScope& scope) -> Task<> {
      scope.Spawn(stall);
      co_await Yield();
      std::vector<JoinHandle<void>> handles;
      for (std::size_t i = 0; i < pairs.size(); ++i) {
        handles.push_back(scope.Spawn(hand_over, i));
      }
      for (int i = 0; i < 5; ++i) co_await Yield();
      for (std::size_t i = 10; i < pairs.size(); ++i) handles[i].RequestStop();
      for (std::size_t i = 10; i < pairs.size(); ++i) {
        co_await handles[i];
      }
      EXPECT_EQ(arrived, 0);
      go_on = true;
    };
    CO_EXPECT_OK(co_await WithScope(body));
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (i < 10) {
        CO_EXPECT_EQ(*co_await ReadAll(pairs[i].first), "here");
      } else {
        CO_EXPECT_OK(co_await pairs[i].second.Write(Bytes("stayed")));
        CO_EXPECT_EQ(*co_await Read(pairs[i].first, 6), "stayed");
      }
    }
    EXPECT_EQ(arrived, 10);
  };
  OnCores(2, main, options);
}

// A stop at any moment: the connection is taken over, or here as it was.
TEST(HandOverTest, AStopAtAnyMomentLosesNothing) {
  OnCores(2, []() -> Task<> {
    for (int i = 0; i < 300; ++i) {
      auto [client, server] = MakePair();
      Result<void> taken;
      const auto hand_over = [&]() -> Task<> {
        taken = co_await HandOver(1, std::move(server), Echo);
      };
      const auto body = [&](TaskScope& scope) -> Task<> {
        scope.Spawn(hand_over);
        for (int yield = 0; yield < i % 7; ++yield) co_await Yield();
        scope.RequestStop();
      };
      static_cast<void>(co_await WithScope(body));
      CO_ASSERT_EQ(server.fd().valid(), !taken.has_value());
      CO_EXPECT_OK(co_await client.Write(Bytes("abc")));
      if (taken) {
        CO_EXPECT_EQ(*co_await Read(client, 3), "abc");
      } else {
        EXPECT_EQ(taken.error(), kCanceled);
        CO_EXPECT_EQ(*co_await Read(server, 3), "abc");
      }
    }
  });
}

TEST(HandOverTest, AnErrorOfTheHandlerEndsItsConnectionOnly) {
  OnCores(2, []() -> Task<> {
    const auto fails = [](UnixStream&) -> Task<Result<void>> {
      co_return Unexpected(std::errc::bad_message);
    };
    for (int i = 0; i < 3; ++i) {
      auto [client, server] = MakePair();
      CO_EXPECT_OK(co_await HandOver(1, std::move(server), fails));
      CO_EXPECT_EQ(*co_await ReadAll(client), "");
    }
  });
}

TEST(HandOverTest, AnExceptionOfTheHandlerEndsTheRun) {
  const std::unique_ptr<Runtime> runtime = test::MakeRuntime(2);
  const auto throws = [](UnixStream&) -> Task<> {
    throw std::runtime_error("handler");
    co_return;
  };
  const auto main = [&]() -> Task<> {
    auto [client, server] = MakePair();
    CO_EXPECT_OK(co_await HandOver(1, std::move(server), throws));
    co_await UntilStopped();
  };
  EXPECT_THROW(runtime->Run(main), std::runtime_error);
  EXPECT_EQ(runtime->failed_core(), 1U);
}

// Handlers end before the run does, stopped.
TEST(HandOverTest, TheEndOfTheRunStopsTheHandler) {
  std::atomic<bool> stopped = false;
  // Open until then: its end would be one of what the handler reads.
  std::optional<UnixStream> kept;
  OnCores(2, [&]() -> Task<> {
    auto [client, server] = MakePair();
    kept.emplace(std::move(client));
    const auto waits = [&](UnixStream& stream) -> Task<> {
      std::array<std::byte, 1> byte;
      CO_EXPECT_ERROR(co_await stream.Read(byte), kCanceled);
      stopped = true;
    };
    CO_EXPECT_OK(co_await HandOver(1, std::move(server), waits));
  });
  EXPECT_TRUE(stopped);
}

// Connections are handed to and fro when the run ends. Each is closed once
// (which descriptor_check.cc sees to).
TEST(HandOverTest, TheRunEndsWhileConnectionsAreOnTheirWay) {
  struct Storm {
    std::atomic<int> hops = 0;
    Task<Result<void>> Go(UnixStream& stream) {
      ++hops;
      auto next = [this](UnixStream& same) { return Go(same); };
      const unsigned core = (Runtime::CurrentCore() + 1) % 3;
      const Result<void> taken =
          co_await HandOver(core, std::move(stream), next);
      EXPECT_EQ(stream.fd().valid(), !taken.has_value());
      co_return taken;
    }
  } storm;
  OnCores(3, [&]() -> Task<> {
    std::vector<UnixStream> clients(50);
    for (UnixStream& client : clients) {
      UnixStream server;
      std::tie(client, server) = MakePair();
      const auto go = [&](UnixStream& same) { return storm.Go(same); };
      CO_EXPECT_OK(co_await HandOver(1, std::move(server), go));
    }
    while (storm.hops < 2000) co_await Yield();
  });
}

// A task that is spawned when no core sends calls any more keeps its stream.
// (Its destructor spawns it; whether that is too late the cores' end decides.)
TEST(HandOverTest, AfterTheEndHasBegunTheStreamStays) {
  struct SpawnsAtItsEnd {
    explicit SpawnsAtItsEnd(std::atomic<int>* out) : outcomes(out) {}
    ~SpawnsAtItsEnd() {
      const auto late = [out = outcomes]() -> Task<> {
        auto [client, server] = MakePair();
        const Result<void> taken =
            co_await Shield(HandOver(0, std::move(server), Echo));
        EXPECT_EQ(server.fd().valid(), !taken.has_value());
        if (!taken) {
          EXPECT_EQ(taken.error(), kClosed);
        }
        ++*out;
      };
      Reactor::Current()->scope().Spawn(late);
    }
    std::atomic<int>* outcomes;
  };
  std::atomic<int> outcomes = 0;
  for (int i = 0; i < 20; ++i) {
    OnCores(2, [&]() -> Task<> {
      const auto make = [&] {
        return OwnedBy<SpawnsAtItsEnd>::Make(&outcomes);
      };
      const auto there = co_await SubmitTo(1, make);
      CO_ASSERT_OK(there);
    });
  }
  EXPECT_EQ(outcomes, 20);
}

TEST(HandOverDeathTest, AReceiveThatHasBegun) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto hand_over = [] {
    OnCores(2, []() -> Task<> {
      auto [client, server] = MakePair();
      CO_EXPECT_OK(co_await client.Write(Bytes("abc")));
      CO_EXPECT_OK(co_await server.Receive());
      CO_EXPECT_OK(co_await HandOver(1, std::move(server), Echo));
    });
  };
  EXPECT_DEATH(hand_over(), "after Receive.*co_await EndReceive\\(\\) first");
}

TEST(HandOverDeathTest, AnOperationInFlight) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto hand_over = [] {
    OnCores(2, []() -> Task<> {
      auto [client, server] = MakePair();
      const auto body = [&](TaskScope& scope) -> Task<> {
        const auto read = [&]() -> Task<> {
          std::array<std::byte, 1> byte;
          static_cast<void>(co_await server.Read(byte));
        };
        scope.Spawn(read);
        co_await io_test::Turn();
        CO_EXPECT_OK(co_await HandOver(1, std::move(server), Echo));
      };
      static_cast<void>(co_await WithScope(body));
    });
  };
  EXPECT_DEATH(hand_over(), "with 1 operations in flight on it");
}

TEST(BufferedReaderDeathTest, StartsWithMoreThanItHolds) {
  auto [client, server] = MakePair();
  io::BufferedReader lines(server, 4);
  EXPECT_DEATH(lines.StartWith(Bytes("12345")), "with a larger capacity");
  lines.StartWith(Bytes("1234"));
  EXPECT_DEATH(lines.StartWith(Bytes("1")), "where it has begun");
}

}  // namespace
}  // namespace eddy::net
