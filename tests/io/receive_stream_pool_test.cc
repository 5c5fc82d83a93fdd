// ReceiveStream: many streams that share the buffers of one pool.
#include "tests/io/receive_stream_fixture.h"

#include <eddy/io/buffer_pool.h>
#include <eddy/io/receive_stream.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace eddy::io_test {
namespace {

class ReceiveStreamPoolTest : public ReceiveStreamFixture {};
INSTANTIATE_TEST_SUITE_P(Kernels, ReceiveStreamPoolTest, Kernels(), NameOf);

TEST_P(ReceiveStreamPoolTest, ManyConnectionsShareOneSmallPool) {
  SyncWait([]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create(SmallPool(4));
    CO_ASSERT_OK(pool);
    const auto body = [&](TaskScope& scope) -> Task<void> {
      for (int i = 0; i < 30; ++i) {
        scope.Spawn(Transfer(*pool, 5000, 333, 128));
      }
      co_return;
    };
    CO_EXPECT_OK(co_await WithScope(body));
    EXPECT_EQ(pool->lent(), 0u);
    EXPECT_LE(pool->buffers(), 4u);
  }());
}

// A consumer that takes nothing stops its peer, and nobody else.
TEST_P(ReceiveStreamPoolTest, OneThatDoesNotTakeHoldsNobodyUp) {
  SyncWait([]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create(SmallPool(32));
    CO_ASSERT_OK(pool);
    const SocketPair sockets;
    Result<ReceiveStream> lazy = Stream(*pool, 256);
    CO_ASSERT_OK(lazy);
    Put(sockets.b, "first");
    const Result<Buffer> first = co_await lazy->Next(sockets.a);
    CO_ASSERT_OK(first);
    // Far more than the pool has.
    const std::vector<std::byte> flood = Pattern(32 * 64 * 4);
    Put(sockets.b, flood);
    for (int i = 0; i < 10; ++i) {
      CO_EXPECT_OK(co_await Transfer(*pool, 2000, 100, 256));
    }
    std::string got = Text(first->bytes());
    while (got.size() < 5 + flood.size()) {
      const Result<Buffer> next = co_await lazy->Next(sockets.a);
      CO_ASSERT_OK(next);
      CO_ASSERT_FALSE(next->empty());
      got += Text(next->bytes());
    }
    EXPECT_EQ(got, "first" + Text(flood));
  }());
}

// With every buffer lent, a receive waits until one is given back.
TEST_P(ReceiveStreamPoolTest, WaitsForABufferToComeBack) {
  SyncWait([]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create(SmallPool(2));
    CO_ASSERT_OK(pool);
    const SocketPair full;
    Result<ReceiveStream> holder = Stream(*pool);
    CO_ASSERT_OK(holder);
    // More than the pool has: it is taken until no buffer is left.
    Put(full.b, Pattern(2000));
    std::vector<Buffer> held;
    while (true) {
      Result<Buffer> data = co_await WithTimeout(2ms, holder->Next(full.a));
      if (!data) break;
      held.push_back(*std::move(data));
    }
    const SocketPair waits;
    Result<ReceiveStream> waiter = Stream(*pool);
    CO_ASSERT_OK(waiter);
    Put(waits.b, "waits");
    CO_EXPECT_ERROR(co_await WithTimeout(2ms, waiter->Next(waits.a)),
                    kTimedOut);
    EXPECT_EQ(Readable(waits.a), 5u);
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        co_await Turn();
        held.clear();
      });
      std::string got;
      while (got.size() < 5) {
        const Result<Buffer> data = co_await waiter->Next(waits.a);
        CO_ASSERT_OK(data);
        got += Text(data->bytes());
      }
      EXPECT_EQ(got, "waits");
    };
    CO_EXPECT_OK(co_await WithScope(body));
  }());
}

// Who waits on a silent socket takes no buffer that came back.
TEST_P(ReceiveStreamPoolTest, OneOfManyThatWaitGetsTheBufferThatItNeeds) {
  if (!GetParam().kernel_picks) {
    GTEST_SKIP() << "each that waits holds a buffer";
  }
  SyncWait([]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create(SmallPool(2));
    CO_ASSERT_OK(pool);
    if (!pool->store().kernel_picks()) CO_SKIP("under chaos: no rings");
    const SocketPair full;
    Result<ReceiveStream> holder = Stream(*pool);
    CO_ASSERT_OK(holder);
    Put(full.b, Pattern(2000));
    std::vector<Buffer> held;
    while (true) {
      Result<Buffer> data = co_await WithTimeout(2ms, holder->Next(full.a));
      if (!data) break;
      held.push_back(*std::move(data));
    }
    CO_ASSERT_FALSE(held.empty());
    std::vector<SocketPair> sockets(8);
    Put(sockets.back().b, "data");
    const auto body = [&](TaskScope& scope) -> Task<void> {
      for (const SocketPair& pair : sockets) {
        scope.Spawn([&]() -> Task<void> {
          Result<ReceiveStream> stream = Stream(*pool);
          CO_ASSERT_OK(stream);
          const Result<Buffer> data = co_await stream->Next(pair.a);
          // The silent ones are stopped by the one that is not.
          if (data) scope.RequestStop();
        });
      }
      co_await Turn();
      held.clear();
    };
    static_cast<void>(co_await WithScope(body));
    EXPECT_EQ(Readable(sockets.back().a), 0u);
  }());
}

// Streams that share buffers, stopped in the turn in which both receive.
TEST_P(ReceiveStreamPoolTest, AStoppedStreamGetsNoBytesOfAnother) {
  SyncWait([]() -> Task<void> {
    BufferPoolOptions pool_options = SmallPool(64);
    pool_options.buffer_size = 4096;
    const Result<BufferPool> pool = BufferPool::Create(pool_options);
    CO_ASSERT_OK(pool);
    for (const std::size_t most_waiting : {100U, 1000U, 5000U}) {
      for (int round = 0; round < 20; ++round) {
        const SocketPair a;
        const SocketPair b;
        Put(a.b, std::vector<std::byte>(1000, std::byte{'A'}));
        Put(b.b, std::vector<std::byte>(100, std::byte{'B'}));
        std::string of_a;
        std::string of_b;
        StopSource source;
        const auto receives = [&](const io::Fd& fd, std::size_t all,
                                  std::string& got) -> Task<void> {
          Result<ReceiveStream> stream = Stream(*pool, most_waiting);
          CO_ASSERT_OK(stream);
          while (got.size() < all) {
            const Result<Buffer> data = co_await stream->Next(fd);
            if (!data) co_return;
            got += Text(data->bytes());
          }
        };
        const auto body = [&](TaskScope& scope) -> Task<void> {
          scope.Spawn([&]() -> Task<void> {
            co_await WithStop(source.token(), receives(a.a, 1000, of_a));
          });
          scope.Spawn(receives(b.a, 100, of_b));
          for (int i = 0; i < round % 5; ++i) co_await Yield();
          source.RequestStop();
        };
        CO_EXPECT_OK(co_await WithScope(body));
        EXPECT_EQ(of_a, std::string(of_a.size(), 'A'));
        EXPECT_EQ(of_b, std::string(100, 'B'));
      }
    }
  }());
}

// Many streams with timeouts on one pool: each gets its own bytes, in order.
TEST_P(ReceiveStreamPoolTest, StopsOfManyMixNothingUp) {
  SyncWait([]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create(SmallPool(16));
    CO_ASSERT_OK(pool);
    const auto transfer = [&](unsigned seed) -> Task<void> {
      const SocketPair sockets;
      const std::vector<std::byte> data = Pattern(3000, seed);
      Result<ReceiveStream> stream = Stream(*pool, 100);
      CO_ASSERT_OK(stream);
      std::string got;
      for (std::size_t sent = 0; got.size() < data.size();) {
        if (sent < data.size()) {
          const std::size_t n = std::min<std::size_t>(150, data.size() - sent);
          Put(sockets.b, std::span(data).subspan(sent, n));
          sent += n;
        }
        const Result<Buffer> part = co_await WithTimeout(
            std::chrono::microseconds(seed * 7), stream->Next(sockets.a));
        if (part) got += Text(part->bytes());
      }
      EXPECT_EQ(got, Text(data));
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      for (unsigned seed = 1; seed <= 12; ++seed) scope.Spawn(transfer, seed);
      co_return;
    };
    CO_EXPECT_OK(co_await WithScope(body));
    EXPECT_EQ(pool->lent(), 0u);
  }());
}

// Each takes a buffer where those are not used in parts.
TEST_P(ReceiveStreamPoolTest, ManySmallPacketsOfOneLeaveBuffersToOthers) {
  SyncWait([]() -> Task<void> {
    BufferPoolOptions pool_options = SmallPool(64);
    pool_options.first_buffers = 64;
    const Result<BufferPool> pool = BufferPool::Create(pool_options);
    CO_ASSERT_OK(pool);
    const SocketPair lazy;
    Result<ReceiveStream> stream = Stream(*pool, 512);
    CO_ASSERT_OK(stream);
    Put(lazy.b, "x");
    CO_EXPECT_OK(co_await stream->Next(lazy.a));
    for (int i = 0; i < 200; ++i) {
      Put(lazy.b, "x");
      co_await Turn();
    }
    EXPECT_LE(pool->lent(), 32u);
    CO_EXPECT_OK(co_await Transfer(*pool, 3000, 100, 256));
  }());
}

}  // namespace
}  // namespace eddy::io_test
