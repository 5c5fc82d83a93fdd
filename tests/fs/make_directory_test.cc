#include <eddy/fs/make_directory.h>

#include "tests/io/io_test_util.h"

#include <eddy/runtime/when_all.h>

#include <filesystem>
#include <string>

#include "tests/fs/small_disk.h"
#include "tests/sweeps.h"

namespace eddy::fs {
namespace {

using io_test::Store;
using io_test::TempDir;
using std::filesystem::is_directory;

CO_TEST(MakeDirectoryTest, MakesOneAndNoParents) {
  const TempDir dir;
  CO_EXPECT_ERROR(co_await MakeDirectory(dir / "a/b"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_OK(co_await MakeDirectory(dir / "a", 0700));
  CO_EXPECT_ERROR(co_await MakeDirectory(dir / "a"), std::errc::file_exists);
  struct stat info;
  IO_TEST_CHECK(stat((dir / "a").c_str(), &info));
  EXPECT_EQ(info.st_mode, S_IFDIR | 0700U);
}

CO_TEST(MakeDirectoriesTest, MakesTheParentsThatAreMissing) {
  const TempDir dir;
  for (const char* path : {"a", "a/b/c/d", "x//y///z//", "x/./y/../w", "a/b"}) {
    CO_EXPECT_OK(co_await MakeDirectories(dir / path)) << path;
    EXPECT_TRUE(is_directory(dir / path)) << path;
  }
  const mode_t before = umask(027);
  CO_EXPECT_OK(co_await MakeDirectories(dir / "p/q", 0711));
  umask(before);
  struct stat info;
  IO_TEST_CHECK(stat((dir / "p").c_str(), &info));
  EXPECT_EQ(info.st_mode, S_IFDIR | 0750U);
  IO_TEST_CHECK(stat((dir / "p/q").c_str(), &info));
  EXPECT_EQ(info.st_mode, S_IFDIR | 0710U);
}

CO_TEST(MakeDirectoriesTest, TakesRelativePathsAndTheRoot) {
  const TempDir dir;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  CO_EXPECT_OK(co_await MakeDirectories("a/b"));
  CO_EXPECT_OK(co_await MakeDirectories("a"));
  CO_EXPECT_OK(co_await MakeDirectories("./c"));
  std::filesystem::current_path(before);
  EXPECT_TRUE(is_directory(dir / "a/b"));
  EXPECT_TRUE(is_directory(dir / "c"));
  CO_EXPECT_OK(co_await MakeDirectories("/"));
  CO_EXPECT_OK(co_await MakeDirectories("//"));
  std::string path = dir.path();
  while (path.size() < 5000) path += "/a";
  CO_EXPECT_ERROR(co_await MakeDirectories(path), std::errc::filename_too_long);
  CO_EXPECT_ERROR(co_await MakeDirectories(""),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await MakeDirectories(std::string("/tmp/x\0y", 8)),
                  std::errc::invalid_argument);
}

CO_TEST(MakeDirectoriesTest, IsContentWithLinksToFoldersAndNothingElse) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "folder");
  Store(dir / "file", "");
  std::filesystem::create_symlink("folder", dir / "link");
  std::filesystem::create_symlink("nowhere", dir / "dangling");
  CO_EXPECT_OK(co_await MakeDirectories(dir / "link"));
  CO_EXPECT_OK(co_await MakeDirectories(dir / "link/sub"));
  EXPECT_TRUE(is_directory(dir / "folder/sub"));
  CO_EXPECT_ERROR(co_await MakeDirectories(dir / "file"),
                  std::errc::file_exists);
  CO_EXPECT_ERROR(co_await MakeDirectories(dir / "file/sub"),
                  std::errc::not_a_directory);
  CO_EXPECT_FALSE(co_await MakeDirectories(dir / "dangling/sub"));
}

CO_TEST(MakeDirectoriesTest, TellsOfADiskThatIsReadOnly) {
  fs_test::SmallDisk disk("64k");
  if (!disk.mounted()) CO_SKIP("may not mount a tmpfs");
  std::filesystem::create_directory(disk.path() + "/there");
  disk.MakeReadOnly();
  CO_EXPECT_OK(co_await MakeDirectories(disk.path() + "/there"));
  CO_EXPECT_ERROR(co_await MakeDirectories(disk.path() + "/there/a/b"),
                  std::errc::read_only_file_system);
}

CO_TEST(MakeDirectoriesTest, SeveralMakeTheSameFolders) {
  const TempDir dir;
  std::vector<Task<Result<void>>> all;
  for (int i = 0; i < 20; ++i) all.push_back(MakeDirectories(dir / "a/b/c/d"));
  const auto made = co_await WhenAll(std::move(all));
  for (const Result<void>& one : made) CO_EXPECT_OK(one);
}

TEST(MakeDirectoriesTest, IsCleanStoppedOrFailedAtEveryPoint) {
  const auto scenario = [&]() -> Task<Result<void>> {
    const TempDir dir;
    EDDY_CO_CHECK(co_await MakeDirectories(dir / "a/b/c"));
    co_return co_await MakeDirectories(dir / "a/b");
  };
  test::ExpectCleanSweeps(scenario, {.stops = 10, .failures = 7});
}

}  // namespace
}  // namespace eddy::fs
