#include <eddy/fs/writer.h>

#include "tests/chaos.h"
#include "tests/fs/small_disk.h"
#include "tests/io/io_test_util.h"

#include <eddy/fs/reader.h>
#include <eddy/io/copy.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/sweeps.h"

namespace eddy::fs {
namespace {

using namespace std::chrono_literals;
using fs_test::SmallDisk;
using io_test::Bytes;
using io_test::Load;
using io_test::Pattern;
using io_test::Store;
using io_test::TempDir;
using io_test::Text;

WriterOptions Chunks(std::size_t size, unsigned depth) {
  WriterOptions options;
  options.chunk_size = size;
  options.depth = depth;
  return options;
}

CO_TEST(WriterTest, WritesAllOfIt) {
  const TempDir dir;
  for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, 1000U}) {
    const std::vector<std::byte> contents = Pattern(size);
    for (const unsigned depth : {1U, 2U, 5U}) {
      for (const std::size_t part : {1U, 50U, 64U, 1000U}) {
        Result<File> file =
            co_await File::Open(dir / "file", OpenOptions::Rewrite());
        CO_ASSERT_OK(file);
        Writer writer(*std::move(file), Chunks(64, depth));
        for (std::size_t at = 0; at < size; at += part) {
          std::size_t taken = 0;
          const std::size_t n = std::min(part, size - at);
          CO_ASSERT_OK(co_await writer.Write(std::span(contents).subspan(at, n),
                                             &taken));
          EXPECT_EQ(taken, n);
          EXPECT_EQ(writer.position(), at + n);
          EXPECT_LE(writer.written(), writer.position());
        }
        CO_ASSERT_OK(co_await writer.Close());
        EXPECT_EQ(writer.written(), size);
        EXPECT_EQ(Load(dir / "file"), Text(contents));
      }
    }
  }
}

CO_TEST(WriterTest, BeginsWhereItIsTold) {
  const TempDir dir;
  Store(dir / "file", "0123456789");
  Result<File> file =
      co_await File::Open(dir / "file", OpenOptions::ReadWrite());
  CO_ASSERT_OK(file);
  WriterOptions options = Chunks(4, 2);
  options.offset = 3;
  Writer writer(*std::move(file), options);
  CO_EXPECT_OK(co_await writer.Write("abc"));
  CO_EXPECT_OK(co_await writer.Flush());
  EXPECT_EQ(Load(dir / "file"), "012abc6789");
  CO_EXPECT_OK(co_await writer.Flush());
  CO_EXPECT_OK(co_await writer.Write("defghijkl"));
  CO_EXPECT_OK(co_await writer.Sync());
  EXPECT_EQ(Load(dir / "file"), "012abcdefghijkl");
  CO_EXPECT_OK(co_await writer.Close());
}

CO_TEST(WriterTest, DropsWhatIsNotFlushed) {
  const TempDir dir;
  {
    Result<File> file =
        co_await File::Open(dir / "file", OpenOptions::Rewrite());
    CO_ASSERT_OK(file);
    Writer writer(*std::move(file), Chunks(4, 2));
    CO_EXPECT_OK(co_await writer.Write("01"));
  }
  EXPECT_EQ(Load(dir / "file"), "");
}

// The first error stays, and written() tells what is whole.
CO_TEST(WriterTest, TellsOfAFullDisk) {
  const SmallDisk disk("64k");
  if (!disk.mounted()) CO_SKIP("may not mount");
  Result<File> file =
      co_await File::Open(disk.path() + "/file", OpenOptions::Rewrite());
  CO_ASSERT_OK(file);
  Writer writer(*std::move(file), Chunks(4096, 4));
  const std::vector<std::byte> contents = Pattern(256 * 1024);
  std::size_t taken = 0;
  CO_EXPECT_ERROR(co_await writer.Write(contents, &taken),
                  std::errc::no_space_on_device);
  EXPECT_LT(taken, contents.size());
  CO_EXPECT_ERROR(co_await writer.Write("x", &taken),
                  std::errc::no_space_on_device);
  EXPECT_EQ(taken, 0U);
  CO_EXPECT_ERROR(co_await writer.Flush(), std::errc::no_space_on_device);
  CO_EXPECT_ERROR(co_await writer.Sync(), std::errc::no_space_on_device);
  CO_EXPECT_ERROR(co_await writer.Close(), std::errc::no_space_on_device);
  const std::string there = Load(disk.path() + "/file");
  EXPECT_GT(writer.written(), 0U);
  CO_ASSERT_LE(writer.written(), there.size());
  EXPECT_EQ(there.substr(0, writer.written()),
            Text(std::span(contents).first(writer.written())));
}

CO_TEST(WriterTest, TellsTheErrorAtTheFlush) {
  Result<File> file =
      co_await File::Open("/dev/full", OpenOptions::ReadWrite());
  CO_ASSERT_OK(file);
  Writer writer(*std::move(file));
  CO_EXPECT_OK(co_await writer.Write("x"));
  CO_EXPECT_ERROR(co_await writer.Flush(), std::errc::no_space_on_device);
  EXPECT_EQ(writer.written(), 0U);
}

CO_TEST(WriterTest, GoesOnAfterAStop) {
  const TempDir dir;
  const std::vector<std::byte> contents = Pattern(5000);
  Result<File> file = co_await File::Open(dir / "file", OpenOptions::Rewrite());
  CO_ASSERT_OK(file);
  Writer writer(*std::move(file), Chunks(100, 2));
  StopSource stopped;
  stopped.RequestStop();
  int stops = 0;
  for (std::size_t done = 0; done < contents.size();) {
    std::size_t taken = 0;
    const auto rest = std::span(contents).subspan(done);
    const Result<void> wrote =
        co_await WithStop(stopped.token(), writer.Write(rest, &taken));
    done += taken;
    if (wrote) break;
    CO_ASSERT_EQ(wrote.error(), kCanceled);
    ++stops;
    const auto one = std::span(contents).subspan(done, done < 5000 ? 1 : 0);
    CO_ASSERT_OK(co_await writer.Write(one, &taken));
    done += taken;
  }
  EXPECT_GE(stops, 1);
  static_cast<void>(co_await WithTimeout(0ms, writer.Flush()));
  CO_EXPECT_OK(co_await writer.Close());
  EXPECT_EQ(Load(dir / "file"), Text(contents));
}

CO_TEST(WriterTest, WritesDirectlyWhateverTheLength) {
  const TempDir dir;
  OpenOptions open = OpenOptions::Rewrite();
  open.direct = true;
  for (const bool registered : {false, true}) {
    for (const std::size_t size : {1U, 4096U, 5000U, 70'000U}) {
      const std::vector<std::byte> contents = Pattern(size);
      Result<File> file = co_await File::Open(dir / "file", open);
      if (!file) CO_SKIP("no O_DIRECT on the file system of /tmp");
      if (!file->alignment().known()) CO_SKIP("alignment is not told");
      WriterOptions options = Chunks(16 * 1024, 3);
      options.registered = registered;
      Writer writer(*std::move(file), options);
      CO_ASSERT_OK(co_await writer.Write(contents));
      CO_ASSERT_OK(co_await writer.Flush());
      EXPECT_EQ(Load(dir / "file"), Text(contents));
      // And on, from where no transfer could begin.
      CO_ASSERT_OK(co_await writer.Write(contents));
      CO_ASSERT_OK(co_await writer.Flush());
      CO_ASSERT_OK(co_await writer.Flush());
      CO_ASSERT_OK(co_await writer.Write("end"));
      CO_ASSERT_OK(co_await writer.Close());
      EXPECT_EQ(Load(dir / "file"), Text(contents) + Text(contents) + "end");
    }
  }
  Result<File> file = co_await File::Open(dir / "file", open);
  CO_ASSERT_OK(file);
  Writer odd(*std::move(file), Chunks(1000, 2));
  CO_EXPECT_ERROR(co_await odd.Write(Pattern(5000)), kMisalignedLength);
}

// A flush that is stopped leaves a padded chunk under way, and what is written
// next goes where its padding went.
CO_TEST(WriterTest, GoesOnAfterAStoppedFlushOfADirectFile) {
  const TempDir dir;
  OpenOptions open = OpenOptions::Rewrite();
  open.direct = true;
  StopSource stopped;
  stopped.RequestStop();
  for (int i = 0; i < 20; ++i) {
    Result<File> file = co_await File::Open(dir / "file", open);
    if (!file) CO_SKIP("no O_DIRECT on the file system of /tmp");
    if (!file->alignment().known()) CO_SKIP("alignment is not told");
    const std::vector<std::byte> contents = Pattern(70'000);
    Writer writer(*std::move(file), Chunks(64 * 1024, 4));
    const std::span all(contents);
    CO_ASSERT_OK(co_await writer.Write(all.first(1000)));
    CO_EXPECT_ERROR(co_await WithStop(stopped.token(), writer.Flush()),
                    kCanceled);
    CO_ASSERT_OK(co_await writer.Write(all.subspan(1000, 20'000)));
    CO_EXPECT_ERROR(co_await WithStop(stopped.token(), writer.Flush()),
                    kCanceled);
    EXPECT_LE(writer.written(), writer.position());
    CO_ASSERT_OK(co_await writer.Write(all.subspan(21'000)));
    CO_ASSERT_OK(co_await writer.Close());
    EXPECT_EQ(Load(dir / "file"), Text(contents));
  }
}

CO_TEST(WriterTest, KeepsTheOrderInAFileOpenedToAppend) {
  const TempDir dir;
  Store(dir / "file", "before");
  const std::vector<std::byte> contents = Pattern(64 * 1024);
  Result<File> file =
      co_await File::Open(dir / "file", OpenOptions::AppendTo());
  CO_ASSERT_OK(file);
  Writer writer(*std::move(file), Chunks(4096, 4));
  CO_ASSERT_OK(co_await writer.Write(contents));
  CO_ASSERT_OK(co_await writer.Close());
  EXPECT_EQ(Load(dir / "file"), "before" + Text(contents));
  OpenOptions direct = OpenOptions::AppendTo();
  direct.direct = true;
  file = co_await File::Open(dir / "file", direct);
  if (!file || !file->alignment().known()) CO_SKIP("no O_DIRECT");
  Writer refused(*std::move(file));
  CO_EXPECT_ERROR(co_await refused.Write("x"), std::errc::invalid_argument);
}

CO_TEST(WriterTest, IsASinkOfCopy) {
  const TempDir dir;
  const std::string contents = Text(Pattern(300'000));
  Store(dir / "from", contents);
  Result<File> from = co_await File::Open(dir / "from");
  Result<File> to = co_await File::Open(dir / "to", OpenOptions::Rewrite());
  CO_ASSERT_OK(from);
  CO_ASSERT_OK(to);
  Reader reader(*std::move(from));
  Writer writer(*std::move(to));
  CO_EXPECT_OK(co_await io::Copy(reader, writer));
  CO_EXPECT_OK(co_await writer.Close());
  EXPECT_EQ(Load(dir / "to"), contents);
}

TEST(WriterSweepTest, WritesAllOrTellsTheError) {
  const TempDir dir;
  const std::string contents = Text(Pattern(1000));
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(File file,
                co_await File::Open(dir / "file", OpenOptions::Rewrite()));
    Writer writer(std::move(file), Chunks(150, 3));
    EDDY_CO_CHECK(co_await writer.Write(contents));
    EDDY_CO_CHECK(co_await writer.Sync());
    EDDY_CO_CHECK(co_await writer.Write(contents));
    EDDY_CO_CHECK(co_await writer.Close());
    co_return Load(dir / "file") == contents + contents
        ? Result<void>()
        : Unexpected(std::errc::bad_message);
  };
  test::ExpectCleanSweeps(scenario, {.stops = 15, .failures = 12});
}

TEST(WriterDeathTest, NeedsChunks) {
  EXPECT_DEATH(Writer(File(), Chunks(0, 1)), "chunk_size");
}

}  // namespace
}  // namespace eddy::fs
