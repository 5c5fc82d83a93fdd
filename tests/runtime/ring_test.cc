// Ring: set-up on every rung of the ladder of flags, sizes, full queues.
#include <eddy/runtime/ring.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/uring_abi.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::BadOperation;
using test::EventFd;
using test::Nop;
using test::PollIn;

std::unique_ptr<Ring> MakeRing(const RingOptions& options) {
  Result<std::unique_ptr<Ring>> ring = Ring::Create(options);
  CO_EXPECT_OK(ring);
  return ring ? *std::move(ring) : nullptr;
}

TEST(RingTest, TakesTheBestFlagsOfThisKernel) {
  const std::unique_ptr<Ring> ring = MakeRing({});
  ASSERT_NE(ring, nullptr);
  // Without any of them the ladder must still have found a rung; what a recent
  // kernel grants is checked where this kernel grants it without the ladder.
  io_uring_params params{};
  params.flags = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
                 IORING_SETUP_NO_SQARRAY;
  const unsigned best = params.flags;
  const long fd = syscall(__NR_io_uring_setup, 8, &params);
  if (fd < 0) GTEST_SKIP() << "this kernel does not know the best flags";
  close(static_cast<int>(fd));
  EXPECT_EQ(ring->setup_flags() & best, best);
  EXPECT_GE(ring->fd(), 0);
  EXPECT_NE(ring->features() & IORING_FEAT_NODROP, 0u);
}

TEST(RingTest, RoundsEntriesUpToAPowerOfTwo) {
  for (const auto& [asked, given] : std::vector<std::pair<unsigned, unsigned>>{
           {1, 1}, {3, 4}, {4, 4}, {256, 256}, {1000, 1024}, {1024, 1024}}) {
    RingOptions options;
    options.entries = asked;
    const std::unique_ptr<Ring> ring = MakeRing(options);
    ASSERT_NE(ring, nullptr);
    EXPECT_EQ(ring->entries(), given);
    EXPECT_GE(ring->completion_entries(), 4 * given);
    EXPECT_GE(ring->completion_entries(), 64u);
  }
}

TEST(RingTest, RefusesEntriesOutOfRange) {
  for (const unsigned entries : {0U, 32769U, ~0U}) {
    RingOptions options;
    options.entries = entries;
    CO_EXPECT_ERROR(Ring::Create(options), std::errc::invalid_argument);
  }
}

TEST(RingTest, KnowsWhichOpcodesTheKernelHas) {
  const std::unique_ptr<Ring> ring = MakeRing({});
  ASSERT_NE(ring, nullptr);
  EXPECT_TRUE(ring->Supports(IORING_OP_NOP));
  EXPECT_TRUE(ring->Supports(IORING_OP_READ));
  EXPECT_TRUE(ring->Supports(IORING_OP_ASYNC_CANCEL));
  EXPECT_FALSE(ring->Supports(250));
  EXPECT_FALSE(ring->Supports(255));
  EXPECT_FALSE(ring->Supports(256));
  EXPECT_FALSE(ring->Supports(~0U));
}

TEST(RingTest, GivesZeroedEntriesUntilItIsFull) {
  RingOptions options;
  options.entries = 4;
  const std::unique_ptr<Ring> ring = MakeRing(options);
  ASSERT_NE(ring, nullptr);
  constexpr io_uring_sqe kZero{};
  for (int round = 0; round < 3; ++round) {
    for (unsigned i = 0; i < 4; ++i) {
      io_uring_sqe* sqe = ring->TryGetSqe();
      ASSERT_NE(sqe, nullptr);
      EXPECT_EQ(std::memcmp(sqe, &kZero, sizeof kZero), 0);
      std::memset(sqe, 0xff, sizeof *sqe);
      io_uring_prep_nop(sqe);
      sqe->user_data = 100 + i;
      EXPECT_EQ(ring->pending(), i + 1);
    }
    EXPECT_EQ(ring->TryGetSqe(), nullptr);
    ring->Enter(nullptr);
    EXPECT_EQ(ring->pending(), 0u);
    std::vector<std::uint64_t> seen;
    EXPECT_EQ(ring->ForEachCompletion([&](const io_uring_cqe& cqe) {
      EXPECT_EQ(cqe.res, 0);
      seen.push_back(cqe.user_data);
    }),
              4u);
    EXPECT_EQ(seen, (std::vector<std::uint64_t>{100, 101, 102, 103}));
    EXPECT_FALSE(ring->HasCompletions());
  }
}

TEST(RingTest, WaitsUntilTheTimeAndNotShorter) {
  const std::unique_ptr<Ring> ring = MakeRing({});
  ASSERT_NE(ring, nullptr);
  const TimePoint until = Clock::now() + 20ms;
  ring->Enter(&until);
  EXPECT_GE(Clock::now(), until);
  const TimePoint past = Clock::now() - 1h;
  ring->Enter(&past);  // returns at all
  EXPECT_FALSE(ring->HasCompletions());
}

// What is left out of the flags, as on an older kernel.
struct Rung {
  const char* name;
  unsigned without;
};
constexpr unsigned kNoArray = IORING_SETUP_NO_SQARRAY;
constexpr unsigned kDefer =
    kNoArray | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER;
constexpr unsigned kCoop =
    kDefer | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
constexpr Rung kRungs[] = {
    {"AllFlags", 0},
    {"WithIndexArray", kNoArray},
    {"WithoutDeferredTaskRun", kDefer},
    {"WithoutCooperativeTaskRun", kCoop},
    {"WithoutAnyFlag", kCoop | IORING_SETUP_SUBMIT_ALL},
};

class RingLadderTest : public testing::TestWithParam<std::tuple<Rung, int>> {
 protected:
  std::unique_ptr<Reactor> MakeReactor() const {
    const auto& [rung, entries] = GetParam();
    RingOptions options;
    options.entries = static_cast<unsigned>(entries);
    options.without_flags = rung.without;
    std::unique_ptr<Ring> ring = MakeRing(options);
    if (ring == nullptr) return nullptr;
    EXPECT_EQ(ring->setup_flags() & rung.without, 0u);
    return Reactor::CreateOn(std::move(ring));
  }
};

// Spawns `count` tasks that run `make()` once, and counts the good results.
template <class Make>
Task<int> AllAtOnce(int count, Make make) {
  int good = 0;
  const auto one = [&]() -> Task<void> {
    const auto result = co_await make();
    if (result) ++good;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < count; ++i) scope.Spawn(one);
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  co_return good;
}

TEST_P(RingLadderTest, RunsOneOperationAfterTheOther) {
  const std::unique_ptr<Reactor> reactor = MakeReactor();
  ASSERT_NE(reactor, nullptr);
  const int good = reactor->Run([]() -> Task<int> {
    int count = 0;
    for (int i = 0; i < 1000; ++i) {
      if (const Result<void> done = co_await Nop()) ++count;
    }
    co_return count;
  }());
  EXPECT_EQ(good, 1000);
  EXPECT_EQ(reactor->stats().completions, 1000u);
}

TEST_P(RingLadderTest, RunsTenThousandOperationsAtOnce) {
  const std::unique_ptr<Reactor> reactor = MakeReactor();
  ASSERT_NE(reactor, nullptr);
  const int good = reactor->Run(AllAtOnce(10'000, [] { return Nop(); }));
  EXPECT_EQ(good, 10'000);
  EXPECT_EQ(reactor->stats().submitted, 10'000u);
  EXPECT_EQ(reactor->stats().completions, 10'000u);
}

TEST_P(RingLadderTest, LosesNoneOfManyThatCompleteAtTheSameMoment) {
  const std::unique_ptr<Reactor> reactor = MakeReactor();
  ASSERT_NE(reactor, nullptr);
  constexpr int kPolls = 5'000;
  const EventFd event;
  const int good = reactor->Run([](const EventFd& e) -> Task<int> {
    int count = 0;
    const auto one = [&]() -> Task<void> {
      if (const Result<void> done = co_await PollIn(e.fd())) ++count;
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      for (int i = 0; i < kPolls; ++i) scope.Spawn(one);
      CO_EXPECT_OK(co_await Sleep(1ms));
      e.Signal();
    };
    CO_EXPECT_OK(co_await WithScope(body));
    co_return count;
  }(event));
  EXPECT_EQ(good, kPolls);
}

TEST_P(RingLadderTest, RunsTimers) {
  const std::unique_ptr<Reactor> reactor = MakeReactor();
  ASSERT_NE(reactor, nullptr);
  const TimePoint start = Clock::now();
  const int good = reactor->Run(AllAtOnce(100, [] { return Sleep(10ms); }));
  EXPECT_EQ(good, 100);
  EXPECT_GE(Clock::now() - start, 10ms);
}

Task<void> BadInTheMiddle() {
  int good = 0;
  int bad = 0;
  const auto nop = [&]() -> Task<void> {
    if (const Result<void> done = co_await Nop()) ++good;
  };
  const auto broken = [&]() -> Task<void> {
    const Result<void> result = co_await BadOperation();
    CO_EXPECT_ERROR(result, std::errc::invalid_argument);
    ++bad;
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < 100; ++i) {
      if (i % 10 == 5) {
        scope.Spawn(broken);
      } else {
        scope.Spawn(nop);
      }
    }
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  EXPECT_EQ(good, 90);
  EXPECT_EQ(bad, 10);
}

TEST_P(RingLadderTest, ABadEntryDoesNotStopTheOthersOfItsBatch) {
  const std::unique_ptr<Reactor> reactor = MakeReactor();
  ASSERT_NE(reactor, nullptr);
  reactor->Run(BadInTheMiddle());
}

TEST_P(RingLadderTest, StopsOperationsInFlight) {
  const std::unique_ptr<Reactor> reactor = MakeReactor();
  ASSERT_NE(reactor, nullptr);
  constexpr int kPolls = 1'000;
  const EventFd never;
  const int canceled = reactor->Run([](const EventFd& e) -> Task<int> {
    int count = 0;
    const auto one = [&]() -> Task<void> {
      const Result<void> result = co_await PollIn(e.fd());
      if (!result && result.error() == kCanceled) ++count;
    };
    const auto body = [&](TaskScope& scope) -> Task<void> {
      for (int i = 0; i < kPolls; ++i) scope.Spawn(one);
      CO_EXPECT_OK(co_await Sleep(1ms));
      scope.RequestStop();
    };
    CO_EXPECT_OK(co_await WithScope(body));
    co_return count;
  }(never));
  EXPECT_EQ(canceled, kPolls);
  EXPECT_EQ(reactor->stats().cancels, static_cast<std::uint64_t>(kPolls));
}

INSTANTIATE_TEST_SUITE_P(Rungs, RingLadderTest,
                         testing::Combine(testing::ValuesIn(kRungs),
                                          testing::Values(1, 4, 512)),
                         [](const auto& rung) {
                           return std::string(std::get<0>(rung.param).name) +
                                  "Entries" +
                                  std::to_string(std::get<1>(rung.param));
                         });

// Without deferred task work the kernel posts completions by itself, also into
// a full queue.
TEST(RingTest, CountsOverflowsOfTheCompletionQueue) {
  RingOptions options;
  options.entries = 1;
  options.without_flags = kDefer;
  const std::unique_ptr<Reactor> reactor = Reactor::CreateOn(MakeRing(options));
  const int good = reactor->Run(AllAtOnce(1'000, [] { return Nop(); }));
  EXPECT_EQ(good, 1'000);
  EXPECT_GT(reactor->stats().overflows, 0u);
}

TEST(RingTest, GivesItsDescriptorBack) {
  const std::ptrdiff_t before = test::CountDescriptors();
  {
    const std::unique_ptr<Ring> ring = MakeRing({});
    EXPECT_EQ(test::CountDescriptors(), before + 1);
  }
  EXPECT_EQ(test::CountDescriptors(), before);
}

}  // namespace
}  // namespace eddy
