#include <eddy/fs/copy_file.h>

#include "tests/io/io_test_util.h"

#include <eddy/fs/temporary_name.h>

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/fs/as_nobody.h"
#include "tests/fs/small_disk.h"
#include "tests/io/descriptor_limit.h"
#include "tests/sweeps.h"

namespace eddy::fs {
namespace {

using io_test::Load;
using io_test::Pattern;
using io_test::Store;
using io_test::TempDir;
using io_test::Text;

std::size_t Entries(const std::string& folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

struct stat StatOf(const std::string& path) {
  struct stat info;
  IO_TEST_CHECK(stat(path.c_str(), &info));
  return info;
}

CO_TEST(CopyFileTest, CopiesFilesOfAllSizes) {
  for (const char* const where : {"/tmp", "/dev/shm"}) {
    const TempDir dir(where);
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{65'536},
          std::size_t{65'537}, std::size_t{1'000'000},
          std::size_t{(16 << 20) + 1}}) {
      const std::string contents = Text(Pattern(size));
      Store(dir / "from", contents);
      for (const bool offload : {true, false}) {
        CopyFileOptions options;
        options.offload = offload;
        CO_EXPECT_EQ(
            (co_await CopyFile(dir / "from", dir / "to", options)).value_or(7),
            size);
        EXPECT_TRUE(Load(dir / "to") == contents) << size;
        EXPECT_EQ(Entries(dir.path()), 2U);
      }
    }
  }
}

CO_TEST(CopyFileTest, CopiesFromOneFileSystemToAnother) {
  const TempDir disk;
  const TempDir memory("/dev/shm");
  const std::string contents = Text(Pattern(300'000));
  Store(disk / "from", contents);
  CO_EXPECT_OK(co_await CopyFile(disk / "from", memory / "to"));
  EXPECT_TRUE(Load(memory / "to") == contents);
  CO_EXPECT_OK(co_await CopyFile(memory / "to", disk / "back"));
  EXPECT_TRUE(Load(disk / "back") == contents);
}

CO_TEST(CopyFileTest, CopiesFilesThatTellNoSize) {
  const TempDir dir;
  const Result<std::uint64_t> size =
      co_await CopyFile("/proc/self/status", dir / "status");
  CO_ASSERT_OK(size);
  EXPECT_GT(*size, 100U);
  EXPECT_EQ(Load(dir / "status").size(), *size);
}

// Data, hole, data beyond 4 GiB, hole.
CO_TEST(CopyFileTest, LeavesHolesWhereTheyAre) {
  constexpr off_t kFar = (off_t{1} << 32) + 123'456;
  constexpr off_t kSize = off_t{5} << 30;
  for (const char* const where : {"/tmp", "/dev/shm"}) {
    const TempDir dir(where);
    const std::string data = Text(Pattern(100'000));
    {
      const io::Fd file(IO_TEST_CHECK(
          open((dir / "from").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)));
      IO_TEST_CHECK(pwrite(file.get(), data.data(), data.size(), 0));
      IO_TEST_CHECK(pwrite(file.get(), data.data(), data.size(), kFar));
      IO_TEST_CHECK(ftruncate(file.get(), kSize));
    }
    for (const bool offload : {true, false}) {
      CopyFileOptions options;
      options.offload = offload;
      CO_EXPECT_EQ(
          (co_await CopyFile(dir / "from", dir / "to", options)).value_or(0),
          static_cast<std::uint64_t>(kSize));
      const struct stat info = StatOf(dir / "to");
      EXPECT_EQ(info.st_size, kSize);
      EXPECT_LT(info.st_blocks * 512, 1'000'000);
      const io::Fd copy(
          IO_TEST_CHECK(open((dir / "to").c_str(), O_RDONLY | O_CLOEXEC)));
      std::string got(data.size(), '\0');
      for (const off_t at : {off_t{0}, kFar}) {
        IO_TEST_CHECK(pread(copy.get(), got.data(), got.size(), at));
        EXPECT_TRUE(got == data) << at;
      }
    }
  }
}

// A file system that shares blocks, in a file; not mounted where that takes
// rights or programs that are not there.
class SharingDisk {
 public:
  SharingDisk() {
    const std::string image = dir_ / "image";
    std::filesystem::create_directory(path());
    mounted_ = Shell("truncate -s 200M " + image) &&
               Shell("mkfs.btrfs -q " + image) &&
               Shell("mount -o loop " + image + " " + path());
  }
  ~SharingDisk() {
    if (mounted_) Shell("umount " + path());
  }
  SharingDisk(const SharingDisk&) = delete;
  SharingDisk& operator=(const SharingDisk&) = delete;

  bool mounted() const { return mounted_; }
  std::string path() const { return dir_ / "disk"; }

 private:
  static bool Shell(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
  }

  const TempDir dir_;
  bool mounted_ = false;
};

bool SharesItsBlocks(const std::string& path) {
  std::array<std::uint64_t, (sizeof(fiemap) + sizeof(fiemap_extent)) / 8>
      memory{};
  auto* const request = reinterpret_cast<fiemap*>(memory.data());
  request->fm_length = FIEMAP_MAX_OFFSET;
  request->fm_flags = FIEMAP_FLAG_SYNC;
  request->fm_extent_count = 1;
  const io::Fd file(IO_TEST_CHECK(open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  IO_TEST_CHECK(ioctl(file.get(), FS_IOC_FIEMAP, request));
  return (request->fm_extents[0].fe_flags & FIEMAP_EXTENT_SHARED) != 0;
}

CO_TEST(CopyFileTest, SharesTheBlocksWhereTheFileSystemCan) {
  const SharingDisk disk;
  if (!disk.mounted()) CO_SKIP("no Btrfs could be made and mounted");
  const std::string from = disk.path() + "/from";
  const std::string to = disk.path() + "/to";
  const std::string contents = Text(Pattern(20'000'000));
  Store(from, contents);
  CO_EXPECT_OK(co_await CopyFile(from, to));
  EXPECT_TRUE(Load(to) == contents);
  EXPECT_TRUE(SharesItsBlocks(to));
  CopyFileOptions options;
  options.offload = false;
  CO_EXPECT_OK(co_await CopyFile(from, to, options));
  EXPECT_TRUE(Load(to) == contents);
  EXPECT_FALSE(SharesItsBlocks(to));
}

CO_TEST(CopyFileTest, ReplacesUnlessToldNot) {
  const TempDir dir;
  Store(dir / "from", "new");
  Store(dir / "to", "old");
  CopyFileOptions options;
  options.replace = false;
  CO_EXPECT_ERROR(co_await CopyFile(dir / "from", dir / "to", options),
                  std::errc::file_exists);
  EXPECT_EQ(Load(dir / "to"), "old");
  CO_EXPECT_OK(co_await CopyFile(dir / "from", dir / "other", options));
  EXPECT_EQ(Load(dir / "other"), "new");
  options.replace = options.durable = true;
  CO_EXPECT_OK(co_await CopyFile(dir / "from", dir / "to", options));
  EXPECT_EQ(Load(dir / "to"), "new");
  EXPECT_EQ(Entries(dir.path()), 3U);
}

CO_TEST(CopyFileTest, KeepsWhatItIsToldTo) {
  const TempDir dir;
  const mode_t before = umask(022);
  Store(dir / "from", "contents");
  const bool root = geteuid() == 0;
  if (root) IO_TEST_CHECK(chown((dir / "from").c_str(), 65534, 65533));
  IO_TEST_CHECK(chmod((dir / "from").c_str(), root ? 04701 : 0701));
  const std::array<timespec, 2> times{{{1'000'000'000, 1}, {1'100'000'000, 2}}};
  IO_TEST_CHECK(utimensat(AT_FDCWD, (dir / "from").c_str(), times.data(), 0));
  IO_TEST_CHECK(setxattr((dir / "from").c_str(), "user.eddy", "value", 5, 0));
  CopyFileOptions options;
  options.keep_times = options.keep_attributes = true;
  options.keep_owner = root;
  CO_EXPECT_OK(co_await CopyFile(dir / "from", dir / "all", options));
  const struct stat from = StatOf(dir / "from");
  const struct stat all = StatOf(dir / "all");
  EXPECT_EQ(all.st_mode, from.st_mode);
  EXPECT_EQ(all.st_uid, from.st_uid);
  EXPECT_EQ(all.st_gid, from.st_gid);
  EXPECT_EQ(all.st_mtim.tv_sec, times[1].tv_sec);
  EXPECT_EQ(all.st_mtim.tv_nsec, times[1].tv_nsec);
  std::array<char, 8> value{};
  EXPECT_EQ(
      getxattr((dir / "all").c_str(), "user.eddy", value.data(), value.size()),
      5);
  options = {};
  options.keep_mode = false;
  CO_EXPECT_OK(co_await CopyFile(dir / "from", dir / "none", options));
  const struct stat none = StatOf(dir / "none");
  EXPECT_EQ(none.st_mode & 07777, 0644U);
  EXPECT_EQ(none.st_uid, geteuid());
  EXPECT_GT(none.st_mtim.tv_sec, times[1].tv_sec);
  EXPECT_LT(
      getxattr((dir / "none").c_str(), "user.eddy", value.data(), value.size()),
      0);
  umask(before);
}

// Each would else be run, or read, by who could not do that before.
CO_TEST(CopyFileTest, GivesNewOwnersNoMoreThanTheOldOnesHad) {
  if (geteuid() != 0) CO_SKIP("only root can give files away");
  const TempDir dir;
  struct Case {
    uid_t owner;
    gid_t group;
    mode_t from;
    mode_t to;
  };
  for (const Case& one :
       {Case{65534, 65533, 06755, 0755}, Case{65534, getegid(), 06755, 0755},
        Case{geteuid(), 65533, 06775, 0755}, Case{65534, 65533, 0664, 0644},
        Case{65534, 65533, 0640, 0600}, Case{65534, 65533, 0604, 0600},
        Case{65534, getegid(), 0640, 0640},
        Case{geteuid(), getegid(), 06755, 06755}}) {
    Store(dir / "from", "");
    IO_TEST_CHECK(chown((dir / "from").c_str(), one.owner, one.group));
    IO_TEST_CHECK(chmod((dir / "from").c_str(), one.from));
    CO_EXPECT_OK(co_await CopyFile(dir / "from", dir / "to"));
    const struct stat info = StatOf(dir / "to");
    EXPECT_EQ(info.st_mode & 07777, one.to) << std::oct << one.from;
    EXPECT_EQ(info.st_uid, geteuid());
  }
}

CO_TEST(CopyFileTest, FindsItsFolderOnce) {
  const TempDir dir("/dev/shm");
  Store(dir / "from", "contents");
  for (const char* folder : {"r1", "r2"}) {
    std::filesystem::create_directory(dir / folder);
  }
  std::filesystem::create_directory_symlink("r1", dir / "current");
  std::filesystem::create_directory_symlink("r2", dir / "other");
  std::atomic<bool> ended = false;
  std::thread flips([&] {
    while (!ended) {
      renameat2(AT_FDCWD, (dir / "current").c_str(), AT_FDCWD,
                (dir / "other").c_str(), RENAME_EXCHANGE);
    }
  });
  for (int round = 0; round < 200; ++round) {
    CO_EXPECT_OK(co_await CopyFile(dir / "from", dir / "current/to"));
    EXPECT_EQ(Entries(dir / "r1") + Entries(dir / "r2"), 1U);
    std::filesystem::remove(dir / "r1/to");
    std::filesystem::remove(dir / "r2/to");
  }
  ended = true;
  flips.join();
}

CO_TEST(CopyFileTest, ReplacesLinksThemselvesAndNothingSpecial) {
  const TempDir dir;
  Store(dir / "from", "new");
  Store(dir / "target", "old");
  std::filesystem::create_symlink("target", dir / "link");
  CO_EXPECT_OK(co_await CopyFile(dir / "from", dir / "link"));
  EXPECT_EQ(Load(dir / "target"), "old");
  EXPECT_FALSE(std::filesystem::is_symlink(dir / "link"));
  IO_TEST_CHECK(mkfifo((dir / "fifo").c_str(), 0600));
  CO_EXPECT_ERROR(co_await CopyFile(dir / "from", dir / "fifo"),
                  std::errc::invalid_argument);
  EXPECT_TRUE(std::filesystem::is_fifo(dir / "fifo"));
  EXPECT_EQ(Entries(dir.path()), 4U);
}

CO_TEST(CopyFileTest, CopiesWhatShrinksAndGrowsMeanwhile) {
  const TempDir dir("/dev/shm");
  const std::string contents = Text(Pattern(300'000));
  Store(dir / "from", contents);
  std::atomic<bool> ended = false;
  std::thread changes([&] {
    const std::string path = dir / "from";
    const io::Fd file(IO_TEST_CHECK(open(path.c_str(), O_RDWR | O_CLOEXEC)));
    while (!ended) {
      for (const off_t size : {1000, 3'000'000, 100'000, 1}) {
        IO_TEST_CHECK(ftruncate(file.get(), size));
      }
      IO_TEST_CHECK(pwrite(file.get(), contents.data(), contents.size(), 0));
    }
  });
  for (int round = 0; round < 200; ++round) {
    CopyFileOptions options;
    options.offload = round % 2 == 0;
    const Result<std::uint64_t> size =
        co_await CopyFile(dir / "from", dir / "to", options);
    CO_EXPECT_OK(size);
    if (size) {
      EXPECT_EQ(std::filesystem::file_size(dir / "to"), *size);
    }
  }
  ended = true;
  changes.join();
  EXPECT_EQ(Entries(dir.path()), 2U);
}

CO_TEST(CopyFileTest, ComesToTheEndOfAFileThatWasEmptyAndGrows) {
  const TempDir dir("/dev/shm");
  const std::string data = Text(Pattern(100'000));
  std::atomic<bool> ended = false;
  Store(dir / "from", "");
  std::thread writes([&] {
    const std::string path = dir / "from";
    const io::Fd file(
        IO_TEST_CHECK(open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC)));
    while (!ended) {
      for (int i = 0; i < 100; ++i) {
        IO_TEST_CHECK(write(file.get(), data.data(), data.size()));
      }
      IO_TEST_CHECK(ftruncate(file.get(), 0));
    }
  });
  for (int round = 0; round < 100; ++round) {
    const Result<std::uint64_t> size =
        co_await CopyFile(dir / "from", dir / "to");
    CO_EXPECT_OK(size);
    EXPECT_LE(std::filesystem::file_size(dir / "to"), 10'000'000U);
  }
  ended = true;
  writes.join();
}

CO_TEST(CopyFileTest, TellsWhereDescriptorsRunOut) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  const TempDir dir("/dev/shm");
  Store(dir / "from", "new");
  Store(dir / "to", "old");
  CopyFileOptions options;
  options.durable = true;
  // It takes three. (So does the reactor one, the first time.)
  for (std::size_t further = 0; further < 3; ++further) {
    {
      const io_test::DescriptorLimit limit(further);
      CO_EXPECT_ERROR(co_await CopyFile(dir / "from", dir / "to", options),
                      std::errc::too_many_files_open);
    }
    EXPECT_EQ(Load(dir / "to"), "old");
    EXPECT_EQ(Entries(dir.path()), 2U);
  }
  CO_EXPECT_OK(co_await CopyFile(dir / "from", dir / "to", options));
  EXPECT_EQ(Load(dir / "to"), "new");
}

CO_TEST(CopyFileTest, RefusesPathsThatAreTooLong) {
  const TempDir dir;
  Store(dir / "file", "");
  std::string path = dir.path();
  while (path.size() < 5000) path += "/.";
  path += "/file";
  CO_EXPECT_ERROR(co_await CopyFile(path, dir / "to"),
                  std::errc::filename_too_long);
  CO_EXPECT_ERROR(co_await CopyFile(dir / "file", path),
                  std::errc::filename_too_long);
  CO_EXPECT_ERROR(co_await CopyFile(dir / "file", dir / std::string(256, 'x')),
                  std::errc::filename_too_long);
  EXPECT_EQ(Entries(dir.path()), 1U);
}

TEST(CopyFileTest, DoesWhatItsRightsAllow) {
  if (!fs_test::MayBecomeNobody()) GTEST_SKIP() << "needs root";
  const TempDir dir;
  IO_TEST_CHECK(chmod(dir.path().c_str(), 0755));
  std::filesystem::create_directory(dir / "own");
  fs_test::GiveToNobody(dir / "own");
  Store(dir / "secret", "");
  IO_TEST_CHECK(chmod((dir / "secret").c_str(), 0600));
  Store(dir / "from", "contents");
  IO_TEST_CHECK(setxattr((dir / "from").c_str(), "user.eddy", "value", 5, 0));
  IO_TEST_CHECK(chmod((dir / "from").c_str(), 0444));
  EXPECT_TRUE(fs_test::PassesAsNobody([&]() -> Task<void> {
    CO_EXPECT_ERROR(co_await CopyFile(dir / "secret", dir / "own/to"),
                    std::errc::permission_denied);
    CO_EXPECT_ERROR(co_await CopyFile(dir / "from", dir / "to"),
                    std::errc::permission_denied);
    CopyFileOptions options;
    options.keep_owner = true;
    CO_EXPECT_ERROR(co_await CopyFile(dir / "from", dir / "own/to", options),
                    std::errc::operation_not_permitted);
    EXPECT_EQ(Entries(dir / "own"), 0U);
    options = {};
    options.keep_attributes = true;
    CO_EXPECT_OK(co_await CopyFile(dir / "from", dir / "own/to", options));
    std::array<char, 8> value{};
    EXPECT_EQ(getxattr((dir / "own/to").c_str(), "user.eddy", value.data(),
                       value.size()),
              5);
    EXPECT_EQ(StatOf(dir / "own/to").st_mode & 07777, 0444U);
    // The folder has to be read for a sync, which is known before.
    IO_TEST_CHECK(chmod((dir / "own").c_str(), 0300));
    options = {};
    options.durable = true;
    CO_EXPECT_ERROR(co_await CopyFile(dir / "from", dir / "own/2", options),
                    std::errc::permission_denied);
    options.durable = false;
    CO_EXPECT_OK(co_await CopyFile(dir / "from", dir / "own/3", options));
  }));
  EXPECT_EQ(Entries(dir / "own"), 2U);
}

CO_TEST(CopyFileTest, CopiesFromFolderToFolderAndFollowsNoLinkThere) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "sub");
  Store(dir / "file", "contents");
  std::filesystem::create_symlink("file", dir / "link");
  const Result<Directory> from = co_await Directory::Open(dir.path());
  const Result<Directory> to = co_await Directory::Open(dir / "sub");
  CO_ASSERT_OK(from);
  CO_ASSERT_OK(to);
  CO_EXPECT_OK(co_await CopyFile(*from, "file", *to, "copy"));
  EXPECT_EQ(Load(dir / "sub/copy"), "contents");
  CO_EXPECT_ERROR(co_await CopyFile(*from, "link", *to, "copy"),
                  std::errc::too_many_symbolic_link_levels);
  CO_EXPECT_ERROR(co_await CopyFile(*from, "sub/copy", *to, "copy"),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await CopyFile(*from, "file", *to, "../copy"),
                  std::errc::invalid_argument);
  CO_EXPECT_OK(co_await CopyFile(dir / "link", dir / "sub/followed"));
  EXPECT_EQ(Entries(dir / "sub"), 2U);
}

CO_TEST(CopyFileTest, GivesErrorsAndLeavesNothing) {
  const TempDir dir;
  Store(dir / "file", "contents");
  std::filesystem::create_directory(dir / "folder");
  IO_TEST_CHECK(mkfifo((dir / "fifo").c_str(), 0600));
  CO_EXPECT_ERROR(co_await CopyFile(dir / "none", dir / "to"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await CopyFile(dir / "folder", dir / "to"),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await CopyFile(dir / "fifo", dir / "to"),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await CopyFile(dir / "file", dir / "none/to"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await CopyFile(dir / "file", dir / "folder"),
                  std::errc::is_a_directory);
  CO_EXPECT_ERROR(co_await CopyFile(dir / "file", dir / "folder/"),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await CopyFile(dir / "file", std::string("/tmp/a\0", 7)),
                  std::errc::invalid_argument);
  EXPECT_EQ(Entries(dir.path()), 3U);
  EXPECT_EQ(Entries(dir / "folder"), 0U);
}

CO_TEST(CopyFileTest, LeavesNothingOnADiskThatIsFull) {
  const fs_test::SmallDisk disk("256k");
  if (!disk.mounted()) CO_SKIP("may not mount a tmpfs");
  const TempDir dir;
  Store(dir / "large", Text(Pattern(1 << 20)));
  Store(disk.path() + "/to", "old");
  CO_EXPECT_ERROR(co_await CopyFile(dir / "large", disk.path() + "/to"),
                  std::errc::no_space_on_device);
  EXPECT_EQ(Load(disk.path() + "/to"), "old");
  EXPECT_EQ(Entries(disk.path()), 1U);
}

TEST(CopyFileTest, IsOldOrNewStoppedAtEveryPoint) {
  const TempDir dir;
  const std::string contents = Text(Pattern((16 << 20) + 1));
  Store(dir / "from", contents);
  Store(dir / "to", "old");
  SweepOptions options;
  options.check = [&] {
    const std::string now = Load(dir / "to");
    const bool whole = now == "old" || now == contents;
    Store(dir / "to", "old");
    if (!whole) return "the file is neither the old one nor the copy";
    if (Entries(dir.path()) != 2) return "a temporary was left";
    return "";
  };
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await CopyFile(dir / "from", dir / "to"));
    co_return Result<void>();
  };
  // (Its jobs are no operations that could be failed.)
  const SweepReport stops = StopAtEveryPoint(scenario, options);
  EXPECT_EQ(stops.failure, "");
  EXPECT_GE(stops.points, 3U);
}

}  // namespace
}  // namespace eddy::fs
