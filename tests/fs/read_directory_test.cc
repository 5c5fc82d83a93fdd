#include <eddy/fs/read_directory.h>

#include "tests/fs/untyped_disk.h"
#include "tests/io/descriptor_limit.h"
#include "tests/io/io_test_util.h"

#include <eddy/runtime/stop.h>
#include <eddy/runtime/with_stop.h>

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/sweeps.h"

namespace eddy::fs {
namespace {

using io_test::Check;
using io_test::Store;
using io_test::TempDir;
using test::ExpectCleanSweeps;

using Entries = std::map<std::string, FileType>;

// Reads to the end. A name that came twice is an error.
Task<Result<Entries>> All(Stream<Result<DirectoryEntry>> stream) {
  Entries all;
  while (auto entry = co_await stream.Next()) {
    EDDY_CO_TRY(DirectoryEntry one, *std::move(entry));
    if (!all.emplace(std::move(one.name), one.type).second) {
      co_return Unexpected(std::errc::bad_message);
    }
  }
  co_return all;
}

void MakeMany(const std::string& folder, int count) {
  for (int i = 0; i < count; ++i) {
    Store(folder + "/entry-" + std::to_string(i), "");
  }
}

CO_TEST(ReadDirectoryTest, GivesEachNameWithItsType) {
  const TempDir dir;
  Entries expected;
  Store(dir / "file", "");
  expected["file"] = FileType::kRegular;
  IO_TEST_CHECK(mkdir((dir / "folder").c_str(), 0700));
  expected["folder"] = FileType::kDirectory;
  IO_TEST_CHECK(symlink("nowhere", (dir / "link").c_str()));
  expected["link"] = FileType::kSymlink;
  IO_TEST_CHECK(mkfifo((dir / "fifo").c_str(), 0600));
  expected["fifo"] = FileType::kFifo;
  const io::Fd socket_fd(IO_TEST_CHECK(socket(AF_UNIX, SOCK_STREAM, 0)));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (dir / "socket").copy(address.sun_path, sizeof address.sun_path - 1);
  IO_TEST_CHECK(bind(socket_fd.get(), reinterpret_cast<sockaddr*>(&address),
                     sizeof address));
  expected["socket"] = FileType::kSocket;
  // Making these takes rights.
  if (mknod((dir / "null").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0) {
    expected["null"] = FileType::kCharacter;
  }
  if (mknod((dir / "loop").c_str(), S_IFBLK | 0600, makedev(7, 0)) == 0) {
    expected["loop"] = FileType::kBlock;
  }
  CO_EXPECT_EQ((co_await All(ReadDirectory(dir.path()))).value(), expected);
}

CO_TEST(ReadDirectoryTest, TellsInodes) {
  const TempDir dir;
  Store(dir / "file", "");
  struct stat info;
  IO_TEST_CHECK(stat((dir / "file").c_str(), &info));
  auto entries = ReadDirectory(dir.path());
  const auto entry = co_await entries.Next();
  CO_ASSERT_TRUE(entry.has_value());
  CO_ASSERT_OK(*entry);
  EXPECT_EQ((*entry)->inode, info.st_ino);
}

// Anything but '/' and zero, of up to 255 bytes; names that begin with dots.
CO_TEST(ReadDirectoryTest, NamesAreBytes) {
  const TempDir dir;
  Entries expected;
  std::vector<std::string> names = {"\xff\xfe", "\n",  " ",
                                    "...",      ".a",  "..a",
                                    "\xc3\x28", "-rf", std::string(255, 'x')};
  for (int c = 1; c < 256; ++c) {
    if (c != '/' && c != '.') names.emplace_back(1, static_cast<char>(c));
  }
  for (const std::string& name : names) {
    Store(dir / name, "");
    expected[name] = FileType::kRegular;
  }
  CO_EXPECT_EQ((co_await All(ReadDirectory(dir.path()))).value(), expected);
}

CO_TEST(ReadDirectoryTest, ReadsEmptyAndLargeFolders) {
  for (const std::string parent : {"/tmp", "/dev/shm"}) {
    const TempDir folder(parent);
    CO_EXPECT_EQ((co_await All(ReadDirectory(folder.path()))).value().size(),
                 0U);
    MakeMany(folder.path(), 5000);
    CO_EXPECT_EQ((co_await All(ReadDirectory(folder.path()))).value().size(),
                 5000U);
  }
}

CO_TEST(ReadDirectoryTest, SeveralReadOneOpenFolder) {
  const TempDir dir;
  MakeMany(dir.path(), 10);
  Result<Directory> folder = co_await Directory::Open(dir.path());
  CO_ASSERT_OK(folder);
  auto first = ReadDirectory(*folder);
  auto second = ReadDirectory(*folder);
  for (int i = 0; i < 10; ++i) {
    const auto a = co_await first.Next();
    const auto b = co_await second.Next();
    CO_ASSERT_TRUE(a.has_value() && b.has_value());
    EXPECT_EQ((*a)->name, (*b)->name);
  }
  CO_EXPECT_FALSE((co_await first.Next()).has_value());
  // It needs its folder no longer.
  *folder = Directory();
  CO_EXPECT_FALSE((co_await second.Next()).has_value());
}

CO_TEST(ReadDirectoryTest, ResolvesTypesOnRequest) {
  const fs_test::UntypedDisk disk;
  if (!disk.mounted()) CO_SKIP("needs the rights to mount, and mke2fs");
  Store(disk.path() + "/file", "");
  IO_TEST_CHECK(mkdir((disk.path() + "/folder").c_str(), 0700));
  IO_TEST_CHECK(symlink("file", (disk.path() + "/link").c_str()));
  Entries expected = {{"file", FileType::kUnknown},
                      {"folder", FileType::kUnknown},
                      {"link", FileType::kUnknown},
                      {"lost+found", FileType::kUnknown}};
  CO_EXPECT_EQ((co_await All(ReadDirectory(disk.path()))).value(), expected);
  expected = {{"file", FileType::kRegular},
              {"folder", FileType::kDirectory},
              {"link", FileType::kSymlink},
              {"lost+found", FileType::kDirectory}};
  ReadDirectoryOptions options;
  options.resolve_types = true;
  CO_EXPECT_EQ((co_await All(ReadDirectory(disk.path(), options))).value(),
               expected);
  // One that has gone has no type.
  auto entries = ReadDirectory(disk.path(), options);
  CO_ASSERT_TRUE((co_await entries.Next()).has_value());
  IO_TEST_CHECK(unlink((disk.path() + "/file").c_str()));
  IO_TEST_CHECK(unlink((disk.path() + "/link").c_str()));
  while (const auto entry = co_await entries.Next()) {
    CO_ASSERT_OK(*entry);
    const std::string& name = (*entry)->name;
    EXPECT_EQ((*entry)->type, name == "file" || name == "link"
                                  ? FileType::kUnknown
                                  : FileType::kDirectory);
  }
}

CO_TEST(ReadDirectoryTest, GivesTheErrorsOfOpeningAndEnds) {
  const TempDir dir;
  Store(dir / "file", "");
  const std::pair<std::string, std::errc> cases[] = {
      {dir / "missing", std::errc::no_such_file_or_directory},
      {dir / "file", std::errc::not_a_directory},
      {std::string("/tmp\0/x", 7), std::errc::invalid_argument}};
  for (const auto& [path, error] : cases) {
    auto entries = ReadDirectory(path);
    const auto entry = co_await entries.Next();
    CO_ASSERT_TRUE(entry.has_value());
    CO_EXPECT_ERROR(*entry, error);
    CO_EXPECT_FALSE((co_await entries.Next()).has_value());
  }
}

CO_TEST(ReadDirectoryTest, GivesTheErrorsOfReadingAndEnds) {
  const TempDir dir;
  IO_TEST_CHECK(mkdir((dir / "gone").c_str(), 0700));
  Result<Directory> folder = co_await Directory::Open(dir / "gone");
  CO_ASSERT_OK(folder);
  IO_TEST_CHECK(rmdir((dir / "gone").c_str()));
  auto entries = ReadDirectory(*folder);
  const auto entry = co_await entries.Next();
  CO_ASSERT_TRUE(entry.has_value());
  CO_EXPECT_ERROR(*entry, std::errc::no_such_file_or_directory);
  CO_EXPECT_FALSE((co_await entries.Next()).has_value());
}

CO_TEST(ReadDirectoryTest, GivesTheWantOfDescriptors) {
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  const TempDir dir;
  // None for the folder, none for what wakes the reactor.
  for (std::size_t left = 0; left < 2; ++left) {
    const io_test::DescriptorLimit limit(left);
    CO_EXPECT_ERROR(co_await All(ReadDirectory(dir.path())),
                    std::errc::too_many_files_open);
  }
}

CO_TEST(ReadDirectoryTest, GoesOnAfterAStop) {
  const TempDir dir;
  MakeMany(dir.path(), 5000);
  auto entries = ReadDirectory(dir.path());
  Entries seen;
  int stops = 0;
  bool ended = false;
  // Every Next is stopped first, and asked again where that has hit it.
  while (!ended) {
    StopSource source;
    source.RequestStop();
    auto entry = co_await WithStop(source.token(), entries.Next());
    if (entry && !*entry && entry->error() == kCanceled) {
      ++stops;
      entry = co_await entries.Next();
    }
    ended = !entry.has_value();
    if (ended) break;
    CO_ASSERT_OK(*entry);
    EXPECT_TRUE(seen.emplace((*entry)->name, (*entry)->type).second);
  }
  EXPECT_EQ(seen.size(), 5000U);
  EXPECT_GE(stops, 3);
}

// Also where the Directory is gone by then.
CO_TEST(ReadDirectoryTest, ReadsAnOpenFolderAfterAStop) {
  const TempDir dir;
  MakeMany(dir.path(), 3);
  Result<Directory> folder = co_await Directory::Open(dir.path());
  CO_ASSERT_OK(folder);
  auto entries = ReadDirectory(*folder);
  StopSource source;
  source.RequestStop();
  const auto stopped = co_await WithStop(source.token(), entries.Next());
  CO_ASSERT_TRUE(stopped.has_value());
  CO_EXPECT_ERROR(*stopped, kCanceled);
  CO_EXPECT_OK(co_await folder->Close());
  const Result<Entries> all = co_await All(std::move(entries));
  CO_ASSERT_OK(all);
  EXPECT_EQ(all->size(), 3U);
  // One that is no folder cannot be read.
  CO_EXPECT_ERROR(co_await All(ReadDirectory(*folder)),
                  std::errc::bad_file_descriptor);
}

TEST(ReadDirectorySweepTest, ReadsAFolder) {
  const TempDir dir;
  MakeMany(dir.path(), 3);
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(const Directory folder, co_await Directory::Open(dir.path()));
    EDDY_CO_TRY(const Entries by_path, co_await All(ReadDirectory(dir.path())));
    EDDY_CO_TRY(const Entries by_folder, co_await All(ReadDirectory(folder)));
    // One that is left before its end.
    auto left = ReadDirectory(folder);
    static_cast<void>(co_await left.Next());
    if (by_path.size() != 3 || by_folder != by_path) {
      co_return Unexpected(std::errc::bad_message);
    }
    co_return Result<void>();
  };
  ExpectCleanSweeps(scenario, {.stops = 8, .failures = 4});
}

}  // namespace
}  // namespace eddy::fs
