#include <eddy/io/until_signal.h>

#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/testing/sweep.h>
#include <eddy/runtime/timer.h>

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: the tests' units

Task<Result<void>> SleepLong() { co_return co_await Sleep(1h); }

CO_TEST(UntilSignalTest, EndsWithWhatIsAwaited) {
  CO_EXPECT_OK(co_await io::UntilSignal(Sleep(1ms), SIGUSR1));
}

CO_TEST(UntilSignalTest, PassesAnErrorOn) {
  const auto fail = []() -> Task<Result<void>> {
    co_return Unexpected(std::errc::connection_refused);
  };
  CO_EXPECT_ERROR(co_await io::UntilSignal(fail(), SIGUSR1),
                  std::errc::connection_refused);
}

// What is awaited would go on, and no signal would end it.
TEST(UntilSignalTest, EndsWhereSignalsCannotBeRead) {
  const auto scenario = []() -> Task<Result<void>> {
    const auto body = [](TaskScope& scope) -> Task<Result<void>> {
      scope.Spawn([]() -> Task<> {
        static_cast<void>(co_await Sleep(1ms));
        raise(SIGURG);
      });
      const Result<void> result = co_await io::UntilSignal(SleepLong(), SIGURG);
      if (!result) {
        EXPECT_EQ(result.error(), std::errc::not_enough_memory);
      }
      co_return result;
    };
    co_return co_await WithScope(body);
  };
  SweepOptions options;
  options.fail_with = std::errc::not_enough_memory;
  const SweepReport report = FailAtEveryPoint(scenario, options);
  EXPECT_EQ(report.failure, "");
  EXPECT_EQ(report.points, 1u);
}

CO_TEST(UntilSignalTest, PassesAnExceptionOn) {
  const auto fail = []() -> Task<> {
    throw std::runtime_error("failed");
    co_return;
  };
  bool caught = false;
  try {
    static_cast<void>(co_await io::UntilSignal(fail(), SIGUSR1));
  } catch (const std::runtime_error&) {
    caught = true;
  }
  EXPECT_TRUE(caught);
}

CO_TEST(UntilSignalTest, SignalStopsAndIsNoError) {
  bool stopped = false;
  const auto until_stopped = [&]() -> Task<Result<void>> {
    raise(SIGUSR1);
    const Result<void> slept = co_await Sleep(1h);
    stopped = !slept && slept.error() == kCanceled;
    co_return slept;
  };
  CO_EXPECT_OK(co_await io::UntilSignal(until_stopped(), SIGUSR1, SIGUSR2));
  EXPECT_TRUE(stopped);
}

CO_TEST(UntilSignalTest, SignalDoesNotHideAnotherError) {
  const auto fail_when_stopped = []() -> Task<Result<void>> {
    raise(SIGUSR1);
    static_cast<void>(co_await Sleep(1h));
    co_return Unexpected(std::errc::io_error);
  };
  CO_EXPECT_ERROR(co_await io::UntilSignal(fail_when_stopped(), SIGUSR1),
                  std::errc::io_error);
}

CO_TEST(UntilSignalTest, StopFromAboveIsCanceled) {
  Result<void> result;
  static_cast<void>(
      co_await WithScope([&](TaskScope& scope) -> Task<Result<void>> {
        scope.Spawn([&]() -> Task<> {
          result = co_await io::UntilSignal(SleepLong(), SIGUSR1);
        });
        EDDY_CO_CHECK(co_await Sleep(1ms));
        scope.RequestStop();
        co_return Result<void>();
      }));
  CO_EXPECT_ERROR(result, kCanceled);
}

CO_TEST(UntilSignalTest, RefusesWhatIsNoSignal) {
  CO_EXPECT_ERROR(co_await io::UntilSignal(Sleep(1h), 9999),
                  std::errc::invalid_argument);
}

TEST(UntilSignalDeathTest, FurtherSignalsDoNotHinderTheEnd) {
  const auto ends_slowly = []() -> Task<Result<void>> {
    raise(SIGTERM);
    const Result<void> slept = co_await Sleep(1h);
    raise(SIGTERM);
    raise(SIGINT);
    co_return slept;
  };
  EXPECT_EXIT(
      {
        const Result<void> ended =
            SyncWait(io::UntilSignal(ends_slowly(), SIGTERM, SIGINT));
        _exit(ended ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(UntilSignalDeathTest, ASignalThatComesAfterTheEndActs) {
  const auto ends = []() -> Task<> {
    raise(SIGTERM);
    co_return;
  };
  EXPECT_EXIT(
      {
        static_cast<void>(SyncWait(io::UntilSignal(ends(), SIGTERM)));
        _exit(0);
      },
      ::testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace eddy
