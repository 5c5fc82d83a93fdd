#include <eddy/io/unlink_at.h>

#include "tests/io/name_verbs.h"

#include <filesystem>

namespace eddy::io_test {
namespace {

INSTANTIATE_TEST_SUITE_P(UnlinkAt, OperationContractTest,
                         ::testing::Values(MakeVerb<UnlinkAtVerb>));

CO_TEST(UnlinkAtTest, RemovesALinkAndNotWhatItLeadsTo) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "folder");
  std::filesystem::create_symlink("folder", dir / "link");
  const io::Fd& here = io::Fd::CurrentDirectory();
  CO_EXPECT_OK(co_await io::UnlinkAt(here, dir / "link"));
  EXPECT_FALSE(std::filesystem::is_symlink(dir / "link"));
  EXPECT_TRUE(std::filesystem::is_directory(dir / "folder"));
}

CO_TEST(UnlinkAtTest, RemovesEmptyFoldersWhereToldSo) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "folder/sub");
  const io::Fd& here = io::Fd::CurrentDirectory();
  CO_EXPECT_ERROR(co_await io::UnlinkAt(here, dir / "folder"),
                  std::errc::is_a_directory);
  CO_EXPECT_ERROR(co_await io::UnlinkAt(here, dir / "folder", AT_REMOVEDIR),
                  std::errc::directory_not_empty);
  CO_EXPECT_OK(co_await io::UnlinkAt(here, dir / "folder/sub", AT_REMOVEDIR));
  CO_EXPECT_OK(co_await io::UnlinkAt(here, dir / "folder", AT_REMOVEDIR));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

CO_TEST(UnlinkAtTest, GivesTheErrorsOfTheSystemCall) {
  const TempDir dir;
  Store(dir / "file", "");
  const io::Fd& here = io::Fd::CurrentDirectory();
  CO_EXPECT_ERROR(co_await io::UnlinkAt(here, dir / "none"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await io::UnlinkAt(here, dir / "file", AT_REMOVEDIR),
                  std::errc::not_a_directory);
  CO_EXPECT_ERROR(co_await io::UnlinkAt(here, std::string("x\0y", 3)),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await io::UnlinkAt(here, "/proc/version"),
                  std::errc::operation_not_permitted);
}

}  // namespace
}  // namespace eddy::io_test
