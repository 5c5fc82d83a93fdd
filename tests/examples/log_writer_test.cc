// The log loses nothing that it has acknowledged, wherever it is stopped, fails
// or is killed.
#include "examples/log_writer/log.h"

#include <eddy/fs/file.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/with_stop.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "examples/log_writer/writers.h"
#include "tests/examples/program.h"
#include "tests/fs/small_disk.h"
#include "tests/io/io_test_util.h"
#include "tests/sweeps.h"

namespace log_writer {
namespace {

using eddy::Result;
using eddy::Task;
using eddy::TaskScope;
using eddy::Unexpected;
using eddy::fs_test::SmallDisk;
using eddy::io_test::Load;
using eddy::io_test::Store;
using eddy::io_test::TempDir;
using eddy::testing_examples::Program;

// Append, by whom nothing stops.
Task<void> AppendAndCount(Log& log, int& answered) {
  static_cast<void>(co_await log.Append("x"));
  ++answered;
}

// The records of a log, and how much Open had to cut off.
struct Found {
  std::vector<std::string> records;
  std::uint64_t cut_off = 0;
};
Task<Result<Found>> Recover(std::string path) {
  Found found;
  const auto each = [&](std::string_view record) {
    found.records.emplace_back(record);
  };
  EDDY_CO_TRY(const auto log, co_await Log::Open(path, each));
  found.cut_off = log->stats().cut_off;
  co_return found;
}

// Appends these, one after the other.
Task<Result<void>> AppendAll(std::string path,
                             std::vector<std::string> records) {
  EDDY_CO_TRY(const auto log, co_await Log::Open(path));
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(
        [&]() -> Task<void> { static_cast<void>(co_await log->Run()); });
    for (const std::string& record : records) {
      EDDY_CO_CHECK(co_await log->Append(record));
    }
    scope.RequestStop();
    co_return Result<void>();
  };
  co_return co_await eddy::WithScope(body);
}

CO_TEST(LogWriterTest, KeepsRecordsInTheirOrder) {
  const TempDir dir;
  const std::string path = dir / "log";
  const std::vector<std::string> first{"a", "", std::string(100'000, 'x')};
  CO_ASSERT_OK(co_await AppendAll(path, first));
  Result<Found> found = co_await Recover(path);
  CO_ASSERT_OK(found);
  EXPECT_EQ(found->records, first);
  EXPECT_EQ(found->cut_off, 0U);
  const std::vector<std::string> more{"more"};
  CO_ASSERT_OK(co_await AppendAll(path, more));
  found = co_await Recover(path);
  CO_ASSERT_OK(found);
  EXPECT_EQ(found->records.size(), 4U);
  EXPECT_EQ(found->records.back(), "more");
}

CO_TEST(LogWriterTest, CutsOffWhatIsTorn) {
  const TempDir dir;
  const std::string path = dir / "log";
  const std::vector<std::string> three{"one", "two", "three"};
  CO_ASSERT_OK(co_await AppendAll(path, three));
  const std::string whole = Load(path);
  const std::size_t last = whole.size() - 8 - 5;
  for (std::size_t size = last; size < whole.size(); ++size) {
    Store(path, std::string_view(whole).substr(0, size));
    const Result<Found> found = co_await Recover(path);
    CO_ASSERT_OK(found);
    EXPECT_EQ(found->records, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(found->cut_off, size - last);
    EXPECT_EQ(Load(path).size(), last);
  }
  for (std::size_t at = last; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    Store(path, damaged);
    const Result<Found> found = co_await Recover(path);
    CO_ASSERT_OK(found);
    EXPECT_EQ(found->records.size(), 2U) << at;
  }
  // Zeros, as a file system may leave where a size was written and data not.
  Store(path, whole + std::string(5000, '\0'));
  const Result<Found> found = co_await Recover(path);
  CO_ASSERT_OK(found);
  EXPECT_EQ(found->records.size(), 3U);
  EXPECT_EQ(found->cut_off, 5000U);
}

CO_TEST(LogWriterTest, SyncsOnceForAllThatWait) {
  const TempDir dir;
  Result<std::unique_ptr<Log>> log = co_await Log::Open(dir / "log");
  CO_ASSERT_OK(log);
  log_writer::Load load;
  load.writers = 50;
  load.records = 4;
  std::uint64_t acknowledged = 0;
  load.acknowledged = [&](std::string_view) { ++acknowledged; };
  CO_ASSERT_OK(co_await Write(**log, load));
  EXPECT_EQ(acknowledged, 200U);
  EXPECT_EQ((*log)->stats().records, 200U);
  if (!eddy::test::InChaos()) {
    EXPECT_LE((*log)->stats().commits, 10U);
  }
  // It takes no more.
  CO_EXPECT_ERROR(co_await (*log)->Append("late"), eddy::kCanceled);
  CO_EXPECT_ERROR(
      co_await (*log)->Append(std::string(Log::kLargestRecord + 1, 'x')),
      std::errc::message_size);
}

CO_TEST(LogWriterTest, TakesAnEmptyRecordWithoutAnAddress) {
  const TempDir dir;
  {
    Result<std::unique_ptr<Log>> log = co_await Log::Open(dir / "log");
    CO_ASSERT_OK(log);
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn(
          [&]() -> Task<void> { static_cast<void>(co_await (*log)->Run()); });
      CO_EXPECT_OK(co_await (*log)->Append(std::string_view()));
      CO_EXPECT_OK(co_await (*log)->Append("second"));
      scope.RequestStop();
    };
    CO_EXPECT_OK(co_await eddy::WithScope(body));
  }
  const Result<Found> found = co_await Recover(dir / "log");
  CO_ASSERT_OK(found);
  EXPECT_EQ(found->records, (std::vector<std::string>{"", "second"}));
}

CO_TEST(LogWriterTest, AnswersEveryAppendWhenItIsStopped) {
  const TempDir dir("/dev/shm");
  for (int turns = 0; turns < 20; ++turns) {
    Result<std::unique_ptr<Log>> log = co_await Log::Open(dir / "log");
    CO_ASSERT_OK(log);
    eddy::StopSource stop;
    int answered = 0;
    const auto body = [&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        static_cast<void>(co_await eddy::WithStop(stop.token(), (*log)->Run()));
      });
      for (int i = 0; i < 10; ++i) {
        scope.Spawn(AppendAndCount(**log, answered));
        if (i == 3) stop.RequestStop();
        if (i % 2 == 0) co_await eddy::io_test::Turn();
      }
      for (int i = 0; i < turns; ++i) co_await eddy::io_test::Turn();
      scope.Spawn(AppendAndCount(**log, answered));
    };
    CO_EXPECT_OK(co_await eddy::WithScope(body));
    EXPECT_EQ(answered, 11);
  }
}

CO_TEST(LogWriterTest, IsOpenOnceAndReadByAnybody) {
  const TempDir dir;
  Result<std::unique_ptr<Log>> log = co_await Log::Open(dir / "log");
  CO_ASSERT_OK(log);
  CO_EXPECT_ERROR(co_await Log::Open(dir / "log"),
                  std::errc::operation_would_block);
  Store(dir / "log", "torn");
  CO_EXPECT_EQ(co_await Log::Read(dir / "log"), 0U);
  EXPECT_EQ(Load(dir / "log"), "torn");
  CO_EXPECT_ERROR(co_await Log::Read(dir / "none"),
                  std::errc::no_such_file_or_directory);
}

CO_TEST(LogWriterTest, TellsOfAFullDiskAndKeepsWhatItHasAcknowledged) {
  const SmallDisk disk("256k");
  if (!disk.mounted()) CO_SKIP("may not mount");
  const std::string path = disk.path() + "/log";
  std::vector<std::string> acknowledged;
  {
    Result<std::unique_ptr<Log>> log = co_await Log::Open(path);
    CO_ASSERT_OK(log);
    log_writer::Load load;
    load.writers = 8;
    load.records = 1000;
    load.size = 1000;
    load.run = "full";
    load.acknowledged = [&](std::string_view name) {
      acknowledged.emplace_back(name);
    };
    CO_EXPECT_ERROR(co_await Write(**log, load), std::errc::no_space_on_device);
    CO_EXPECT_ERROR(co_await (*log)->Append("x"),
                    std::errc::no_space_on_device);
  }
  EXPECT_GE(acknowledged.size(), 8U);
  const Result<Found> found = co_await Recover(path);
  CO_ASSERT_OK(found);
  std::set<std::string> there;
  for (const std::string& record : found->records) {
    there.insert(record.substr(0, record.find_last_of(' ')));
  }
  for (const std::string& name : acknowledged) {
    EXPECT_TRUE(there.contains(name)) << name;
  }
}

TEST(LogWriterSweepTest, KeepsWhatItHasAcknowledged) {
  const TempDir dir("/dev/shm");  // hundreds of syncs
  const std::string path = dir / "log";
  std::set<std::string> acknowledged;
  const auto scenario = [&]() -> Task<Result<void>> {
    std::filesystem::remove(path);
    acknowledged.clear();
    EDDY_CO_TRY(const auto log, co_await Log::Open(path));
    log_writer::Load load;
    load.writers = 2;
    load.records = 2;
    load.size = 0;
    load.run = "run";
    load.acknowledged = [&](std::string_view name) {
      acknowledged.emplace(name);
    };
    co_return co_await Write(*log, load);
  };
  eddy::SweepOptions options;
  options.check = [&]() -> std::string {
    const Result<Found> found = eddy::SyncWait(Recover(path));
    if (!found) return found.error().message();
    std::set<std::string> there;
    for (const std::string& record : found->records) {
      there.insert(record.substr(0, record.find_last_of(' ')));
    }
    for (const std::string& name : acknowledged) {
      if (!there.contains(name)) return name + " is lost";
    }
    return "";
  };
  eddy::test::ExpectCleanSweeps(scenario, {.stops = 10, .failures = 8},
                                options);
}

// kill -9, again and again, on one log.
TEST(LogWriterProgramTest, LosesNothingWhereItIsKilled) {
  const TempDir dir;
  const std::string path = dir / "log";
  std::vector<std::string> acknowledged;
  for (int round = 0; round < 8; ++round) {
    Program program({Program::Example("log_writer"), "--log", path, "--acks",
                     "--writers=16", "--records=1000000", "--size=300"});
    for (int i = 0; i < 1 + 37 * round; ++i) {
      acknowledged.push_back(program.ReadLine());
    }
    program.Signal(SIGKILL);
    EXPECT_EQ(program.Wait(), 128 + SIGKILL);
    std::istringstream rest(program.ReadOutput());
    for (std::string line; std::getline(rest, line) && !rest.eof();) {
      acknowledged.push_back(line);
    }
  }
  Program dump({Program::Example("log_writer"), "--log", path, "--dump"});
  std::istringstream records(dump.ReadOutput());
  EXPECT_EQ(dump.Wait(), 0);
  std::set<std::string> there;
  for (std::string record; std::getline(records, record);) {
    EXPECT_EQ(record.size(), 300U) << record;
    there.insert(record.substr(0, record.find_last_of(' ')));
  }
  EXPECT_GE(acknowledged.size(), 1000U);
  for (const std::string& name : acknowledged) {
    EXPECT_TRUE(there.contains(name)) << name;
  }
}

TEST(LogWriterProgramTest, EndsWithASignalAndSaysWhatIsWrong) {
  const TempDir dir;
  {
    Program program({Program::Example("log_writer"), "--log", dir / "log",
                     "--acks", "--records=1000000"});
    program.ReadLine();
    program.Signal(SIGTERM);
    program.ReadOutput();
    EXPECT_EQ(program.Wait(), 0);
  }
  Program nowhere({Program::Example("log_writer"), "--log", dir / "no/log"});
  EXPECT_NE(nowhere.ReadErrors().find("No such file"), std::string::npos);
  EXPECT_EQ(nowhere.Wait(), 1);
  Program without({Program::Example("log_writer")});
  EXPECT_NE(without.ReadErrors().find("--log"), std::string::npos);
  EXPECT_EQ(without.Wait(), 2);
}

}  // namespace
}  // namespace log_writer
