#include <eddy/fs/write_file.h>

#include "tests/fs/small_disk.h"
#include "tests/io/io_test_util.h"

#include <eddy/runtime/stop.h>
#include <eddy/runtime/with_stop.h>

#include <sys/syscall.h>

#include <filesystem>
#include <string>
#include <vector>

namespace eddy::fs {
namespace {

using io_test::Bytes;
using io_test::Check;
using io_test::Load;
using io_test::Pattern;
using io_test::Store;
using io_test::TempDir;
using io_test::Text;

CO_TEST(WriteFileTest, MakesAFile) {
  const TempDir dir;
  CO_EXPECT_OK(co_await WriteFile(dir / "text", "contents"));
  EXPECT_EQ(Load(dir / "text"), "contents");
  const std::vector<std::byte> data = Pattern(3'000'000);
  CO_EXPECT_OK(co_await WriteFile(dir / "bytes", data));
  EXPECT_TRUE(Load(dir / "bytes") == Text(data));
  CO_EXPECT_OK(co_await WriteFile(dir / "empty", ""));
  EXPECT_EQ(Load(dir / "empty"), "");
  const std::string zero("a\0b", 3);
  CO_EXPECT_OK(co_await WriteFile(dir / "zero", zero));
  EXPECT_EQ(Load(dir / "zero"), zero);
}

CO_TEST(WriteFileTest, ReplacesWhatWasThere) {
  const TempDir dir;
  Store(dir / "file", "what was there before is longer");
  CO_EXPECT_OK(co_await WriteFile(dir / "file", "short"));
  EXPECT_EQ(Load(dir / "file"), "short");
}

CO_TEST(WriteFileTest, TakesOptions) {
  const TempDir dir;
  Store(dir / "log", "first,");
  OpenOptions append;
  append.write = append.append = true;
  CO_EXPECT_OK(co_await WriteFile(dir / "log", "second", append));
  EXPECT_EQ(Load(dir / "log"), "first,second");
  OpenOptions exclusive = OpenOptions::Rewrite();
  exclusive.exclusive = true;
  CO_EXPECT_ERROR(co_await WriteFile(dir / "log", "third", exclusive),
                  std::errc::file_exists);
  EXPECT_EQ(Load(dir / "log"), "first,second");
  CO_EXPECT_ERROR(co_await WriteFile(dir / "log", "x", OpenOptions::ReadOnly()),
                  std::errc::bad_file_descriptor);
}

CO_TEST(WriteFileTest, GivesTheErrorsOfTheFile) {
  const TempDir dir;
  CO_EXPECT_ERROR(co_await WriteFile(dir / "no/such", "x"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await WriteFile(dir.path(), "x"),
                  std::errc::is_a_directory);
  CO_EXPECT_ERROR(co_await WriteFile("/dev/full", "x"),
                  std::errc::no_space_on_device);
}

CO_TEST(WriteFileTest, TellsOfADiskThatBecomesFull) {
  const fs_test::SmallDisk disk("64k");
  if (!disk.mounted()) CO_SKIP("may not mount a tmpfs");
  const std::string path = disk.path() + "/file";
  const std::vector<std::byte> data = Pattern(1 << 20);
  CO_EXPECT_ERROR(co_await WriteFile(path, data),
                  std::errc::no_space_on_device);
  // The part that fitted was written: the short transfer was gone on with.
  EXPECT_TRUE(Load(path) == Text(std::span(data).first(64 * 1024)));
  CO_EXPECT_OK(co_await WriteFile(path, std::span(data).first(64 * 1024)));
}

CO_TEST(WriteFileTest, TellsOfADiskThatIsReadOnly) {
  fs_test::SmallDisk disk("64k");
  if (!disk.mounted()) CO_SKIP("may not mount a tmpfs");
  disk.MakeReadOnly();
  CO_EXPECT_ERROR(co_await WriteFile(disk.path() + "/file", "x"),
                  std::errc::read_only_file_system);
}

// This thread's right to everything, given up for a while. (The system call:
// glibc's function would change all threads.)
class OrdinaryUser {
 public:
  OrdinaryUser() { IO_TEST_CHECK(syscall(SYS_setresuid, -1, 65534, -1)); }
  ~OrdinaryUser() { syscall(SYS_setresuid, -1, 0, -1); }
};

CO_TEST(WriteFileTest, TellsOfAFileThatMayNotBeWritten) {
  if (geteuid() != 0) CO_SKIP("only root can become another user");
  const TempDir dir;
  IO_TEST_CHECK(chmod(dir.path().c_str(), 0755));
  Store(dir / "file", "contents");
  IO_TEST_CHECK(chmod((dir / "file").c_str(), 0644));
  {
    const OrdinaryUser user;
    // The rights are those of the thread at this time, not of the worker.
    CO_EXPECT_ERROR(co_await WriteFile(dir / "file", "x"),
                    std::errc::permission_denied);
    CO_EXPECT_ERROR(co_await WriteFile(dir / "new", "x"),
                    std::errc::permission_denied);
  }
  EXPECT_EQ(Load(dir / "file"), "contents");
}

CO_TEST(WriteFileTest, LeavesTheFileAloneWhereStoppedBefore) {
  const TempDir dir;
  Store(dir / "file", "contents");
  StopSource source;
  source.RequestStop();
  CO_EXPECT_ERROR(
      co_await WithStop(source.token(), WriteFile(dir / "file", "new")),
      kCanceled);
  EXPECT_EQ(Load(dir / "file"), "contents");
}

}  // namespace
}  // namespace eddy::fs
