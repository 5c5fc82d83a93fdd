// Sweeps: that they find each kind of fault, and none where there is none.
#include <eddy/runtime/testing/sweep.h>

#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/with_stop.h>

#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/runtime/test_verbs.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals
using test::Nop;
using test::Pipe;
using test::ReadInto;
using testing::HasSubstr;

// Three operations, one after the other.
Task<Result<void>> ThreeSteps() {
  for (int i = 0; i < 3; ++i) EDDY_CO_CHECK(co_await Nop());
  co_return Result<void>();
}

// Something that fails, and something that only a stop ends early.
Task<Result<void>> NopAndSleep() {
  EDDY_CO_CHECK(co_await Nop());
  co_return co_await Sleep(1ms);
}

TEST(StopAtEveryPointTest, StopsOnceBeforeAndOnceAfterEachAwait) {
  const SweepReport report = StopAtEveryPoint(ThreeSteps);
  EXPECT_EQ(report.failure, "");
  // Queued and completed, for each of the three.
  EXPECT_GE(report.points, 6u);
}

TEST(FailAtEveryPointTest, FailsEachOperationOnce) {
  int failed = 0;
  const auto counts = [&]() -> Task<Result<void>> {
    const Result<void> steps = co_await ThreeSteps();
    failed += !steps;
    co_return steps;
  };
  const SweepReport report = FailAtEveryPoint(counts);
  EXPECT_EQ(report.failure, "");
  EXPECT_EQ(report.points, 3u);
  EXPECT_EQ(failed, 3);
}

TEST(FailAtEveryPointTest, TakesTheErrorThatIsAskedFor) {
  SweepOptions options;
  options.fail_with = std::errc::no_space_on_device;
  std::vector<Error> seen;
  const auto scenario = [&]() -> Task<void> {
    const Result<void> result = co_await Nop();
    if (!result) seen.push_back(result.error());
  };
  EXPECT_EQ(FailAtEveryPoint(scenario, options).points, 1u);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0], std::errc::no_space_on_device);
}

// Nested scopes with timers and pipes, and a timeout that is not needed.
Task<Result<void>> Everything() {
  const Pipe pipe;
  const auto reads = [&](std::size_t count) -> Task<Result<void>> {
    for (std::size_t n = 0; n < count;) {
      // No more than its share: another task reads the rest.
      std::array<std::byte, 4> buffer{};
      const std::span<std::byte> share = std::span(buffer).first(count - n);
      EDDY_CO_TRY(const std::size_t got,
                  co_await WithTimeout(1h, ReadInto(pipe.reader(), share)));
      n += got;
    }
    co_return Result<void>();
  };
  const auto writes = [&]() -> Task<Result<void>> {
    for (int i = 0; i < 4; ++i) {
      EDDY_CO_CHECK(co_await Sleep(100us));
      if (write(pipe.writer(), "12", 2) != 2) {
        co_return Unexpected(std::errc::io_error);
      }
    }
    co_return Result<void>();
  };
  const auto inner = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(writes);
    scope.Spawn(reads, std::size_t{4});
    co_return co_await reads(4);
  };
  const auto outer = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(ThreeSteps);
    co_return co_await WithScope(inner);
  };
  co_return co_await WithScope(outer);
}

TEST(SweepTest, NestedScopesAreClean) {
  const SweepReport stops = StopAtEveryPoint(Everything);
  EXPECT_EQ(stops.failure, "");
  EXPECT_GT(stops.points, 20u);
  const SweepReport failures = FailAtEveryPoint(Everything);
  EXPECT_EQ(failures.failure, "");
  EXPECT_GT(failures.points, 5u);
}

// --- What they find ----------------------------------------------------------

TEST(SweepTest, FindsADescriptorThatIsLeft) {
  std::vector<int> leaked;
  const auto leaks = [&]() -> Task<void> {
    const int fd = dup(0);
    const Result<void> result = co_await NopAndSleep();
    if (result) {
      close(fd);
    } else {
      leaked.push_back(fd);
    }
  };
  const SweepReport stopped = StopAtEveryPoint(leaks);
  EXPECT_THAT(stopped.failure, HasSubstr("descriptor "));
  EXPECT_THAT(stopped.failure, HasSubstr("is left open"));
  EXPECT_THAT(stopped.failure, HasSubstr("stopped at point "));
  const SweepReport failed = FailAtEveryPoint(leaks);
  EXPECT_THAT(failed.failure, HasSubstr("failed at point 1: descriptor "));
  for (const int fd : leaked) close(fd);
}

TEST(SweepTest, FindsAFrameThatIsLeft) {
  std::vector<Task<Result<void>>> kept;
  const auto leaks = [&]() -> Task<void> {
    Task<Result<void>> task = ThreeSteps();
    const Result<void> result = co_await Nop();
    if (!result) kept.push_back(std::move(task));
  };
  const SweepReport report = FailAtEveryPoint(leaks);
  EXPECT_EQ(report.failure,
            "failed at point 1: 1 coroutine frames or spawned tasks are left");
}

TEST(SweepTest, FindsAnExceptionOfOneThatIsStopped) {
  const auto throws = []() -> Task<void> {
    const Result<void> result = co_await NopAndSleep();
    if (!result) throw std::runtime_error("no way out");
  };
  const SweepReport report = StopAtEveryPoint(throws);
  EXPECT_THAT(report.failure, HasSubstr("it threw: no way out"));
}

TEST(SweepTest, FindsThatAScenarioFailsByItself) {
  const auto fails = []() -> Task<Result<int>> {
    EDDY_CO_CHECK(co_await Nop());
    co_return Unexpected(std::errc::file_exists);
  };
  EXPECT_EQ(StopAtEveryPoint(fails).failure,
            "it failed by itself: File exists");
}

TEST(SweepTest, ReportsWhatTheCheckSays) {
  int runs = 0;
  SweepOptions options;
  options.check = [&] { return std::string(++runs == 2 ? "half a file" : ""); };
  EXPECT_EQ(FailAtEveryPoint(ThreeSteps, options).failure,
            "failed at point 2: half a file");
}

TEST(SweepTest, ShowsWhatTheTasksWaitedFor) {
  const auto throws = []() -> Task<void> {
    const Result<void> result = co_await Sleep(1ms);
    if (!result) throw std::runtime_error("stopped");
  };
  const SweepReport report = StopAtEveryPoint(throws);
  EXPECT_THAT(report.failure, HasSubstr("its tasks at that point:"));
  EXPECT_THAT(report.failure, HasSubstr("Sleep"));
}

TEST(SweepTest, FindsACloseThatFails) {
  const auto closes_twice = []() -> Task<void> {
    CO_EXPECT_OK(co_await Sleep(1ms));
    Reactor::Current()->SubmitDetached(
        [](io_uring_sqe* sqe) { io_uring_prep_close(sqe, 1'000'000); });
  };
  EXPECT_THAT(FailAtEveryPoint(closes_twice).failure,
              HasSubstr("a close by a destructor failed"));
}

TEST(SweepTest, IsNoSuccessWithoutAPoint) {
  const auto sleeps = []() -> Task<Result<void>> {
    co_return co_await Sleep(1ms);
  };
  EXPECT_EQ(FailAtEveryPoint(sleeps).failure,
            "no run was failed: the scenario awaits nothing that can be");
}

TEST(SweepTest, GivesUpOnAScenarioWithoutEnd) {
  SweepOptions options;
  options.most_points = 5;
  const auto long_one = []() -> Task<Result<void>> {
    for (int i = 0; i < 100; ++i) EDDY_CO_CHECK(co_await Nop());
    co_return Result<void>();
  };
  EXPECT_EQ(FailAtEveryPoint(long_one, options).failure,
            "it still goes on after 5 points");
}

TEST(SweepDeathTest, AbortsARunThatDoesNotEndOnceItIsStopped) {
  SweepOptions options;
  options.longest_run = 200ms;
  const auto deaf = []() -> Task<void> {
    const Result<void> result = co_await NopAndSleep();
    if (!result) static_cast<void>(co_await Shield(Sleep(1h)));
  };
  EXPECT_DEATH(StopAtEveryPoint(deaf, options),
               "eddy: a scenario does not end after it was stopped; its "
               "tasks:(.|\n)*Sleep");
}

}  // namespace
}  // namespace eddy
