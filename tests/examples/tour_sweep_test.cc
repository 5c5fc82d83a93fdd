// The stops of the tour, stopped and failed at every point.
#include <eddy/net/socket_address.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/status.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/testing/virtual_clock.h>

#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <string_view>

#include "tests/examples/silent_sweeps.h"
#include "tests/io/io_test_util.h"

// Of examples/tour.cc.
eddy::Task<eddy::Result<int>> TwoAtOnce();
eddy::Task<eddy::Result<void>> FirstFailureStopsTheRest();
eddy::Task<eddy::Result<std::string>> WhatWaits();
eddy::Task<eddy::Result<std::string>> ThroughAPipe(std::string_view text);
eddy::Task<eddy::Result<std::string>> WriteAndReadBack(std::string path,
                                                       std::string_view text);
eddy::Task<eddy::Result<std::string>> Greeting(std::string path);
eddy::Task<absl::Status> Check(std::string path);
eddy::Task<eddy::Result<void>> Network();
eddy::Task<eddy::Result<std::string>> FindHome(std::string user);
eddy::Task<eddy::Result<int>> NextHangup();
eddy::Task<eddy::Result<std::string>> WriteRecords();
eddy::Task<eddy::Result<int>> SumByWorkers(int n);
eddy::Task<eddy::Result<std::string>> Sorted(std::string lines);

namespace eddy::testing_examples {
namespace {

using io_test::TempDir;

Task<Result<void>> Structure() {
  const VirtualClock clock;
  EDDY_CO_TRY(const int sum, co_await TwoAtOnce());
  if (sum != 110 + 10100) co_return Unexpected(kWrong);
  const Result<void> failed = co_await FirstFailureStopsTheRest();
  if (failed) co_return Unexpected(kWrong);
  if (failed.error() != std::errc::io_error) co_return failed;
  EDDY_CO_TRY(const std::string waits, co_await WhatWaits());
  co_return waits.empty() ? Unexpected(kWrong) : Result<void>();
}

TEST(TourSweepTest, Structure) { ExpectCleanWhenStopped(Structure, 10); }

Task<Result<void>> Files(std::string path) {
  EDDY_CO_TRY(const std::string piped, co_await ThroughAPipe("a pipe"));
  EDDY_CO_TRY(const std::string got, co_await WriteAndReadBack(path, "a file"));
  EDDY_CO_TRY(const std::string greeting, co_await Greeting(path + ".not"));
  const absl::Status status = co_await ::Check(path);
  if (piped != "a pipe" || got != "a file" || greeting != "hello") {
    co_return Unexpected(kWrong);
  }
  co_return Result<void>();
}

TEST(TourSweepTest, Files) {
  const TempDir dir;
  const auto scenario = [&] { return Files(dir / "file"); };
  ExpectCleanWhenStopped(scenario, 20);
  ExpectCleanWhenFailed(scenario, 12);
}

// In real time: a virtual clock would not wait long for a busy kernel.
TEST(TourSweepTest, Network) {
  ExpectCleanWhenStopped(::Network, 20);
  ExpectCleanWhenFailed(::Network, 10);
}

Task<Result<void>> Vocabulary() {
  const VirtualClock clock;
  EDDY_CO_TRY(const std::string log, co_await WriteRecords());
  EDDY_CO_TRY(const int sum, co_await SumByWorkers(20));
  const bool right = (log == "aabb" || log == "bbaa") && sum == 210;
  co_return right ? Result<void>() : Unexpected(kWrong);
}

TEST(TourSweepTest, Vocabulary) { ExpectCleanWhenStopped(Vocabulary, 10); }

Task<Result<void>> Processes() {
  EDDY_CO_TRY(const std::string sorted, co_await Sorted("b\na\n"));
  co_return sorted == "a\nb\n" ? Result<void>() : Unexpected(kWrong);
}

TEST(TourSweepTest, Processes) { ExpectCleanWhenStopped(Processes, 3); }

Task<Result<void>> ThreadsAndSignals() {
  EDDY_CO_CHECK(co_await FindHome("root"));
  EDDY_CO_TRY(const int signal, co_await NextHangup());
  co_return signal == SIGHUP ? Result<void>() : Unexpected(kWrong);
}

TEST(TourSweepTest, ThreadsAndSignals) {
  // Where the tour is stopped before it takes its SIGHUP, that acts.
  const auto before = signal(SIGHUP, SIG_IGN);
  ExpectCleanWhenStopped(ThreadsAndSignals, 3);
  ExpectCleanWhenFailed(ThreadsAndSignals, 1);
  signal(SIGHUP, before);
}

}  // namespace
}  // namespace eddy::testing_examples
