#include <eddy/io/make_directory_at.h>

#include "tests/io/name_verbs.h"

#include <filesystem>

namespace eddy::io_test {
namespace {

INSTANTIATE_TEST_SUITE_P(MakeDirectoryAt, OperationContractTest,
                         ::testing::Values(MakeVerb<MakeDirectoryAtVerb>));

CO_TEST(MakeDirectoryAtTest, TakesAModeBeforeTheUmask) {
  const TempDir dir;
  const mode_t before = umask(027);
  const Result<void> made = co_await io::MakeDirectoryAt(
      io::Fd::CurrentDirectory(), dir / "folder", 0775);
  umask(before);
  CO_EXPECT_OK(made);
  struct stat info;
  IO_TEST_CHECK(stat((dir / "folder").c_str(), &info));
  EXPECT_EQ(info.st_mode, S_IFDIR | 0750U);
}

CO_TEST(MakeDirectoryAtTest, GivesTheErrorsOfTheSystemCall) {
  const TempDir dir;
  Store(dir / "file", "");
  std::filesystem::create_symlink("nowhere", dir / "link");
  const io::Fd& here = io::Fd::CurrentDirectory();
  CO_EXPECT_ERROR(co_await io::MakeDirectoryAt(here, dir / "file"),
                  std::errc::file_exists);
  CO_EXPECT_ERROR(co_await io::MakeDirectoryAt(here, dir / "link"),
                  std::errc::file_exists);
  CO_EXPECT_ERROR(co_await io::MakeDirectoryAt(here, dir / "none/folder"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await io::MakeDirectoryAt(here, dir / "file/folder"),
                  std::errc::not_a_directory);
  CO_EXPECT_ERROR(co_await io::MakeDirectoryAt(here, std::string("x\0y", 3)),
                  std::errc::invalid_argument);
}

}  // namespace
}  // namespace eddy::io_test
