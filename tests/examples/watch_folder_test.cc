// watch_folder prints what changes, and ends well.
#include <eddy/io/read.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/virtual_clock.h>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "examples/watch_folder/lines.h"
#include "tests/examples/program.h"
#include "tests/io/descriptor_limit.h"
#include "tests/io/io_test_util.h"

namespace eddy::testing_examples {
namespace {

using io_test::Store;
using io_test::TempDir;

TEST(WatchFolderTest, PrintsWhatChangesUntilASignalComes) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "a");
  Program watch({Program::Example("watch_folder"), "--recursive", dir.path()});
  EXPECT_EQ(watch.ReadLine(), "watching " + dir.path());
  Store(dir / "a/new\nline", "contents");
  std::filesystem::rename(dir / "a", dir / "b");
  std::filesystem::remove(dir / "b/new\nline");
  for (const char* line :
       {"created a/new\\nline", "modified a/new\\nline", "written a/new\\nline",
        "moved a/ to b/", "removed b/new\\nline"}) {
    EXPECT_EQ(watch.ReadLine(), line);
  }
  watch.Signal(SIGINT);
  EXPECT_EQ(watch.Wait(), 0);
  EXPECT_EQ(watch.ReadOutput(), "");
  EXPECT_EQ(watch.ReadErrors(), "");
}

TEST(WatchFolderTest, EndsWhenTheFolderHasGone) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "a");
  Program watch({Program::Example("watch_folder"), dir / "a"});
  EXPECT_EQ(watch.ReadLine(), "watching " + (dir / "a"));
  std::filesystem::rename(dir / "a", dir / "b");
  EXPECT_EQ(watch.Wait(), 0);
  EXPECT_EQ(watch.ReadOutput(),
            "gone: the folder was removed, moved or unmounted\n");
}

TEST(WatchFolderTest, SaysWhyAFolderCannotBeWatched) {
  Program watch({Program::Example("watch_folder"), "/missing"});
  EXPECT_EQ(watch.Wait(), 1);
  EXPECT_EQ(watch.ReadErrors(),
            "watch_folder: /missing: No such file or directory\n");
}

CO_TEST(WatchFolderTest, WaitsForDescriptors) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  const TempDir dir;
  const io_test::Pipe pipe;
  fs::WatchOptions options;
  options.recursive = true;
  std::array<std::byte, 4096> buffer;
  const auto read = [&]() -> Task<std::string> {
    std::string line;
    while (!line.ends_with('\n')) {
      const Result<std::size_t> n =
          co_await io::Read(pipe.reader, std::span(buffer));
      if (!n) co_return n.error().message();
      line += io_test::Text(std::span(buffer).first(*n));
    }
    co_return line;
  };
  co_await io_test::InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await watch_folder::WriteChanges(dir / "watched", options,
                                                       pipe.writer));
    });
    std::filesystem::create_directory(dir / "watched");
    CO_EXPECT_EQ(co_await read(), "watching " + (dir / "watched\n"));
    for (int i = 0; i < 10; ++i) co_await io_test::Turn();
    {
      const VirtualClock clock;
      const io_test::DescriptorLimit limit;
      std::filesystem::create_directory(dir / "watched/new");
      co_await io_test::Pause(std::chrono::seconds(1));
    }
    CO_EXPECT_EQ(co_await read(), "created new/\n");
    std::filesystem::rename(dir / "watched", dir / "away");
    CO_EXPECT_EQ(co_await read(),
                 "gone: the folder was removed, moved or unmounted\n");
  });
}

TEST(WatchFolderTest, TellsEachKindOfChange) {
  fs::WatchEvent event;
  event.change = fs::WatchChange::kMoved;
  event.from = "a\x1b";
  event.path = "b";
  EXPECT_EQ(watch_folder::LineOf(event), "moved a\\033 to b\n");
  // Beyond ASCII: letters; controls; what is no UTF-8.
  event.from = "\u00e9\u20ac\U0001f600";
  event.path = "\xc2\x9b\x9b\xc3\xe2\x82\xed\xa0\x80\xc0\xaf";
  EXPECT_EQ(watch_folder::LineOf(event),
            "moved \u00e9\u20ac\U0001f600 to "
            "\\302\\233\\233\\303\\342\\202\\355\\240\\200\\300\\257\n");
  event.change = fs::WatchChange::kAttributes;
  event.is_directory = true;
  event.path = "";
  EXPECT_EQ(watch_folder::LineOf(event), "attributes ./\n");
  event.change = fs::WatchChange::kNotWatched;
  event.path = "c";
  event.error = std::errc::permission_denied;
  EXPECT_EQ(watch_folder::LineOf(event), "not watched c/: Permission denied\n");
  event.change = fs::WatchChange::kOverflow;
  EXPECT_EQ(watch_folder::LineOf(event),
            "overflow: events were lost, look at everything again\n");
}

}  // namespace
}  // namespace eddy::testing_examples
