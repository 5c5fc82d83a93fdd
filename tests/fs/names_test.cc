// Rename, Unlink, RemoveDirectory, Link, Symlink, ReadLink, Stat: what is more
// than the operations that they are made of, which have their own tests.
#include "tests/io/io_test_util.h"

#include <eddy/fs/directory.h>
#include <eddy/fs/link.h>
#include <eddy/fs/rename.h>
#include <eddy/fs/stat.h>
#include <eddy/fs/unlink.h>

#include <filesystem>
#include <string>

#include "tests/fs/as_nobody.h"
#include "tests/sweeps.h"

namespace eddy::fs {
namespace {

using io_test::Load;
using io_test::Store;
using io_test::TempDir;

CO_TEST(RenameTest, ReplacesRefusesAndExchanges) {
  const TempDir dir;
  Store(dir / "a", "a");
  Store(dir / "b", "b");
  CO_EXPECT_ERROR(co_await Rename(dir / "a", dir / "b", RenameMode::kNoReplace),
                  std::errc::file_exists);
  CO_EXPECT_OK(co_await Rename(dir / "a", dir / "b", RenameMode::kExchange));
  EXPECT_EQ(Load(dir / "a"), "b");
  EXPECT_EQ(Load(dir / "b"), "a");
  CO_EXPECT_OK(co_await Rename(dir / "a", dir / "b"));
  EXPECT_EQ(Load(dir / "b"), "b");
  CO_EXPECT_ERROR(co_await Rename(dir / "a", dir / "b", RenameMode::kExchange),
                  std::errc::no_such_file_or_directory);
}

CO_TEST(UnlinkTest, RemovesFilesAndRemoveDirectoryFolders) {
  const TempDir dir;
  Store(dir / "file", "");
  std::filesystem::create_directory(dir / "folder");
  CO_EXPECT_ERROR(co_await Unlink(dir / "folder"), std::errc::is_a_directory);
  CO_EXPECT_ERROR(co_await RemoveDirectory(dir / "file"),
                  std::errc::not_a_directory);
  CO_EXPECT_OK(co_await Unlink(dir / "file"));
  CO_EXPECT_OK(co_await RemoveDirectory(dir / "folder"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

CO_TEST(LinkTest, NamesAFileThatHadNoName) {
  const TempDir dir;
  const File file(io_test::AnonymousFile("contents"));
  CO_EXPECT_OK(co_await Link(file, dir / "name"));
  EXPECT_EQ(Load(dir / "name"), "contents");
  CO_EXPECT_ERROR(co_await Link(file, dir / "name"), std::errc::file_exists);
  CO_EXPECT_OK(co_await Link(file, dir / "second"));
  CO_EXPECT_OK(co_await Link(dir / "name", dir / "third"));
  EXPECT_EQ(std::filesystem::hard_link_count(dir / "name"), 3U);
  CO_EXPECT_ERROR(co_await Link(file, dir / "none/name"),
                  std::errc::no_such_file_or_directory);
}

CO_TEST(LinkTest, ReadsWhatSymlinkMade) {
  const TempDir dir;
  const std::string longest(4095, 'x');
  for (const std::string& target : {std::string("../\xFF"), longest}) {
    CO_EXPECT_OK(co_await Symlink(target, dir / "link"));
    CO_EXPECT_EQ((co_await ReadLink(dir / "link")).value_or(""), target);
    const Result<Directory> folder = co_await Directory::Open(dir.path());
    CO_ASSERT_OK(folder);
    CO_EXPECT_EQ((co_await folder->ReadLink("link")).value_or(""), target);
    CO_EXPECT_OK(co_await Unlink(dir / "link"));
  }
  CO_EXPECT_ERROR(co_await ReadLink(dir / "none"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await ReadLink(dir.path()), std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await ReadLink(std::string("x\0y", 3)),
                  std::errc::invalid_argument);
}

CO_TEST(DirectoryNamesTest, TakesSingleNamesOnly) {
  const TempDir dir;
  const Result<Directory> folder = co_await Directory::Open(dir.path());
  CO_ASSERT_OK(folder);
  for (const std::string name : {"", ".", "..", "a/b", "/a", "a/", "../a"}) {
    CO_EXPECT_ERROR(co_await folder->MakeDirectory(name),
                    std::errc::invalid_argument);
    CO_EXPECT_ERROR(co_await folder->Unlink(name), std::errc::invalid_argument);
    CO_EXPECT_ERROR(co_await folder->RemoveDirectory(name),
                    std::errc::invalid_argument);
    CO_EXPECT_ERROR(co_await folder->Rename(name, *folder, "x"),
                    std::errc::invalid_argument);
    CO_EXPECT_ERROR(co_await folder->Rename("x", *folder, name),
                    std::errc::invalid_argument);
    CO_EXPECT_ERROR(co_await folder->Link(name, *folder, "x"),
                    std::errc::invalid_argument);
    CO_EXPECT_ERROR(co_await folder->Link("x", *folder, name),
                    std::errc::invalid_argument);
    CO_EXPECT_ERROR(co_await folder->Symlink("target", name),
                    std::errc::invalid_argument);
    CO_EXPECT_ERROR(co_await folder->ReadLink(name),
                    std::errc::invalid_argument);
  }
  CO_EXPECT_ERROR(co_await folder->Unlink(std::string("a\0b", 3)),
                  std::errc::invalid_argument);
}

CO_TEST(DirectoryNamesTest, MakesLinksAndTellsOfThem) {
  const TempDir dir;
  Store(dir / "file", "contents");
  const Result<Directory> folder = co_await Directory::Open(dir.path());
  CO_ASSERT_OK(folder);
  CO_EXPECT_OK(co_await folder->Link("file", *folder, "second"));
  CO_EXPECT_OK(co_await folder->Symlink("second", "link"));
  CO_EXPECT_OK(co_await folder->Symlink("/nowhere", "out"));
  CO_EXPECT_EQ((co_await folder->ReadLink("out")).value_or(""), "/nowhere");
  const Result<FileInfo> followed = co_await folder->Stat("link");
  CO_ASSERT_OK(followed);
  EXPECT_TRUE(followed->is_regular());
  EXPECT_EQ(followed->links, 2U);
  for (const char* link : {"link", "out"}) {
    const Result<FileInfo> info = co_await folder->Stat(link, /*follow=*/false);
    CO_ASSERT_OK(info);
    EXPECT_TRUE(info->is_symlink());
  }
  CO_EXPECT_ERROR(co_await folder->Stat("out"), std::errc::cross_device_link);
}

CO_TEST(StatTest, FollowsALinkOrNot) {
  const TempDir dir;
  Store(dir / "file", "contents");
  std::filesystem::create_symlink("file", dir / "link");
  const Result<FileInfo> file = co_await Stat(dir / "link");
  const Result<FileInfo> link = co_await Stat(dir / "link", /*follow=*/false);
  CO_ASSERT_OK(file);
  CO_ASSERT_OK(link);
  EXPECT_TRUE(file->is_regular());
  EXPECT_EQ(file->size, 8U);
  EXPECT_TRUE(link->is_symlink());
  EXPECT_EQ(link->size, 4U);
  CO_EXPECT_ERROR(co_await Stat(dir / "none"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await Stat(std::string("x\0y", 3)),
                  std::errc::invalid_argument);
}

TEST(DirectoryNamesTest, ChangesWhatItsRightsAllow) {
  if (!fs_test::MayBecomeNobody()) GTEST_SKIP() << "needs root";
  const TempDir dir;
  IO_TEST_CHECK(chmod(dir.path().c_str(), 0755));
  std::filesystem::create_directory(dir / "own");
  fs_test::GiveToNobody(dir / "own");
  Store(dir / "file", "");
  Store(dir / "own/file", "");
  EXPECT_TRUE(fs_test::PassesAsNobody([&]() -> Task<void> {
    constexpr auto kDenied = std::errc::permission_denied;
    CO_EXPECT_ERROR(co_await Rename(dir / "file", dir / "own/2"), kDenied);
    CO_EXPECT_ERROR(co_await Rename(dir / "own/file", dir / "2"), kDenied);
    CO_EXPECT_ERROR(co_await Unlink(dir / "file"), kDenied);
    CO_EXPECT_ERROR(co_await Symlink("x", dir / "link"), kDenied);
    CO_EXPECT_OK(co_await Rename(dir / "own/file", dir / "own/2"));
    CO_EXPECT_OK(co_await Unlink(dir / "own/2"));
  }));
  EXPECT_TRUE(std::filesystem::exists(dir / "file"));
  EXPECT_TRUE(std::filesystem::is_empty(dir / "own"));
}

TEST(NamesSweepTest, IsCleanStoppedOrFailedAtEveryPoint) {
  const auto scenario = [&]() -> Task<Result<void>> {
    const TempDir dir;
    Store(dir / "file", "contents");
    EDDY_CO_TRY(const Directory folder, co_await Directory::Open(dir.path()));
    EDDY_CO_CHECK(co_await folder.MakeDirectory("sub"));
    EDDY_CO_TRY(const Directory sub, co_await folder.OpenDirectory("sub"));
    EDDY_CO_CHECK(
        co_await folder.Rename("file", sub, "moved", RenameMode::kNoReplace));
    EDDY_CO_CHECK(co_await Link(dir / "sub/moved", dir / "file"));
    EDDY_CO_CHECK(co_await Symlink("file", dir / "link"));
    EDDY_CO_TRY(const std::string target, co_await folder.ReadLink("link"));
    if (target != "file") co_return Unexpected(std::errc::bad_message);
    EDDY_CO_CHECK(co_await Rename(dir / "link", dir / "renamed"));
    EDDY_CO_CHECK(co_await Unlink(dir / "renamed"));
    EDDY_CO_CHECK(co_await sub.Unlink("moved"));
    co_return co_await folder.RemoveDirectory("sub");
  };
  test::ExpectCleanSweeps(scenario, {.stops = 20, .failures = 10});
}

}  // namespace
}  // namespace eddy::fs
