// How a Watch ends, and what it cannot do: overflows, errors, limits.
#include <eddy/fs/watch.h>

#include "tests/fs/small_disk.h"
#include "tests/fs/watch_test_util.h"
#include "tests/io/descriptor_limit.h"
#include "tests/io/io_test_util.h"

#include <eddy/runtime/testing/sweep.h>

#include <sched.h>
#include <sys/inotify.h>
#include <sys/mount.h>

#include <fstream>
#include <functional>
#include <string>
#include <string_view>

namespace eddy::fs {
namespace {

using fs_test::Describe;
using fs_test::Events;
using fs_test::MakeFile;
using fs_test::MakeFolder;
using fs_test::Move;
using fs_test::OpenRecursive;
using fs_test::WatchTest;
using io_test::Check;
using io_test::TempDir;

CO_TEST_F(WatchTest, ReportsAnOverflowAndWatchesWhatItHasMissed) {
  std::size_t most = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
  CO_ASSERT_NE(most, 0U);
  if (most > 500'000) CO_SKIP("fs.inotify.max_queued_events is too large");
  MakeFolder(*this / "old");
  Result<Watch> watch = co_await OpenRecursive(root());
  CO_ASSERT_OK(watch);
  MakeFile(*this / "x");
  MakeFile(*this / "y");
  for (std::size_t i = 0; i <= most / 2; ++i) {
    IO_TEST_CHECK(chmod((*this / "x").c_str(), 0600));
    IO_TEST_CHECK(chmod((*this / "y").c_str(), 0600));
  }
  IO_TEST_CHECK(rmdir((*this / "old").c_str()));
  MakeFolder(*this / "new");
  std::size_t before = 0;
  while (true) {
    const Result<WatchEvent> event = co_await watch->Next();
    CO_ASSERT_OK(event);
    if (event->change == WatchChange::kOverflow) break;
    ++before;
  }
  EXPECT_GE(before, most - most / 10);
  MakeFile(*this / "new/f");
  const Events expected = {"created new/f"};
  CO_EXPECT_EQ((co_await Until(*watch)).value(), expected);
}

CO_TEST(WatchEndTest, TheLastEventIsThatTheFolderHasGone) {
  const std::function<void(const std::string&)> ends[] = {
      [](const std::string& path) { IO_TEST_CHECK(rmdir(path.c_str())); },
      [](const std::string& path) { Move(path, path + ".away"); }};
  for (const auto& end : ends) {
    for (const bool recursive : {false, true}) {
      const TempDir dir;
      MakeFolder(dir / "watched");
      WatchOptions options;
      options.recursive = recursive;
      Result<Watch> watch = co_await Watch::Open(dir / "watched", options);
      CO_ASSERT_OK(watch);
      end(dir / "watched");
      Result<WatchEvent> event = co_await watch->Next();
      CO_ASSERT_OK(event);
      // The number of its links, before.
      if (event->change == WatchChange::kAttributes) {
        event = co_await watch->Next();
        CO_ASSERT_OK(event);
      }
      EXPECT_EQ(Describe(*event), "gone");
      CO_EXPECT_ERROR(co_await watch->Next(), kEndOfStream);
      CO_EXPECT_ERROR(co_await watch->Next(), kEndOfStream);
    }
  }
}

// The way to it has another name, of which the kernel says nothing.
CO_TEST(WatchEndTest, EndsWhereANewFolderCanNoLongerBeReached) {
  const TempDir dir;
  MakeFolder(dir / "a");
  MakeFolder(dir / "a/watched");
  Result<Watch> watch = co_await OpenRecursive(dir / "a/watched");
  CO_ASSERT_OK(watch);
  Move(dir / "a", dir / "b");
  MakeFolder(dir / "b/watched/new");
  const Result<WatchEvent> first = co_await watch->Next();
  CO_ASSERT_OK(first);
  EXPECT_EQ(Describe(*first), "created new/");
  const Result<WatchEvent> second = co_await watch->Next();
  CO_ASSERT_OK(second);
  EXPECT_EQ(Describe(*second), "gone");
}

CO_TEST(WatchEndTest, AMoveIsToldBeforeThatTheFolderHasGone) {
  const TempDir dir;
  MakeFolder(dir / "a");
  MakeFolder(dir / "a/watched");
  MakeFolder(dir / "a/watched/x");
  Result<Watch> watch = co_await OpenRecursive(dir / "a/watched");
  CO_ASSERT_OK(watch);
  Move(dir / "a/watched/x", dir / "a/watched/y");
  Move(dir / "a", dir / "b");
  const Result<WatchEvent> first = co_await watch->Next();
  CO_ASSERT_OK(first);
  EXPECT_EQ(Describe(*first), "moved x to y/");
  const Result<WatchEvent> second = co_await watch->Next();
  CO_ASSERT_OK(second);
  EXPECT_EQ(Describe(*second), "gone");
  CO_EXPECT_ERROR(co_await watch->Next(), kEndOfStream);
}

CO_TEST(WatchEndTest, TellsThatTheFileSystemWasUnmounted) {
  const fs_test::SmallDisk disk("1m");
  if (!disk.mounted()) CO_SKIP("needs the rights to mount");
  Result<Watch> watch = co_await Watch::Open(disk.path());
  CO_ASSERT_OK(watch);
  // What Open had opened is closed by then.
  for (int i = 0; i < 10; ++i) co_await io_test::Turn();
  IO_TEST_CHECK(umount2(disk.path().c_str(), MNT_DETACH));
  const Result<WatchEvent> event = co_await watch->Next();
  CO_ASSERT_OK(event);
  EXPECT_EQ(Describe(*event), "gone");
}

CO_TEST(WatchEndTest, GivesTheErrorsOfOpening) {
  const TempDir dir;
  MakeFile(dir / "file");
  CO_EXPECT_ERROR(co_await Watch::Open(dir / "missing"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await Watch::Open(dir / "file"),
                  std::errc::not_a_directory);
  CO_EXPECT_ERROR(co_await Watch::Open(std::string("/tmp\0/x", 7)),
                  std::errc::invalid_argument);
}

CO_TEST(WatchEndTest, TellsTheWantOfDescriptors) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  const TempDir dir;
  for (std::size_t left = 0; left < 4; ++left) {
    for (int i = 0; i < 10; ++i) co_await io_test::Turn();
    const io_test::DescriptorLimit limit(left);
    const Result<Watch> watch = co_await OpenRecursive(dir.path());
    if (!watch) {
      EXPECT_EQ(watch.error(), std::errc::too_many_files_open) << left;
    }
  }
}

CO_TEST(WatchEndTest, ANewFolderWaitsForDescriptors) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  const TempDir dir;
  Result<Watch> watch = co_await OpenRecursive(dir.path());
  CO_ASSERT_OK(watch);
  for (int i = 0; i < 10; ++i) co_await io_test::Turn();
  MakeFolder(dir / "d");
  {
    const io_test::DescriptorLimit limit;
    for (int i = 0; i < 3; ++i) {
      CO_EXPECT_ERROR(co_await watch->Next(), std::errc::too_many_files_open);
    }
  }
  const Result<WatchEvent> event = co_await watch->Next();
  CO_ASSERT_OK(event);
  EXPECT_EQ(Describe(*event), "created d/");
}

// What another try does not mend is reported, and does not hold up the rest.
TEST(WatchEndTest, ANewFolderThatCannotBeReadIsReported) {
  int reported = 0;
  const auto scenario = [&]() -> Task<Result<void>> {
    const TempDir dir;
    EDDY_CO_TRY(Watch watch, co_await OpenRecursive(dir.path()));
    MakeFolder(dir / "d");
    MakeFile(dir / "end");
    std::string last;
    while (last != "created end") {
      EDDY_CO_TRY(const WatchEvent event, co_await watch.Next());
      last = Describe(event);
      if (event.change == WatchChange::kNotWatched) {
        EXPECT_EQ(event.path, "d");
        EXPECT_EQ(event.error, std::errc::io_error);
        ++reported;
      }
    }
    co_return Result<void>();
  };
  SweepOptions options;
  options.fail_with = std::errc::io_error;
  EXPECT_EQ(FailAtEveryPoint(scenario, options).failure, "");
  // Its own opening, and that of the way to it.
  EXPECT_GE(reported, 2);
}

bool Write(const char* path, std::string_view text) {
  const int fd = open(path, O_WRONLY);
  const bool written = fd >= 0 && write(fd, text.data(), text.size()) ==
                                      static_cast<ssize_t>(text.size());
  close(fd);
  return written;
}

// Ends this process, a child, with 0 where `body` gives true with a limit on
// this user's watches or instances; with 77 where it cannot have such a limit.
template <class F>
void RunWithLimit(const char* limit, const char* value, F body) {
  const std::string user = "0 " + std::to_string(geteuid()) + " 1";
  if (unshare(CLONE_NEWUSER) != 0 || !Write("/proc/self/uid_map", user) ||
      !Write(limit, value)) {
    _exit(77);
  }
  _exit(body() ? 0 : 1);
}
constexpr char kMostWatches[] = "/proc/sys/user/max_inotify_watches";
constexpr char kMostInstances[] = "/proc/sys/user/max_inotify_instances";
bool HasLimits(int status) {
  return WIFEXITED(status) &&
         (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
}

TEST(WatchLimitTest, TellsThatNoMoreFoldersCanBeWatched) {
  const TempDir dir;
  for (const char* name : {"a", "b", "c"}) MakeFolder(dir / name);
  EXPECT_EXIT(RunWithLimit(kMostWatches, "2",
                           [&] {
                             const Result<Watch> watch =
                                 SyncWait(OpenRecursive(dir.path()));
                             return !watch && watch.error() == kWatchLimit;
                           }),
              HasLimits, "");
  // Later ones are reported, and the rest goes on.
  const auto later = [&]() -> Task<bool> {
    Result<Watch> watch = co_await OpenRecursive(dir.path());
    if (!watch) co_return false;
    MakeFolder(dir / "d");
    MakeFile(dir / "e");
    Events events;
    for (int i = 0; i < 3; ++i) {
      const Result<WatchEvent> event = co_await watch->Next();
      events.push_back(event ? Describe(*event) : event.error().message());
    }
    co_return events[0] == "created d/" &&
        events[1] == "not watched d/: " + kWatchLimit.message() &&
        events[2] == "created e";
  };
  EXPECT_EXIT(
      RunWithLimit(kMostWatches, "4", [&] { return SyncWait(later()); }),
      HasLimits, "");
}

TEST(WatchLimitTest, TellsThatNoMoreInstancesCanBeMade) {
  EXPECT_EXIT(
      RunWithLimit(kMostInstances, "1",
                   [&]() -> bool {
                     const int one = inotify_init1(IN_CLOEXEC);
                     const Result<Watch> watch = SyncWait(Watch::Open("/tmp"));
                     close(one);
                     return !watch && watch.error() == kWatchInstanceLimit;
                   }),
      HasLimits, "");
}

TEST(WatchLimitTest, ReportsFoldersThatMayNotBeRead) {
  if (getuid() != 0) GTEST_SKIP() << "needs the rights to become nobody";
  const TempDir dir;
  IO_TEST_CHECK(chmod(dir.path().c_str(), 0755));
  MakeFolder(dir / "closed");
  const auto body = [&]() -> Task<bool> {
    Result<Watch> watch = co_await OpenRecursive(dir.path());
    if (!watch) co_return false;
    const Result<WatchEvent> event = co_await watch->Next();
    co_return event && event->change == WatchChange::kNotWatched &&
        event->path == "closed" && event->error == std::errc::permission_denied;
  };
  EXPECT_EXIT(
      {
        IO_TEST_CHECK(seteuid(65534));
        _exit(SyncWait(body()) ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace eddy::fs
