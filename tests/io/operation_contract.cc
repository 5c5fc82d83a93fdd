#include "tests/io/operation_contract.h"

#include <eddy/runtime/reactor.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "tests/chaos.h"
#include "tests/sweeps.h"

namespace eddy::io_test {
namespace {

// --- Already stopped ---------------------------------------------------------

Task<void> AlreadyStopped(VerbFactory make) {
  const auto verb = make();
  StopSource source;
  source.RequestStop();
  co_await Turn();  // what the set-up closed is gone
  const std::uint64_t before = Submitted();
  const auto result = co_await WithStop(source.token(), verb->Run());
  CO_EXPECT_ERROR(result, kCanceled);
  EXPECT_EQ(Submitted(), before);
  verb->ExpectNoTrace();
  // The same when it could have completed at once.
  verb->Provide();
  const auto again = co_await WithStop(source.token(), verb->Run());
  CO_EXPECT_ERROR(again, kCanceled);
  EXPECT_EQ(Submitted(), before);
  verb->ExpectNoTrace();
  CO_EXPECT_OK(co_await verb->Run());
  verb->ExpectDone();
  EXPECT_EQ(Submitted(), before + 1);
}

TEST_P(OperationContractTest, AnswersCanceledWhereStoppedBefore) {
  SyncWait(AlreadyStopped(GetParam()));
}

// --- Stopped in flight -------------------------------------------------------

Task<void> StoppedInFlight(VerbFactory make) {
  const auto verb = make();
  StopSource source;
  bool waited = false;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (int i = 0; i < 3; ++i) co_await Turn();
      waited = true;
      source.RequestStop();
    });
    const auto result = co_await WithStop(source.token(), verb->Run());
    CO_EXPECT_ERROR(result, kCanceled);
  });
  EXPECT_TRUE(waited);
  EXPECT_EQ(Reactor::Current()->stats().cancels, 1U);
  verb->ExpectNoTrace();
  // What comes later is for the next operation, not for the stopped one.
  verb->Provide();
  for (int i = 0; i < 3; ++i) co_await Turn();
  verb->ExpectNoTrace();
  CO_EXPECT_OK(co_await verb->Run());
  verb->ExpectDone();
}

Task<void> TimedOutInFlight(VerbFactory make) {
  const auto verb = make();
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, verb->Run()), kTimedOut);
  verb->ExpectNoTrace();
  verb->Provide();
  CO_EXPECT_OK(co_await WithTimeout(1h, verb->Run()));
  verb->ExpectDone();
}

TEST_P(OperationContractTest, StopsInFlightWithoutATrace) {
  if (GetParam()()->waits()) {
    SyncWait(StoppedInFlight(GetParam()));
    SyncWait(TimedOutInFlight(GetParam()));
  } else {
    GTEST_SKIP() << "cannot be made to wait";
  }
}

// --- A stop that races the completion ----------------------------------------

struct RaceTally {
  int done = 0;
  int canceled = 0;
};

Task<void> RaceOnce(VerbFactory make, unsigned round, RaceTally& tally) {
  const auto verb = make();
  StopSource source;
  bool provided = false;
  bool ended = false;
  bool done = false;
  const auto provide = [&] {
    verb->Provide();
    provided = true;
  };
  const unsigned turns = round / 4 % 4;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    if (round % 4 == 2) provide();
    scope.Spawn([&]() -> Task<void> {
      // After 0 turns the operation is queued and the kernel has not seen it.
      for (unsigned i = 0; i < turns; ++i) co_await Turn();
      switch (round % 4) {
        case 0:
          provide();
          source.RequestStop();
          break;
        case 1:
          source.RequestStop();
          provide();
          break;
        case 2:
          source.RequestStop();
          break;
        case 3:
          provide();
          co_await Turn();
          // Now and then so late that it has ended.
          while (turns == 3 && !ended) co_await Pause(100us);
          source.RequestStop();
          break;
      }
    });
    const auto result = co_await WithStop(source.token(), verb->Run());
    ended = true;
    done = result.has_value();
    if (done) {
      verb->ExpectDone();
    } else {
      CO_EXPECT_ERROR(result, kCanceled);
      verb->ExpectNoTrace();
    }
  });
  ++(done ? tally.done : tally.canceled);
  EXPECT_TRUE(provided);
  if (done) co_return;
  // Nothing was lost: it is all there for the next one.
  CO_EXPECT_OK(co_await verb->Run());
  verb->ExpectDone();
}

Task<void> Race(VerbFactory make) {
  RaceTally tally;
  for (unsigned round = 0; round < 320; ++round) {
    co_await RaceOnce(make, round, tally);
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << "in round " << round;
      co_return;
    }
  }
  EXPECT_EQ(tally.done + tally.canceled, 320);
  // What had completed before the stop came is not turned into kCanceled.
  EXPECT_GE(tally.done, 20) << tally.canceled << " canceled";
}

TEST_P(OperationContractTest, LosesNothingWhereAStopRacesTheEnd) {
  SyncWait(Race(GetParam()));
}

// --- A submission queue that is full -----------------------------------------

constexpr std::size_t kMany = 50;

// More operations in one turn than the queue has entries.
Task<void> FullQueue(VerbFactory make) {
  EXPECT_EQ(Reactor::Current()->ring().entries(), 1U);
  std::vector<std::unique_ptr<Verb>> verbs;
  for (std::size_t i = 0; i < kMany; ++i) {
    verbs.push_back(make());
  }
  std::size_t ended = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    for (auto& verb : verbs) {
      scope.Spawn([&ended, &verb]() -> Task<void> {
        CO_EXPECT_OK(co_await verb->Run());
        verb->ExpectDone();
        ++ended;
      });
    }
    co_await Turn();
    for (auto& verb : verbs) verb->Provide();
  });
  EXPECT_EQ(ended, kMany);
}

// As many cancels in one turn.
Task<void> FullQueueOfCancels(VerbFactory make) {
  std::vector<std::unique_ptr<Verb>> verbs;
  for (std::size_t i = 0; i < kMany; ++i) {
    verbs.push_back(make());
  }
  std::size_t canceled = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    for (auto& verb : verbs) {
      scope.Spawn([&canceled, &verb]() -> Task<void> {
        CO_EXPECT_ERROR(co_await verb->Run(), kCanceled);
        verb->ExpectNoTrace();
        ++canceled;
      });
    }
    co_await Turn();
    scope.RequestStop();
  });
  EXPECT_EQ(canceled, kMany);
}

TEST_P(OperationContractTest, SeesNoFullSubmissionQueue) {
  ReactorOptions options;
  options.entries = 1;
  SyncWait(FullQueue(GetParam()), options);
  if (GetParam()()->waits()) {
    SyncWait(FullQueueOfCancels(GetParam()), options);
  }
}

// --- No descriptor -----------------------------------------------------------

Task<void> BadDescriptor(VerbFactory make) {
  const auto verb = make();
  const io::Fd none;
  CO_EXPECT_ERROR(co_await verb->RunOn(none), std::errc::bad_file_descriptor);
  const ClosedFd closed;
  CO_EXPECT_ERROR(co_await verb->RunOn(closed.get()),
                  std::errc::bad_file_descriptor);
  verb->ExpectNoTrace();
}

TEST_P(OperationContractTest, AnswersBadFileDescriptor) {
  SyncWait(BadDescriptor(GetParam()));
}

// --- The reactor's end -------------------------------------------------------

Task<void> LeaveInFlight(Verb& verb, bool& ended) {
  Reactor::Current()->scope().Spawn([&verb, &ended]() -> Task<void> {
    const auto result = co_await verb.Run();
    ended = true;
    if (result) {
      verb.ExpectDone();
    } else {
      CO_EXPECT_ERROR(result, kCanceled);
      verb.ExpectNoTrace();
    }
  });
  co_await Turn();
}

TEST_P(OperationContractTest, EndsWithTheReactor) {
  const auto verb = GetParam()();
  bool ended = false;
  SyncWait(LeaveInFlight(*verb, ended));
  EXPECT_TRUE(ended);
}

// --- Stopped and failed at every point ---------------------------------------

// What it waits for comes after a few turns. The operation that was stopped, or
// that the kernel never saw, has left all to the next one.
Task<Result<void>> OnceAndAgain(VerbFactory make) {
  const auto verb = make();
  Result<void> result;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (int i = 0; i < 3; ++i) co_await Turn();
      verb->Provide();
    });
    result = co_await verb->Run();
  };
  const Result<void> all = co_await WithScope(body);
  if (result) {
    // A transfer may be short.
    if (!test::InChaos()) verb->ExpectDone();
    co_return all;
  }
  verb->ExpectNoTrace();
  const Result<void> again = co_await Shield(verb->Run());
  CO_EXPECT_OK(again);
  if (again && !test::InChaos()) verb->ExpectDone();
  co_return result;
}

TEST_P(OperationContractTest, IsCleanStoppedOrFailedAtEveryPoint) {
  const auto scenario = [make = GetParam()] { return OnceAndAgain(make); };
  test::ExpectCleanSweeps(scenario, {.stops = 8, .failures = 1});
}

}  // namespace
}  // namespace eddy::io_test
