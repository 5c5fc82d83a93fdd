#include <eddy/fs/temp_directory.h>

#include "tests/io/io_test_util.h"

#include <eddy/runtime/sync_wait.h>

#include <sys/wait.h>

#include <filesystem>
#include <string>
#include <utility>

#include "tests/io/descriptor_limit.h"
#include "tests/sweeps.h"

namespace eddy::fs {
namespace {

using io_test::Store;
using io_test::TempDir;
using std::filesystem::exists;
using std::filesystem::is_empty;

CO_TEST(TempDirectoryTest, IsOfThisUserAloneAndGoesWithItsContents) {
  const TempDir dir;
  Result<TempDirectory> temp =
      co_await TempDirectory::Create(dir.path(), "name.");
  CO_ASSERT_OK(temp);
  EXPECT_TRUE(temp->path().starts_with(dir / "name."));
  struct stat info;
  IO_TEST_CHECK(stat(temp->path().c_str(), &info));
  EXPECT_EQ(info.st_mode, S_IFDIR | 0700U);
  std::filesystem::create_directories(temp->path() + "/a/b");
  Store(temp->path() + "/a/file", "");
  CO_EXPECT_OK(co_await temp->Remove());
  EXPECT_EQ(temp->path(), "");
  EXPECT_TRUE(is_empty(dir.path()));
  CO_EXPECT_OK(co_await temp->Remove());
}

CO_TEST(TempDirectoryTest, StandsWhereTheEnvironmentSays) {
  const TempDir dir;
  const char* const before = std::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  setenv("TMPDIR", dir.path().c_str(), 1);
  Result<TempDirectory> temp = co_await TempDirectory::Create();
  unsetenv("TMPDIR");
  CO_ASSERT_OK(temp);
  EXPECT_TRUE(temp->path().starts_with(dir / "eddy-"));
  CO_EXPECT_OK(co_await temp->Remove());
  temp = co_await TempDirectory::Create();
  CO_ASSERT_OK(temp);
  EXPECT_TRUE(temp->path().starts_with("/tmp/eddy-"));
  CO_EXPECT_OK(co_await temp->Remove());
  if (before != nullptr) setenv("TMPDIR", kept.c_str(), 1);
  CO_EXPECT_ERROR(co_await TempDirectory::Create(dir / "none"),
                  std::errc::no_such_file_or_directory);
}

TEST(TempDirectoryTest, GoesBeforeTheReactorEndsWhereItIsDestroyed) {
  const TempDir dir;
  const auto body = [&]() -> Task<void> {
    Result<TempDirectory> temp = co_await TempDirectory::Create(dir.path());
    CO_ASSERT_OK(temp);
    Store(temp->path() + "/file", "");
  };
  SyncWait(body());
  EXPECT_TRUE(is_empty(dir.path()));
}

TEST(TempDirectoryTest, GoesWithoutAReactor) {
  const TempDir dir;
  const auto body = [&]() -> Task<Result<TempDirectory>> {
    return TempDirectory::Create(dir.path());
  };
  {
    Result<TempDirectory> temp = SyncWait(body());
    ASSERT_OK(temp);
    Store(temp->path() + "/file", "");
  }
  EXPECT_TRUE(is_empty(dir.path()));
}

CO_TEST(TempDirectoryTest, MovesAndIsGivenUp) {
  const TempDir dir;
  std::string path;
  {
    Result<TempDirectory> temp = co_await TempDirectory::Create(dir.path());
    CO_ASSERT_OK(temp);
    TempDirectory moved = *std::move(temp);
    path = moved.Release();
  }
  EXPECT_TRUE(exists(path));
  EXPECT_EQ(std::filesystem::path(path).parent_path(), dir.path());
}

CO_TEST(TempDirectoryTest, IsRemovedWhereItsParentWasMoved) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "parent");
  Result<TempDirectory> temp = co_await TempDirectory::Create(dir / "parent");
  CO_ASSERT_OK(temp);
  const std::string name =
      std::filesystem::path(temp->path()).filename().native();
  std::filesystem::rename(dir / "parent", dir / "moved");
  std::filesystem::create_directories(dir / ("parent/" + name));
  Store(dir / ("parent/" + name + "/precious"), "");
  CO_EXPECT_OK(co_await temp->Remove());
  EXPECT_TRUE(is_empty(dir / "moved"));
  EXPECT_TRUE(exists(dir / ("parent/" + name + "/precious")));
}

TEST(TempDirectoryTest, StaysWhereAForkedChildDestroysIt) {
  const TempDir dir;
  const auto body = [&]() -> Task<Result<TempDirectory>> {
    return TempDirectory::Create(dir.path());
  };
  Result<TempDirectory> temp = SyncWait(body());
  ASSERT_OK(temp);
  const pid_t child = IO_TEST_CHECK(fork());
  if (child == 0) {
    { const TempDirectory gone = *std::move(temp); }
    _exit(0);
  }
  IO_TEST_CHECK(waitpid(child, nullptr, 0));
  EXPECT_TRUE(exists(temp->path()));
}

CO_TEST(TempDirectoryTest, TellsWhereDescriptorsRunOut) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  const TempDir dir;
  {
    const io_test::DescriptorLimit limit(0);
    CO_EXPECT_ERROR(co_await TempDirectory::Create(dir.path()),
                    std::errc::too_many_files_open);
  }
  EXPECT_TRUE(is_empty(dir.path()));
}

TEST(TempDirectoryTest, LeavesNothingStoppedOrFailedAtEveryPoint) {
  const TempDir dir;
  SweepOptions options;
  options.check = [&] {
    return is_empty(dir.path()) ? "" : "a temporary folder was left";
  };
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(TempDirectory temp, co_await TempDirectory::Create(dir.path()));
    Store(temp.path() + "/file", "");
    co_return co_await temp.Remove();
  };
  test::ExpectCleanSweeps(scenario, {.stops = 4, .failures = 1}, options);
}

}  // namespace
}  // namespace eddy::fs
