#include <eddy/fs/reader.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <eddy/io/buffered_reader.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/sweeps.h"

namespace eddy::fs {
namespace {

using namespace std::chrono_literals;
using io_test::Pattern;
using io_test::Store;
using io_test::TempDir;
using io_test::Text;

// All that is left, by Next.
Task<Result<std::string>> Rest(Reader& reader) {
  std::string all;
  while (true) {
    EDDY_CO_TRY(const std::span<const std::byte> bytes, co_await reader.Next());
    if (bytes.empty()) co_return all;
    all += Text(bytes);
  }
}

// The same by Read.
Task<Result<std::string>> RestByRead(Reader& reader, std::size_t size) {
  std::string all;
  std::vector<std::byte> buffer(size);
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await reader.Read(buffer));
    if (n == 0) co_return all;
    all += Text(std::span(buffer).first(n));
  }
}

CO_TEST(ReaderTest, GivesTheWholeFile) {
  const TempDir dir;
  for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, 1000U}) {
    const std::string contents = Text(Pattern(size));
    Store(dir / "file", contents);
    for (const unsigned depth : {1U, 2U, 3U, 7U}) {
      ReaderOptions options;
      options.chunk_size = 64;
      options.depth = depth;
      Result<File> file = co_await File::Open(dir / "file");
      CO_ASSERT_OK(file);
      Reader reader(*std::move(file), options);
      CO_EXPECT_EQ(co_await Rest(reader), contents) << size << " " << depth;
      EXPECT_EQ(reader.position(), size);
      CO_EXPECT_EQ(co_await Rest(reader), "");
      file = co_await File::Open(dir / "file");
      CO_ASSERT_OK(file);
      options.offset = size / 2;
      Reader second(*std::move(file), options);
      CO_EXPECT_EQ(co_await RestByRead(second, 50), contents.substr(size / 2));
      EXPECT_EQ(second.position(), size);
    }
  }
}

CO_TEST(ReaderTest, MixesReadAndNext) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const TempDir dir;
  Store(dir / "file", "0123456789");
  Result<File> file = co_await File::Open(dir / "file");
  CO_ASSERT_OK(file);
  ReaderOptions options;
  options.chunk_size = 8;
  Reader reader(*std::move(file), options);
  std::vector<std::byte> two(2);
  CO_EXPECT_EQ(co_await reader.Read(two), 2U);
  EXPECT_EQ(reader.position(), 2U);
  Result<std::span<const std::byte>> rest = co_await reader.Next();
  CO_ASSERT_OK(rest);
  EXPECT_EQ(Text(*rest), "234567");
  CO_EXPECT_EQ(co_await reader.Read({}), 0U);
  CO_EXPECT_EQ(co_await reader.Read(two), 2U);
  EXPECT_EQ(Text(two), "89");
  CO_EXPECT_EQ(co_await reader.Read(two), 0U);
}

CO_TEST(ReaderTest, GivesWhatAFileHasGrownBy) {
  const TempDir dir;
  Store(dir / "file", "0123456789");
  Result<File> file = co_await File::Open(dir / "file");
  CO_ASSERT_OK(file);
  ReaderOptions options;
  options.chunk_size = 4;
  Reader reader(*std::move(file), options);
  std::string expected = "0123456789";
  CO_EXPECT_EQ(co_await Rest(reader), expected);
  for (int i = 0; i < 5; ++i) {
    const std::string more(static_cast<std::size_t>(3 + i), 'x');
    std::ofstream(dir / "file", std::ios::app) << more;
    CO_EXPECT_EQ(co_await Rest(reader), more);
    expected += more;
    EXPECT_EQ(reader.position(), expected.size());
  }
}

CO_TEST(ReaderTest, EndsWhereAFileHasShrunk) {
  const TempDir dir;
  Store(dir / "file", std::string(1000, 'x'));
  Result<File> file = co_await File::Open(dir / "file");
  CO_ASSERT_OK(file);
  ReaderOptions options;
  options.chunk_size = 10;
  Reader reader(*std::move(file), options);
  CO_EXPECT_OK(co_await reader.Next());
  std::filesystem::resize_file(dir / "file", 5);
  const Result<std::string> rest = co_await Rest(reader);
  CO_ASSERT_OK(rest);
  EXPECT_LE(rest->size(), 70U);
  CO_EXPECT_EQ(co_await Rest(reader), "");
}

CO_TEST(ReaderTest, GivesTheErrorAndTriesAgain) {
  const TempDir dir;
  Result<File> file = co_await File::Open(dir.path());
  CO_ASSERT_OK(file);
  Reader reader(*std::move(file));
  for (int i = 0; i < 3; ++i) {
    CO_EXPECT_ERROR(co_await reader.Next(), std::errc::is_a_directory);
    EXPECT_EQ(reader.position(), 0U);
  }
  Reader none{File()};
  CO_EXPECT_ERROR(co_await none.Next(), std::errc::bad_file_descriptor);
}

CO_TEST(ReaderTest, LosesNothingWhereItIsStopped) {
  const TempDir dir;
  const std::string contents = Text(Pattern(5000));
  Store(dir / "file", contents);
  ReaderOptions options;
  options.chunk_size = 100;
  options.depth = 3;
  Result<File> file = co_await File::Open(dir / "file");
  CO_ASSERT_OK(file);
  Reader reader(*std::move(file), options);
  StopSource stopped;
  stopped.RequestStop();
  std::string all;
  int stops = 0;
  while (true) {
    // (It gives what is there already.)
    auto next = co_await WithStop(stopped.token(), reader.Next());
    if (!next) {
      CO_EXPECT_ERROR(next, kCanceled);
      ++stops;
      next = co_await reader.Next();
      CO_ASSERT_OK(next);
    }
    if (next->empty()) break;
    all += Text(*next);
  }
  EXPECT_GE(stops, 1);
  EXPECT_EQ(all, contents);
}

CO_TEST(ReaderTest, MayEndWithChunksOnTheirWay) {
  const TempDir dir;
  Store(dir / "file", std::string(1 << 20, 'x'));
  for (int chunks = 0; chunks < 6; ++chunks) {
    OpenOptions open;
    open.direct = true;
    Result<File> file = co_await File::Open(dir / "file", open);
    if (!file) CO_SKIP("no O_DIRECT on the file system of /tmp");
    ReaderOptions options;
    options.chunk_size = 64 * 1024;
    options.depth = 4;
    Reader reader(*std::move(file), options);
    for (int i = 0; i < chunks; ++i) CO_EXPECT_OK(co_await reader.Next());
    if (chunks == 5) {
      static_cast<void>(co_await WithTimeout(0ms, reader.Next()));
    }
  }
}

CO_TEST(ReaderTest, IsASourceOfLines) {
  const TempDir dir;
  std::string contents;
  for (int i = 0; i < 500; ++i) contents += std::to_string(i * i) + "\n";
  Store(dir / "file", contents);
  Result<File> file = co_await File::Open(dir / "file");
  CO_ASSERT_OK(file);
  ReaderOptions options;
  options.chunk_size = 70;
  Reader reader(*std::move(file), options);
  io::BufferedReader lines(reader);
  for (int i = 0; i < 500; ++i) {
    CO_EXPECT_EQ(co_await lines.ReadLine(), std::to_string(i * i));
  }
  CO_EXPECT_ERROR(co_await lines.ReadLine(), kEndOfStream);
}

CO_TEST(ReaderTest, ReadsDirectlyIntoRegisteredMemory) {
  const TempDir dir;
  for (const std::size_t size : {0U, 100U, 8192U, 100'000U}) {
    const std::string contents = Text(Pattern(size));
    Store(dir / "file", contents);
    OpenOptions open;
    open.direct = true;
    Result<File> file = co_await File::Open(dir / "file", open);
    if (!file) CO_SKIP("no O_DIRECT on the file system of /tmp");
    ReaderOptions options;
    options.chunk_size = 8192;
    options.registered = true;
    Reader reader(*std::move(file), options);
    CO_EXPECT_EQ(co_await Rest(reader), contents);
    CO_EXPECT_EQ(co_await Rest(reader), "");
    if (reader.file().alignment().known()) {
      std::ofstream(dir / "file", std::ios::app) << "more";
      CO_EXPECT_EQ(co_await Rest(reader), "more");
    }
  }
}

TEST(ReaderSweepTest, GivesAllOrTheError) {
  const TempDir dir;
  const std::string contents = Text(Pattern(1000));
  Store(dir / "file", contents);
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(File file, co_await File::Open(dir / "file"));
    ReaderOptions options;
    options.chunk_size = 150;
    options.depth = 3;
    Reader reader(std::move(file), options);
    EDDY_CO_TRY(const std::string got, co_await Rest(reader));
    co_return got == contents ? Result<void>()
                              : Unexpected(std::errc::bad_message);
  };
  test::ExpectCleanSweeps(scenario, {.stops = 10, .failures = 8});
}

TEST(ReaderDeathTest, NeedsChunks) {
  ReaderOptions options;
  options.depth = 0;
  EXPECT_DEATH(Reader(File(), options), "depth");
}

}  // namespace
}  // namespace eddy::fs
