#include <eddy/io/statx.h>

#include "tests/io/operation_contract.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>

namespace eddy::io_test {
namespace {

class StatxVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(info_, co_await io::Statx(fd));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return file_; }
  void ExpectDone() override { EXPECT_EQ(info_.stx_size, 6U); }
  void ExpectNoTrace() override { EXPECT_EQ(info_.stx_size, 0U); }

 private:
  io::Fd file_ = AnonymousFile("abcdef");
  struct statx info_ {};
};
INSTANTIATE_TEST_SUITE_P(Statx, OperationContractTest,
                         ::testing::Values(MakeVerb<StatxVerb>));

CO_TEST(StatxTest, TellsWhatTheSystemCallTells) {
  const TempDir dir;
  Store(dir / "file", "0123456789");
  struct stat expected;
  IO_TEST_CHECK(stat((dir / "file").c_str(), &expected));
  const Result<struct statx> info =
      co_await io::Statx(io::Fd::CurrentDirectory(), dir / "file");
  CO_ASSERT_OK(info);
  EXPECT_EQ(info->stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
  EXPECT_EQ(info->stx_size, 10U);
  EXPECT_EQ(info->stx_mode, expected.st_mode);
  EXPECT_EQ(info->stx_ino, expected.st_ino);
  EXPECT_EQ(info->stx_nlink, expected.st_nlink);
  EXPECT_EQ(info->stx_uid, expected.st_uid);
  EXPECT_EQ(info->stx_mtime.tv_sec, expected.st_mtim.tv_sec);
  EXPECT_EQ(info->stx_mtime.tv_nsec, expected.st_mtim.tv_nsec);
  EXPECT_EQ(makedev(info->stx_dev_major, info->stx_dev_minor), expected.st_dev);
}

CO_TEST(StatxTest, TakesAPathRelativeToAFolder) {
  const TempDir dir;
  Store(dir / "file", "12345");
  const io::Fd folder(
      IO_TEST_CHECK(open(dir.path().c_str(), O_PATH | O_CLOEXEC)));
  const Result<struct statx> info = co_await io::Statx(folder, "file");
  CO_ASSERT_OK(info);
  EXPECT_EQ(info->stx_size, 5U);
  // The folder itself.
  const Result<struct statx> itself = co_await io::Statx(folder);
  CO_ASSERT_OK(itself);
  EXPECT_TRUE(S_ISDIR(itself->stx_mode));
}

CO_TEST(StatxTest, FollowsSymbolicLinksUnlessToldNot) {
  const TempDir dir;
  Store(dir / "file", "12345");
  std::filesystem::create_symlink("file", dir / "link");
  const io::Fd& here = io::Fd::CurrentDirectory();
  const Result<struct statx> target = co_await io::Statx(here, dir / "link");
  CO_ASSERT_OK(target);
  EXPECT_TRUE(S_ISREG(target->stx_mode));
  const Result<struct statx> link =
      co_await io::Statx(here, dir / "link", AT_SYMLINK_NOFOLLOW);
  CO_ASSERT_OK(link);
  EXPECT_TRUE(S_ISLNK(link->stx_mode));
}

CO_TEST(StatxTest, GivesTheErrorsOfTheSystemCall) {
  const TempDir dir;
  const io::Fd& here = io::Fd::CurrentDirectory();
  CO_EXPECT_ERROR(co_await io::Statx(here, dir / "missing"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await io::Statx(here, ""),
                  std::errc::no_such_file_or_directory);
  Store(dir / "file", "");
  CO_EXPECT_ERROR(co_await io::Statx(here, dir / "file/below"),
                  std::errc::not_a_directory);
}

CO_TEST(StatxTest, RefusesStringsThatAreNoPath) {
  const io::Fd& here = io::Fd::CurrentDirectory();
  const std::string zero("/tmp\0/x", 7);
  CO_EXPECT_ERROR(co_await io::Statx(here, zero), std::errc::invalid_argument);
  const char* null = nullptr;
  CO_EXPECT_ERROR(co_await io::Statx(here, null), std::errc::invalid_argument);
}

}  // namespace
}  // namespace eddy::io_test
