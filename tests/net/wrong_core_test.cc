// What belongs to one core, used or destroyed on another one: it aborts with a
// line that says so. (What is not tested here shows under ThreadSanitizer.)
#include <eddy/io/buffer.h>
#include <eddy/io/buffer_pool.h>
#include <eddy/net/tcp.h>
#include <eddy/net/unix.h>
#include <eddy/runtime/channel.h>
#include <eddy/runtime/event.h>
#include <eddy/runtime/mutex.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/runtime.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/submit_to.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/until_stopped.h>
#include <eddy/runtime/with_stop.h>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"
#include "tests/runtime/cores.h"

namespace eddy::net {
namespace {

using io_test::Bytes;
using test::OnCores;

// Calls something on core 1, where `waits`, if any, runs on core 0 meanwhile.
void OnTheOtherCore(std::function<void()> call,
                    std::function<Task<>()> waits = nullptr) {
  OnCores(2, [&]() -> Task<> {
    const auto body = [&](TaskScope& scope) -> Task<> {
      if (waits) scope.Spawn(waits);
      co_await io_test::Turn();
      static_cast<void>(co_await SubmitTo(1, [&] { call(); }));
      scope.RequestStop();
    };
    static_cast<void>(co_await WithScope(body));
  });
}

#ifdef NDEBUG
#define EDDY_SKIP_WITHOUT_ASSERTIONS() \
  GTEST_SKIP() << "checked in debug builds only"
#else
#define EDDY_SKIP_WITHOUT_ASSERTIONS() static_cast<void>(0)
#endif

constexpr char kAnotherThread[] = "used on another thread";

class WrongCoreDeathTest : public ::testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(WrongCoreDeathTest, ALeasedBuffer) {
  EDDY_SKIP_WITHOUT_ASSERTIONS();
  const auto destroy = [] {
    OnCores(2, []() -> Task<> {
      auto pair = UnixStream::Pair();
      CO_EXPECT_OK(co_await pair->first.Write(Bytes("abc")));
      Result<io::Buffer> data = co_await pair->second.Receive();
      CO_ASSERT_OK(data);
      static_cast<void>(co_await SubmitTo(1, [&] { data->Reset(); }));
    });
  };
  EXPECT_DEATH(destroy(), "an io::Buffer or a BufferPool was used");
}

TEST_F(WrongCoreDeathTest, ABufferPool) {
  EDDY_SKIP_WITHOUT_ASSERTIONS();
  const auto copy = [] {
    OnCores(2, []() -> Task<> {
      Result<io::BufferPool> pool = io::BufferPool::Create();
      CO_ASSERT_OK(pool);
      static_cast<void>(
          co_await SubmitTo(1, [&] { const io::BufferPool same(*pool); }));
    });
  };
  EXPECT_DEATH(copy(), "an io::Buffer or a BufferPool was used");
}

TEST_F(WrongCoreDeathTest, AStreamThatReceives) {
  EDDY_SKIP_IN_CHAOS("under chaos: a multishot receive may have ended");
  const auto destroy = [] {
    OnCores(2, []() -> Task<> {
      auto pair = UnixStream::Pair();
      CO_EXPECT_OK(co_await pair->first.Write(Bytes("abc")));
      CO_EXPECT_OK(co_await pair->second.Receive());
      static_cast<void>(co_await SubmitTo(
          1, [&] { const UnixStream moved = std::move(pair->second); }));
    });
  };
  EXPECT_DEATH(destroy(), "on another reactor than the one that receives");
}

TEST_F(WrongCoreDeathTest, AnOperation) {
  const auto read = [] {
    OnCores(2, []() -> Task<> {
      auto pair = UnixStream::Pair();
      // Made there, awaited by a task of this core, which a coroutine of that
      // one resumes by hand.
      std::coroutine_handle<> handle;
      struct Grab {
        std::coroutine_handle<>* to;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> waiter) noexcept {
          *to = waiter;
        }
        void await_resume() const noexcept {}
      };
      const auto body = [&](TaskScope& scope) -> Task<> {
        const auto reads = [&]() -> Task<> {
          co_await Grab{&handle};
          std::byte byte;
          static_cast<void>(co_await pair->first.Read({&byte, 1}));
        };
        scope.Spawn(reads);
        co_await io_test::Turn();
        static_cast<void>(co_await SubmitTo(1, [&] { handle.resume(); }));
      };
      static_cast<void>(co_await WithScope(body));
    });
  };
  EXPECT_DEATH(read(), kAnotherThread);
}

TEST_F(WrongCoreDeathTest, ADescriptorThatIsInUse) {
  auto pair = UnixStream::Pair();
  const auto reads = [&]() -> Task<> {
    std::byte byte;
    static_cast<void>(co_await pair->first.Read({&byte, 1}));
  };
  const auto close = [&] { const io::Fd moved = std::move(pair->first.fd()); };
  EXPECT_DEATH(OnTheOtherCore(close, reads), "with 1 operations in flight");
}

TEST_F(WrongCoreDeathTest, AScope) {
  const auto spawn = [] {
    OnCores(2, []() -> Task<> {
      Reactor* const here = Reactor::Current();
      static_cast<void>(co_await SubmitTo(
          1, [&] { here->scope().Spawn([]() -> Task<> { co_return; }); }));
    });
  };
  EXPECT_DEATH(spawn(), kAnotherThread);
}

TEST_F(WrongCoreDeathTest, AnEventThatATaskWaitsFor) {
  Event event;
  const auto waits = [&]() -> Task<> {
    static_cast<void>(co_await event.Wait());
  };
  EXPECT_DEATH(OnTheOtherCore([&] { event.Set(); }, waits), kAnotherThread);
}

TEST_F(WrongCoreDeathTest, AMutexThatATaskWaitsFor) {
  Mutex mutex;
  std::optional<Mutex::Guard> guard = mutex.TryLock();
  const auto waits = [&]() -> Task<> {
    const Mutex::Guard own = co_await mutex.Lock();
  };
  EXPECT_DEATH(OnTheOtherCore([&] { guard.reset(); }, waits), kAnotherThread);
}

TEST_F(WrongCoreDeathTest, AChannelThatATaskWaitsFor) {
  Channel<int> channel(1);
  const auto waits = [&]() -> Task<> {
    static_cast<void>(co_await channel.Receive());
  };
  const auto send = [&] { static_cast<void>(channel.TrySend(1)); };
  EXPECT_DEATH(OnTheOtherCore(send, waits), kAnotherThread);
}

TEST_F(WrongCoreDeathTest, AStopSource) {
  EDDY_SKIP_WITHOUT_ASSERTIONS();
  StopSource source;
  const auto waits = [&]() -> Task<> {
    static_cast<void>(
        co_await WithStop(source.token(), Sleep(std::chrono::hours(1))));
  };
  EXPECT_DEATH(OnTheOtherCore([&] { source.RequestStop(); }, waits),
               kAnotherThread);
}

TEST_F(WrongCoreDeathTest, AJoinHandle) {
  EDDY_SKIP_WITHOUT_ASSERTIONS();
  const auto stop = [] {
    OnCores(2, []() -> Task<> {
      const auto body = [](TaskScope& scope) -> Task<> {
        const auto waits = []() -> Task<> { co_await UntilStopped(); };
        JoinHandle<void> handle = scope.Spawn(waits);
        static_cast<void>(co_await SubmitTo(1, [&] { handle.RequestStop(); }));
      };
      static_cast<void>(co_await WithScope(body));
    });
  };
  EXPECT_DEATH(stop(), kAnotherThread);
}

// A descriptor that nobody uses may change cores, and is closed where it ends.
TEST(WrongCoreTest, ADescriptorThatNobodyUsesMayBeClosedAnywhere) {
  OnCores(2, []() -> Task<> {
    auto pair = UnixStream::Pair();
    CO_EXPECT_OK(co_await SubmitTo(
        1, [&] { const UnixStream moved = std::move(pair->second); }));
    std::byte byte;
    CO_EXPECT_EQ(*co_await pair->first.Read({&byte, 1}), 0U);
  });
}

}  // namespace
}  // namespace eddy::net
