#include <eddy/io/signals.h>

#include "tests/io/io_test_util.h"

#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <csignal>
#include <optional>
#include <set>
#include <utility>

namespace eddy::io_test {
namespace {

bool IsBlocked(int signal) {
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  return sigismember(&blocked, signal) == 1;
}

CO_TEST(SignalsTest, GivesASignalThatCame) {
  Result<io::Signals> signals = io::Signals::Block({SIGUSR1});
  CO_ASSERT_OK(signals);
  raise(SIGUSR1);
  CO_EXPECT_EQ(co_await signals->Next(), SIGUSR1);
}

CO_TEST(SignalsTest, WaitsForASignal) {
  Result<io::Signals> signals = io::Signals::Block({SIGUSR1, SIGUSR2});
  CO_ASSERT_OK(signals);
  for (const int expected : {SIGUSR1, SIGUSR2, SIGUSR1}) {
    co_await InScope([&](TaskScope& scope) -> Task<void> {
      scope.Spawn([expected]() -> Task<void> {
        for (int i = 0; i < 3; ++i) co_await Turn();
        kill(getpid(), expected);
      });
      CO_EXPECT_EQ(co_await signals->Next(), expected);
    });
  }
}

CO_TEST(SignalsTest, GivesEachOfSeveralOnce) {
  Result<io::Signals> signals =
      io::Signals::Block({SIGUSR1, SIGUSR2, SIGTERM, SIGUSR1});
  CO_ASSERT_OK(signals);
  raise(SIGTERM);
  raise(SIGUSR1);
  raise(SIGUSR1);
  raise(SIGUSR2);
  std::multiset<int> seen;
  for (int i = 0; i < 3; ++i) {
    const Result<int> signal = co_await signals->Next();
    CO_ASSERT_OK(signal);
    seen.insert(*signal);
  }
  EXPECT_EQ(seen, (std::multiset<int>{SIGUSR1, SIGUSR2, SIGTERM}));
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, signals->Next()), kTimedOut);
}

CO_TEST(SignalsTest, StopConsumesNoSignal) {
  Result<io::Signals> signals = io::Signals::Block({SIGUSR1});
  CO_ASSERT_OK(signals);
  for (int i = 0; i < 100; ++i) {
    std::optional<Result<int>> first;
    co_await InScope([&](TaskScope& scope) -> Task<void> {
      scope.Spawn(
          [&]() -> Task<void> { first.emplace(co_await signals->Next()); });
      for (int turn = 0; turn < i % 3; ++turn) co_await Turn();
      raise(SIGUSR1);
      if (i % 4 >= 2) co_await Turn();
      scope.RequestStop();
    });
    CO_ASSERT_TRUE(first.has_value());
    if (*first) {
      EXPECT_EQ(*first, SIGUSR1);
    } else {
      CO_EXPECT_ERROR(*first, kCanceled);
      CO_EXPECT_EQ(co_await signals->Next(), SIGUSR1);
    }
  }
}

CO_TEST(SignalsTest, TellsWhoSentASignal) {
  Result<io::Signals> signals = io::Signals::Block({SIGUSR1});
  CO_ASSERT_OK(signals);
  kill(getpid(), SIGUSR1);
  const Result<io::SignalInfo> info = co_await signals->NextInfo();
  CO_ASSERT_OK(info);
  EXPECT_EQ(info->number, SIGUSR1);
  EXPECT_EQ(info->code, SI_USER);
  EXPECT_EQ(info->sender, getpid());
  EXPECT_EQ(info->user, getuid());
}

CO_TEST(SignalsTest, KeepsEachRealTimeSignalWithItsValue) {
  Result<io::Signals> signals = io::Signals::Block({SIGRTMIN});
  CO_ASSERT_OK(signals);
  for (int i = 1; i <= 3; ++i) {
    sigval value{};
    value.sival_int = 100 * i;
    IO_TEST_CHECK(sigqueue(getpid(), SIGRTMIN, value));
  }
  for (int i = 1; i <= 3; ++i) {
    const Result<io::SignalInfo> info = co_await signals->NextInfo();
    CO_ASSERT_OK(info);
    EXPECT_EQ(info->number, SIGRTMIN);
    EXPECT_EQ(info->code, SI_QUEUE);
    EXPECT_EQ(info->value, 100 * i);
  }
}

// Of one object and of another.
CO_TEST(SignalsTest, GivesEachSignalToOneOfSeveralReaders) {
  Result<io::Signals> one = io::Signals::Block({SIGUSR1, SIGUSR2});
  Result<io::Signals> other = io::Signals::Block({SIGUSR1, SIGUSR2});
  CO_ASSERT_OK(one);
  CO_ASSERT_OK(other);
  std::multiset<int> seen;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    for (io::Signals* signals : {&*one, &*one, &*other}) {
      scope.Spawn([&, signals]() -> Task<void> {
        while (true) {
          const Result<int> signal = co_await signals->Next();
          if (!signal) co_return;
          seen.insert(*signal);
          if (seen.size() == 2) scope.RequestStop();
        }
      });
    }
    co_await Turn();
    raise(SIGUSR1);
    raise(SIGUSR2);
  });
  EXPECT_EQ(seen, (std::multiset<int>{SIGUSR1, SIGUSR2}));
}

TEST(SignalsTest, RestoresTheMask) {
  ASSERT_FALSE(IsBlocked(SIGUSR1));
  ASSERT_FALSE(IsBlocked(SIGUSR2));
  {
    Result<io::Signals> outer = io::Signals::Block({SIGUSR1});
    ASSERT_OK(outer);
    EXPECT_TRUE(IsBlocked(SIGUSR1));
    {
      // Unblocks only what it has blocked.
      Result<io::Signals> inner = io::Signals::Block({SIGUSR1, SIGUSR2});
      ASSERT_OK(inner);
      EXPECT_TRUE(IsBlocked(SIGUSR2));
    }
    EXPECT_TRUE(IsBlocked(SIGUSR1));
    EXPECT_FALSE(IsBlocked(SIGUSR2));
  }
  EXPECT_FALSE(IsBlocked(SIGUSR1));
}

TEST(SignalsTest, TheLastOneRestoresTheMaskWhateverTheOrder) {
  ASSERT_FALSE(IsBlocked(SIGUSR1));
  std::optional<Result<io::Signals>> first(io::Signals::Block({SIGUSR1}));
  std::optional<Result<io::Signals>> second(
      io::Signals::Block({SIGUSR1, SIGUSR2}));
  std::optional<Result<io::Signals>> third(io::Signals::Block({SIGUSR1}));
  first.reset();
  EXPECT_TRUE(IsBlocked(SIGUSR1));
  third.reset();
  EXPECT_TRUE(IsBlocked(SIGUSR1));
  EXPECT_TRUE(IsBlocked(SIGUSR2));
  second.reset();
  EXPECT_FALSE(IsBlocked(SIGUSR1));
  EXPECT_FALSE(IsBlocked(SIGUSR2));
}

TEST(SignalsTest, LeavesBlockedWhatWasBlockedBefore) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  {
    std::optional<Result<io::Signals>> first(io::Signals::Block({SIGUSR1}));
    const Result<io::Signals> second = io::Signals::Block({SIGUSR1});
    first.reset();
  }
  EXPECT_TRUE(IsBlocked(SIGUSR1));
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

CO_TEST(SignalsTest, TheLastOneGetsItsSignalsWhateverTheOrder) {
  std::optional<Result<io::Signals>> first(io::Signals::Block({SIGUSR1}));
  Result<io::Signals> second = io::Signals::Block({SIGUSR1});
  CO_ASSERT_OK(second);
  (*first)->DiscardAtEnd();
  raise(SIGUSR1);
  first.reset();
  CO_EXPECT_EQ(co_await second->Next(), SIGUSR1);
}

TEST(SignalsTest, MovesWithTheMask) {
  {
    std::optional<Result<io::Signals>> from(io::Signals::Block({SIGUSR1}));
    ASSERT_OK(*from);
    const io::Signals to = std::move(**from);
    from.reset();
    EXPECT_TRUE(IsBlocked(SIGUSR1));
  }
  EXPECT_FALSE(IsBlocked(SIGUSR1));
}

TEST(SignalsTest, RefusesNumbersThatAreNoSignal) {
  for (const int wrong : {-1, 0, 65, 1000}) {
    CO_EXPECT_ERROR(io::Signals::Block({SIGUSR1, wrong}),
                    std::errc::invalid_argument)
        << wrong;
  }
  EXPECT_FALSE(IsBlocked(SIGUSR1));
}

TEST(SignalsDeathTest, ASignalThatWaitsActsAtTheEnd) {
  EXPECT_EXIT(
      {
        {
          Result<io::Signals> signals = io::Signals::Block({SIGUSR1});
          raise(SIGUSR1);
        }
        _exit(0);
      },
      ::testing::KilledBySignal(SIGUSR1), "");
}

TEST(SignalsDeathTest, SignalsThatWaitAreDiscardedAtTheEndIfToldSo) {
  EXPECT_EXIT(
      {
        {
          Result<io::Signals> signals =
              io::Signals::Block({SIGUSR1, SIGTERM, SIGRTMIN});
          signals->DiscardAtEnd();
          const io::Signals moved = *std::move(signals);
          raise(SIGUSR1);
          kill(getpid(), SIGTERM);
          for (int i = 0; i < 3; ++i) raise(SIGRTMIN);  // these are queued
        }
        _exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(SignalsDeathTest, ASignalAfterTheEndActs) {
  EXPECT_EXIT(
      {
        io::Signals::Block({SIGUSR1})->DiscardAtEnd();
        raise(SIGUSR1);
        _exit(0);
      },
      ::testing::KilledBySignal(SIGUSR1), "");
}

CO_TEST(SignalsTest, DiscardsNothingThatIsBlockedFurtherOut) {
  Result<io::Signals> outer = io::Signals::Block({SIGUSR1});
  CO_ASSERT_OK(outer);
  {
    Result<io::Signals> inner = io::Signals::Block({SIGUSR1, SIGUSR2});
    CO_ASSERT_OK(inner);
    inner->DiscardAtEnd();
    raise(SIGUSR1);
    raise(SIGUSR2);
  }
  CO_EXPECT_EQ(co_await outer->Next(), SIGUSR1);
}

}  // namespace
}  // namespace eddy::io_test
