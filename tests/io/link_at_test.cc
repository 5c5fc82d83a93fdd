#include <eddy/io/link_at.h>

#include "tests/io/name_verbs.h"

#include <filesystem>

namespace eddy::io_test {
namespace {

INSTANTIATE_TEST_SUITE_P(LinkAt, OperationContractTest,
                         ::testing::Values(MakeVerb<LinkAtVerb>));

CO_TEST(LinkAtTest, LinksALinkOrWhatItLeadsTo) {
  const TempDir dir;
  Store(dir / "file", "contents");
  std::filesystem::create_symlink("file", dir / "symlink");
  const io::Fd& here = io::Fd::CurrentDirectory();
  CO_EXPECT_OK(
      co_await io::LinkAt(here, dir / "symlink", here, dir / "itself"));
  EXPECT_TRUE(std::filesystem::is_symlink(dir / "itself"));
  CO_EXPECT_OK(co_await io::LinkAt(here, dir / "symlink", here, dir / "target",
                                   AT_SYMLINK_FOLLOW));
  EXPECT_FALSE(std::filesystem::is_symlink(dir / "target"));
  EXPECT_EQ(std::filesystem::hard_link_count(dir / "file"), 2U);
}

CO_TEST(LinkAtTest, NamesAFileThatHadNoName) {
  const TempDir dir;
  const io::Fd file = AnonymousFile("contents");
  const io::Fd& here = io::Fd::CurrentDirectory();
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  CO_EXPECT_OK(
      co_await io::LinkAt(here, path, here, dir / "name", AT_SYMLINK_FOLLOW));
  EXPECT_EQ(Load(dir / "name"), "contents");
}

CO_TEST(LinkAtTest, GivesTheErrorsOfTheSystemCall) {
  const TempDir dir;
  Store(dir / "a", "");
  Store(dir / "b", "");
  std::filesystem::create_directory(dir / "folder");
  const io::Fd& here = io::Fd::CurrentDirectory();
  CO_EXPECT_ERROR(co_await io::LinkAt(here, dir / "a", here, dir / "b"),
                  std::errc::file_exists);
  CO_EXPECT_ERROR(co_await io::LinkAt(here, dir / "none", here, dir / "c"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await io::LinkAt(here, dir / "folder", here, dir / "c"),
                  std::errc::operation_not_permitted);
  const std::string zero("x\0y", 3);
  CO_EXPECT_ERROR(co_await io::LinkAt(here, zero, here, dir / "c"),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await io::LinkAt(here, dir / "a", here, zero),
                  std::errc::invalid_argument);
}

}  // namespace
}  // namespace eddy::io_test
