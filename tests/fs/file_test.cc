#include <eddy/fs/file.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/with_stop.h>

#include <filesystem>
#include <limits>
#include <utility>

namespace eddy::fs {
namespace {

using io_test::Bytes;
using io_test::Check;
using io_test::InScope;
using io_test::IsUntouched;
using io_test::kUntouched;
using io_test::Load;
using io_test::Pattern;
using io_test::Store;
using io_test::Submitted;
using io_test::TempDir;
using io_test::Text;

// --- Open --------------------------------------------------------------------

CO_TEST(FileTest, OpensAnExistingFileToRead) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const TempDir dir;
  Store(dir / "file", "contents");
  Result<File> file = co_await File::Open(dir / "file");
  CO_ASSERT_OK(file);
  std::vector<std::byte> buffer(100);
  CO_EXPECT_EQ(co_await file->ReadAt(0, buffer), 8U);
  CO_EXPECT_ERROR(co_await file->WriteAt(0, Bytes("x")),
                  std::errc::bad_file_descriptor);
  EXPECT_EQ(fcntl(file->fd().get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(fcntl(file->fd().get(), F_GETFD), FD_CLOEXEC);
}

CO_TEST(FileTest, OpensToWriteOnly) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const TempDir dir;
  Store(dir / "file", "contents");
  OpenOptions options;
  options.read = false;
  options.write = true;
  Result<File> file = co_await File::Open(dir / "file", options);
  CO_ASSERT_OK(file);
  CO_EXPECT_EQ(co_await file->WriteAt(3, Bytes("--")), 2U);
  std::vector<std::byte> buffer(100);
  CO_EXPECT_ERROR(co_await file->ReadAt(0, buffer),
                  std::errc::bad_file_descriptor);
  EXPECT_EQ(Load(dir / "file"), "con--nts");
}

CO_TEST(FileTest, OpensToReadAndWrite) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const TempDir dir;
  Store(dir / "file", "contents");
  Result<File> file =
      co_await File::Open(dir / "file", OpenOptions::ReadWrite());
  CO_ASSERT_OK(file);
  CO_EXPECT_EQ(co_await file->WriteAt(0, Bytes("C")), 1U);
  std::vector<std::byte> buffer(8);
  CO_EXPECT_EQ(co_await file->ReadAt(0, buffer), 8U);
  EXPECT_EQ(Text(buffer), "Contents");
  CO_EXPECT_ERROR(co_await File::Open(dir / "other", OpenOptions::ReadWrite()),
                  std::errc::no_such_file_or_directory);
}

CO_TEST(FileTest, RewriteMakesOrEmpties) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const TempDir dir;
  for (int i = 0; i < 2; ++i) {
    Result<File> file =
        co_await File::Open(dir / "file", OpenOptions::Rewrite());
    CO_ASSERT_OK(file);
    CO_EXPECT_EQ(co_await file->Size(), 0U);
    CO_EXPECT_EQ(co_await file->WriteAt(0, Bytes("contents")), 8U);
  }
}

// All 128 combinations: those that contradict themselves are refused without a
// system call, the others do what open(2) does with the same flags.
CO_TEST(FileTest, EveryCombinationOfOptions) {
  const TempDir dir;
  for (unsigned bits = 0; bits < 128; ++bits) {
    OpenOptions options;
    options.read = (bits & 1) != 0;
    options.write = (bits & 2) != 0;
    options.create = (bits & 4) != 0;
    options.exclusive = (bits & 8) != 0;
    options.truncate = (bits & 16) != 0;
    options.append = (bits & 32) != 0;
    options.no_follow = (bits & 64) != 0;
    const bool contradiction =
        (!options.read && !options.write) ||
        (!options.write && (options.truncate || options.append)) ||
        (options.exclusive && !options.create);
    for (const bool exists : {false, true}) {
      SCOPED_TRACE(bits * 10 + exists);
      const std::string path = dir / "file";
      std::filesystem::remove(path);
      if (exists) Store(path, "contents");
      const std::uint64_t before = Submitted();
      Result<File> file = co_await File::Open(path, options);
      if (contradiction) {
        CO_EXPECT_ERROR(file, std::errc::invalid_argument);
        EXPECT_EQ(Submitted(), before);
        EXPECT_EQ(std::filesystem::exists(path), exists);
        continue;
      }
      if (!exists && !options.create) {
        CO_EXPECT_ERROR(file, std::errc::no_such_file_or_directory);
        continue;
      }
      if (exists && options.exclusive) {
        CO_EXPECT_ERROR(file, std::errc::file_exists);
        EXPECT_EQ(Load(path), "contents");
        continue;
      }
      CO_ASSERT_OK(file);
      const int flags = fcntl(file->fd().get(), F_GETFL);
      EXPECT_EQ(flags & O_ACCMODE,
                options.write ? (options.read ? O_RDWR : O_WRONLY) : O_RDONLY);
      EXPECT_EQ((flags & O_APPEND) != 0, options.append);
      const std::string base = exists && !options.truncate ? "contents" : "";
      EXPECT_EQ(Load(path), base);
      if (options.write) {
        CO_EXPECT_OK(co_await file->WriteAllAt(0, Bytes("12")));
        EXPECT_EQ(Load(path), options.append || base.empty()
                                  ? base + "12"
                                  : "12" + base.substr(2));
      }
    }
  }
}

CO_TEST(FileTest, CreatesWithAModeBeforeTheUmask) {
  const TempDir dir;
  const mode_t before = umask(026);
  OpenOptions options = OpenOptions::Rewrite();
  const Result<File> usual = co_await File::Open(dir / "usual", options);
  options.mode = 0755;
  const Result<File> other = co_await File::Open(dir / "other", options);
  umask(before);
  CO_ASSERT_OK(usual);
  CO_ASSERT_OK(other);
  CO_EXPECT_EQ((co_await usual->Stat()).value().mode, S_IFREG | 0640U);
  CO_EXPECT_EQ((co_await other->Stat()).value().mode, S_IFREG | 0751U);
}

CO_TEST(FileTest, FollowsNoSymbolicLinkWhereToldSo) {
  const TempDir dir;
  Store(dir / "file", "contents");
  std::filesystem::create_symlink("file", dir / "link");
  CO_EXPECT_OK(co_await File::Open(dir / "link"));
  OpenOptions options;
  options.no_follow = true;
  CO_EXPECT_OK(co_await File::Open(dir / "file", options));
  CO_EXPECT_ERROR(co_await File::Open(dir / "link", options),
                  std::errc::too_many_symbolic_link_levels);
}

CO_TEST(FileTest, GivesTheErrorsOfOpening) {
  const TempDir dir;
  CO_EXPECT_ERROR(co_await File::Open(dir / "missing"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await File::Open(dir.path(), OpenOptions::ReadWrite()),
                  std::errc::is_a_directory);
  CO_EXPECT_ERROR(co_await File::Open(std::string("/tmp\0/x", 7)),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await File::Open(""),
                  std::errc::no_such_file_or_directory);
}

CO_TEST(FileTest, OpenLeavesNothingWhereStoppedBefore) {
  const TempDir dir;
  StopSource source;
  source.RequestStop();
  CO_EXPECT_ERROR(
      co_await WithStop(source.token(),
                        File::Open(dir / "new", OpenOptions::Rewrite())),
      kCanceled);
  EXPECT_FALSE(std::filesystem::exists(dir / "new"));
}

// --- Transfers ---------------------------------------------------------------

CO_TEST(FileTest, ReadsAllUpToTheEnd) {
  const TempDir dir;
  const std::vector<std::byte> contents = Pattern(1'000'000);
  Store(dir / "file", Text(contents));
  Result<File> file = co_await File::Open(dir / "file");
  CO_ASSERT_OK(file);
  std::vector<std::byte> buffer(1'000'100, kUntouched);
  CO_EXPECT_EQ(co_await file->ReadAllAt(0, buffer), contents.size());
  EXPECT_TRUE(
      std::ranges::equal(std::span(buffer).first(contents.size()), contents));
  EXPECT_TRUE(IsUntouched(std::span(buffer).subspan(contents.size())));
  CO_EXPECT_EQ(co_await file->ReadAllAt(999'990, buffer), 10U);
  CO_EXPECT_EQ(co_await file->ReadAllAt(1'000'000, buffer), 0U);
  CO_EXPECT_EQ(co_await file->ReadAllAt(0, {}), 0U);
  CO_EXPECT_EQ(co_await file->ReadAllAt(5, std::span(buffer).first(5)), 5U);
}

CO_TEST(FileTest, WritesAllAtOffsetsBeyond4GiB) {
  const TempDir dir;
  Result<File> file =
      co_await File::Open(dir / "sparse", OpenOptions::Rewrite());
  CO_ASSERT_OK(file);
  const std::vector<std::byte> data = Pattern(100'000);
  constexpr std::uint64_t kAt = (std::uint64_t{5} << 30) + 123;
  CO_ASSERT_OK(co_await file->WriteAllAt(kAt, data));
  CO_EXPECT_EQ(co_await file->Size(), kAt + data.size());
  std::vector<std::byte> back(data.size());
  CO_EXPECT_EQ(co_await file->ReadAllAt(kAt, back), back.size());
  EXPECT_EQ(back, data);
  // Not at the offset's lower half.
  CO_EXPECT_EQ(co_await file->ReadAllAt(kAt & 0xffffffff, back), back.size());
  EXPECT_EQ(back, std::vector<std::byte>(back.size()));
}

CO_TEST(FileTest, RefusesOffsetsThatNoFileHasAndLeavesItUnharmed) {
  const TempDir dir;
  Store(dir / "file", "contents");
  Result<File> file =
      co_await File::Open(dir / "file", OpenOptions::ReadWrite());
  CO_ASSERT_OK(file);
  constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
  std::vector<std::byte> buffer(8, kUntouched);
  for (const std::uint64_t offset :
       {kLargest, kLargest + 1, ~std::uint64_t{0} - 4, ~std::uint64_t{0}}) {
    SCOPED_TRACE(offset);
    CO_EXPECT_FALSE(co_await file->WriteAt(offset, Bytes("xxxx")));
    CO_EXPECT_FALSE(co_await file->WriteAllAt(offset, Bytes("xxxx")));
    CO_EXPECT_FALSE(co_await file->ReadAllAt(offset, buffer));
  }
  EXPECT_TRUE(IsUntouched(buffer));
  EXPECT_EQ(Load(dir / "file"), "contents");
}

CO_TEST(FileTest, WriteAllGivesTheError) {
  Result<File> file =
      co_await File::Open("/dev/full", OpenOptions::ReadWrite());
  CO_ASSERT_OK(file);
  CO_EXPECT_ERROR(co_await file->WriteAllAt(0, Bytes("x")),
                  std::errc::no_space_on_device);
}

CO_TEST(FileTest, TransfersDirectlyWithTheAlignmentThatStatxTells) {
  const TempDir dir;
  const std::vector<std::byte> contents = Pattern(64 * 1024);
  Store(dir / "file", Text(contents));
  OpenOptions options = OpenOptions::ReadWrite();
  options.direct = true;
  Result<File> file = co_await File::Open(dir / "file", options);
  if (!file) CO_SKIP("no O_DIRECT on the file system of /tmp");
  EXPECT_NE(fcntl(file->fd().get(), F_GETFL) & O_DIRECT, 0);
  const io::DirectAlignment alignment = file->alignment();
  if (!alignment.known()) CO_SKIP("the file system does not tell");
  const std::size_t align = alignment.offset;
  if (align > 4096) CO_SKIP("unusual alignment");
  alignas(4096) static std::byte memory[8192];
  const std::span buffer = std::span(memory).first(align);
  CO_EXPECT_EQ(co_await file->ReadAt(align, buffer), align);
  EXPECT_TRUE(
      std::ranges::equal(buffer, std::span(contents).subspan(align, align)));
  CO_EXPECT_ERROR(co_await file->ReadAt(align + 1, buffer), kMisalignedOffset);
  CO_EXPECT_ERROR(co_await file->ReadAt(0, buffer.first(align - 1)),
                  kMisalignedLength);
  CO_EXPECT_ERROR(co_await file->WriteAt(0, buffer.first(align - 1)),
                  kMisalignedLength);
  const std::span shifted = std::span(memory).subspan(1, align);
  CO_EXPECT_ERROR(co_await file->ReadAt(0, shifted), kMisalignedMemory);
  CO_EXPECT_ERROR(co_await file->WriteAt(0, shifted), kMisalignedMemory);
  const iovec one_shifted[] = {io::ToIovec(shifted)};
  CO_EXPECT_ERROR(co_await file->ReadAt(0, one_shifted), kMisalignedMemory);
  const iovec one_short[] = {io::ToIovec(buffer), io::ToIovec(buffer.first(1))};
  CO_EXPECT_ERROR(co_await file->WriteAt(0, one_short), kMisalignedLength);
  const iovec two[] = {io::ToIovec(buffer), io::ToIovec(buffer)};
  CO_EXPECT_ERROR(co_await file->ReadAt(1, two), kMisalignedOffset);
  CO_EXPECT_ERROR(co_await file->Append(buffer.first(1)), kMisalignedLength);
  // All of it, to an end that is not aligned.
  CO_EXPECT_OK(co_await file->Truncate(align + 100));
  CO_EXPECT_EQ(co_await file->ReadAllAt(0, memory), align + 100);
  CO_EXPECT_OK(co_await file->Truncate(contents.size()));
  std::ranges::copy(Pattern(align, 9), buffer.begin());
  CO_EXPECT_EQ(co_await file->WriteAt(0, buffer), align);
  EXPECT_EQ(Load(dir / "file").substr(0, align), Text(buffer));
}

// --- The rest ----------------------------------------------------------------

CO_TEST(FileTest, StatTellsSizeModeAndTimes) {
  const TempDir dir;
  Store(dir / "file", "0123456789");
  const timespec times[2] = {{1'000'000'000, 123'456'789}, {-5, 999'999'999}};
  IO_TEST_CHECK(utimensat(AT_FDCWD, (dir / "file").c_str(), times, 0));
  IO_TEST_CHECK(chmod((dir / "file").c_str(), 04751));
  const auto start = std::chrono::system_clock::now();
  Result<File> file = co_await File::Open(dir / "file");
  CO_ASSERT_OK(file);
  const Result<FileInfo> info = co_await file->Stat();
  CO_ASSERT_OK(info);
  EXPECT_EQ(info->size, 10U);
  EXPECT_EQ(info->mode, S_IFREG | 04751U);
  EXPECT_TRUE(info->is_regular());
  EXPECT_FALSE(info->is_directory());
  EXPECT_EQ(info->accessed.time_since_epoch().count(),
            1'000'000'000'123'456'789);
  EXPECT_EQ(info->modified.time_since_epoch().count(), -4'000'000'001);
  EXPECT_GE(info->changed, start - std::chrono::hours(1));
  CO_EXPECT_EQ(co_await file->Size(), 10U);

  Result<File> folder = co_await File::Open(dir.path());
  CO_ASSERT_OK(folder);
  const Result<FileInfo> folder_info = co_await folder->Stat();
  CO_ASSERT_OK(folder_info);
  EXPECT_TRUE(folder_info->is_directory());
  EXPECT_FALSE(folder_info->is_regular());
}

CO_TEST(FileTest, Syncs) {
  const TempDir dir;
  Result<File> file = co_await File::Open(dir / "new", OpenOptions::Rewrite());
  CO_ASSERT_OK(file);
  CO_ASSERT_OK(co_await file->WriteAllAt(0, Bytes("data")));
  CO_EXPECT_OK(co_await file->DataSync());
  CO_EXPECT_OK(co_await file->Sync());
}

CO_TEST(FileTest, IsEmptyByDefaultAndAfterClose) {
  const TempDir dir;
  Store(dir / "file", "contents");
  Result<File> opened = co_await File::Open(dir / "file");
  CO_ASSERT_OK(opened);
  File file = std::move(*opened);
  CO_EXPECT_OK(co_await file.Close());
  for (File* empty : {&file, &*opened}) {
    EXPECT_FALSE(empty->fd().valid());
    std::vector<std::byte> buffer(8);
    CO_EXPECT_ERROR(co_await empty->ReadAt(0, buffer),
                    std::errc::bad_file_descriptor);
    CO_EXPECT_ERROR(co_await empty->Stat(), std::errc::bad_file_descriptor);
    CO_EXPECT_ERROR(co_await empty->Sync(), std::errc::bad_file_descriptor);
    CO_EXPECT_ERROR(co_await empty->Close(), std::errc::bad_file_descriptor);
  }
}

TEST(FileDeathTest, ClosingAFileThatAnotherTaskReads) {
  EXPECT_DEATH(SyncWait([]() -> Task<void> {
                 // A transfer that waits: the file is a pipe.
                 const io_test::Pipe pipe;
                 File file = File(io::Fd(dup(pipe.reader.get())));
                 std::vector<std::byte> buffer(8);
                 co_await InScope([&](TaskScope& scope) -> Task<void> {
                   scope.Spawn([&]() -> Task<void> {
                     (void)co_await file.ReadAt(0, buffer);
                   });
                   co_await io_test::Turn();
                   CO_EXPECT_OK(co_await file.Close());
                 });
               }()),
               "file descriptor [0-9]+ was closed, moved or destroyed with 1 "
               "operations? "
               "in flight on it");
}

}  // namespace
}  // namespace eddy::fs
