#include <eddy/io/buffer_pool.h>

#include "tests/io/io_test_util.h"

#include <eddy/io/receive_stream.h>
#include <eddy/runtime/timeout.h>

#include <optional>
#include <utility>
#include <vector>

#include "tests/chaos.h"

namespace eddy::io_test {
namespace {

using io::Buffer;
using io::BufferPool;
using io::BufferPoolOptions;
using io::ReceiveOptions;
using io::ReceiveStream;

// What a fresh stream receives of `data`.
Task<Result<Buffer>> ReceiveOnce(const BufferPool& pool,
                                 std::span<const std::byte> data) {
  const SocketPair sockets;
  Put(sockets.b, data);
  ReceiveOptions options;
  options.pool = pool;
  EDDY_CO_TRY(ReceiveStream stream, ReceiveStream::Create(options));
  co_return co_await stream.Next(sockets.a);
}

CO_TEST(BufferPoolTest, LendsAndTakesBack) {
  const Result<BufferPool> pool = BufferPool::Create();
  CO_ASSERT_OK(pool);
  EXPECT_EQ(pool->lent(), 0u);
  {
    const Result<Buffer> data = co_await ReceiveOnce(*pool, Pattern(10));
    CO_ASSERT_OK(data);
    EXPECT_EQ(pool->lent(), 1u);
  }
  EXPECT_EQ(pool->lent(), 0u);
}

CO_TEST(BufferPoolTest, ABufferIsItsHoldersToChange) {
  const Result<BufferPool> pool = BufferPool::Create();
  CO_ASSERT_OK(pool);
  Result<Buffer> data = co_await ReceiveOnce(*pool, Bytes("abcdef"));
  CO_ASSERT_OK(data);
  if (test::InChaos() && data->size() < 6) CO_SKIP(test::kShort);
  data->RemovePrefix(2);
  data->bytes()[0] = std::byte{'C'};
  EXPECT_EQ(Text(data->bytes()), "Cdef");
  Buffer moved = *std::move(data);
  EXPECT_EQ(Text(moved.bytes()), "Cdef");
  EXPECT_TRUE(data->empty());
  moved.RemovePrefix(100);
  EXPECT_TRUE(moved.empty());
  moved.Reset();
  moved.Reset();
  EXPECT_EQ(pool->lent(), 0u);
}

CO_TEST(BufferPoolTest, MakesMoreBuffersWhereAllAreLent) {
  BufferPoolOptions options;
  options.buffer_size = 64;
  options.first_buffers = 1;
  options.most_buffers = 16;
  const Result<BufferPool> pool = BufferPool::Create(options);
  CO_ASSERT_OK(pool);
  EXPECT_EQ(pool->buffers(), 1u);
  std::vector<Buffer> held;
  for (int i = 0; i < 16; ++i) {
    Result<Buffer> data = co_await ReceiveOnce(*pool, Pattern(64));
    CO_ASSERT_OK(data);
    held.push_back(*std::move(data));
  }
  EXPECT_LE(pool->buffers(), 16u);
  if (!test::InChaos()) {
    EXPECT_EQ(pool->buffers(), 16u);
    CO_EXPECT_ERROR(co_await WithTimeout(1ms, ReceiveOnce(*pool, Pattern(64))),
                    kTimedOut);
  }
  held.clear();
  CO_EXPECT_OK(co_await ReceiveOnce(*pool, Pattern(64)));
}

TEST(BufferPoolTest, ABufferMayOutliveItsPoolAndItsReactor) {
  Buffer left;
  SyncWait([&]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create();
    CO_ASSERT_OK(pool);
    Result<Buffer> data = co_await ReceiveOnce(*pool, Bytes("left"));
    CO_ASSERT_OK(data);
    left = *std::move(data);
  }());
  ASSERT_FALSE(left.empty());
  EXPECT_EQ(left.bytes()[0], std::byte{'l'});
  left.Reset();
}

TEST(BufferPoolTest, AHandleMayOutliveItsReactor) {
  std::optional<BufferPool> left;
  SyncWait([&]() -> Task<void> {
    const Result<BufferPool> pool = BufferPool::Create();
    CO_ASSERT_OK(pool);
    left = *pool;
  }());
  BufferPool copy = *left;
  left.reset();
  EXPECT_EQ(copy.lent(), 0u);
}

// The kernel gives a group's number to one ring of buffers at a time.
CO_TEST(BufferPoolTest, ManyPoolsMayComeAndGo) {
  for (int i = 0; i < 200; ++i) {
    BufferPoolOptions options;
    options.most_buffers = 2;
    const Result<BufferPool> pool = BufferPool::Create(options);
    CO_ASSERT_OK(pool);
    if (i % 50 != 0) continue;
    CO_EXPECT_OK(co_await ReceiveOnce(*pool, Pattern(10)));
  }
}

CO_TEST(BufferPoolTest, TheReactorsOwnIsOne) {
  const Result<BufferPool> a = BufferPool::Default();
  const Result<BufferPool> b = BufferPool::Default();
  CO_ASSERT_OK(a);
  CO_ASSERT_OK(b);
  EXPECT_EQ(&a->store(), &b->store());
  co_return;
}

// (Two reactors that both live: one at the address of another that has gone
// could not tell.)
TEST(BufferPoolDeathTest, OneOfAnotherReactorAborts) {
  EXPECT_DEATH(
      {
        const auto first = Reactor::Create();
        const auto second = Reactor::Create();
        const BufferPool other = (*first)->Run([]() -> Task<BufferPool> {
          co_return BufferPool::Create().value();
        }());
        (*second)->Run([&]() -> Task<void> {
          static_cast<void>(co_await ReceiveOnce(other, Pattern(1)));
        }());
      },
      "on another reactor");
}

TEST(BufferPoolDeathTest, MakingOneWhereNoReactorRunsAborts) {
  EXPECT_DEATH(static_cast<void>(BufferPool::Create()), "no reactor runs");
}

}  // namespace
}  // namespace eddy::io_test
