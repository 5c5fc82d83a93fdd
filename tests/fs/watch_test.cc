#include <eddy/fs/watch.h>

#include "tests/fs/watch_test_util.h"
#include "tests/io/io_test_util.h"

#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/time.h>
#include <eddy/runtime/with_stop.h>

#include <sys/mount.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include "tests/sweeps.h"

namespace eddy::fs {
namespace {

using fs_test::Describe;
using fs_test::Events;
using fs_test::Exchange;
using fs_test::MakeFile;
using fs_test::MakeFolder;
using fs_test::Move;
using fs_test::OpenRecursive;
using fs_test::WatchTest;
using io_test::Check;
using io_test::InScope;
using io_test::Store;
using io_test::TempDir;
using test::ExpectCleanSweeps;

CO_TEST_F(WatchTest, TellsWhatHappensInAFolder) {
  Result<Watch> watch = co_await Watch::Open(root());
  CO_ASSERT_OK(watch);
  Store(*this / "f", "contents");
  IO_TEST_CHECK(chmod((*this / "f").c_str(), 0600));
  Move(*this / "f", *this / "g");
  IO_TEST_CHECK(unlink((*this / "g").c_str()));
  MakeFolder(*this / "d");
  MakeFile(*this / "d/below");
  Move(*this / "d", *this / "e");
  IO_TEST_CHECK(unlink((*this / "e/below").c_str()));
  IO_TEST_CHECK(rmdir((*this / "e").c_str()));
  IO_TEST_CHECK(chmod(root().c_str(), 0755));
  const Events expected = {"created f",    "modified f",    "written f",
                           "attributes f", "moved f to g",  "removed g",
                           "created d/",   "moved d to e/", "removed e/",
                           "attributes /"};
  CO_EXPECT_EQ((co_await Until(*watch)).value(), expected);
}

CO_TEST_F(WatchTest, WaitsForAnEvent) {
  Result<Watch> watch = co_await Watch::Open(root());
  CO_ASSERT_OK(watch);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (int i = 0; i < 3; ++i) co_await io_test::Turn();
      MakeFile(*this / "f");
    });
    const Result<WatchEvent> event = co_await watch->Next();
    CO_ASSERT_OK(event);
    EXPECT_EQ(Describe(*event), "created f");
  });
}

// Also where the two halves come in different reads.
CO_TEST_F(WatchTest, PairsMoves) {
  Result<Watch> watch = co_await Watch::Open(root());
  CO_ASSERT_OK(watch);
  MakeFile(*this / "f0");
  Events expected = {"created f0"};
  for (int i = 0; i < 1000; ++i) {
    const std::string from = "f" + std::to_string(i);
    const std::string to = "f" + std::to_string(i + 1);
    Move(*this / from, *this / to);
    expected.push_back("moved " + from + " to " + to);
  }
  CO_EXPECT_EQ((co_await Until(*watch)).value(), expected);
}

CO_TEST_F(WatchTest, HalfAMoveIsARemovalOrACreation) {
  const TempDir elsewhere;
  MakeFile(*this / "out");
  MakeFile(elsewhere / "in");
  Result<Watch> watch = co_await Watch::Open(root());
  CO_ASSERT_OK(watch);
  Move(*this / "out", elsewhere / "out");
  // With nothing behind it in the queue.
  const Result<WatchEvent> event = co_await watch->Next();
  CO_ASSERT_OK(event);
  EXPECT_EQ(Describe(*event), "removed out");
  Move(elsewhere / "in", *this / "in");
  Move(*this / "in", elsewhere / "in");
  const Events expected = {"created in", "removed in"};
  CO_EXPECT_EQ((co_await Until(*watch)).value(), expected);
}

CO_TEST_F(WatchTest, WatchesWhatIsBelow) {
  MakeFolder(*this / "a");
  MakeFolder(*this / "a/b");
  Result<Watch> watch = co_await OpenRecursive(root());
  CO_ASSERT_OK(watch);
  MakeFile(*this / "a/b/c");
  IO_TEST_CHECK(chmod((*this / "a/b").c_str(), 0755));
  Move(*this / "a/b/c", *this / "a/c");
  IO_TEST_CHECK(rmdir((*this / "a/b").c_str()));
  const Events expected = {"created a/b/c", "attributes a/b/",
                           "moved a/b/c to a/c", "removed a/b/"};
  CO_EXPECT_EQ((co_await Until(*watch)).value(), expected);
}

// Each once, although it was partly there before its folder was watched, and
// partly came as an event.
CO_TEST_F(WatchTest, ReportsWhatIsInANewFolder) {
  Result<Watch> watch = co_await OpenRecursive(root());
  CO_ASSERT_OK(watch);
  MakeFolder(*this / "a");
  MakeFolder(*this / "a/b");
  MakeFile(*this / "a/b/1");
  Result<WatchEvent> first = co_await watch->Next();
  CO_ASSERT_OK(first);
  EXPECT_EQ(Describe(*first), "created a/");
  MakeFile(*this / "a/b/2");
  const Events expected = {"created a/b/", "created a/b/1", "created a/b/2"};
  CO_EXPECT_EQ((co_await SortedUntil(*watch)).value(), expected);
  MakeFile(*this / "a/b/3");
  IO_TEST_CHECK(unlink((*this / "a/b/1").c_str()));
  MakeFile(*this / "a/b/1");
  const Events later = {"created a/b/3", "removed a/b/1", "created a/b/1"};
  CO_EXPECT_EQ((co_await Until(*watch)).value(), later);
}

CO_TEST_F(WatchTest, FollowsFoldersThatAreMoved) {
  const TempDir elsewhere;
  MakeFolder(elsewhere / "a");
  MakeFolder(elsewhere / "a/b");
  MakeFile(elsewhere / "a/b/1");
  Result<Watch> watch = co_await OpenRecursive(root());
  CO_ASSERT_OK(watch);
  Move(elsewhere / "a", *this / "in");
  const Events moved_in = {"created in/", "created in/b/", "created in/b/1"};
  CO_EXPECT_EQ((co_await Until(*watch)).value(), moved_in);
  Move(*this / "in", *this / "within");
  MakeFile(*this / "within/b/2");
  const Events within = {"moved in to within/", "created within/b/2"};
  CO_EXPECT_EQ((co_await Until(*watch)).value(), within);
  Move(*this / "within", elsewhere / "out");
  const Events moved_out = {"removed within/"};
  CO_EXPECT_EQ((co_await Until(*watch)).value(), moved_out);
  MakeFile(elsewhere / "out/b/3");
  CO_EXPECT_EQ((co_await Until(*watch)).value(), Events());
  Move(elsewhere / "out", *this / "back");
  const Events back = {"created back/", "created back/b/", "created back/b/1",
                       "created back/b/2", "created back/b/3"};
  CO_EXPECT_EQ((co_await SortedUntil(*watch)).value(), back);
  MakeFile(*this / "back/b/4");
  const Events after = {"created back/b/4"};
  CO_EXPECT_EQ((co_await Until(*watch)).value(), after);
}

// By the time that the first event is handled, other folders have the names.
CO_TEST_F(WatchTest, IsNotConfusedByNamesThatChangedHands) {
  MakeFolder(*this / "a");
  Result<Watch> watch = co_await OpenRecursive(root());
  CO_ASSERT_OK(watch);
  MakeFolder(*this / "new");
  Move(*this / "new", *this / "c");
  MakeFolder(*this / "new");
  Move(*this / "a", *this / "b");
  Move(*this / "c", *this / "a");
  Move(*this / "b", *this / "c");
  CO_EXPECT_OK(co_await Until(*watch));
  for (const char* name : {"a", "c", "new"}) {
    MakeFile(*this / (std::string(name) + "/f"));
  }
  const Events expected = {"created a/f", "created c/f", "created new/f"};
  CO_EXPECT_EQ((co_await Until(*watch)).value(), expected);
}

CO_TEST_F(WatchTest, FollowsFoldersThatAreExchanged) {
  for (const char* name : {"a", "a/1", "b", "b/2"}) MakeFolder(*this / name);
  Result<Watch> watch = co_await OpenRecursive(root());
  CO_ASSERT_OK(watch);
  for (int times = 1; times <= 3; ++times) {
    for (int i = 0; i < times; ++i) Exchange(*this / "a", *this / "b");
    const Result<Events> events = co_await Until(*watch);
    CO_ASSERT_OK(events);
    EXPECT_EQ(std::ranges::count(*events, "moved a to b/"), times);
    EXPECT_EQ(std::ranges::count(*events, "moved b to a/"), times);
    const bool back = std::filesystem::exists(*this / "a/1");
    Events expected;
    for (const std::string path :
         {"a/", "b/", back ? "a/1/" : "a/2/", back ? "b/2/" : "b/1/"}) {
      MakeFile(*this / path + "f");
      IO_TEST_CHECK(unlink((*this / path + "f").c_str()));
      expected.push_back("created " + path + "f");
      expected.push_back("removed " + path + "f");
    }
    CO_EXPECT_EQ((co_await Until(*watch)).value(), expected);
  }
}

CO_TEST_F(WatchTest, FollowsAFolderThatIsExchangedWithAFile) {
  MakeFolder(*this / "a");
  MakeFolder(*this / "a/below");
  MakeFile(*this / "b");
  Result<Watch> watch = co_await OpenRecursive(root());
  CO_ASSERT_OK(watch);
  const std::pair<const char*, const char*> exchanges[] = {
      {"a", "b"}, {"a", "b"}, {"b", "a"}};
  for (const auto& [from, to] : exchanges) {
    Exchange(*this / from, *this / to);
    CO_EXPECT_OK(co_await Until(*watch));
    const std::string folder =
        std::filesystem::is_directory(*this / "a") ? "a" : "b";
    Store(*this / (folder + "/below/f"), "");
    IO_TEST_CHECK(unlink((*this / (folder + "/below/f")).c_str()));
    const Events expected = {"created " + folder + "/below/f",
                             "written " + folder + "/below/f",
                             "removed " + folder + "/below/f"};
    CO_EXPECT_EQ((co_await Until(*watch)).value(), expected);
  }
}

// The one that comes is told before the one that goes, or after it.
CO_TEST_F(WatchTest, FollowsAFolderThatIsExchangedWithOneElsewhere) {
  const TempDir elsewhere;
  MakeFolder(*this / "a");
  MakeFolder(elsewhere / "a");
  MakeFolder(elsewhere / "a/below");
  Result<Watch> watch = co_await OpenRecursive(root());
  CO_ASSERT_OK(watch);
  Exchange(elsewhere / "a", *this / "a");
  CO_EXPECT_OK(co_await Until(*watch));
  MakeFile(*this / "a/below/f");
  const Events below = {"created a/below/f"};
  CO_EXPECT_EQ((co_await Until(*watch)).value(), below);
  Exchange(*this / "a", elsewhere / "a");
  CO_EXPECT_OK(co_await Until(*watch));
  MakeFile(elsewhere / "a/below/g");
  MakeFile(*this / "a/f");
  const Events back = {"created a/f"};
  CO_EXPECT_EQ((co_await Until(*watch)).value(), back);
}

// Although a folder that was new had one of that name when it was read, and
// there are events yet of the time before that.
CO_TEST_F(WatchTest, TellsWhatReplacesWhatIsInANewFolder) {
  const TempDir elsewhere;
  MakeFile(elsewhere / "1");
  MakeFolder(elsewhere / "d");
  MakeFile(elsewhere / "d/2");
  Result<Watch> watch = co_await OpenRecursive(root());
  CO_ASSERT_OK(watch);
  MakeFolder(*this / "a");
  MakeFile(*this / "a/1");
  MakeFolder(*this / "a/d");
  Result<WatchEvent> event = co_await watch->Next();
  CO_ASSERT_OK(event);
  EXPECT_EQ(Describe(*event), "created a/");
  MakeFile(*this / "before");
  event = co_await watch->Next();
  CO_ASSERT_OK(event);
  Move(elsewhere / "1", *this / "a/1");
  Move(elsewhere / "d", *this / "a/d");
  const Result<Events> events = co_await Until(*watch);
  CO_ASSERT_OK(events);
  EXPECT_EQ(std::ranges::count(*events, "created before"), 1);
  EXPECT_EQ(std::ranges::count(*events, "created a/d/2"), 1);
  const Events moved = {"created a/1", "created a/d/", "created a/d/2"};
  CO_ASSERT_GE(events->size(), moved.size());
  EXPECT_EQ(Events(events->end() - 3, events->end()), moved);
  MakeFile(*this / "a/d/3");
  const Events later = {"created a/d/3"};
  CO_EXPECT_EQ((co_await Until(*watch)).value(), later);
}

// One wait is enough for all that were read with the first.
CO_TEST_F(WatchTest, ManyFilesThatAreMovedOutAreNotWaitedForOneByOne) {
  const TempDir elsewhere;
  for (int i = 0; i < 100; ++i) MakeFile(*this / std::to_string(i));
  Result<Watch> watch = co_await Watch::Open(root());
  CO_ASSERT_OK(watch);
  for (int i = 0; i < 100; ++i) {
    Move(*this / std::to_string(i), elsewhere / std::to_string(i));
  }
  const VirtualClock clock;
  const TimePoint start = Clock::now();
  for (int i = 0; i < 100; ++i) {
    const Result<WatchEvent> event = co_await watch->Next();
    CO_ASSERT_OK(event);
    EXPECT_EQ(Describe(*event), "removed " + std::to_string(i));
  }
  EXPECT_LE(Clock::now() - start, std::chrono::milliseconds(50));
}

CO_TEST_F(WatchTest, FoldersMayVanishBeforeTheyAreWatched) {
  Result<Watch> watch = co_await OpenRecursive(root());
  CO_ASSERT_OK(watch);
  for (int i = 0; i < 100; ++i) {
    MakeFolder(*this / "a");
    MakeFolder(*this / "a/b");
    IO_TEST_CHECK(rmdir((*this / "a/b").c_str()));
    IO_TEST_CHECK(rmdir((*this / "a").c_str()));
  }
  const Result<Events> events = co_await Until(*watch);
  CO_ASSERT_OK(events);
  EXPECT_EQ(std::ranges::count(*events, "created a/"), 100);
  EXPECT_EQ(std::ranges::count(*events, "removed a/"), 100);
}

CO_TEST_F(WatchTest, DoesNotFollowLinks) {
  const TempDir elsewhere;
  IO_TEST_CHECK(symlink(elsewhere.path().c_str(), (*this / "link").c_str()));
  Result<Watch> watch = co_await OpenRecursive(root());
  CO_ASSERT_OK(watch);
  MakeFile(elsewhere / "f");
  CO_EXPECT_EQ((co_await Until(*watch)).value(), Events());
}

CO_TEST_F(WatchTest, AFolderMountedBelowItselfIsWatchedOnce) {
  MakeFolder(*this / "a");
  MakeFolder(*this / "m");
  if (mount(root().c_str(), (*this / "m").c_str(), "", MS_BIND, nullptr) != 0) {
    CO_SKIP("needs the rights to mount");
  }
  {
    Result<Watch> watch = co_await OpenRecursive(root());
    CO_EXPECT_OK(watch);
    MakeFile(*this / "a/f");
    const Events expected = {"created a/f"};
    CO_EXPECT_EQ((co_await Until(*watch)).value(), expected);
  }
  umount2((*this / "m").c_str(), MNT_DETACH);
}

CO_TEST_F(WatchTest, PathsMayBeLongerThanTheKernelTakes) {
  const std::string name(200, 'n');
  const auto make_chain = [&](int top) {
    for (int i = 0; i < 25; ++i) {
      IO_TEST_CHECK(mkdirat(top, name.c_str(), 0700));
      const int next =
          IO_TEST_CHECK(openat(top, name.c_str(), O_RDONLY | O_DIRECTORY));
      close(top);
      top = next;
    }
    return top;
  };
  Result<Watch> watch = co_await OpenRecursive(root());
  CO_ASSERT_OK(watch);
  const io::Fd last(
      make_chain(IO_TEST_CHECK(open(root().c_str(), O_RDONLY | O_DIRECTORY))));
  const Result<Events> made = co_await Until(*watch);
  CO_ASSERT_OK(made);
  EXPECT_EQ(made->size(), 25U);
  // New ones there too.
  IO_TEST_CHECK(mkdirat(last.get(), "d", 0700));
  IO_TEST_CHECK(mknodat(last.get(), "d/f", S_IFREG | 0600, 0));
  const Result<Events> deep = co_await Until(*watch);
  CO_ASSERT_OK(deep);
  CO_ASSERT_EQ(deep->size(), 2U);
  EXPECT_TRUE(deep->back().ends_with("/d/f"));
  EXPECT_EQ(deep->back().size(), std::string("created d/f").size() + 25 * 201);
}

// --- Stops -------------------------------------------------------------------

// The same events, whether each Next is stopped first or not.
CO_TEST_F(WatchTest, LosesNothingWhenItIsStopped) {
  const TempDir elsewhere;
  MakeFolder(elsewhere / "d");
  MakeFile(elsewhere / "d/f");
  Result<Watch> undisturbed = co_await OpenRecursive(root());
  Result<Watch> stopped = co_await OpenRecursive(root());
  CO_ASSERT_OK(undisturbed);
  CO_ASSERT_OK(stopped);
  Store(*this / "f", "contents");
  Move(*this / "f", *this / "g");
  Move(elsewhere / "d", *this / "d");
  Move(*this / "d", *this / "e");
  Move(*this / "g", elsewhere / "g");
  MakeFile(*this / "end");
  int stops = 0;
  while (true) {
    StopSource source;
    source.RequestStop();
    Result<WatchEvent> event =
        co_await WithStop(source.token(), stopped->Next());
    if (!event) {
      CO_ASSERT_ERROR(event, kCanceled);
      ++stops;
      event = co_await stopped->Next();
    }
    const Result<WatchEvent> expected = co_await undisturbed->Next();
    CO_ASSERT_OK(event);
    CO_ASSERT_OK(expected);
    EXPECT_EQ(Describe(*event), Describe(*expected));
    if (event->path == "end") break;
  }
  EXPECT_GE(stops, 3);
}

TEST(WatchSweepTest, WatchesAChangingTree) {
  const auto scenario = []() -> Task<Result<void>> {
    const TempDir dir;
    const TempDir elsewhere;
    MakeFolder(dir / "a");
    EDDY_CO_TRY(Watch watch, co_await OpenRecursive(dir.path()));
    MakeFolder(dir / "a/b");
    MakeFile(dir / "a/b/c");
    Move(dir / "a", dir / "d");
    Move(dir / "d", elsewhere / "d");
    std::set<std::string> seen;
    while (!seen.contains("removed d/")) {
      EDDY_CO_TRY(const WatchEvent event, co_await watch.Next());
      seen.insert(Describe(event));
    }
    co_return seen.contains("moved a to d/") ? Result<void>()
                                             : Unexpected(kClosed);
  };
  ExpectCleanSweeps(scenario, {.stops = 8, .failures = 5});
}

}  // namespace
}  // namespace eddy::fs
