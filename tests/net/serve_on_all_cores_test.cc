// ServeOnAllCores: one address, served by every core.
#include <eddy/net/serve_on_all_cores.h>

#include <eddy/net/tcp.h>
#include <eddy/net/unix.h>
#include <eddy/runtime/event.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/io/io_test_util.h"
#include "tests/net/abstract_name.h"
#include "tests/runtime/cores.h"

namespace eddy::net {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using io_test::Bytes;
using io_test::Text;
using net_test::AbstractName;
using test::OnCores;

const SocketAddress kAnyPort = SocketAddress::LoopbackV4(0);

template <class Stream>
Task<Result<void>> Echo(Stream& client) {
  while (true) {
    EDDY_CO_TRY(const io::Buffer data, co_await client.Receive());
    if (data.empty()) co_return Result<void>();
    EDDY_CO_CHECK(co_await client.Write(data.bytes()));
  }
}

// Answers with the number of its core.
Task<Result<void>> TellCore(TcpStream& client) {
  const std::string core = std::to_string(Runtime::CurrentCore());
  EDDY_CO_CHECK(co_await client.Write(Bytes(core)));
  co_return co_await Echo(client);
}

template <class Stream>
Task<Result<std::string>> Ask(Stream& stream, std::string_view question) {
  EDDY_CO_CHECK(co_await stream.Write(Bytes(question)));
  std::string answer;
  while (answer.size() < question.size()) {
    EDDY_CO_TRY(const io::Buffer data, co_await stream.Receive());
    if (data.empty()) co_return Unexpected(kEndOfStream);
    answer += Text(data.bytes());
  }
  co_return answer;
}

// Serves while body(address) runs, then stops; gives what ServeOnAllCores gave,
// but for the kCanceled of the stop.
// `where` is an address, or a listener.
template <class Where, class Handler, class Body>
Task<Result<void>> ServeDuring(Where& where, Handler handler,
                               ServeOnAllCoresOptions options, Body body) {
  std::optional<SocketAddress> address;
  Event listening;
  options.on_listening = [&](const SocketAddress& at) {
    address = at;
    listening.Set();
  };
  Result<void> served;
  const auto inner = [&](TaskScope& scope) -> Task<Result<void>> {
    const auto serve = [&]() -> Task<Result<void>> {
      served = co_await ServeOnAllCores(where, handler, options);
      listening.Set();
      co_return served;
    };
    scope.Spawn(serve);
    EDDY_CO_CHECK(co_await listening.Wait());
    if (!address) co_return Result<void>();
    const Result<void> result = co_await body(*address);
    scope.RequestStop();
    co_return result;
  };
  EDDY_CO_CHECK(co_await WithScope(inner));
  if (!served && served.error() == kCanceled) served = {};
  co_return served;
}

TEST(ServeOnAllCoresTest, EachCoreServesSome) {
  OnCores(3, []() -> Task<> {
    constexpr unsigned kClients = 200;
    ServeStatsByCore stats;
    ServeOnAllCoresOptions options;
    options.stats = &stats;
    std::array<unsigned, 3> told{};
    const auto body = [&](SocketAddress address) -> Task<Result<void>> {
      EXPECT_NE(address.port(), 0);
      std::vector<TcpStream> clients(kClients);
      for (TcpStream& client : clients) {
        EDDY_CO_TRY(client, co_await TcpStream::Connect(address));
        EDDY_CO_TRY(const io::Buffer core, co_await client.Receive());
        ++told.at(static_cast<std::size_t>(Text(core.bytes()).at(0) - '0'));
        CO_EXPECT_EQ(*co_await Ask(client, "hello"), "hello");
      }
      EDDY_CO_TRY(const std::vector<ServeStats> each, co_await stats.Each());
      for (unsigned core = 0; core < 3; ++core) {
        EXPECT_GT(told[core], 0U);
        EXPECT_EQ(each[core].connections, told[core]);
        EXPECT_EQ(each[core].incoming.accepted, told[core]);
      }
      co_return Result<void>();
    };
    CO_EXPECT_OK(co_await ServeDuring(kAnyPort, TellCore, options, body));
    const Result<ServeStats> sum = co_await stats.Sum();
    CO_ASSERT_OK(sum);
    EXPECT_EQ(sum->incoming.accepted, kClients);
    EXPECT_EQ(sum->most_connections, kClients);
    EXPECT_EQ(sum->connections, 0U);
    EXPECT_EQ(sum->ended, kClients);
    EXPECT_EQ(sum->failed, 0U);
    EXPECT_EQ(sum->handed_over, 0U);
  });
}

TEST(ServeOnAllCoresTest, ARuntimeOfOneCoreServesToo) {
  for (const bool balances : {false, true}) {
    OnCores(1, [balances]() -> Task<> {
      ServeOnAllCoresOptions options;
      if (balances) options.most_ahead = 0;
      const auto body = [&](SocketAddress address) -> Task<Result<void>> {
        EDDY_CO_TRY(TcpStream client, co_await TcpStream::Connect(address));
        CO_EXPECT_EQ(*co_await Ask(client, "hello"), "hello");
        co_return Result<void>();
      };
      CO_EXPECT_OK(
          co_await ServeDuring(kAnyPort, Echo<TcpStream>, options, body));
    });
  }
}

// Each core has a handler of its own, made there from the one given.
TEST(ServeOnAllCoresTest, EachCoreHasACopyOfTheHandler) {
  struct Counts {
    Task<Result<void>> operator()(TcpStream& client) {
      EXPECT_EQ(made_on, Runtime::CurrentCore());
      ++calls;  // which no other core does
      EDDY_CO_CHECK(co_await client.Write(Bytes("x")));
      co_return Result<void>();
    }
    Counts() = default;
    Counts(const Counts&) {}
    unsigned made_on = Runtime::CurrentCore();
    int calls = 0;
  };
  OnCores(2, []() -> Task<> {
    const auto body = [&](SocketAddress address) -> Task<Result<void>> {
      for (int i = 0; i < 50; ++i) {
        EDDY_CO_TRY(TcpStream client, co_await TcpStream::Connect(address));
        EDDY_CO_CHECK(co_await client.Receive());
      }
      co_return Result<void>();
    };
    CO_EXPECT_OK(co_await ServeDuring(kAnyPort, Counts(), {}, body));
  });
}

// A handler that fails on one core stops all, and its exception comes out.
TEST(ServeOnAllCoresTest, AFailureOfOneCoreStopsTheOthers) {
  OnCores(3, []() -> Task<> {
    std::atomic<int> stopped = 0;
    const auto handler = [&](TcpStream& client) -> Task<Result<void>> {
      EDDY_CO_CHECK(
          co_await client.Write(Bytes(std::to_string(Runtime::CurrentCore()))));
      const Result<io::Buffer> data = co_await client.Receive();
      if (data && !data->empty()) throw std::runtime_error("oh");
      if (!data && data.error() == kCanceled) ++stopped;
      co_return Result<void>();
    };
    std::vector<TcpStream> clients(60);
    const auto body = [&](SocketAddress address) -> Task<Result<void>> {
      TcpStream* on_the_last = nullptr;
      for (TcpStream& client : clients) {
        EDDY_CO_TRY(client, co_await TcpStream::Connect(address));
        EDDY_CO_TRY(const io::Buffer core, co_await client.Receive());
        if (Text(core.bytes()) == "2") on_the_last = &client;
      }
      EXPECT_NE(on_the_last, nullptr);
      if (on_the_last != nullptr) {
        EDDY_CO_CHECK(co_await on_the_last->Write(Bytes("throw")));
      }
      co_await UntilStopped();
      co_return Result<void>();
    };
    std::string caught;
    try {
      static_cast<void>(co_await ServeDuring(kAnyPort, handler, {}, body));
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
    EXPECT_EQ(caught, "oh");
    EXPECT_EQ(stopped, 59);
  });
}

TEST(ServeOnAllCoresTest, ConnectionsOfAllCoresMayGoOnAfterAStop) {
  OnCores(2, []() -> Task<> {
    ServeOnAllCoresOptions options;
    options.serve.drain = 1h;
    std::atomic<int> ended_well = 0;
    const auto handler = [&](TcpStream& client,
                             StopToken draining) -> Task<Result<void>> {
      EDDY_CO_CHECK(co_await client.Write(Bytes("x")));
      // An idle one could end; this one has a request to finish.
      Result<io::Buffer> data = co_await WithStop(draining, client.Receive());
      if (!data) data = co_await client.Receive();
      CO_EXPECT_OK(data);
      if (!data) co_return Result<void>();
      EXPECT_EQ(Text(data->bytes()), "r");
      EDDY_CO_CHECK(co_await client.Write(data->bytes()));
      ++ended_well;
      co_return Result<void>();
    };
    std::vector<TcpStream> clients(40);
    const auto finish = [&]() -> Task<Result<void>> {
      for (TcpStream& client : clients) {
        EDDY_CO_CHECK(co_await client.Write(Bytes("r")));
        EDDY_CO_TRY(const io::Buffer data, co_await client.Receive());
        EXPECT_EQ(Text(data.bytes()), "r");
      }
      co_return Result<void>();
    };
    const auto outer = [&](TaskScope& outer_scope) -> Task<Result<void>> {
      const auto body = [&](SocketAddress address) -> Task<Result<void>> {
        for (TcpStream& client : clients) {
          EDDY_CO_TRY(client, co_await TcpStream::Connect(address));
          EDDY_CO_CHECK(co_await client.Receive());
        }
        outer_scope.Spawn(finish);
        co_return Result<void>();
      };
      co_return co_await ServeDuring(kAnyPort, handler, options, body);
    };
    CO_EXPECT_OK(co_await WithScope(outer));
    EXPECT_EQ(ended_well, 40);
  });
}

TEST(ServeOnAllCoresTest, ADrainThatIsOverStopsAllCores) {
  OnCores(2, []() -> Task<> {
    ServeOnAllCoresOptions options;
    options.serve.drain = 1ms;
    std::atomic<int> stopped = 0;
    const auto handler = [&](TcpStream& client) -> Task<Result<void>> {
      EDDY_CO_CHECK(co_await client.Write(Bytes("x")));
      const Result<io::Buffer> data = co_await client.Receive();
      if (!data && data.error() == kCanceled) ++stopped;
      co_return Result<void>();
    };
    std::vector<TcpStream> clients(40);
    const auto body = [&](SocketAddress address) -> Task<Result<void>> {
      for (TcpStream& client : clients) {
        EDDY_CO_TRY(client, co_await TcpStream::Connect(address));
        EDDY_CO_CHECK(co_await client.Receive());
      }
      co_return Result<void>();
    };
    CO_EXPECT_OK(co_await ServeDuring(kAnyPort, handler, options, body));
    EXPECT_EQ(stopped, 40);
  });
}

// A listener of another program of the same user is in the way, unless it is
// meant to be joined.
TEST(ServeOnAllCoresTest, AnAddressInUseIsAnErrorUnlessItIsShared) {
  OnCores(2, []() -> Task<> {
    ListenOptions sharing;
    sharing.reuse_port = true;
    Result<TcpListener> other = TcpListener::Bind(kAnyPort, sharing);
    CO_ASSERT_OK(other);
    const SocketAddress taken = *other->local_address();
    CO_EXPECT_ERROR(co_await ServeOnAllCores(taken, Echo<TcpStream>),
                    std::errc::address_in_use);
    ServeOnAllCoresOptions options;
    options.listen.reuse_port = true;
    const auto body = [&](SocketAddress address) -> Task<Result<void>> {
      EXPECT_EQ(address, taken);
      co_return Result<void>();
    };
    CO_EXPECT_OK(co_await ServeDuring(taken, Echo<TcpStream>, options, body));
  });
}

// Cores beyond the first find the address in use: nothing is left behind.
TEST(ServeOnAllCoresTest, AnInvalidOptionIsAnError) {
  OnCores(2, []() -> Task<> {
    ServeOnAllCoresOptions options;
    options.listen.fast_open_queue = -1;
    bool listened = false;
    options.on_listening = [&](const SocketAddress&) { listened = true; };
    CO_EXPECT_ERROR(
        co_await ServeOnAllCores(kAnyPort, Echo<TcpStream>, options),
        std::errc::invalid_argument);
    EXPECT_FALSE(listened);
  });
}

TEST(ServeOnAllCoresTest, WhatOnListeningThrowsComesOut) {
  OnCores(2, []() -> Task<> {
    ServeOnAllCoresOptions options;
    options.on_listening = [](const SocketAddress&) {
      throw std::runtime_error("listening");
    };
    bool caught = false;
    try {
      static_cast<void>(
          co_await ServeOnAllCores(kAnyPort, Echo<TcpStream>, options));
    } catch (const std::runtime_error&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
  });
}

// With a limit of 0 ahead, connections that come one after the other are on all
// cores alike.
TEST(ServeOnAllCoresTest, EvensOutWhatTheKernelDoesNot) {
  OnCores(3, []() -> Task<> {
    constexpr unsigned kClients = 120;
    ServeStatsByCore stats;
    ServeOnAllCoresOptions options;
    options.stats = &stats;
    options.most_ahead = 0;
    const auto body = [&](SocketAddress address) -> Task<Result<void>> {
      std::vector<TcpStream> clients(kClients);
      for (TcpStream& client : clients) {
        EDDY_CO_TRY(client, co_await TcpStream::Connect(address));
        EDDY_CO_CHECK(co_await Ask(client, "hello"));
      }
      EDDY_CO_TRY(const std::vector<ServeStats> each, co_await stats.Each());
      std::uint64_t accepted = 0;
      std::uint64_t handed_over = 0;
      for (const ServeStats& of_core : each) {
        EXPECT_EQ(of_core.connections, kClients / 3);
        accepted += of_core.incoming.accepted;
        handed_over += of_core.handed_over;
      }
      EXPECT_EQ(accepted, kClients);
      EXPECT_GT(handed_over, 0U);
      EXPECT_LT(handed_over, kClients);
      co_return Result<void>();
    };
    CO_EXPECT_OK(
        co_await ServeDuring(kAnyPort, Echo<TcpStream>, options, body));
  });
}

// One core accepts, and all serve alike. (Until the others are there, it serves
// what comes itself; then they catch up.)
TEST(ServeOnAllCoresTest, AUnixListenerHandsOverToAllCores) {
  OnCores(3, []() -> Task<> {
    ServeStatsByCore stats;
    ServeOnAllCoresOptions options;
    options.stats = &stats;
    const auto body = [&](SocketAddress address) -> Task<Result<void>> {
      std::vector<UnixStream> clients;
      for (bool even = false; !even;) {
        EDDY_CO_TRY(UnixStream client, co_await UnixStream::Connect(address));
        CO_EXPECT_EQ(*co_await Ask(client, "hello"), "hello");
        clients.push_back(std::move(client));
        EDDY_CO_TRY(const std::vector<ServeStats> each, co_await stats.Each());
        even = each[0].connections > 10;
        for (const ServeStats& of_core : each) {
          even = even && of_core.connections == each[0].connections;
        }
        EXPECT_EQ(each[1].incoming.accepted, 0U);
      }
      co_return Result<void>();
    };
    Result<UnixListener> listener = UnixListener::Bind(AbstractName("all"));
    CO_ASSERT_OK(listener);
    CO_EXPECT_OK(
        co_await ServeDuring(*listener, Echo<UnixStream>, options, body));
    // By its address, as a TcpStream's handler sees it.
    const SocketAddress name = AbstractName("by_name");
    CO_EXPECT_OK(co_await ServeDuring(name, Echo<TcpStream>, options, body));
  });
}

// No core has more than its limit, however they come; the others wait.
TEST(ServeOnAllCoresTest, KeepsToItsLimitOnEachCore) {
  for (const bool balances : {false, true}) {
    OnCores(2, [balances]() -> Task<> {
      constexpr unsigned kClients = 40;
      ServeStatsByCore stats;
      ServeOnAllCoresOptions options;
      options.stats = &stats;
      options.serve.most_connections = 2;
      if (balances) options.most_ahead = 0;
      const auto body = [&](SocketAddress address) -> Task<Result<void>> {
        const auto client = [address]() -> Task<Result<void>> {
          EDDY_CO_TRY(TcpStream stream, co_await TcpStream::Connect(address));
          CO_EXPECT_EQ(*co_await Ask(stream, "hello"), "hello");
          co_return Result<void>();
        };
        const auto all = [&](TaskScope& scope) -> Task<> {
          for (unsigned i = 0; i < kClients; ++i) scope.Spawn(client);
          co_return;
        };
        co_return co_await WithScope(all);
      };
      CO_EXPECT_OK(
          co_await ServeDuring(kAnyPort, Echo<TcpStream>, options, body));
      const Result<std::vector<ServeStats>> each = co_await stats.Each();
      CO_ASSERT_OK(each);
      std::uint64_t ended = 0;
      for (const ServeStats& of_core : *each) {
        EXPECT_LE(of_core.most_connections, 2U);
        ended += of_core.ended;
      }
      EXPECT_EQ(ended, kClients);
    });
  }
}

// Connections that wait for room when the server stops are closed.
TEST(ServeOnAllCoresTest, AStopEndsTheWaitForRoom) {
  OnCores(2, []() -> Task<> {
    ServeOnAllCoresOptions options;
    options.serve.most_connections = 1;
    std::vector<UnixStream> clients(20);
    const auto body = [&](SocketAddress address) -> Task<Result<void>> {
      for (UnixStream& client : clients) {
        EDDY_CO_TRY(client, co_await UnixStream::Connect(address));
      }
      for (int i = 0; i < 20; ++i) co_await Yield();
      co_return Result<void>();
    };
    {
      Result<UnixListener> listener = UnixListener::Bind(AbstractName("all"));
      CO_ASSERT_OK(listener);
      CO_EXPECT_OK(
          co_await ServeDuring(*listener, Echo<UnixStream>, options, body));
      CO_EXPECT_OK(co_await listener->Close());
    }
    // (Those in the backlog are closed with the listener.)
    for (UnixStream& client : clients) {
      const Result<io::Buffer> end = co_await client.Receive();
      if (end) {
        EXPECT_TRUE(end->empty());
      }
    }
  });
}

// Stopped while connections come, are handed over and end, on all cores.
TEST(ServeOnAllCoresTest, AStopAtAnyMomentUnderLoad) {
  for (int round = 0; round < 12; ++round) {
    OnCores(3, [round]() -> Task<> {
      ServeOnAllCoresOptions options;
      if (round % 3 != 0) options.most_ahead = 0;
      if (round % 3 == 1) options.serve.most_connections = 4;
      if (round % 2 == 0) options.serve.drain = 1ms;
      std::atomic<int> answered = 0;
      const auto body = [&](SocketAddress address) -> Task<Result<void>> {
        const auto client = [&answered, address]() -> Task<> {
          while (true) {
            Result<TcpStream> stream = co_await TcpStream::Connect(address);
            if (!stream) break;
            const Result<std::string> answer = co_await Ask(*stream, "hello");
            if (!answer) break;
            ++answered;
          }
        };
        const auto all = [&](TaskScope& scope) -> Task<> {
          for (int i = 0; i < 30; ++i) scope.Spawn(client);
          while (answered < 10 * round) co_await Yield();
          scope.RequestStop();
        };
        co_return co_await WithScope(all);
      };
      CO_EXPECT_OK(
          co_await ServeDuring(kAnyPort, Echo<TcpStream>, options, body));
    });
  }
}

// Clients that outlive the server: none waits for ever.
TEST(ServeOnAllCoresTest, ClientsSeeTheEnd) {
  OnCores(3, []() -> Task<> {
    ServeOnAllCoresOptions options;
    options.most_ahead = 0;
    const auto outer = [&](TaskScope& clients) -> Task<Result<void>> {
      int answered = 0;
      const auto body = [&](SocketAddress address) -> Task<Result<void>> {
        const auto client = [&answered, address]() -> Task<> {
          while (true) {
            Result<TcpStream> stream = co_await TcpStream::Connect(address);
            if (!stream) break;
            const Result<std::string> answer = co_await Ask(*stream, "hello");
            if (!answer) break;
            ++answered;
          }
        };
        for (int i = 0; i < 30; ++i) clients.Spawn(client);
        while (answered < 200) co_await Yield();
        co_return Result<void>();
      };
      co_return co_await ServeDuring(kAnyPort, Echo<TcpStream>, options, body);
    };
    CO_EXPECT_OK(co_await WithScope(outer));
  });
}

TEST(ServeOnAllCoresTest, ServesAgainAfterItsEnd) {
  OnCores(2, []() -> Task<> {
    SocketAddress address = kAnyPort;
    for (int i = 0; i < 5; ++i) {
      const auto body = [&](SocketAddress at) -> Task<Result<void>> {
        address = at;
        EDDY_CO_TRY(TcpStream client, co_await TcpStream::Connect(at));
        CO_EXPECT_EQ(*co_await Ask(client, "hello"), "hello");
        co_return Result<void>();
      };
      CO_EXPECT_OK(co_await ServeDuring(address, Echo<TcpStream>, {}, body));
    }
  });
}

}  // namespace
}  // namespace eddy::net
