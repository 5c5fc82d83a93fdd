#include <eddy/io/receive_stream.h>

#include "tests/io/receive_stream_fixture.h"

#include <eddy/io/close.h>
#include <eddy/io/send_all.h>
#include <eddy/io/shutdown.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/chaos.h"
#include "tests/sweeps.h"

namespace eddy::io_test {
namespace {

class ReceiveStreamTest : public ReceiveStreamFixture {};
INSTANTIATE_TEST_SUITE_P(Kernels, ReceiveStreamTest, Kernels(), NameOf);

TEST_P(ReceiveStreamTest, GivesAllBytesInOrder) {
  SyncWait([]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create(SmallPool(8));
    CO_ASSERT_OK(pool);
    for (const std::size_t part : {1U, 7U, 64U, 65U, 1000U, 100000U}) {
      const std::size_t size = part == 1 ? 300 : 30000;
      CO_EXPECT_OK(co_await Transfer(*pool, size, part, 256));
      CO_EXPECT_OK(co_await Transfer(*pool, size, part, 1));
    }
    EXPECT_EQ(pool->lent(), 0u);
  }());
}

// A socket that answers EINVAL by itself says nothing about the kernel.
TEST_P(ReceiveStreamTest, AnErrorOfASocketLeavesTheLimitOn) {
  SyncWait([]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create(SmallPool(8));
    CO_ASSERT_OK(pool);
    const bool limited = pool->store().limits_receive();
    Result<ReceiveStream> stream = Stream(*pool);
    CO_ASSERT_OK(stream);
    const io::Fd unconnected(
        IO_TEST_CHECK(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    CO_EXPECT_ERROR(co_await stream->Next(unconnected),
                    std::errc::invalid_argument);
    EXPECT_EQ(pool->store().limits_receive(), limited);
  }());
}

TEST_P(ReceiveStreamTest, AfterAStopTheKernelReceivesNoMore) {
  SyncWait([]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create(SmallPool(8));
    CO_ASSERT_OK(pool);
    const SocketPair sockets;
    Result<ReceiveStream> stream = Stream(*pool);
    CO_ASSERT_OK(stream);
    Put(sockets.b, "x");
    CO_EXPECT_OK(co_await stream->Next(sockets.a));
    StopSource source;
    source.RequestStop();
    const auto next = [&]() -> Task<Result<Buffer>> {
      co_return co_await stream->Next(sockets.a);
    };
    CO_EXPECT_ERROR(co_await WithStop(source.token(), next()), kCanceled);
    Put(sockets.b, "12345");
    co_await Turn();
    EXPECT_EQ(Readable(sockets.a), 5u);
  }());
}

TEST_P(ReceiveStreamTest, GivesAnErrorOnceAndAfterTheBytes) {
  SyncWait([]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create(SmallPool(8));
    CO_ASSERT_OK(pool);
    Result<ReceiveStream> stream = Stream(*pool);
    CO_ASSERT_OK(stream);
    const io::Fd unconnected = TcpSocket();
    CO_EXPECT_ERROR(co_await stream->Next(unconnected),
                    std::errc::not_connected);
    const SocketPair sockets;
    Put(sockets.b, "x");
    const Result<Buffer> data = co_await stream->Next(sockets.a);
    CO_ASSERT_OK(data);
    EXPECT_EQ(Text(data->bytes()), "x");
  }());
}

TEST_P(ReceiveStreamTest, GivesTheEndAgainAndAgain) {
  SyncWait([]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create(SmallPool(8));
    CO_ASSERT_OK(pool);
    Result<ReceiveStream> stream = Stream(*pool);
    CO_ASSERT_OK(stream);
    SocketPair sockets;
    CO_EXPECT_OK(co_await sockets.b.Close());
    for (int i = 0; i < 3; ++i) {
      const Result<Buffer> data = co_await stream->Next(sockets.a);
      CO_ASSERT_OK(data);
      EXPECT_TRUE(data->empty());
    }
  }());
}

// Timeouts between the parts: what they cut short comes later.
TEST_P(ReceiveStreamTest, ATimeoutLosesNothing) {
  SyncWait([]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create(SmallPool(8));
    CO_ASSERT_OK(pool);
    const SocketPair sockets;
    const std::vector<std::byte> data = Pattern(4000);
    Result<ReceiveStream> stream = Stream(*pool);
    CO_ASSERT_OK(stream);
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        for (std::size_t i = 0; i < data.size(); i += 40) {
          Put(sockets.b, std::span(data).subspan(i, 40));
          if (i % 200 == 0) co_await Pause(200us);
        }
      });
      std::string got;
      while (got.size() < data.size()) {
        const Result<Buffer> part =
            co_await WithTimeout(50us, stream->Next(sockets.a));
        if (part) {
          got += Text(part->bytes());
        } else {
          EXPECT_EQ(part.error(), kTimedOut);
        }
      }
      EXPECT_EQ(got, Text(data));
    };
    CO_EXPECT_OK(co_await WithScope(body));
  }());
}

// Between two Nexts the kernel goes on: what was received and not asked for
// goes with the stream, and gives its buffers back.
TEST_P(ReceiveStreamTest, MayBeDestroyedWhileTheKernelReceives) {
  SyncWait([]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create(SmallPool(8));
    CO_ASSERT_OK(pool);
    for (int i = 0; i < 20; ++i) {
      const SocketPair sockets;
      Result<ReceiveStream> stream = Stream(*pool);
      CO_ASSERT_OK(stream);
      Put(sockets.b, Pattern(100));
      const Result<Buffer> data = co_await stream->Next(sockets.a);
      CO_ASSERT_OK(data);
      if (i % 2 == 0) co_await Yield();
      stream->Reset();
      Put(sockets.b, Pattern(100));
      if (i % 3 == 0) co_await Turn();
    }
    CO_EXPECT_OK(co_await Transfer(*pool, 2000, 100, 256));
    for (int i = 0; i < 20 && pool->lent() != 0; ++i) co_await Turn();
    EXPECT_EQ(pool->lent(), 0u);
  }());
}

// A stream that outlives its reactor, with the kernel receiving at the end of
// the run.
TEST_P(ReceiveStreamTest, TheEndOfTheReactorEndsIt) {
  const SocketPair sockets;
  ReceiveStream left;
  std::vector<Buffer> buffers;
  SyncWait([&]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create(SmallPool(8));
    CO_ASSERT_OK(pool);
    Result<ReceiveStream> stream = Stream(*pool);
    CO_ASSERT_OK(stream);
    Put(sockets.b, "data");
    Result<Buffer> data = co_await stream->Next(sockets.a);
    CO_ASSERT_OK(data);
    buffers.push_back(*std::move(data));
    left = *std::move(stream);
  }());
  ASSERT_EQ(buffers.size(), 1u);
  EXPECT_FALSE(buffers[0].empty());
}

TEST_P(ReceiveStreamTest, StoppedOrFailedAnywhereItLosesNothing) {
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(const BufferPool pool, BufferPool::Create(SmallPool(4)));
    const SocketPair sockets;
    const std::vector<std::byte> data = Pattern(700);
    EDDY_CO_TRY(ReceiveStream stream, Stream(pool));
    std::string got;
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn(SendAndEnd(sockets.b, data, 150));
      while (true) {
        EDDY_CO_TRY(const Buffer part, co_await stream.Next(sockets.a));
        if (part.empty()) co_return Result<void>();
        got += Text(part.bytes());
      }
    };
    const Result<void> result = co_await WithScope(body);
    EXPECT_EQ(got, Text(data).substr(0, got.size()));
    if (result) {
      EXPECT_EQ(got.size(), data.size());
    }
    co_return result;
  };
  test::ExpectCleanSweeps(scenario, {.stops = 10, .failures = 5});
}

// In the end what the kernel took from the socket and what is left in it are
// all.
TEST_P(ReceiveStreamTest, AStopLeavesTheRestToTheNextOne) {
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(const BufferPool pool, BufferPool::Create(SmallPool(4)));
    const SocketPair sockets;
    const std::vector<std::byte> data = Pattern(300);
    EDDY_CO_TRY(ReceiveStream stream, Stream(pool));
    Put(sockets.b, data);
    std::string got;
    const auto receives = [&]() -> Task<Result<void>> {
      while (got.size() < data.size()) {
        EDDY_CO_TRY(const Buffer part, co_await stream.Next(sockets.a));
        got += Text(part.bytes());
      }
      co_return Result<void>();
    };
    const Result<void> result = co_await receives();
    // Whatever happened, the next ones give the rest.
    static_cast<void>(co_await Shield(receives()));
    EXPECT_EQ(got, Text(data));
    co_return result;
  };
  const SweepReport report = StopAtEveryPoint(scenario);
  EXPECT_EQ(report.failure, "");
  EXPECT_GE(report.points, 1u);
}

CO_TEST(ReceiveStreamStopTest, AnEmptyWaitIsStoppedAndTheKernelLetsGo) {
  const SocketPair sockets;
  ReceiveStream stream;
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, stream.Next(sockets.a)), kTimedOut);
  Put(sockets.b, "later");
  co_await Turn();
  EXPECT_EQ(Readable(sockets.a), 5u);
}

CO_TEST(ReceiveStreamOptionsTest, RefusesWhatIsOutOfRange) {
  ReceiveOptions none;
  none.most_waiting = 0;
  CO_EXPECT_ERROR(ReceiveStream::Create(none), std::errc::invalid_argument);
  for (const auto& [size, first, most] :
       {std::tuple<std::size_t, unsigned, unsigned>(0, 1, 1),
        {64, 0, 1},
        {64, 1, 0},
        {64, 1, 32769},
        {~std::size_t{0}, 1, 1}}) {
    BufferPoolOptions options;
    options.buffer_size = size;
    options.first_buffers = first;
    options.most_buffers = most;
    CO_EXPECT_ERROR(BufferPool::Create(options), std::errc::invalid_argument);
  }
  co_return;
}

CO_TEST(ReceiveStreamMemoryTest, AnIdleSocketHoldsNoBuffer) {
  Result<BufferPool> pool = BufferPool::Create();
  CO_ASSERT_OK(pool);
  if (!pool->store().kernel_picks()) CO_SKIP("under chaos: an older kernel");
  const auto body = [&](TaskScope& scope) -> Task<void> {
    std::vector<SocketPair> sockets(64);
    std::vector<ReceiveStream> streams(64);
    ReceiveOptions options;
    options.pool = *pool;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      streams[i] = *ReceiveStream::Create(options);
      scope.Spawn([&, i]() -> Task<void> {
        CO_EXPECT_ERROR(co_await streams[i].Next(sockets[i].a), kCanceled);
      });
    }
    co_await Pause(1ms);
    EXPECT_EQ(pool->lent(), 0u);
    scope.RequestStop();
    while (scope.live() != 0) co_await Yield();
  };
  static_cast<void>(co_await WithScope(body));
}

using ReceiveStreamDeathTest = ::testing::Test;

TEST(ReceiveStreamDeathTest, TwoConsumersAbort) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 const SocketPair sockets;
                 ReceiveStream stream;
                 const auto next = [&]() -> Task<void> {
                   static_cast<void>(co_await stream.Next(sockets.a));
                 };
                 const auto body = [&](TaskScope& scope) -> Task<void> {
                   scope.Spawn(next);
                   scope.Spawn(next);
                   co_return;
                 };
                 static_cast<void>(co_await WithScope(body));
               }()),
               "two tasks await the next element");
}

TEST(ReceiveStreamDeathTest, DestroyingOneThatIsAwaitedAborts) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 const SocketPair sockets;
                 ReceiveStream stream;
                 const auto body = [&](TaskScope& scope) -> Task<void> {
                   scope.Spawn([&]() -> Task<void> {
                     static_cast<void>(co_await stream.Next(sockets.a));
                   });
                   co_await Turn();
                   stream.Reset();
                 };
                 static_cast<void>(co_await WithScope(body));
               }()),
               "while a task awaits its next element");
}

}  // namespace
}  // namespace eddy::io_test
