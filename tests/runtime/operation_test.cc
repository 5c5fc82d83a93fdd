// Operation: the contract that every verb inherits: stop before, stop in
// flight, completion racing the stop, full queues, misuse.
#include <eddy/runtime/operation.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "tests/chaos.h"
#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::BadOperation;
using test::EventFd;
using test::Nop;
using test::Pipe;
using test::PollIn;
using test::ReadInto;

static_assert(std::is_move_constructible_v<Nop>);
static_assert(!std::is_copy_constructible_v<Nop>);

CO_TEST(OperationTest, GivesTheKernelsResult) {
  CO_EXPECT_OK(co_await Nop());
  const Pipe pipe;
  EXPECT_EQ(write(pipe.writer(), "hello", 5), 5);
  std::array<std::byte, 16> buffer{};
  const Result<std::size_t> n =
      co_await ReadInto(pipe.reader(), std::span(buffer));
  CO_ASSERT_OK(n);
  EXPECT_TRUE(*n == 5 || (test::InChaos() && *n < 5)) << *n;
  EXPECT_EQ(buffer[0], std::byte{'h'});
}

CO_TEST(OperationTest, GivesTheKernelsError) {
  CO_EXPECT_ERROR(co_await BadOperation(), std::errc::invalid_argument);
  std::array<std::byte, 1> buffer{};
  const Result<std::size_t> n = co_await ReadInto(-1, std::span(buffer));
  CO_EXPECT_ERROR(n, std::errc::bad_file_descriptor);
}

CO_TEST(OperationTest, MayBeMovedBeforeItIsAwaited) {
  const EventFd event;
  event.Signal();
  PollIn made(event.fd());
  PollIn moved(std::move(made));
  CO_EXPECT_OK(co_await std::move(moved));
}

CO_TEST(OperationTest, AlreadyStoppedNeverReachesTheKernel) {
  StopSource source;
  source.RequestStop();
  const EventFd event;
  event.Signal();  // it would succeed
  const ReactorStats before = Reactor::Current()->stats();
  CO_EXPECT_ERROR(co_await WithStop(source.token(), PollIn(event.fd())),
                  kCanceled);
  CO_EXPECT_ERROR(co_await WithStop(source.token(), Nop()), kCanceled);
  const ReactorStats after = Reactor::Current()->stats();
  EXPECT_EQ(after.submitted, before.submitted);
  EXPECT_EQ(after.cancels, before.cancels);
}

CO_TEST(OperationTest, StoppedInFlightAnswersCanceled) {
  StopSource source;
  const EventFd never;
  const auto stops = [&]() -> Task<void> {
    CO_EXPECT_OK(co_await Sleep(2ms));
    source.RequestStop();
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(stops);
    CO_EXPECT_ERROR(co_await WithStop(source.token(), PollIn(never.fd())),
                    kCanceled);
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(Reactor::Current()->stats().cancels, 1u);
}

CO_TEST(OperationTest, StoppedBeforeItIsSubmittedAnswersCanceled) {
  StopSource source;
  const EventFd never;
  const auto stops = [&]() -> Task<void> {
    source.RequestStop();  // in the turn that prepared the entry
    co_return;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(stops);
    CO_EXPECT_ERROR(co_await WithStop(source.token(), PollIn(never.fd())),
                    kCanceled);
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

// The operation completes at about the time of the stop; in whatever order, it
// has exactly one end, and a success is not lost.
CO_TEST(OperationTest, CompletionThatRacesTheStopHasOneEnd) {
  int completed = 0;
  int canceled = 0;
  for (int i = 0; i < 500; ++i) {
    StopSource source;
    const Pipe pipe;
    std::array<std::byte, 4> buffer{};
    const auto races = [&]() -> Task<void> {
      for (int turns = 0; turns < i % 4; ++turns) co_await Nop();
      if (i % 2 == 0) source.RequestStop();
      EXPECT_EQ(write(pipe.writer(), "data", 4), 4);
      if (i % 3 == 0) co_await Yield();
      source.RequestStop();
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn(races);
      const Result<std::size_t> n = co_await WithStop(
          source.token(), ReadInto(pipe.reader(), std::span(buffer)));
      if (n) {
        ++completed;
        EXPECT_TRUE(*n == 4 || (test::InChaos() && *n < 4)) << *n;
        EXPECT_EQ(buffer[*n - 1],
                  std::byte{static_cast<unsigned char>("data"[*n - 1])});
      } else {
        ++canceled;
        EXPECT_EQ(n.error(), kCanceled);
        EXPECT_EQ(buffer[0], std::byte{0});
      }
    };
    CO_ASSERT_OK(co_await WithScope(body));
  }
  EXPECT_EQ(completed + canceled, 500);
  EXPECT_GT(completed, 0);
  EXPECT_TRUE(canceled > 0 || test::InChaos());
}

CO_TEST(OperationTest, StopAfterTheCompletionChangesNothing) {
  StopSource source;
  CO_EXPECT_OK(co_await WithStop(source.token(), Nop()));
  source.RequestStop();
  EXPECT_EQ(Reactor::Current()->stats().cancels, 0u);
}

// Cancels need entries too: here every one of them has to make room, which may
// bring the completion of the operation that is to be canceled.
TEST(OperationTest, CancelsWhileTheQueueIsFull) {
  ReactorOptions options;
  options.entries = 1;
  const std::unique_ptr<Reactor> reactor = test::MakeReactor(options);
  reactor->Run([]() -> Task<void> {
    constexpr int kTasks = 1000;
    const EventFd never;
    int ended = 0;
    const auto one = [&](int i) -> Task<void> {
      if (i % 2 == 0) {
        CO_EXPECT_ERROR(co_await PollIn(never.fd()), kCanceled);
      } else {
        static_cast<void>(co_await Nop());
      }
      ++ended;
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      for (int i = 0; i < kTasks; ++i) scope.Spawn(one, i);
      co_await Yield();
      scope.RequestStop();
    };
    CO_EXPECT_OK(co_await WithScope(body));
    EXPECT_EQ(ended, kTasks);
  }());
}

CO_TEST(OperationTest, ReusesAnAddressRightAfterACancel) {
  const EventFd event;
  event.Signal();
  for (int i = 0; i < 200; ++i) {
    StopSource source;
    const auto stops = [&]() -> Task<void> {
      source.RequestStop();
      co_return;
    };
    const EventFd never;
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn(stops);
      CO_EXPECT_ERROR(co_await WithStop(source.token(), PollIn(never.fd())),
                      kCanceled);
      // The same frame, most likely the same address: not canceled.
      CO_EXPECT_OK(co_await PollIn(event.fd()));
    };
    CO_ASSERT_OK(co_await WithScope(body));
  }
}

TEST(OperationDeathTest, FrameDestroyedWithAnOperationInFlightAborts) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 const EventFd never;
                 std::optional<Task<void>> task;
                 // Awaits the task by hand, and forgets about it.
                 struct Start {
                   std::optional<Task<void>>& task;
                   bool await_ready() const { return false; }
                   void await_suspend(
                       std::coroutine_handle<Task<void>::promise_type> waiter) {
                     auto awaiter = std::move(*task).operator co_await();
                     awaiter.await_suspend(waiter).resume();
                     task.reset();
                   }
                   void await_resume() const {}
                 };
                 task.emplace([](int fd) -> Task<void> {
                   static_cast<void>(co_await PollIn(fd));
                 }(never.fd()));
                 co_await Start{task};
               }()),
               "^eddy: coroutine frame destroyed while it waits at "
               ".*operation_test.cc:[0-9]+ .*; stop its scope and await the "
               "scope's end instead of destroying it");
}

TEST(OperationDeathTest, AwaitedOnAnotherThreadAborts) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 struct OnAnotherThread {
                   bool await_ready() const { return false; }
                   void await_suspend(std::coroutine_handle<> waiter) {
                     std::thread([waiter] { waiter.resume(); }).join();
                   }
                   void await_resume() const {}
                 };
                 co_await OnAnotherThread{};
                 static_cast<void>(co_await Nop());
               }()),
               "^eddy: a reactor or a task of it was used on another thread; "
               "a reactor belongs to the thread that made it");
}

TEST(OperationDeathTest, EntryTakenWhileTheReactorDoesNotRunAborts) {
  EXPECT_DEATH(test::MakeReactor()->GetSqe(),
               "^eddy: a reactor was used while it does not run; call it from "
               "a task that Run was given");
}

TEST(OperationDeathTest, UseOfAnotherReactorThanTheRunningOneAborts) {
  EXPECT_DEATH(
      {
        const std::unique_ptr<Reactor> other = test::MakeReactor();
        SyncWait([](Reactor& reactor) -> Task<void> {
          reactor.GetSqe();
          co_return;
        }(*other));
      },
      "^eddy: a task was awaited on another reactor than its own");
}

// The statements of these death tests run in a child made by fork().
constexpr char kForked[] =
    "^eddy: a reactor was used in a forked child; a child ends with exec\\(\\) "
    "or _exit\\(\\), or makes a reactor of its own";

TEST(OperationDeathTest, ReactorRunInAForkedChildAborts) {
  testing::FLAGS_gtest_death_test_style = "fast";
  const std::unique_ptr<Reactor> reactor = test::MakeReactor();
  const auto use = []() -> Task<void> { CO_EXPECT_OK(co_await Nop()); };
  reactor->Run(use());
  EXPECT_DEATH(reactor->Run(use()), kForked);
  reactor->Run(use());  // the parent's goes on
}

CO_TEST(OperationDeathTest, ReactorUsedByTheChildOfATasksForkAborts) {
  testing::FLAGS_gtest_death_test_style = "fast";
  CO_EXPECT_OK(co_await Nop());
  Reactor* const reactor = Reactor::Current();
  EXPECT_DEATH(reactor->GetSqe(), kForked);
  CO_EXPECT_OK(co_await Nop());
}

TEST(OperationTest, AForkedChildMayMakeAReactorOfItsOwn) {
  const std::unique_ptr<Reactor> reactor = test::MakeReactor();
  const auto use = []() -> Task<bool> {
    const Result<void> result = co_await Nop();
    co_return result.has_value();
  };
  const auto forks = [&]() -> Task<std::string> {
    co_return test::InChild(
        [&] { return std::string(SyncWait(use()) ? "good" : "bad"); });
  };
  EXPECT_EQ(reactor->Run(forks()), "good");
  EXPECT_TRUE(reactor->Run(use()));
}

}  // namespace
}  // namespace eddy
