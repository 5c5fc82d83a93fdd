#include <eddy/io/rename_at.h>

#include "tests/io/name_verbs.h"

#include <filesystem>

namespace eddy::io_test {
namespace {

INSTANTIATE_TEST_SUITE_P(RenameAt, OperationContractTest,
                         ::testing::Values(MakeVerb<RenameAtVerb>));

class RenameAtTest : public ::testing::Test {
 protected:
  RenameAtTest() {
    Store(dir_ / "a", "a");
    Store(dir_ / "b", "b");
  }
  Task<Result<void>> Rename(const char* from, const char* to,
                            unsigned flags = 0) const {
    co_return co_await io::RenameAt(here_, dir_ / from, here_, dir_ / to,
                                    flags);
  }

  const TempDir dir_;
  const io::Fd& here_ = io::Fd::CurrentDirectory();
};

CO_TEST_F(RenameAtTest, ReplacesUnlessToldNot) {
  CO_EXPECT_ERROR(co_await Rename("a", "b", RENAME_NOREPLACE),
                  std::errc::file_exists);
  EXPECT_EQ(Load(dir_ / "b"), "b");
  CO_EXPECT_OK(co_await Rename("a", "b"));
  EXPECT_EQ(Load(dir_ / "b"), "a");
  CO_EXPECT_OK(co_await Rename("b", "new", RENAME_NOREPLACE));
  EXPECT_EQ(Load(dir_ / "new"), "a");
}

CO_TEST_F(RenameAtTest, ExchangesNames) {
  CO_EXPECT_OK(co_await Rename("a", "b", RENAME_EXCHANGE));
  EXPECT_EQ(Load(dir_ / "a"), "b");
  EXPECT_EQ(Load(dir_ / "b"), "a");
  CO_EXPECT_ERROR(co_await Rename("a", "none", RENAME_EXCHANGE),
                  std::errc::no_such_file_or_directory);
}

CO_TEST_F(RenameAtTest, MovesFromFolderToFolder) {
  std::filesystem::create_directory(dir_ / "sub");
  const io::Fd from(IO_TEST_CHECK(open(dir_.path().c_str(), O_PATH)));
  const io::Fd to(IO_TEST_CHECK(open((dir_ / "sub").c_str(), O_PATH)));
  CO_EXPECT_OK(co_await io::RenameAt(from, "a", to, "c"));
  EXPECT_EQ(Load(dir_ / "sub/c"), "a");
  const ClosedFd closed;
  CO_EXPECT_ERROR(co_await io::RenameAt(from, "b", closed.get(), "b"),
                  std::errc::bad_file_descriptor);
}

CO_TEST_F(RenameAtTest, GivesTheErrorsOfTheSystemCall) {
  std::filesystem::create_directories(dir_ / "sub/sub");
  CO_EXPECT_ERROR(co_await Rename("none", "c"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await Rename("a", "sub"), std::errc::is_a_directory);
  CO_EXPECT_ERROR(co_await Rename("sub", "sub/sub/x"),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await Rename("a", "b", RENAME_NOREPLACE | RENAME_EXCHANGE),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await io::RenameAt(here_, dir_ / "a", here_, "/proc/x"),
                  std::errc::cross_device_link);
}

CO_TEST_F(RenameAtTest, RefusesStringsThatAreNoPath) {
  const std::string zero("x\0y", 3);
  CO_EXPECT_ERROR(co_await io::RenameAt(here_, dir_ / "a", here_, zero),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await io::RenameAt(here_, zero, here_, dir_ / "c"),
                  std::errc::invalid_argument);
}

}  // namespace
}  // namespace eddy::io_test
