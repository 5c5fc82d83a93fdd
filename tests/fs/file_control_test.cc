// What can be asked and changed of a file besides its bytes.
#include <eddy/fs/file.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <sys/stat.h>

#include <array>
#include <chrono>

#include "tests/sweeps.h"

namespace eddy::fs {
namespace {

using io_test::Bytes;
using io_test::Load;
using io_test::Store;
using io_test::TempDir;
using io_test::Text;
using namespace std::string_literals;
using namespace std::chrono_literals;

CO_TEST(FileControlTest, TemporaryFileHasNoName) {
  const TempDir dir;
  OpenOptions options = OpenOptions::ReadWrite();
  options.temporary = true;
  Result<File> file = co_await File::Open(dir.path(), options);
  if (!file && file.error() == std::errc::operation_not_supported) {
    CO_SKIP("no O_TMPFILE on the file system of /tmp");
  }
  CO_ASSERT_OK(file);
  CO_EXPECT_OK(co_await file->WriteAllAt(0, Bytes("data")));
  const Result<FileInfo> info = co_await file->Stat();
  CO_ASSERT_OK(info);
  EXPECT_EQ(info->links, 0U);
  EXPECT_EQ(info->size, 4U);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
  // It is made in a folder, and to be written.
  Store(dir / "file", "");
  CO_EXPECT_ERROR(co_await File::Open(dir / "file", options),
                  std::errc::not_a_directory);
  options.write = false;
  CO_EXPECT_ERROR(co_await File::Open(dir.path(), options),
                  std::errc::invalid_argument);
}

CO_TEST(FileControlTest, OpensDurablyAndWithoutAccessTime) {
  const TempDir dir;
  OpenOptions options = OpenOptions::AppendTo();
  options.durability = Durability::kEveryData;
  options.no_access_time = true;
  Result<File> file = co_await File::Open(dir / "file", options);
  CO_ASSERT_OK(file);
  const int flags = fcntl(file->fd().get(), F_GETFL);
  EXPECT_EQ(flags & O_SYNC, O_DSYNC);
  EXPECT_NE(flags & O_APPEND, 0);
  EXPECT_NE(flags & O_NOATIME, 0);
  options.durability = Durability::kEveryWrite;
  Result<File> other = co_await File::Open(dir / "file", options);
  CO_ASSERT_OK(other);
  EXPECT_EQ(fcntl(other->fd().get(), F_GETFL) & O_SYNC, O_SYNC);
}

CO_TEST(FileControlTest, TransfersSeveralBuffersAndAppends) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const TempDir dir;
  Result<File> file = co_await File::Open(dir / "file", OpenOptions::Rewrite());
  CO_ASSERT_OK(file);
  const iovec out[] = {io::ToIovec(Bytes("01")), io::ToIovec(Bytes("234"))};
  CO_EXPECT_EQ(co_await file->WriteAt(1, out), 5U);
  CO_EXPECT_EQ(co_await file->Append(Bytes("end")), 3U);
  std::array<std::byte, 4> a;
  std::array<std::byte, 100> b;
  const iovec in[] = {io::ToIovec(std::span(a)), io::ToIovec(std::span(b))};
  CO_EXPECT_EQ(co_await file->ReadAt(0, in), 9U);
  EXPECT_EQ(Text(a), "\000012"s);
  EXPECT_EQ(Text(std::span(b).first(5)), "34end");
}

Task<void> Truncates() {
  const TempDir dir;
  Store(dir / "file", "0123456789");
  Result<File> file =
      co_await File::Open(dir / "file", OpenOptions::ReadWrite());
  CO_ASSERT_OK(file);
  CO_EXPECT_OK(co_await file->Truncate(3));
  EXPECT_EQ(Load(dir / "file"), "012");
  CO_EXPECT_OK(co_await file->Truncate(5));
  EXPECT_EQ(Load(dir / "file"), "012\0\0"s);
  CO_EXPECT_ERROR(co_await file->Truncate(~std::uint64_t{0}),
                  std::errc::invalid_argument);
  Result<File> read_only = co_await File::Open(dir / "file");
  CO_ASSERT_OK(read_only);
  CO_EXPECT_ERROR(co_await read_only->Truncate(0), std::errc::invalid_argument);
}

CO_TEST(FileControlTest, Truncates) { co_await Truncates(); }

CO_TEST(FileControlTest, MakesAndGivesBackSpace) {
  const TempDir dir;
  Result<File> file = co_await File::Open(dir / "file", OpenOptions::Rewrite());
  CO_ASSERT_OK(file);
  constexpr std::uint64_t kMiB = 1 << 20;
  CO_ASSERT_OK(co_await file->Allocate(0, kMiB));
  Result<FileInfo> info = co_await file->Stat();
  CO_ASSERT_OK(info);
  EXPECT_EQ(info->size, kMiB);
  EXPECT_GE(info->allocated, kMiB);
  CO_ASSERT_OK(co_await file->PunchHole(0, kMiB));
  info = co_await file->Stat();
  CO_ASSERT_OK(info);
  EXPECT_EQ(info->size, kMiB);
  EXPECT_LT(info->allocated, kMiB / 2);
  CO_EXPECT_OK(co_await file->Advise(POSIX_FADV_SEQUENTIAL));
  CO_EXPECT_OK(co_await file->SyncRange(0, kMiB));
}

CO_TEST(FileControlTest, TellsAllThatStatxKnows) {
  const TempDir dir;
  Store(dir / "file", "0123456789");
  std::filesystem::create_hard_link(dir / "file", dir / "other");
  Result<File> file = co_await File::Open(dir / "file");
  CO_ASSERT_OK(file);
  const Result<FileInfo> info = co_await file->Stat();
  CO_ASSERT_OK(info);
  struct stat native {};
  IO_TEST_CHECK(fstat(file->fd().get(), &native));
  EXPECT_EQ(info->inode, native.st_ino);
  EXPECT_EQ(info->device, native.st_dev);
  EXPECT_EQ(info->links, 2U);
  EXPECT_EQ(info->owner, native.st_uid);
  EXPECT_EQ(info->group, native.st_gid);
  EXPECT_EQ(info->allocated,
            static_cast<std::uint64_t>(native.st_blocks) * 512);
  EXPECT_EQ(info->block_size, static_cast<std::uint32_t>(native.st_blksize));
  EXPECT_EQ(info->type(), FileType::kRegular);
  EXPECT_EQ(info->permissions(), native.st_mode & 07777);
  if (info->created) {
    EXPECT_LE(*info->created, info->changed);
  }
}

TEST(FileTypeTest, IsThatOfTheMode) {
  EXPECT_EQ(TypeOfMode(S_IFREG | 0644), FileType::kRegular);
  EXPECT_EQ(TypeOfMode(S_IFDIR | 0755), FileType::kDirectory);
  EXPECT_EQ(TypeOfMode(S_IFLNK | 0777), FileType::kSymlink);
  EXPECT_EQ(TypeOfMode(S_IFIFO), FileType::kFifo);
  EXPECT_EQ(TypeOfMode(S_IFSOCK), FileType::kSocket);
  EXPECT_EQ(TypeOfMode(S_IFCHR), FileType::kCharacter);
  EXPECT_EQ(TypeOfMode(S_IFBLK), FileType::kBlock);
  EXPECT_EQ(TypeOfMode(0644), FileType::kUnknown);
}

CO_TEST(FileControlTest, SetsTimesModeAndOwner) {
  const TempDir dir;
  Store(dir / "file", "x");
  Result<File> file =
      co_await File::Open(dir / "file", OpenOptions::ReadWrite());
  CO_ASSERT_OK(file);
  const FileTime before_epoch{-1500ms};
  const FileTime later{1'700'000'000s + 123'456'789ns};
  CO_ASSERT_OK(co_await file->SetTimes(before_epoch, later));
  Result<FileInfo> info = co_await file->Stat();
  CO_ASSERT_OK(info);
  EXPECT_EQ(info->accessed, before_epoch);
  EXPECT_EQ(info->modified, later);
  CO_ASSERT_OK(co_await file->SetTimes(later, {}));
  CO_ASSERT_OK(co_await file->SetMode(04711));
  info = co_await file->Stat();
  CO_ASSERT_OK(info);
  EXPECT_EQ(info->accessed, later);
  EXPECT_EQ(info->modified, later);
  EXPECT_EQ(info->permissions(), 04711U);
  CO_EXPECT_OK(co_await file->SetOwner({}, {}));
  if (geteuid() == 0) {
    CO_ASSERT_OK(co_await file->SetOwner({}, 12345));
    info = co_await file->Stat();
    CO_ASSERT_OK(info);
    EXPECT_EQ(info->owner, geteuid());
    EXPECT_EQ(info->group, 12345U);
  }
  Result<File> foreign = co_await File::Open("/proc/self/status");
  CO_ASSERT_OK(foreign);
  CO_EXPECT_ERROR(co_await foreign->SetMode(0777),
                  std::errc::operation_not_permitted);
}

TEST(FileControlSweepTest, EveryCallOfThePool) {
  const TempDir dir;
  Store(dir / "file", "0123456789");
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(File file,
                co_await File::Open(dir / "file", OpenOptions::ReadWrite()));
    EDDY_CO_CHECK(co_await file.SetTimes(FileTime{1s}, FileTime{2s}));
    EDDY_CO_CHECK(co_await file.SetMode(0600));
    EDDY_CO_CHECK(co_await file.SetOwner({}, {}));
    EDDY_CO_CHECK(co_await file.Truncate(10));
    EDDY_CO_CHECK(co_await file.Allocate(0, 10));
    {
      EDDY_CO_TRY(const FileLock lock,
                  co_await file.Lock(LockKind::kExclusive));
    }
    co_return co_await file.Close();
  };
  test::ExpectCleanSweeps(scenario, {.stops = 8, .failures = 4});
}

}  // namespace
}  // namespace eddy::fs
