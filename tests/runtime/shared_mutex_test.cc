#include <eddy/runtime/join_handle.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/shared_mutex.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/runtime/heap_count.h"
#include "tests/runtime/settle.h"
#include "tests/runtime/test_verbs.h"
#include "tests/sweeps.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using test::Settle;

CO_TEST(SharedMutexTest, LetsInReadersTogetherAndWritersAlone) {
  SharedMutex mutex;
  int readers = 0;
  int most_readers = 0;
  int writers = 0;
  const auto reads = [&]() -> Task<void> {
    const SharedMutex::SharedGuard guard = co_await mutex.LockShared();
    most_readers = std::max(most_readers, ++readers);
    EXPECT_EQ(writers, 0);
    co_await Settle();
    --readers;
  };
  const auto writes = [&]() -> Task<void> {
    const SharedMutex::Guard guard = co_await mutex.Lock();
    EXPECT_EQ(readers, 0);
    EXPECT_EQ(++writers, 1);
    co_await Settle();
    EXPECT_EQ(--writers, 0);
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 5; ++i) {
      scope.Spawn(reads);
      scope.Spawn(reads);
      scope.Spawn(writes);
    }
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_TRUE(test::InChaos() || most_readers >= 2);
  EXPECT_TRUE(mutex.TryLock());
}

// Writes down who is in, in the order in which they come.
class Order {
 public:
  Task<void> Reads(char name) {
    const SharedMutex::SharedGuard guard = co_await mutex_.LockShared();
    order_ += name;
    co_await Settle();
    order_ += '.';
  }
  Task<void> Writes(char name) {
    const SharedMutex::Guard guard = co_await mutex_.Lock();
    order_ += name;
    co_await Settle();
    order_ += '.';
  }
  SharedMutex& mutex() { return mutex_; }
  const std::string& order() const { return order_; }

 private:
  SharedMutex mutex_;
  std::string order_;
};

CO_TEST(SharedMutexTest, ServesInTheOrderOfComing) {
  EDDY_CO_SKIP_IN_CHAOS("what is ready runs in another order");
  Order order;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    SharedMutex::SharedGuard guard = co_await order.mutex().LockShared();
    scope.Spawn(order.Reads('a'));  // comes in
    scope.Spawn(order.Writes('B'));
    scope.Spawn(order.Reads('c'));  // has to wait for the writer
    scope.Spawn(order.Reads('d'));
    scope.Spawn(order.Writes('E'));
    scope.Spawn(order.Writes('F'));
    scope.Spawn(order.Reads('g'));
    co_await Settle();
    co_await Settle();
    EXPECT_EQ(order.order(), "a.");
    guard.Unlock();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(order.order(), "a.B.cd..E.F.g.");
}

CO_TEST(SharedMutexTest, AWriterThatWaitsKeepsNewReadersOut) {
  SharedMutex mutex;
  SharedMutex::SharedGuard reader = co_await mutex.LockShared();
  EXPECT_TRUE(mutex.TryLockShared());
  EXPECT_FALSE(mutex.TryLock());
  const auto writes = [&]() -> Task<void> {
    const SharedMutex::Guard guard = co_await mutex.Lock();
    EXPECT_FALSE(mutex.TryLock());
    EXPECT_FALSE(mutex.TryLockShared());
  };
  JoinHandle<void> handle = Reactor::Current()->scope().Spawn(writes);
  co_await Settle();
  EXPECT_FALSE(mutex.TryLockShared());
  reader.Unlock();
  EXPECT_FALSE(mutex.TryLockShared());  // the writer has it already
  co_await handle;
  EXPECT_TRUE(mutex.TryLockShared());
  EXPECT_TRUE(mutex.TryLock());
}

// One after the other, though readers are there at any time.
CO_TEST(SharedMutexTest, ReadersDoNotStarveAWriter) {
  SharedMutex mutex;
  bool written = false;
  const auto reads = [&]() -> Task<void> {
    while (!written) {
      const SharedMutex::SharedGuard guard = co_await mutex.LockShared();
      co_await Yield();
      co_await Yield();
    }
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      scope.Spawn(reads);
      co_await Yield();
    }
    const SharedMutex::Guard guard = co_await mutex.Lock();
    written = true;
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(SharedMutexTest, ItsGuardsMayBeMoved) {
  SharedMutex mutex;
  SharedMutex::SharedGuard a = co_await mutex.LockShared();
  SharedMutex::SharedGuard b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT: use after move
  SharedMutex::SharedGuard c = co_await mutex.LockShared();
  c = std::move(b);
  EXPECT_FALSE(mutex.TryLock());
  c.Unlock();
  std::optional<SharedMutex::Guard> writer = mutex.TryLock();
  CO_ASSERT_TRUE(writer);
  const SharedMutex::Guard moved = *std::move(writer);
  writer.reset();
  EXPECT_FALSE(mutex.TryLockShared());
}

CO_TEST(SharedMutexTest, IsNoStopPoint) {
  SharedMutex mutex;
  SharedMutex::Guard guard = co_await mutex.Lock();
  int entered = 0;
  const auto reads = [&]() -> Task<void> {
    const SharedMutex::SharedGuard own = co_await mutex.LockShared();
    ++entered;
  };
  const auto writes = [&]() -> Task<void> {
    const SharedMutex::Guard own = co_await mutex.Lock();
    ++entered;
  };
  TaskScope& scope = Reactor::Current()->scope();
  JoinHandle<void> reader = scope.Spawn(reads);
  JoinHandle<void> writer = scope.Spawn(writes);
  co_await Settle();
  reader.RequestStop();
  writer.RequestStop();
  co_await Settle();
  EXPECT_EQ(entered, 0);
  guard.Unlock();
  co_await reader;
  co_await writer;
  EXPECT_EQ(entered, 2);
}

CO_TEST(SharedMutexTest, LateLocksAreGivenBackOrKept) {
  SharedMutex mutex;
  SharedMutex::Guard guard = co_await mutex.Lock();
  const auto waits = [&]() -> Task<void> {
    CO_EXPECT_ERROR(co_await WithTimeout(1us, mutex.LockShared()), kTimedOut);
  };
  const auto loses = [&]() -> Task<void> {
    const auto first = co_await WhenAny(Sleep(0ms), mutex.LockShared());
    EXPECT_TRUE(first.late<1>());
    EXPECT_FALSE(mutex.TryLock());
  };
  TaskScope& scope = Reactor::Current()->scope();
  JoinHandle<void> one = scope.Spawn(waits);
  JoinHandle<void> other = scope.Spawn(loses);
  CO_EXPECT_OK(co_await Sleep(1ms));
  guard.Unlock();
  co_await one;
  co_await other;
  EXPECT_TRUE(mutex.TryLock());
}

CO_TEST(SharedMutexTest, AllocatesNothing) {
  if (!test::CountsAllocations()) CO_SKIP("allocations cannot be counted");
  SharedMutex mutex;
  std::uint64_t allocations = 0;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    int left = 4;
    for (int i = 0; i < 4; ++i) {
      scope.Spawn([&, i]() -> Task<void> {
        co_await Yield();
        const test::HeapCount count;
        for (int j = 0; j < 100; ++j) {
          if (i % 2 == 0) {
            const SharedMutex::Guard guard = co_await mutex.Lock();
            co_await Yield();
          } else {
            const SharedMutex::SharedGuard guard = co_await mutex.LockShared();
            co_await Yield();
          }
        }
        --left;
        allocations += count.allocations();
      });
    }
    while (left != 0) co_await Yield();
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(allocations, 0U);
}

TEST(SharedMutexSweepTest, ReadersSeeWhatWritersHaveEnded) {
  const auto scenario = []() -> Task<Result<void>> {
    SharedMutex mutex;
    int one = 0;
    int other = 0;
    const auto reads = [&]() -> Task<Result<void>> {
      const SharedMutex::SharedGuard guard = co_await mutex.LockShared();
      const Result<void> done = co_await test::Nop();
      EXPECT_EQ(one, other);
      co_return done;
    };
    const auto writes = [&]() -> Task<Result<void>> {
      const SharedMutex::Guard guard = co_await mutex.Lock();
      ++one;
      const Result<void> done = co_await test::Nop();
      ++other;
      co_return done;
    };
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      for (int i = 0; i < 2; ++i) {
        scope.Spawn(reads);
        scope.Spawn(writes);
      }
      co_return co_await reads();
    };
    const Result<void> result = co_await WithScope(body);
    EXPECT_TRUE(mutex.TryLock());
    co_return result;
  };
  test::ExpectCleanSweeps(scenario, {8, 5});
}

TEST(SharedMutexDeathTest, IsDestroyedWhileItIsLocked) {
  const auto run = [] {
    auto mutex = std::make_unique<SharedMutex>();
    const auto guard = mutex->TryLockShared();
    mutex.reset();
  };
  EXPECT_DEATH(run(), "a SharedMutex was destroyed while it is locked");
}

TEST(SharedMutexDeathTest, IsUnlockedTwice) {
  const auto run = [] {
    SharedMutex mutex;
    auto guard = mutex.TryLockShared();
    guard->Unlock();
    guard->Unlock();
  };
  EXPECT_DEATH(run(), "Unlock of a guard that holds no lock");
}

}  // namespace
}  // namespace eddy
