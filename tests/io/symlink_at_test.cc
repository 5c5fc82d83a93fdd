#include <eddy/io/symlink_at.h>

#include "tests/io/name_verbs.h"

#include <filesystem>

namespace eddy::io_test {
namespace {

INSTANTIATE_TEST_SUITE_P(SymlinkAt, OperationContractTest,
                         ::testing::Values(MakeVerb<SymlinkAtVerb>));

CO_TEST(SymlinkAtTest, HoldsItsTargetAsItIs) {
  const TempDir dir;
  const io::Fd& here = io::Fd::CurrentDirectory();
  const std::string target = "../no such//\xFF/.";
  CO_EXPECT_OK(co_await io::SymlinkAt(target, here, dir / "link"));
  EXPECT_EQ(std::filesystem::read_symlink(dir / "link").native(), target);
}

CO_TEST(SymlinkAtTest, GivesTheErrorsOfTheSystemCall) {
  const TempDir dir;
  Store(dir / "file", "");
  const io::Fd& here = io::Fd::CurrentDirectory();
  CO_EXPECT_ERROR(co_await io::SymlinkAt("x", here, dir / "file"),
                  std::errc::file_exists);
  CO_EXPECT_ERROR(co_await io::SymlinkAt("", here, dir / "link"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await io::SymlinkAt("x", here, dir / "none/link"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(
      co_await io::SymlinkAt(std::string(5000, 'x'), here, dir / "link"),
      std::errc::filename_too_long);
  const std::string zero("x\0y", 3);
  CO_EXPECT_ERROR(co_await io::SymlinkAt(zero, here, dir / "link"),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await io::SymlinkAt("x", here, zero),
                  std::errc::invalid_argument);
}

}  // namespace
}  // namespace eddy::io_test
