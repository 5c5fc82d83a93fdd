#include <eddy/io/open_at.h>

#include "tests/io/operation_contract.h"

#include <eddy/io/read.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <filesystem>

namespace eddy::io_test {
namespace {

class OpenAtVerb final : public Verb {
 public:
  OpenAtVerb() { Store(dir_ / "file", "contents"); }

  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(opened_, co_await io::OpenAt(fd, "file"));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return folder_; }
  void ExpectDone() override {
    ASSERT_TRUE(opened_.valid());
    EXPECT_EQ(Drain(opened_), "contents");
    EXPECT_EQ(fcntl(opened_.get(), F_GETFD), FD_CLOEXEC);
  }
  void ExpectNoTrace() override { EXPECT_FALSE(opened_.valid()); }

 private:
  TempDir dir_;
  io::Fd folder_{IO_TEST_CHECK(open(dir_.path().c_str(), O_PATH | O_CLOEXEC))};
  io::Fd opened_;
};
INSTANTIATE_TEST_SUITE_P(OpenAt, OperationContractTest,
                         ::testing::Values(MakeVerb<OpenAtVerb>));

CO_TEST(OpenAtTest, CreatesWithAModeBeforeTheUmask) {
  const TempDir dir;
  const mode_t before = umask(027);
  io::OpenHow how;
  how.flags = O_CREAT | O_EXCL | O_WRONLY;
  how.mode = 0666;
  const Result<io::Fd> file =
      co_await io::OpenAt(io::Fd::CurrentDirectory(), dir / "new", how);
  umask(before);
  CO_ASSERT_OK(file);
  struct stat info;
  IO_TEST_CHECK(fstat(file->get(), &info));
  EXPECT_EQ(info.st_mode & 07777, 0640U);
  CO_EXPECT_ERROR(
      co_await io::OpenAt(io::Fd::CurrentDirectory(), dir / "new", how),
      std::errc::file_exists);
}

CO_TEST(OpenAtTest, MakesFilesWithoutAName) {
  const TempDir dir;
  io::OpenHow how;
  how.flags = O_TMPFILE | O_RDWR;
  how.mode = 0600;
  CO_EXPECT_OK(
      co_await io::OpenAt(io::Fd::CurrentDirectory(), dir.path(), how));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

CO_TEST(OpenAtTest, LeavesTheModeOutWhereNothingIsCreated) {
  const TempDir dir;
  Store(dir / "file", "");
  io::OpenHow how;
  how.mode = 0644;  // openat2 itself would refuse it
  CO_EXPECT_OK(
      co_await io::OpenAt(io::Fd::CurrentDirectory(), dir / "file", how));
}

CO_TEST(OpenAtTest, StaysBeneathAFolder) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "root");
  Store(dir / "secret", "");
  Store(dir / "root/inside", "");
  std::filesystem::create_symlink("../secret", dir / "root/leak");
  std::filesystem::create_symlink("inside", dir / "root/link");
  const io::Fd root(
      IO_TEST_CHECK(open((dir / "root").c_str(), O_PATH | O_CLOEXEC)));
  io::OpenHow how;
  how.resolve = RESOLVE_BENEATH;
  CO_EXPECT_OK(co_await io::OpenAt(root, "inside", how));
  CO_EXPECT_OK(co_await io::OpenAt(root, "link", how));
  for (const char* path : {"../secret", "leak", "/etc/passwd", "../root/inside",
                           "inside/../../secret"}) {
    const Result<io::Fd> file = co_await io::OpenAt(root, path, how);
    EXPECT_FALSE(file) << path;
  }
  CO_EXPECT_ERROR(co_await io::OpenAt(root, "../secret", how),
                  std::errc::cross_device_link);
}

CO_TEST(OpenAtTest, GivesTheErrorsOfTheSystemCall) {
  const TempDir dir;
  const io::Fd& here = io::Fd::CurrentDirectory();
  CO_EXPECT_ERROR(co_await io::OpenAt(here, dir / "missing"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await io::OpenAt(here, ""),
                  std::errc::no_such_file_or_directory);
  io::OpenHow write;
  write.flags = O_WRONLY;
  CO_EXPECT_ERROR(co_await io::OpenAt(here, dir.path(), write),
                  std::errc::is_a_directory);
  CO_EXPECT_ERROR(co_await io::OpenAt(here, std::string(5000, 'x')),
                  std::errc::filename_too_long);
  io::OpenHow unknown;
  unknown.resolve = ~std::uint64_t{0};
  CO_EXPECT_ERROR(co_await io::OpenAt(here, "/", unknown),
                  std::errc::invalid_argument);
}

CO_TEST(OpenAtTest, RefusesStringsThatAreNoPath) {
  const io::Fd& here = io::Fd::CurrentDirectory();
  const std::string zero("/tmp\0/x", 7);
  CO_EXPECT_ERROR(co_await io::OpenAt(here, zero), std::errc::invalid_argument);
  const char* null = nullptr;
  CO_EXPECT_ERROR(co_await io::OpenAt(here, null), std::errc::invalid_argument);
}

// Opening a pipe by its name waits for the other end, in a kernel worker.
CO_TEST(OpenAtTest, StopsWhileANamedPipeHasNoOtherEnd) {
  const TempDir dir;
  const std::string path = dir / "fifo";
  IO_TEST_CHECK(mkfifo(path.c_str(), 0600));
  io::OpenHow how;
  how.flags = O_RDONLY | O_CREAT;  // O_CREAT: the kernel takes a worker
  const io::Fd& here = io::Fd::CurrentDirectory();
  CO_EXPECT_ERROR(co_await WithTimeout(20ms, io::OpenAt(here, path, how)),
                  kTimedOut);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await io::OpenAt(here, path, how), kCanceled);
    });
    co_await Pause(5ms);
    scope.RequestStop();
  });
}

}  // namespace
}  // namespace eddy::io_test
