#include <eddy/fs/remove_tree.h>

#include "tests/io/io_test_util.h"

#include <eddy/runtime/when_all.h>

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/fs/as_nobody.h"
#include "tests/io/descriptor_limit.h"
#include "tests/sweeps.h"

namespace eddy::fs {
namespace {

using io_test::DescriptorLimit;
using io_test::Load;
using io_test::Store;
using io_test::TempDir;

bool Exists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

// Folders in folders, and a file in each.
void MakeTree(const std::string& path, int width, int depth) {
  std::filesystem::create_directory(path);
  Store(path + "/file", "x");
  if (depth == 0) return;
  for (int i = 0; i < width; ++i) {
    MakeTree(path + "/" + std::to_string(i), width, depth - 1);
  }
}

// Longer than any path.
void MakeDeepTree(const std::string& path, int depth) {
  const std::string name(50, 'd');
  std::filesystem::create_directory(path);
  io::Fd folder(IO_TEST_CHECK(open(path.c_str(), O_PATH | O_CLOEXEC)));
  for (int i = 0; i < depth; ++i) {
    IO_TEST_CHECK(mkdirat(folder.get(), name.c_str(), 0755));
    const int next =
        IO_TEST_CHECK(openat(folder.get(), name.c_str(), O_PATH | O_CLOEXEC));
    close(folder.Release());
    folder = io::Fd(next);
  }
  close(folder.Release());
}

CO_TEST(RemoveTreeTest, RemovesAllAndFollowsNoLink) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "outside");
  Store(dir / "outside/precious", "precious");
  MakeTree(dir / "tree", 3, 3);
  Store(dir / "tree/.hidden", "");
  Store(dir / "tree/\xFF\n", "");
  std::filesystem::create_directory_symlink("../outside", dir / "tree/link");
  std::filesystem::create_directory_symlink("nowhere", dir / "tree/dangling");
  IO_TEST_CHECK(mkfifo((dir / "tree/fifo").c_str(), 0600));
  CO_EXPECT_OK(co_await RemoveTree(dir / "tree"));
  EXPECT_FALSE(Exists(dir / "tree"));
  EXPECT_EQ(Load(dir / "outside/precious"), "precious");
}

CO_TEST(RemoveTreeTest, RemovesWhatIsNoFolder) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "folder");
  Store(dir / "folder/file", "");
  Store(dir / "file", "");
  std::filesystem::create_directory_symlink("folder", dir / "link");
  std::filesystem::create_directory_symlink("folder", dir / "link2");
  CO_EXPECT_OK(co_await RemoveTree(dir / "file"));
  CO_EXPECT_OK(co_await RemoveTree(dir / "link"));
  CO_EXPECT_OK(co_await RemoveTree(dir / "link2/"));
  EXPECT_TRUE(Exists(dir / "folder/file"));
  const Result<Directory> open = co_await Directory::Open(dir.path());
  CO_ASSERT_OK(open);
  CO_EXPECT_OK(co_await RemoveTree(*open, "folder"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

CO_TEST(RemoveTreeTest, RefusesPathsThatEndElsewhere) {
  const TempDir dir;
  MakeTree(dir / "tree", 1, 1);
  const Result<Directory> open = co_await Directory::Open(dir.path());
  CO_ASSERT_OK(open);
  for (const std::string& path :
       {std::string("/"), std::string(""), std::string("."), dir / "tree/.",
        dir / "tree/..", dir / "tree/../", dir / std::string("tree\0x", 6)}) {
    CO_EXPECT_ERROR(co_await RemoveTree(path), std::errc::invalid_argument);
  }
  CO_EXPECT_ERROR(co_await RemoveTree(*open, "tree/0"),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await RemoveTree(dir / "none"),
                  std::errc::no_such_file_or_directory);
  EXPECT_TRUE(Exists(dir / "tree/0/file"));
}

CO_TEST(RemoveTreeTest, TakesFewDescriptorsForWideAndDeepTrees) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  const TempDir dir;
  MakeTree(dir / "tree", 4, 3);
  for (int i = 0; i < 2500; ++i)
    Store(dir / ("tree/f" + std::to_string(i)), "");
  MakeDeepTree(dir / "tree/deep", 200);
  {
    // The reactor's own eventfd is one of them.
    const DescriptorLimit limit(2 * 33 + 1);
    RemoveTreeOptions options;
    options.parallel = 2;
    CO_EXPECT_OK(co_await RemoveTree(dir / "tree", options));
  }
  EXPECT_FALSE(Exists(dir / "tree"));
}

CO_TEST(RemoveTreeTest, TellsWhereDescriptorsRunOut) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  const TempDir dir;
  MakeTree(dir / "tree", 1, 20);
  {
    const DescriptorLimit limit(8);
    CO_EXPECT_ERROR(co_await RemoveTree(dir / "tree"),
                    std::errc::too_many_files_open);
  }
  CO_EXPECT_OK(co_await RemoveTree(dir / "tree"));
}

CO_TEST(RemoveTreeTest, SeveralRemoveTheSameTree) {
  const TempDir dir;
  MakeTree(dir / "tree", 4, 4);
  std::vector<Task<Result<void>>> all;
  for (int i = 0; i < 4; ++i) all.push_back(RemoveTree(dir / "tree"));
  const auto results = co_await WhenAll(std::move(all));
  for (const Result<void>& one : results) {
    // The tree may have gone before it began.
    if (one) continue;
    CO_EXPECT_ERROR(one, std::errc::no_such_file_or_directory);
  }
  EXPECT_FALSE(Exists(dir / "tree"));
}

CO_TEST(RemoveTreeTest, RemovesWhatIsAddedAndFollowsNoLinkThatReplacesAFolder) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "outside");
  Store(dir / "outside/precious", "precious");
  std::filesystem::create_symlink(dir / "outside", dir / "spare");
  std::atomic<bool> ended = false;
  std::thread changes([&] {
    for (int i = 0; !ended; ++i) {
      const std::string name = dir / ("tree/" + std::to_string(i % 3));
      renameat2(AT_FDCWD, name.c_str(), AT_FDCWD, (dir / "spare").c_str(),
                RENAME_EXCHANGE);
      close(open((dir / "tree/added").c_str(), O_CREAT | O_CLOEXEC, 0600));
    }
  });
  for (int round = 0; round < 50; ++round) {
    MakeTree(dir / "tree", 3, 1);
    CO_EXPECT_OK(co_await RemoveTree(dir / "tree"));
    EXPECT_FALSE(Exists(dir / "tree"));
  }
  ended = true;
  changes.join();
  EXPECT_EQ(Load(dir / "outside/precious"), "precious");
}

CO_TEST(RemoveTreeTest, RemovesTheRestWhereOneCannotBe) {
  const TempDir dir;
  MakeTree(dir / "tree", 3, 2);
  const io::Fd file(IO_TEST_CHECK(
      open((dir / "tree/1/1/file").c_str(), O_RDONLY | O_CLOEXEC)));
  int flags = FS_IMMUTABLE_FL;
  if (ioctl(file.get(), FS_IOC_SETFLAGS, &flags) != 0) {
    CO_SKIP("may not make a file immutable");
  }
  CO_EXPECT_ERROR(co_await RemoveTree(dir / "tree"),
                  std::errc::operation_not_permitted);
  EXPECT_TRUE(Exists(dir / "tree/1/1/file"));
  for (const char* path : {"tree/0", "tree/2", "tree/file", "tree/1/0"}) {
    EXPECT_FALSE(Exists(dir / path)) << path;
  }
  flags = 0;
  IO_TEST_CHECK(ioctl(file.get(), FS_IOC_SETFLAGS, &flags));
  CO_EXPECT_OK(co_await RemoveTree(dir / "tree"));
}

// More than one batch of names.
CO_TEST(RemoveTreeTest, RemovesTheRestOfManyNamesWhereOneCannotBe) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "tree");
  for (int i = 0; i < 6000; ++i) {
    Store(dir / ("tree/file" + std::to_string(i)), "");
  }
  MakeTree(dir / "tree/folder", 2, 1);
  const io::Fd file(IO_TEST_CHECK(
      open((dir / "tree/file3000").c_str(), O_RDONLY | O_CLOEXEC)));
  int flags = FS_IMMUTABLE_FL;
  if (ioctl(file.get(), FS_IOC_SETFLAGS, &flags) != 0) {
    CO_SKIP("may not make a file immutable");
  }
  CO_EXPECT_ERROR(co_await RemoveTree(dir / "tree"),
                  std::errc::operation_not_permitted);
  const std::filesystem::directory_iterator left(dir / "tree");
  EXPECT_EQ(std::distance(begin(left), end(left)), 1);
  flags = 0;
  IO_TEST_CHECK(ioctl(file.get(), FS_IOC_SETFLAGS, &flags));
  CO_EXPECT_OK(co_await RemoveTree(dir / "tree"));
}

// `current` leads to r1 or to r2, back and forth.
CO_TEST(RemoveTreeTest, FindsTheTreeOnce) {
  const TempDir dir("/dev/shm");
  for (const char* folder : {"r1", "r2"}) {
    std::filesystem::create_directory(dir / folder);
  }
  std::filesystem::create_directory_symlink("r1", dir / "current");
  std::filesystem::create_directory_symlink("r2", dir / "other");
  std::atomic<bool> ended = false;
  std::thread flips([&] {
    while (!ended) {
      renameat2(AT_FDCWD, (dir / "current").c_str(), AT_FDCWD,
                (dir / "other").c_str(), RENAME_EXCHANGE);
    }
  });
  for (int round = 0; round < 20; ++round) {
    for (const char* folder : {"r1/cache", "r2/cache"}) {
      std::filesystem::remove_all(dir / folder);
      MakeTree(dir / folder, 3, 2);
    }
    CO_EXPECT_OK(co_await RemoveTree(dir / "current/cache"));
    const bool first = Exists(dir / "r1/cache");
    EXPECT_NE(first, Exists(dir / "r2/cache"));
    std::size_t left = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(
             dir / (first ? "r1/cache" : "r2/cache"))) {
      left += entry.is_regular_file() ? 1 : 0;
    }
    EXPECT_EQ(left, 1U + 3U + 9U);
  }
  ended = true;
  flips.join();
}

CO_TEST(RemoveTreeTest, LeavesWhatTakesItsNameMeanwhile) {
  const TempDir dir("/dev/shm");
  for (int round = 0; round < 50; ++round) {
    for (const char* folder : {"tree", "other"}) {
      std::filesystem::remove_all(dir / folder);
      MakeTree(dir / folder, 3, 1);
    }
    std::atomic<bool> ended = false;
    std::thread changes([&] {
      while (!ended) {
        renameat2(AT_FDCWD, (dir / "tree").c_str(), AT_FDCWD,
                  (dir / "other").c_str(), RENAME_EXCHANGE);
      }
    });
    const Result<void> removed = co_await RemoveTree(dir / "tree");
    ended = true;
    changes.join();
    if (!removed) {
      EXPECT_EQ(removed.error(), Error::FromErrno(ESTALE));
    }
    int whole = 0;
    for (const char* folder : {"tree", "other"}) {
      bool all = true;
      for (const char* file : {"/file", "/0/file", "/1/file", "/2/file"}) {
        all = all && Exists(dir / folder + file);
      }
      whole += all ? 1 : 0;
    }
    EXPECT_EQ(whole, 1);
  }
}

// overlayfs moves no folder of its lower layer.
CO_TEST(RemoveTreeTest, GoesDeeperWhereFoldersCannotBeMoved) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  const TempDir dir("/dev/shm");
  for (const char* folder : {"lower", "upper", "work", "merged"}) {
    std::filesystem::create_directory(dir / folder);
  }
  std::filesystem::create_directory(dir / "lower/tree");
  MakeDeepTree(dir / "lower/tree/deep", 50);
  const std::string layers = "lowerdir=" + (dir / "lower") +
                             ",upperdir=" + (dir / "upper") +
                             ",workdir=" + (dir / "work");
  if (mount("overlay", (dir / "merged").c_str(), "overlay", 0,
            layers.c_str()) != 0) {
    CO_SKIP("may not mount an overlay");
  }
  {
    const DescriptorLimit limit(45);
    CO_EXPECT_ERROR(co_await RemoveTree(dir / "merged/tree"),
                    std::errc::too_many_files_open);
  }
  CO_EXPECT_OK(co_await RemoveTree(dir / "merged/tree"));
  EXPECT_TRUE(std::filesystem::is_empty(dir / "merged"));
  IO_TEST_CHECK(umount2((dir / "merged").c_str(), MNT_DETACH));
}

TEST(RemoveTreeTest, RemovesWhatItMay) {
  if (!fs_test::MayBecomeNobody()) GTEST_SKIP() << "needs root";
  const TempDir dir;
  MakeTree(dir / "tree", 2, 1);
  std::filesystem::create_directory(dir / "tree/empty");
  std::filesystem::create_directory(dir / "tree/full");
  Store(dir / "tree/full/file", "");
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(dir.path())) {
    fs_test::GiveToNobody(entry.path());
  }
  IO_TEST_CHECK(chmod((dir / "tree/empty").c_str(), 0));
  IO_TEST_CHECK(chmod((dir / "tree/full").c_str(), 0));
  IO_TEST_CHECK(chmod(dir.path().c_str(), 0755));
  EXPECT_TRUE(fs_test::PassesAsNobody([&]() -> Task<void> {
    CO_EXPECT_ERROR(co_await RemoveTree(dir / "tree"),
                    std::errc::permission_denied);
  }));
  EXPECT_TRUE(Exists(dir / "tree/full/file"));
  for (const char* path : {"tree/0", "tree/1", "tree/file", "tree/empty"}) {
    EXPECT_FALSE(Exists(dir / path)) << path;
  }
  std::filesystem::remove_all(dir / "tree/full");
  // Its own folder may not be changed.
  EXPECT_TRUE(fs_test::PassesAsNobody([&]() -> Task<void> {
    CO_EXPECT_ERROR(co_await RemoveTree(dir / "tree"),
                    std::errc::permission_denied);
  }));
  EXPECT_TRUE(Exists(dir / "tree"));
}

CO_TEST(RemoveTreeTest, DoesNotEnterWhatIsMounted) {
  const TempDir dir;
  MakeTree(dir / "tree", 2, 1);
  const std::string point = dir / "tree/0";
  if (mount("tmpfs", point.c_str(), "tmpfs", 0, "size=64k") != 0) {
    CO_SKIP("may not mount a tmpfs");
  }
  Store(point + "/precious", "precious");
  CO_EXPECT_ERROR(co_await RemoveTree(dir / "tree"),
                  std::errc::cross_device_link);
  EXPECT_EQ(Load(point + "/precious"), "precious");
  EXPECT_FALSE(Exists(dir / "tree/1"));
  IO_TEST_CHECK(umount2(point.c_str(), MNT_DETACH));
  CO_EXPECT_OK(co_await RemoveTree(dir / "tree"));
}

TEST(RemoveTreeTest, IsCleanStoppedAtEveryPoint) {
  const TempDir dir;
  const auto scenario = [&]() -> Task<Result<void>> {
    std::filesystem::remove_all(dir / "tree");
    MakeTree(dir / "tree", 2, 1);
    co_return co_await RemoveTree(dir / "tree");
  };
  // (Its jobs are no operations that could be failed.)
  const SweepReport stops = StopAtEveryPoint(scenario);
  EXPECT_EQ(stops.failure, "");
  EXPECT_GE(stops.points, 6U);
}

}  // namespace
}  // namespace eddy::fs
