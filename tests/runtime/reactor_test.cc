// Reactor: what Run returns, its scope, idleness and busy polling, misuse.
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/yield.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "tests/chaos.h"
#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::EventFd;
using test::MakeReactor;
using test::Nop;
using test::PollIn;

Task<int> Value(int value) {
  CO_EXPECT_OK(co_await Nop());
  co_return value;
}
Task<void> Throws() {
  throw std::runtime_error("thrown by main");
  co_return;
}

TEST(ReactorTest, RunGivesTheValueOfMain) {
  EXPECT_EQ(MakeReactor()->Run(Value(3)), 3);
}

TEST(ReactorTest, RunGivesMoveOnlyValuesAndReferences) {
  const std::unique_ptr<Reactor> reactor = MakeReactor();
  const auto pointer = []() -> Task<std::unique_ptr<int>> {
    co_return std::make_unique<int>(8);
  };
  EXPECT_EQ(*reactor->Run(pointer()), 8);
  int target = 0;
  const auto reference = [](int& i) -> Task<int&> { co_return i; };
  EXPECT_EQ(&reactor->Run(reference(target)), &target);
}

TEST(ReactorTest, RunThrowsTheExceptionOfMain) {
  EXPECT_THROW(MakeReactor()->Run(Throws()), std::runtime_error);
}

TEST(ReactorTest, RunsSeveralTasksOneAfterTheOther) {
  const std::unique_ptr<Reactor> reactor = MakeReactor();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(reactor->Run(Value(i)), i);
    EXPECT_THROW(reactor->Run(Throws()), std::runtime_error);
  }
  EXPECT_EQ(reactor->stats().completions, 10u);
}

TEST(ReactorTest, IsCurrentOnlyWhileItRuns) {
  EXPECT_EQ(Reactor::Current(), nullptr);
  const std::unique_ptr<Reactor> reactor = MakeReactor();
  EXPECT_EQ(Reactor::Current(), nullptr);
  const auto current = []() -> Task<Reactor*> { co_return Reactor::Current(); };
  EXPECT_EQ(reactor->Run(current()), reactor.get());
  EXPECT_EQ(Reactor::Current(), nullptr);
  EXPECT_THROW(reactor->Run(Throws()), std::runtime_error);
  EXPECT_EQ(Reactor::Current(), nullptr);
}

TEST(ReactorTest, EachThreadMayHaveItsOwn) {
  std::thread([] { EXPECT_EQ(SyncWait(Value(1)), 1); }).join();
  EXPECT_EQ(SyncWait(Value(2)), 2);
}

TEST(ReactorTest, SeveralReactorsOfAThreadTakeTurns) {
  const std::unique_ptr<Reactor> one = MakeReactor();
  const std::unique_ptr<Reactor> two = MakeReactor();
  EXPECT_EQ(one->Run(Value(1)), 1);
  EXPECT_EQ(two->Run(Value(2)), 2);
  EXPECT_EQ(one->Run(Value(3)), 3);
}

TEST(SyncWaitTest, TakesOptions) {
  ReactorOptions options;
  options.entries = 4;
  const auto entries = []() -> Task<unsigned> {
    co_return Reactor::Current()->ring().entries();
  };
  EXPECT_EQ(SyncWait(entries(), options), 4u);
}

TEST(ReactorScopeTest, TasksAreStoppedWhenMainEnds) {
  bool stopped = false;
  const auto service = [&]() -> Task<void> {
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
    co_await Yield();  // clean-up still runs
    stopped = true;
  };
  SyncWait([](const auto& f) -> Task<void> {
    Reactor::Current()->scope().Spawn(f);
    co_return;
  }(service));
  EXPECT_TRUE(stopped);
}

TEST(ReactorScopeTest, TasksSpawnedWhileItEndsAreWaitedFor) {
  int ended = 0;
  SyncWait([](int& count) -> Task<void> {
    const auto last = [&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await Nop(), kCanceled);
      ++count;
    };
    const auto first = [&, last]() -> Task<void> {
      CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
      ++count;
      Reactor::Current()->scope().Spawn(last);
    };
    Reactor::Current()->scope().Spawn(first);
    co_return;
  }(ended));
  EXPECT_EQ(ended, 2);
}

Task<Result<void>> FailLater(Error error) {
  CO_EXPECT_OK(co_await Sleep(1ms));
  co_return Unexpected(error);
}
Task<void> ThrowLater() {
  CO_EXPECT_OK(co_await Sleep(1ms));
  throw std::logic_error("thrown by a service");
}

// Waits for ever beside a service.
template <class T, class Service>
Task<T> MainBeside(Service service, T value) {
  Reactor::Current()->scope().Spawn(std::move(service));
  CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
  co_return value;
}

TEST(ReactorScopeTest, ErrorStopsMainAndComesOutOfRunAsAnError) {
  const Result<int> result = SyncWait(MainBeside<Result<int>>(
      FailLater(Error(std::errc::io_error)), Result<int>(5)));
  CO_EXPECT_ERROR(result, std::errc::io_error);
}

TEST(ReactorScopeTest, ErrorIsThrownWhereMainGivesNoResult) {
  try {
    SyncWait(MainBeside<int>(FailLater(kClosed), 5));
    ADD_FAILURE() << "no exception";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), kClosed.ToErrorCode());
    EXPECT_NE(std::string(error.what()).find("a task in the reactor's scope"),
              std::string::npos);
  }
}

TEST(ReactorScopeTest, ExceptionComesOutOfRun) {
  EXPECT_THROW(SyncWait(MainBeside<int>(ThrowLater(), 5)), std::logic_error);
  EXPECT_THROW(SyncWait(MainBeside<Result<int>>(ThrowLater(), 5)),
               std::logic_error);
}

TEST(ReactorScopeTest, FailureOfMainIsTheFirst) {
  const auto fails_at_end = []() -> Task<Result<void>> {
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
    co_return Unexpected(std::errc::io_error);
  };
  const auto main = [&]() -> Task<void> {
    Reactor::Current()->scope().Spawn(fails_at_end);
    co_await Yield();
    throw std::runtime_error("main");
  };
  EXPECT_THROW(SyncWait(main()), std::runtime_error);
  const auto main_error = [&]() -> Task<Result<int>> {
    Reactor::Current()->scope().Spawn(fails_at_end);
    co_await Yield();
    co_return Unexpected(kClosed);
  };
  CO_EXPECT_ERROR(SyncWait(main_error()), kClosed);
}

TEST(ReactorScopeTest, FailureWhileEndingIsNotLost) {
  const auto fails_at_end = []() -> Task<Result<void>> {
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
    co_return Unexpected(std::errc::io_error);
  };
  const auto main = [&]() -> Task<Result<int>> {
    Reactor::Current()->scope().Spawn(fails_at_end);
    co_await Yield();
    co_return 1;
  };
  CO_EXPECT_ERROR(SyncWait(main()), std::errc::io_error);
}

TEST(ReactorTest, RequestStopReachesMainAndItsScope) {
  bool service_stopped = false;
  const auto service = [&]() -> Task<void> {
    CO_EXPECT_ERROR(co_await Sleep(1h), kCanceled);
    service_stopped = true;
  };
  const auto stopper = []() -> Task<void> {
    CO_EXPECT_OK(co_await Sleep(1ms));
    Reactor::Current()->RequestStop();
  };
  const auto main = [&]() -> Task<Result<void>> {
    Reactor::Current()->scope().Spawn(service);
    Reactor::Current()->scope().Spawn(stopper);
    co_return co_await Sleep(1h);
  };
  CO_EXPECT_ERROR(SyncWait(main()), kCanceled);
  EXPECT_TRUE(service_stopped);
}

TEST(ReactorTest, RunsAgainAfterAStop) {
  const std::unique_ptr<Reactor> reactor = MakeReactor();
  const auto stops = []() -> Task<Result<void>> {
    Reactor::Current()->RequestStop();
    co_return co_await Nop();
  };
  CO_EXPECT_ERROR(reactor->Run(stops()), kCanceled);
  EXPECT_EQ(reactor->Run(Value(6)), 6);
}

TEST(ReactorTest, DoesNotSpinWhileItWaits) {
  const std::unique_ptr<Reactor> reactor = MakeReactor();
  reactor->Run([]() -> Task<void> {
    const EventFd never;
    const auto waits = [&]() -> Task<void> {
      static_cast<void>(co_await PollIn(never.fd()));
    };
    Reactor::Current()->scope().Spawn(waits);
    CO_EXPECT_OK(co_await Sleep(100ms));
  }());
  EXPECT_LT(reactor->stats().turns, 20u);
  EXPECT_LT(reactor->stats().enters, 20u);
}

TEST(ReactorTest, SubmitsABatchInOneSystemCall) {
  EDDY_SKIP_IN_CHAOS("under chaos: entries are submitted in parts");
  const std::unique_ptr<Reactor> reactor = MakeReactor();
  reactor->Run([]() -> Task<void> {
    const auto nop = []() -> Task<void> { CO_EXPECT_OK(co_await Nop()); };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      for (int i = 0; i < 200; ++i) scope.Spawn(nop);
      co_return;
    };
    CO_EXPECT_OK(co_await WithScope(body));
  }());
  EXPECT_EQ(reactor->stats().submitted, 200u);
  EXPECT_LE(reactor->stats().enters, 20u);
}

TEST(ReactorTest, BusyPollingCompletesOperationsTimersAndStops) {
  ReactorOptions options;
  options.busy_poll = 500us;
  const std::unique_ptr<Reactor> reactor = MakeReactor(options);
  const int good = reactor->Run([]() -> Task<int> {
    int count = 0;
    for (int i = 0; i < 100; ++i) {
      if (const Result<void> done = co_await Nop()) ++count;
    }
    const TimePoint start = Clock::now();
    CO_EXPECT_OK(co_await Sleep(200us));  // within the time of polling
    CO_EXPECT_OK(co_await Sleep(3ms));    // beyond it
    EXPECT_GE(Clock::now() - start, 3200us);
    const EventFd event;
    const auto signals = [&]() -> Task<void> {
      CO_EXPECT_OK(co_await Sleep(2ms));
      event.Signal();
    };
    Reactor::Current()->scope().Spawn(signals);
    CO_EXPECT_OK(co_await PollIn(event.fd()));
    co_return count;
  }());
  EXPECT_EQ(good, 100);
}

TEST(ReactorTest, OneReadyCoroutineATurnIsEnough) {
  ReactorOptions options;
  options.ready_per_turn = 1;
  const std::unique_ptr<Reactor> reactor = MakeReactor(options);
  EXPECT_EQ(reactor->Run(Value(4)), 4);
}

TEST(ReactorTest, NoneATurnIsTakenForOne) {
  ReactorOptions options;
  options.ready_per_turn = 0;
  const std::unique_ptr<Reactor> reactor = MakeReactor(options);
  EXPECT_EQ(reactor->Run(Value(4)), 4);
}

bool SigpipeBlocked() {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, SIGPIPE) == 1;
}

TEST(ReactorTest, SigpipeIsBlockedWhileItRuns) {
  ASSERT_FALSE(SigpipeBlocked());
  SyncWait([]() -> Task<void> {
    EXPECT_TRUE(SigpipeBlocked());
    test::Pipe pipe;
    pipe.CloseReader();
    EXPECT_EQ(write(pipe.writer(), "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
    co_return;
  }());
  EXPECT_FALSE(SigpipeBlocked());  // and the one that was raised is gone
}

TEST(ReactorTest, SigpipeStaysBlockedWhereItWas) {
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  SyncWait(Value(1));
  EXPECT_TRUE(SigpipeBlocked());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(ReactorTest, DetachedOperationsAreWaitedForAndTheirErrorsCounted) {
  const std::unique_ptr<Reactor> reactor = MakeReactor();
  const test::Pipe pipe;
  const int copy = dup(pipe.reader());
  reactor->Run([](int fd) -> Task<void> {
    const auto close_fd = [&](io_uring_sqe* sqe) {
      io_uring_prep_close(sqe, fd);
    };
    Reactor::Current()->SubmitDetached(close_fd);
    Reactor::Current()->SubmitDetached(
        [](io_uring_sqe* sqe) { io_uring_prep_close(sqe, -1); });
    co_return;
  }(copy));
  EXPECT_EQ(fcntl(copy, F_GETFD), -1);
  EXPECT_EQ(reactor->stats().detached_errors, 1u);
  EXPECT_EQ(reactor->stats().submitted, 2u);
  EXPECT_EQ(reactor->stats().completions, 2u);
}

TEST(ReactorDeathTest, NestedRunAborts) {
  const char* const line =
      "^eddy: Run or SyncWait was called while a reactor runs on this thread; "
      "co_await the task instead";
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 SyncWait(Value(1));
                 co_return;
               }()),
               line);
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 Reactor::Current()->Run(Value(1));
                 co_return;
               }()),
               line);
}

TEST(ReactorDeathTest, ScopeOrStopWhileItDoesNotRunAborts) {
  const char* const line = "^eddy: a reactor was used while it does not run";
  EXPECT_DEATH(MakeReactor()->scope(), line);
  EXPECT_DEATH(MakeReactor()->RequestStop(), line);
}

TEST(ReactorDeathTest, RunOnAnotherThreadAborts) {
  EXPECT_DEATH(
      {
        const std::unique_ptr<Reactor> reactor = MakeReactor();
        std::thread([&] { reactor->Run(Value(1)); }).join();
      },
      "^eddy: a reactor or a task of it was used on another thread");
}

TEST(ReactorDeathTest, DestroyedByATaskThatRunsOnItAborts) {
  EXPECT_DEATH(
      {
        std::unique_ptr<Reactor> reactor = MakeReactor();
        reactor->Run([](std::unique_ptr<Reactor>& r) -> Task<void> {
          r.reset();
          co_return;
        }(reactor));
      },
      "^eddy: a reactor was destroyed by a task that runs on it");
}

}  // namespace
}  // namespace eddy
