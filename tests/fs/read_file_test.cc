#include <eddy/fs/read_file.h>

#include "tests/io/io_test_util.h"

#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/with_stop.h>

#include <sys/stat.h>

#include <fstream>

namespace eddy::fs {
namespace {

using io_test::Check;
using io_test::InScope;
using io_test::Load;
using io_test::Pattern;
using io_test::Store;
using io_test::TempDir;
using io_test::Text;
using io_test::Turn;

CO_TEST(ReadFileTest, ReadsFilesOfAnySize) {
  const TempDir dir;
  // The borders of its buffer among them.
  constexpr std::size_t kSizes[] = {0,    1,    4094, 4095,    4096,      4097,
                                    8191, 8192, 8193, 100'000, 10'000'000};
  for (const std::size_t size : kSizes) {
    const std::string contents = Text(Pattern(size));
    Store(dir / "file", contents);
    const Result<std::string> read = co_await ReadFile(dir / "file");
    CO_ASSERT_OK(read);
    EXPECT_TRUE(*read == contents) << size;
  }
}

// Files of /proc tell a size of 0.
CO_TEST(ReadFileTest, ReadsFilesThatTellNoSize) {
  const Result<std::string> version = co_await ReadFile("/proc/version");
  CO_ASSERT_OK(version);
  EXPECT_EQ(*version, Load("/proc/version"));
  // A larger one that does not change.
  const Result<std::string> symbols = co_await ReadFile("/proc/kallsyms");
  CO_ASSERT_OK(symbols);
  EXPECT_GT(symbols->size(), 100'000U);
  EXPECT_TRUE(*symbols == Load("/proc/kallsyms"));
}

CO_TEST(ReadFileTest, RefusesMoreThanTheLimit) {
  const TempDir dir;
  constexpr std::size_t kSizes[] = {1, 100, 4096, 5000};
  for (const std::size_t size : kSizes) {
    const std::string contents = Text(Pattern(size));
    Store(dir / "file", contents);
    CO_EXPECT_ERROR(co_await ReadFile(dir / "file", size - 1),
                    std::errc::file_too_large)
        << size;
    CO_EXPECT_EQ(co_await ReadFile(dir / "file", size), contents) << size;
  }
  Store(dir / "file", "");
  CO_EXPECT_EQ(co_await ReadFile(dir / "file", 0), "");
  // Where the size is not told before.
  CO_EXPECT_ERROR(co_await ReadFile("/proc/version", 10),
                  std::errc::file_too_large);
  CO_EXPECT_ERROR(co_await ReadFile("/proc/kallsyms", 50'000),
                  std::errc::file_too_large);
  // Without an end.
  CO_EXPECT_ERROR(co_await ReadFile("/dev/zero", 100'000),
                  std::errc::file_too_large);
}

CO_TEST(ReadFileTest, GivesTheErrorsOfTheFile) {
  const TempDir dir;
  CO_EXPECT_ERROR(co_await ReadFile(dir / "missing"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await ReadFile(dir.path()), std::errc::is_a_directory);
  CO_EXPECT_ERROR(co_await ReadFile(std::string("/tmp\0/x", 7)),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await ReadFile("/proc/self/mem", 100),
                  std::errc::io_error);
}

CO_TEST(ReadFileTest, Stops) {
  const TempDir dir;
  Store(dir / "file", Text(Pattern(100'000)));
  StopSource source;
  source.RequestStop();
  CO_EXPECT_ERROR(co_await WithStop(source.token(), ReadFile(dir / "file")),
                  kCanceled);
  for (int turns = 0; turns < 10; ++turns) {
    co_await InScope([&](TaskScope& scope) -> Task<void> {
      scope.Spawn([&]() -> Task<void> {
        const Result<std::string> read = co_await ReadFile(dir / "file");
        if (read) {
          EXPECT_EQ(read->size(), 100'000U);
        } else {
          CO_EXPECT_ERROR(read, kCanceled);
        }
      });
      for (int i = 0; i < turns; ++i) co_await Turn();
      scope.RequestStop();
    });
  }
}

}  // namespace
}  // namespace eddy::fs
