#include <eddy/fs/walk.h>

#include "tests/fs/small_disk.h"
#include "tests/fs/untyped_disk.h"
#include "tests/io/descriptor_limit.h"
#include "tests/io/io_test_util.h"

#include <eddy/runtime/stop.h>
#include <eddy/runtime/with_stop.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/sweeps.h"

namespace eddy::fs {
namespace {

using io_test::Check;
using io_test::Store;
using io_test::TempDir;
using test::ExpectCleanSweeps;

using Paths = std::vector<std::string>;

// All that a walk gives: paths in its order, and what could not be read.
struct Walked {
  Paths paths;
  std::map<std::string, FileType> types;
  std::map<std::string, Error> errors;
};

// With `unchanging` everything has to be where its entry says.
Task<Result<Walked>> All(Stream<Result<WalkEntry>> walk,
                         bool unchanging = true) {
  Walked all;
  while (auto next = co_await walk.Next()) {
    EDDY_CO_TRY(const WalkEntry entry, *std::move(next));
    if (entry.error) {
      all.errors.emplace(entry.path, *entry.error);
      continue;
    }
    EXPECT_EQ(entry.depth,
              1 + static_cast<std::size_t>(std::ranges::count(entry.path, '/')))
        << entry.path;
    struct stat info;
    if (fstatat(entry.parent->fd().get(), entry.name(), &info,
                AT_SYMLINK_NOFOLLOW) != 0) {
      EXPECT_FALSE(unchanging) << entry.path;
    }
    all.paths.push_back(entry.path);
    EXPECT_TRUE(all.types.emplace(entry.path, entry.type).second) << entry.path;
  }
  co_return all;
}

void MakeFolder(const std::string& path) {
  IO_TEST_CHECK(mkdir(path.c_str(), 0700));
}

// Folders, one in the other, that no path reaches in one system call.
void MakeChain(const std::string& top, const std::string& name, int levels) {
  int folder = IO_TEST_CHECK(open(top.c_str(), O_RDONLY | O_DIRECTORY));
  for (int i = 0; i < levels; ++i) {
    IO_TEST_CHECK(mkdirat(folder, name.c_str(), 0700));
    const int next =
        IO_TEST_CHECK(openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY));
    close(folder);
    folder = next;
  }
  close(folder);
}

Task<Result<void>> RemoveBelow(const std::string& root) {
  WalkOptions options;
  options.order = WalkOrder::kParentsLast;
  auto walk = Walk(root, std::move(options));
  while (auto next = co_await walk.Next()) {
    EDDY_CO_TRY(const WalkEntry entry, *std::move(next));
    if (entry.error) co_return Unexpected(*entry.error);
    IO_TEST_CHECK(
        unlinkat(entry.parent->fd().get(), entry.name(),
                 entry.type == FileType::kDirectory ? AT_REMOVEDIR : 0));
  }
  co_return Result<void>();
}

class WalkTest : public ::testing::Test {
 protected:
  // a/{b/{c,d},e} f g/ h -> a
  void SetUp() override {
    MakeFolder(dir_ / "a");
    MakeFolder(dir_ / "a/b");
    MakeFolder(dir_ / "g");
    for (const char* file : {"a/b/c", "a/b/d", "a/e", "f"}) {
      Store(dir_ / file, "");
    }
    IO_TEST_CHECK(symlink("a", (dir_ / "h").c_str()));
  }

  std::string root() const { return dir_.path(); }
  std::string operator/(std::string_view name) const { return dir_ / name; }

  const TempDir dir_;
};

CO_TEST_F(WalkTest, GivesParentsFirst) {
  WalkOptions options;
  options.sorted = true;
  const Result<Walked> walked = co_await All(Walk(root(), std::move(options)));
  CO_ASSERT_OK(walked);
  EXPECT_EQ(walked->paths,
            (Paths{"a", "a/b", "a/b/c", "a/b/d", "a/e", "f", "g", "h"}));
  EXPECT_EQ(walked->types.at("a/b"), FileType::kDirectory);
  EXPECT_EQ(walked->types.at("a/b/c"), FileType::kRegular);
  EXPECT_EQ(walked->types.at("h"), FileType::kSymlink);
  EXPECT_TRUE(walked->errors.empty());
}

CO_TEST_F(WalkTest, GivesParentsLast) {
  WalkOptions options;
  options.sorted = true;
  options.order = WalkOrder::kParentsLast;
  const Paths expected =
      Paths{"a/b/c", "a/b/d", "a/b", "a/e", "a", "f", "g", "h"};
  CO_EXPECT_EQ((co_await All(Walk(root(), std::move(options)))).value().paths,
               expected);
}

CO_TEST_F(WalkTest, GivesTheSameUnsorted) {
  for (const WalkOrder order :
       {WalkOrder::kParentsFirst, WalkOrder::kParentsLast}) {
    WalkOptions options;
    options.order = order;
    const Result<Walked> walked =
        co_await All(Walk(root(), std::move(options)));
    CO_ASSERT_OK(walked);
    EXPECT_EQ(walked->paths.size(), 8U);
    const auto at = [&](const char* path) {
      return std::ranges::find(walked->paths, path) - walked->paths.begin();
    };
    const bool first = order == WalkOrder::kParentsFirst;
    EXPECT_EQ(at("a") < at("a/b"), first);
    EXPECT_EQ(at("a/b") < at("a/b/c"), first);
    EXPECT_EQ(std::abs(at("a/b/c") - at("a/b/d")), 1);
  }
}

CO_TEST_F(WalkTest, WalksAnOpenFolder) {
  Result<Directory> folder = co_await Directory::Open(root());
  CO_ASSERT_OK(folder);
  CO_EXPECT_EQ((co_await All(Walk(*folder))).value().paths.size(), 8U);
}

CO_TEST_F(WalkTest, GoesNoDeeperThanToldTo) {
  const std::vector<std::size_t> counts = {4, 6, 8, 8};
  for (std::size_t depth = 1; depth <= counts.size(); ++depth) {
    WalkOptions options;
    options.max_depth = depth;
    CO_EXPECT_EQ(
        (co_await All(Walk(root(), std::move(options)))).value().paths.size(),
        counts[depth - 1]);
  }
}

CO_TEST_F(WalkTest, LeavesOutWhatTheFilterDoes) {
  WalkOptions options;
  options.sorted = true;
  options.filter = [](const WalkEntry& entry) {
    return entry.path != "a/b" && entry.name() != std::string("f");
  };
  const Paths expected = {"a", "a/e", "g", "h"};
  CO_EXPECT_EQ((co_await All(Walk(root(), std::move(options)))).value().paths,
               expected);
}

CO_TEST_F(WalkTest, ThrowsWhatTheFilterThrows) {
  WalkOptions options;
  options.filter = [](const WalkEntry&) -> bool {
    throw std::runtime_error("no");
  };
  auto walk = Walk(root(), std::move(options));
  bool thrown = false;
  try {
    static_cast<void>(co_await walk.Next());
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  EXPECT_TRUE(thrown);
  CO_EXPECT_FALSE((co_await walk.Next()).has_value());
}

CO_TEST_F(WalkTest, FollowsLinksAndFindsLoops) {
  IO_TEST_CHECK(symlink("..", (*this / "a/b/up").c_str()));
  IO_TEST_CHECK(symlink("f", (*this / "file").c_str()));
  IO_TEST_CHECK(symlink("nowhere", (*this / "broken").c_str()));
  IO_TEST_CHECK(symlink("circle", (*this / "circle").c_str()));
  WalkOptions options;
  options.sorted = options.follow_links = true;
  const Result<Walked> walked = co_await All(Walk(root(), std::move(options)));
  CO_ASSERT_OK(walked);
  EXPECT_EQ(walked->paths, (Paths{"a", "a/b", "a/b/c", "a/b/d", "a/b/up", "a/e",
                                  "broken", "circle", "f", "file", "g", "h",
                                  "h/b", "h/b/c", "h/b/d", "h/b/up", "h/e"}));
  EXPECT_EQ(walked->types.at("h"), FileType::kDirectory);
  EXPECT_EQ(walked->types.at("file"), FileType::kRegular);
  EXPECT_EQ(walked->types.at("broken"), FileType::kSymlink);
  EXPECT_EQ(walked->types.at("circle"), FileType::kSymlink);
  const std::map<std::string, Error> loops = {
      {"a/b/up", std::errc::too_many_symbolic_link_levels},
      {"h/b/up", std::errc::too_many_symbolic_link_levels}};
  EXPECT_EQ(walked->errors, loops);
}

CO_TEST_F(WalkTest, StaysOnOneFileSystem) {
  const fs_test::SmallDisk disk("1m");
  if (!disk.mounted()) CO_SKIP("needs the rights to mount");
  Store(disk.path() + "/inside", "");
  IO_TEST_CHECK(
      mount(disk.path().c_str(), (*this / "g").c_str(), "", MS_BIND, nullptr));
  for (const bool one : {false, true}) {
    for (const WalkOrder order :
         {WalkOrder::kParentsFirst, WalkOrder::kParentsLast}) {
      WalkOptions options;
      options.one_file_system = one;
      options.order = order;
      const Result<Walked> walked =
          co_await All(Walk(root(), std::move(options)));
      CO_EXPECT_OK(walked);
      EXPECT_TRUE(walked->types.contains("g"));
      EXPECT_EQ(walked->types.contains("g/inside"), !one);
    }
  }
  umount2((*this / "g").c_str(), MNT_DETACH);
}

CO_TEST_F(WalkTest, TellsTypesWhereTheFileSystemDoesNot) {
  const fs_test::UntypedDisk disk;
  if (!disk.mounted()) CO_SKIP("needs the rights to mount, and mke2fs");
  MakeFolder(disk.path() + "/folder");
  Store(disk.path() + "/folder/file", "");
  Store(disk.path() + "/vanishes", "");
  WalkOptions options;
  options.sorted = true;
  options.filter = [&](const WalkEntry& entry) {
    if (entry.path == "folder") {
      IO_TEST_CHECK(unlink((disk.path() + "/vanishes").c_str()));
    }
    return true;
  };
  const Result<Walked> walked =
      co_await All(Walk(disk.path(), std::move(options)));
  CO_ASSERT_OK(walked);
  const std::map<std::string, FileType> types = {
      {"folder", FileType::kDirectory},
      {"folder/file", FileType::kRegular},
      {"lost+found", FileType::kDirectory}};
  EXPECT_EQ(walked->types, types);
  const std::map<std::string, Error> errors = {
      {"vanishes", std::errc::no_such_file_or_directory}};
  EXPECT_EQ(walked->errors, errors);
}

// What happens between reading a folder's name and opening it.
CO_TEST_F(WalkTest, GoesOnWhereFoldersVanishOrBecomeSomethingElse) {
  const auto become = [&](const WalkEntry& entry) {
    const std::string path = *this / entry.path;
    if (entry.path == "g") {
      IO_TEST_CHECK(rmdir(path.c_str()));
    } else if (entry.path == "x") {
      IO_TEST_CHECK(rmdir(path.c_str()));
      Store(path, "");
    } else if (entry.path == "y") {
      IO_TEST_CHECK(rmdir(path.c_str()));
      IO_TEST_CHECK(symlink("a", path.c_str()));
    }
    return true;
  };
  MakeFolder(*this / "x");
  MakeFolder(*this / "y");
  WalkOptions options;
  options.filter = become;
  const Result<Walked> walked =
      co_await All(Walk(root(), std::move(options)), /*unchanging=*/false);
  CO_ASSERT_OK(walked);
  EXPECT_EQ(walked->paths.size(), 10U);
  const std::map<std::string, Error> expected = {
      {"g", std::errc::no_such_file_or_directory},
      {"x", std::errc::not_a_directory},
      {"y", std::errc::not_a_directory}};
  EXPECT_EQ(walked->errors, expected);
}

CO_TEST_F(WalkTest, GoesOnWhereAFolderIsRemovedWhileItIsRead) {
  WalkOptions options;
  options.max_depth = 2;
  options.filter = [&](const WalkEntry& entry) {
    if (entry.path == "g/last") {
      // (The folder is open, and was read in part or whole.)
      IO_TEST_CHECK(unlink((*this / "g/last").c_str()));
      IO_TEST_CHECK(rmdir((*this / "g").c_str()));
    }
    return entry.path != "g/last";
  };
  Store(*this / "g/last", "");
  const Result<Walked> walked =
      co_await All(Walk(root(), std::move(options)), /*unchanging=*/false);
  CO_ASSERT_OK(walked);
  EXPECT_TRUE(walked->types.contains("f"));
}

CO_TEST(WalkErrorsTest, GivesTheErrorsOfTheRootAndEnds) {
  const TempDir dir;
  Store(dir / "file", "");
  const std::pair<std::string, std::errc> cases[] = {
      {dir / "missing", std::errc::no_such_file_or_directory},
      {dir / "file", std::errc::not_a_directory},
      {std::string("/tmp\0/x", 7), std::errc::invalid_argument}};
  for (const auto& [path, error] : cases) {
    auto walk = Walk(path);
    const auto first = co_await walk.Next();
    CO_ASSERT_TRUE(first.has_value());
    CO_EXPECT_ERROR(*first, error);
    CO_EXPECT_FALSE((co_await walk.Next()).has_value());
  }
}

TEST(WalkErrorsTest, GoesOnPastFoldersThatMayNotBeRead) {
  if (getuid() != 0) GTEST_SKIP() << "needs the rights to become nobody";
  const TempDir dir;
  IO_TEST_CHECK(chmod(dir.path().c_str(), 0755));
  for (const char* name : {"closed", "open"}) {
    MakeFolder(dir / name);
    Store(dir / (std::string(name) + "/file"), "");
  }
  IO_TEST_CHECK(chmod((dir / "open").c_str(), 0755));
  EXPECT_EXIT(
      {
        IO_TEST_CHECK(seteuid(65534));
        const Walked walked = SyncWait(All(Walk(dir.path()))).value();
        const bool good =
            walked.paths.size() == 3 && walked.types.contains("open/file") &&
            walked.errors.size() == 1 &&
            walked.errors.at("closed") == std::errc::permission_denied;
        _exit(good ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

// Descriptors for less and less of the tree: the walk always comes to its end.
CO_TEST(WalkErrorsTest, OutlivesAWantOfDescriptors) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  const TempDir dir;
  MakeChain(dir.path(), "x", 10);
  std::size_t least = 10;
  // With what wakes the reactor; what a walk had is closed a little later.
  const std::size_t most = io_test::OpenDescriptors() + 1;
  for (std::size_t left = 20; left-- > 2;) {
    while (io_test::OpenDescriptors() > most) co_await io_test::Turn();
    const io_test::DescriptorLimit limit(left);
    const Result<Walked> walked = co_await All(Walk(dir.path()));
    CO_ASSERT_OK(walked);
    least = std::min(least, walked->paths.size());
    EXPECT_EQ(walked->errors.size(), left < 11 ? 1U : 0U) << left;
    for (const auto& [path, error] : walked->errors) {
      EXPECT_EQ(error, std::errc::too_many_files_open) << path;
    }
  }
  EXPECT_LT(least, 10U);
  while (io_test::OpenDescriptors() > most) co_await io_test::Turn();
  const io_test::DescriptorLimit limit(0);
  CO_EXPECT_ERROR(co_await All(Walk(dir.path())),
                  std::errc::too_many_files_open);
}

// --- Large trees -------------------------------------------------------------

CO_TEST(WalkTreeTest, PathsMayBeLongerThanTheKernelTakes) {
  const TempDir dir;
  // More levels than are kept open, and 60,000 bytes.
  MakeChain(dir.path(), std::string(200, 'n'), 300);
  const std::size_t before = io_test::OpenDescriptors();
  for (const WalkOrder order :
       {WalkOrder::kParentsFirst, WalkOrder::kParentsLast}) {
    WalkOptions options;
    options.order = order;
    std::size_t most_open = 0;
    options.filter = [&](const WalkEntry&) {
      most_open = std::max(most_open, io_test::OpenDescriptors());
      return true;
    };
    const Result<Walked> walked =
        co_await All(Walk(dir.path(), std::move(options)));
    CO_ASSERT_OK(walked);
    EXPECT_EQ(walked->paths.size(), 300U);
    EXPECT_EQ(walked->types.rbegin()->first.size(), 300U * 201 - 1);
    EXPECT_TRUE(walked->errors.empty());
    EXPECT_LE(most_open, before + 70);
  }
  CO_EXPECT_OK(co_await RemoveBelow(dir.path()));
}

CO_TEST(WalkTreeTest, DeepTreesNeedNoDescriptorForEachLevel) {
  const TempDir dir("/dev/shm");
  MakeChain(dir.path(), "x", 2000);
  CO_EXPECT_EQ((co_await All(Walk(dir.path()))).value().paths.size(), 2000U);
  CO_EXPECT_OK(co_await RemoveBelow(dir.path()));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

CO_TEST(WalkTreeTest, WideFolders) {
  const TempDir dir("/dev/shm");
  constexpr int kCount = 100'000;
  const io::Fd folder(
      IO_TEST_CHECK(open(dir.path().c_str(), O_RDONLY | O_DIRECTORY)));
  for (int i = 0; i < kCount; ++i) {
    const std::string name = std::to_string(i * 7919 % kCount);
    IO_TEST_CHECK(mknodat(folder.get(), name.c_str(), S_IFREG | 0600, 0));
  }
  for (const bool sorted : {false, true}) {
    WalkOptions options;
    options.sorted = sorted;
    auto walk = Walk(dir.path(), std::move(options));
    std::set<std::string> seen;
    std::string last;
    while (auto next = co_await walk.Next()) {
      CO_ASSERT_OK(*next);
      if (sorted) {
        EXPECT_LT(last, (*next)->path);
      }
      last = (*next)->path;
      seen.insert(last);
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(kCount));
  }
}

CO_TEST(WalkTreeTest, NamesAreBytes) {
  const TempDir dir;
  const std::string odd = "\xff\n\xc3 \x01";
  MakeFolder(dir / odd);
  Store(dir / (odd + "/" + odd), "");
  WalkOptions options;
  options.sorted = true;
  const Paths expected = {odd, odd + "/" + odd};
  CO_EXPECT_EQ(
      (co_await All(Walk(dir.path(), std::move(options)))).value().paths,
      expected);
}

// A chain of 40 with a file beside each folder, of which the upper ones are
// given up when `act` is called at the bottom.
Task<Result<Walked>> WalkChain(const std::string& root,
                               std::function<void()> act) {
  WalkOptions options;
  options.sorted = true;
  options.filter = [act](const WalkEntry& entry) {
    if (entry.depth == 40 && entry.type == FileType::kDirectory) act();
    return true;
  };
  co_return co_await All(Walk(root, std::move(options)), /*unchanging=*/false);
}

std::string ChainPath(int levels) {
  std::string path;
  for (int i = 0; i < levels; ++i) path += "/x";
  return path;
}

void MakeChainWithFiles(const std::string& root) {
  MakeChain(root, "x", 40);
  for (int i = 0; i < 40; ++i) Store(root + ChainPath(i) + "/y", "");
}

CO_TEST(WalkTreeTest, FindsBackToFoldersWhoseSubfolderWasMovedAway) {
  const TempDir dir;
  const TempDir elsewhere;
  MakeChainWithFiles(dir.path());
  const Result<Walked> walked = co_await WalkChain(dir.path(), [&] {
    IO_TEST_CHECK(
        rename((dir.path() + ChainPath(6)).c_str(), (elsewhere / "x").c_str()));
  });
  CO_ASSERT_OK(walked);
  EXPECT_EQ(walked->paths.size(), 80U);
  EXPECT_TRUE(walked->errors.empty());
}

CO_TEST(WalkTreeTest, GoesOnFurtherUpWhereAFolderCannotBeFoundAgain) {
  const TempDir dir;
  const TempDir elsewhere;
  MakeChainWithFiles(dir.path());
  const Result<Walked> walked = co_await WalkChain(dir.path(), [&] {
    IO_TEST_CHECK(
        rename((dir.path() + ChainPath(6)).c_str(), (elsewhere / "6").c_str()));
    IO_TEST_CHECK(
        rename((dir.path() + ChainPath(5)).c_str(), (elsewhere / "5").c_str()));
  });
  CO_ASSERT_OK(walked);
  // The file beside the sixth folder is lost, those further up are not.
  EXPECT_EQ(walked->paths.size(), 79U);
  EXPECT_EQ(walked->paths.back(), "y");
  const std::map<std::string, Error> expected = {
      {ChainPath(5).substr(1), std::errc::no_such_file_or_directory}};
  EXPECT_EQ(walked->errors, expected);
}

CO_TEST(WalkTreeTest, FindsBackOutOfDeepFoldersBehindLinks) {
  const TempDir dir;
  const TempDir elsewhere;
  MakeChainWithFiles(elsewhere.path());
  MakeFolder(dir / "a");
  IO_TEST_CHECK(symlink(elsewhere.path().c_str(), (dir / "a/link").c_str()));
  Store(dir / "a/z", "");
  WalkOptions options;
  options.sorted = options.follow_links = true;
  const Result<Walked> walked =
      co_await All(Walk(dir.path(), std::move(options)));
  CO_ASSERT_OK(walked);
  EXPECT_EQ(walked->paths.size(), 83U);
  EXPECT_EQ(walked->paths.back(), "a/z");
  EXPECT_TRUE(walked->errors.empty());
}

// --- Stops -------------------------------------------------------------------

CO_TEST(WalkStopTest, GoesOnAfterAStop) {
  const TempDir dir;
  for (int i = 0; i < 100; ++i) {
    MakeFolder(dir / std::to_string(i));
    for (int k = 0; k < 10; ++k) {
      Store(dir / (std::to_string(i) + "/" + std::to_string(k)), "");
    }
  }
  auto walk = Walk(dir.path());
  std::set<std::string> seen;
  int stops = 0;
  while (true) {
    StopSource source;
    source.RequestStop();
    auto next = co_await WithStop(source.token(), walk.Next());
    if (next && !*next && next->error() == kCanceled) {
      ++stops;
      next = co_await walk.Next();
    }
    if (!next) break;
    CO_ASSERT_OK(*next);
    EXPECT_TRUE(seen.insert((*next)->path).second);
  }
  EXPECT_EQ(seen.size(), 1100U);
  EXPECT_GE(stops, 4);
}

TEST(WalkSweepTest, WalksAndOpens) {
  const TempDir dir;
  MakeChain(dir.path(), "x", 3);
  Store(dir / "x/file", "");
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(const Directory root, co_await Directory::Open(dir.path()));
    auto walk = Walk(root);
    std::size_t files = 0;
    while (auto next = co_await walk.Next()) {
      EDDY_CO_TRY(const WalkEntry entry, *std::move(next));
      if (entry.error) co_return Unexpected(*entry.error);
      if (entry.type != FileType::kRegular) continue;
      EDDY_CO_CHECK(co_await entry.Open());
      ++files;
    }
    // One that is left before its end, and while its entry is kept.
    auto left = Walk(dir.path());
    const auto kept = co_await left.Next();
    if (files != 1) co_return Unexpected(std::errc::bad_message);
    co_return Result<void>();
  };
  ExpectCleanSweeps(scenario, {.stops = 6, .failures = 2});
}

}  // namespace
}  // namespace eddy::fs
