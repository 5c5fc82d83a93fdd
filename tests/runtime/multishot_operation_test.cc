// MultishotOperation with an operation that the runtime itself does not know: a
// poll that tells each time that an eventfd was written.
#include <eddy/runtime/multishot_operation.h>

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>

#include <poll.h>

#include <cerrno>
#include <coroutine>
#include <cstdint>
#include <functional>

#include "tests/chaos.h"
#include "tests/runtime/test_verbs.h"
#include "tests/sweeps.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using internal::MultishotOperation;
using internal::MultishotPtr;
using test::EventFd;

// Its element is that something has happened since it was asked last.
class Watch final : public MultishotOperation {
 public:
  explicit Watch(int fd, int* destroyed = nullptr)
      : fd_(fd), destroyed_(destroyed) {}

  const char* name() const noexcept override { return "Watch"; }

  bool Take() { return std::exchange(happened_, 0) != 0; }
  int submissions() const { return submissions_; }
  void LetGo() { Pause(); }
  bool flies() const { return in_flight(); }

 private:
  ~Watch() override {
    if (destroyed_ != nullptr) ++*destroyed_;
  }
  void Prepare(io_uring_sqe* sqe) noexcept override {
    ++submissions_;
    io_uring_prep_poll_multishot(sqe, fd_, POLLIN);
  }
  void Deliver(std::int32_t result, std::uint32_t) noexcept override {
    if (result > 0) ++happened_;
  }
  bool HasElement() const noexcept override { return happened_ != 0; }

  const int fd_;
  int* const destroyed_;
  int happened_ = 0;
  int submissions_ = 0;
};

class [[nodiscard]] NextOfWatch {
 public:
  explicit NextOfWatch(Watch& watch) : watch_(watch) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> consumer) noexcept {
    return watch_.Await(consumer);
  }
  [[nodiscard]] Result<void> await_resume() const {
    if (!watch_.EndAwait()) return Unexpected(kCanceled);
    EXPECT_TRUE(watch_.Take());
    return {};
  }

 private:
  Watch& watch_;
};

CO_TEST(MultishotOperationTest, OneEntryBringsManyElements) {
  const EventFd event;
  const MultishotPtr<Watch> watch(new Watch(event.fd()));
  for (int i = 0; i < 20; ++i) {
    event.Signal();
    CO_EXPECT_OK(co_await NextOfWatch(*watch));
  }
  if (!test::InChaos()) {
    EXPECT_EQ(watch->submissions(), 1);
  }
}

CO_TEST(MultishotOperationTest, KeepsWhatComesWhileNobodyWaits) {
  const EventFd event;
  const MultishotPtr<Watch> watch(new Watch(event.fd()));
  event.Signal();
  CO_EXPECT_OK(co_await NextOfWatch(*watch));
  event.Signal();
  CO_EXPECT_OK(co_await Sleep(1ms));
  const ReactorStats before = Reactor::Current()->stats();
  CO_EXPECT_OK(co_await NextOfWatch(*watch));
  if (!test::InChaos()) {
    EXPECT_EQ(Reactor::Current()->stats().submitted, before.submitted);
  }
}

CO_TEST(MultishotOperationTest, AStopEndsTheWaitAndTheNextOneWorks) {
  const EventFd event;
  const MultishotPtr<Watch> watch(new Watch(event.fd()));
  for (int i = 0; i < 5; ++i) {
    CO_EXPECT_ERROR(co_await WithTimeout(200us, NextOfWatch(*watch)),
                    kTimedOut);
    EXPECT_FALSE(watch->flies());
  }
  event.Signal();
  CO_EXPECT_OK(co_await NextOfWatch(*watch));
}

CO_TEST(MultishotOperationTest, StoppedBeforeTheKernelNeverSeesIt) {
  const EventFd event;
  event.Signal();
  const MultishotPtr<Watch> watch(new Watch(event.fd()));
  StopSource source;
  source.RequestStop();
  CO_EXPECT_ERROR(co_await WithStop(source.token(), NextOfWatch(*watch)),
                  kCanceled);
  EXPECT_EQ(watch->submissions(), 0);
}

CO_TEST(MultishotOperationTest, APausedOneIsSubmittedAgainWhenAskedFor) {
  const EventFd event;
  const MultishotPtr<Watch> watch(new Watch(event.fd()));
  for (int i = 0; i < 5; ++i) {
    event.Signal();
    CO_EXPECT_OK(co_await NextOfWatch(*watch));
    watch->LetGo();
    for (int turn = 0; turn < 100 && watch->flies(); ++turn) {
      CO_EXPECT_OK(co_await Sleep(1us));
    }
    EXPECT_FALSE(watch->flies());
  }
}

CO_TEST(MultishotOperationTest, LetGoOfInFlightItGoesWhenTheKernelIsDone) {
  int destroyed = 0;
  for (int i = 0; i < 10; ++i) {
    const EventFd event;
    MultishotPtr<Watch> watch(new Watch(event.fd(), &destroyed));
    event.Signal();
    CO_EXPECT_OK(co_await NextOfWatch(*watch));
    if (i % 2 == 0) watch->LetGo();
    watch.reset();
    CO_EXPECT_OK(co_await Sleep(i % 3 == 0 ? 0us : 50us));
  }
  for (int turn = 0; turn < 1000 && destroyed < 10; ++turn) {
    CO_EXPECT_OK(co_await Sleep(10us));
  }
  EXPECT_EQ(destroyed, 10);
}

TEST(MultishotOperationEndTest, TheReactorEndsWhatIsLeftInFlight) {
  const EventFd event;
  int destroyed = 0;
  {
    MultishotPtr<Watch> watch(new Watch(event.fd(), &destroyed));
    SyncWait([&]() -> Task<void> {
      event.Signal();
      CO_EXPECT_OK(co_await NextOfWatch(*watch));
    }());
    EXPECT_FALSE(watch->flies());
    // And a next reactor takes it up again.
    SyncWait([&]() -> Task<void> {
      event.Signal();
      CO_EXPECT_OK(co_await NextOfWatch(*watch));
    }());
  }
  EXPECT_EQ(destroyed, 1);
}

TEST(MultishotOperationEndTest, TheReactorEndsManyOfThem) {
  const EventFd event;
  int destroyed = 0;
  {
    std::vector<MultishotPtr<Watch>> left;
    SyncWait([&]() -> Task<void> {
      event.Signal();
      for (int i = 0; i < 50; ++i) {
        MultishotPtr<Watch> watch(new Watch(event.fd(), &destroyed));
        CO_EXPECT_OK(co_await NextOfWatch(*watch));
        if (i % 2 == 0) left.push_back(std::move(watch));
      }
    }());
    EXPECT_EQ(destroyed, 25);
  }
  EXPECT_EQ(destroyed, 50);
}

TEST(MultishotOperationSweepTest, IsCleanStoppedOrFailedAnywhere) {
  const auto scenario = []() -> Task<Result<void>> {
    const EventFd event;
    const MultishotPtr<Watch> watch(new Watch(event.fd()));
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn([&]() -> Task<Result<void>> {
        for (int i = 0; i < 3; ++i) {
          EDDY_CO_CHECK(co_await Sleep(10us));
          event.Signal();
        }
        co_return Result<void>();
      });
      EDDY_CO_CHECK(co_await NextOfWatch(*watch));
      watch->LetGo();
      EDDY_CO_CHECK(co_await WithTimeout(1h, NextOfWatch(*watch)));
      co_return Result<void>();
    };
    co_return co_await WithScope(body);
  };
  const SweepReport stops = StopAtEveryPoint(scenario);
  EXPECT_EQ(stops.failure, "");
  EXPECT_GE(stops.points, 1u);
}

TEST(MultishotOperationDeathTest, TwoThatWaitAbort) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 const EventFd event;
                 const MultishotPtr<Watch> watch(new Watch(event.fd()));
                 const auto waits = [&]() -> Task<void> {
                   static_cast<void>(co_await NextOfWatch(*watch));
                 };
                 const auto body = [&](TaskScope& scope) -> Task<void> {
                   scope.Spawn(waits);
                   scope.Spawn(waits);
                   co_return;
                 };
                 static_cast<void>(co_await WithScope(body));
               }()),
               "two tasks await the next element");
}

}  // namespace
}  // namespace eddy
