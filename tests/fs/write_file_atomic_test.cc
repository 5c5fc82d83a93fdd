#include <eddy/fs/write_file_atomic.h>

#include "tests/io/io_test_util.h"

#include <eddy/fs/temporary_name.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <charconv>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "tests/fs/as_nobody.h"
#include "tests/fs/small_disk.h"
#include "tests/sweeps.h"

namespace eddy::fs {
namespace {

using io_test::Load;
using io_test::Pattern;
using io_test::Store;
using io_test::TempDir;
using io_test::Text;

std::size_t Temporaries(const std::string& folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (IsTemporaryName(entry.path().filename().native())) ++count;
  }
  return count;
}

mode_t ModeOf(const std::string& path) {
  struct stat info;
  IO_TEST_CHECK(stat(path.c_str(), &info));
  return info.st_mode & 07777;
}

WriteAtomicOptions NotDurable() {
  WriteAtomicOptions options;
  options.durable = false;
  return options;
}

TEST(TemporaryNameTest, IsRecognised) {
  const std::string name = NewTemporaryName();
  EXPECT_TRUE(IsTemporaryName(name)) << name;
  EXPECT_NE(name, NewTemporaryName());
  EXPECT_TRUE(IsTemporaryName(".eddy-0123456789abcdef.tmp"));
  for (const char* other :
       {"", ".eddy-.tmp", ".eddy-0123456789abcdeg.tmp",
        ".eddy-0123456789abcdef.tmp~", "x.eddy-0123456789abcdef.tmp",
        "0123456789abcdef", ".eddy-0123456789ABCDEF.tmp"}) {
    EXPECT_FALSE(IsTemporaryName(other)) << other;
  }
}

CO_TEST(WriteFileAtomicTest, MakesAndReplacesAFile) {
  const TempDir dir;
  const std::string large = Text(Pattern(3'000'000));
  for (const WriteAtomicOptions& options :
       {WriteAtomicOptions(), NotDurable()}) {
    for (const std::string& contents :
         {std::string("a"), large, std::string()}) {
      CO_EXPECT_OK(co_await WriteFileAtomic(dir / "file", contents, options));
      EXPECT_TRUE(Load(dir / "file") == contents);
    }
  }
  EXPECT_EQ(Temporaries(dir.path()), 0U);
}

CO_TEST(WriteFileAtomicTest, TakesARelativePath) {
  const TempDir dir;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  CO_EXPECT_OK(co_await WriteFileAtomic("file", "contents"));
  std::filesystem::current_path(before);
  EXPECT_EQ(Load(dir / "file"), "contents");
}

CO_TEST(WriteFileAtomicTest, KeepsTheModeOrNot) {
  const TempDir dir;
  const mode_t before = umask(022);
  WriteAtomicOptions options = NotDurable();
  options.mode = 0664;
  CO_EXPECT_OK(co_await WriteFileAtomic(dir / "file", "", options));
  EXPECT_EQ(ModeOf(dir / "file"), 0644U);
  IO_TEST_CHECK(chmod((dir / "file").c_str(), 0666));
  CO_EXPECT_OK(co_await WriteFileAtomic(dir / "file", "", options));
  EXPECT_EQ(ModeOf(dir / "file"), 0666U);
  options.keep_mode = false;
  CO_EXPECT_OK(co_await WriteFileAtomic(dir / "file", "", options));
  EXPECT_EQ(ModeOf(dir / "file"), 0644U);
  umask(before);
}

CO_TEST(WriteFileAtomicTest, KeepsTheOwnerWhereToldSo) {
  if (geteuid() != 0) CO_SKIP("only root can give files away");
  const TempDir dir;
  Store(dir / "file", "");
  IO_TEST_CHECK(chown((dir / "file").c_str(), 65534, 65533));
  IO_TEST_CHECK(chmod((dir / "file").c_str(), 06755));
  WriteAtomicOptions options = NotDurable();
  options.keep_owner = true;
  CO_EXPECT_OK(co_await WriteFileAtomic(dir / "file", "new", options));
  struct stat info;
  IO_TEST_CHECK(stat((dir / "file").c_str(), &info));
  EXPECT_EQ(info.st_uid, 65534U);
  EXPECT_EQ(info.st_gid, 65533U);
  EXPECT_EQ(info.st_mode & 07777, 06755U);
}

CO_TEST(WriteFileAtomicTest, GivesNewOwnersNoMoreThanTheOldOnesHad) {
  if (geteuid() != 0) CO_SKIP("only root can give files away");
  const TempDir dir;
  struct Case {
    mode_t old;
    mode_t now;
  };
  for (const Case& one : {Case{06755, 0755}, Case{0664, 0644}, Case{0640, 0600},
                          Case{0604, 0600}}) {
    Store(dir / "file", "");
    IO_TEST_CHECK(chown((dir / "file").c_str(), 65534, 65533));
    IO_TEST_CHECK(chmod((dir / "file").c_str(), one.old));
    CO_EXPECT_OK(co_await WriteFileAtomic(dir / "file", "new", NotDurable()));
    EXPECT_EQ(ModeOf(dir / "file"), one.now);
  }
}

CO_TEST(WriteFileAtomicTest, RefusesWhatIsNoFileAndPathsThatAreTooLong) {
  const TempDir dir;
  IO_TEST_CHECK(mkfifo((dir / "fifo").c_str(), 0600));
  WriteAtomicOptions options = NotDurable();
  options.keep_mode = false;
  CO_EXPECT_ERROR(co_await WriteFileAtomic(dir / "fifo", "x", options),
                  std::errc::invalid_argument);
  EXPECT_TRUE(std::filesystem::is_fifo(dir / "fifo"));
  std::string path = dir.path();
  while (path.size() < 5000) path += "/.";
  CO_EXPECT_ERROR(co_await WriteFileAtomic(path + "/file", "x"),
                  std::errc::filename_too_long);
  CO_EXPECT_ERROR(co_await WriteFileAtomic(dir / std::string(256, 'x'), "x"),
                  std::errc::filename_too_long);
  EXPECT_EQ(Temporaries(dir.path()), 0U);
}

TEST(WriteFileAtomicTest, DoesWhatItsRightsAllow) {
  if (!fs_test::MayBecomeNobody()) GTEST_SKIP() << "needs root";
  const TempDir dir;
  IO_TEST_CHECK(chmod(dir.path().c_str(), 0755));
  std::filesystem::create_directory(dir / "own");
  fs_test::GiveToNobody(dir / "own");
  for (const char* file : {"file", "own/file", "own/read_only"}) {
    Store(dir / file, "old");
  }
  IO_TEST_CHECK(chmod((dir / "file").c_str(), 0666));
  IO_TEST_CHECK(chmod((dir / "own/read_only").c_str(), 0440));
  fs_test::GiveToNobody(dir / "own/read_only");
  EXPECT_TRUE(fs_test::PassesAsNobody([&]() -> Task<void> {
    // Its folder may not be changed.
    CO_EXPECT_ERROR(co_await WriteFileAtomic(dir / "file", "new"),
                    std::errc::permission_denied);
    WriteAtomicOptions options = NotDurable();
    CO_EXPECT_OK(
        co_await WriteFileAtomic(dir / "own/read_only", "new", options));
    EXPECT_EQ(ModeOf(dir / "own/read_only"), 0440U);
    options.keep_owner = true;
    CO_EXPECT_ERROR(co_await WriteFileAtomic(dir / "own/file", "new", options),
                    std::errc::operation_not_permitted);
  }));
  EXPECT_EQ(Load(dir / "file"), "old");
  EXPECT_EQ(Load(dir / "own/file"), "old");
  EXPECT_EQ(Load(dir / "own/read_only"), "new");
  EXPECT_EQ(Temporaries(dir / "own"), 0U);
}

CO_TEST(WriteFileAtomicTest, ReplacesALinkItself) {
  const TempDir dir;
  Store(dir / "target", "old");
  std::filesystem::create_symlink("target", dir / "link");
  std::filesystem::create_hard_link(dir / "target", dir / "second");
  CO_EXPECT_OK(co_await WriteFileAtomic(dir / "link", "new"));
  EXPECT_EQ(Load(dir / "target"), "old");
  EXPECT_FALSE(std::filesystem::is_symlink(dir / "link"));
  CO_EXPECT_OK(co_await WriteFileAtomic(dir / "second", "new"));
  EXPECT_EQ(Load(dir / "target"), "old");
}

CO_TEST(WriteFileAtomicTest, GivesErrorsAndLeavesNothing) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "folder");
  CO_EXPECT_ERROR(co_await WriteFileAtomic(dir / "none/file", "x"),
                  std::errc::no_such_file_or_directory);
  CO_EXPECT_ERROR(co_await WriteFileAtomic(dir / "folder", "x"),
                  std::errc::is_a_directory);
  CO_EXPECT_ERROR(co_await WriteFileAtomic(dir / "folder/", "x"),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await WriteFileAtomic("", "x"),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await WriteFileAtomic(std::string("/tmp/x\0y", 8), "x"),
                  std::errc::invalid_argument);
  EXPECT_EQ(Temporaries(dir.path()), 0U);
}

CO_TEST(WriteFileAtomicTest, LeavesTheOldFileWhereTheDiskIsFullOrReadOnly) {
  fs_test::SmallDisk disk("64k");
  if (!disk.mounted()) CO_SKIP("may not mount a tmpfs");
  const std::string path = disk.path() + "/file";
  CO_EXPECT_OK(co_await WriteFileAtomic(path, "old"));
  CO_EXPECT_ERROR(co_await WriteFileAtomic(path, Pattern(1 << 20)),
                  std::errc::no_space_on_device);
  EXPECT_EQ(Load(path), "old");
  EXPECT_EQ(Temporaries(disk.path()), 0U);
  disk.MakeReadOnly();
  CO_EXPECT_ERROR(co_await WriteFileAtomic(path, "new"),
                  std::errc::read_only_file_system);
  EXPECT_EQ(Load(path), "old");
}

CO_TEST(WriteFileAtomicTest, OneOfSeveralWritersIsTheLast) {
  const TempDir dir;
  const auto body = [&](TaskScope& scope) -> Task<void> {
    for (unsigned i = 0; i < 20; ++i) {
      scope.Spawn([&dir, i]() -> Task<void> {
        CO_EXPECT_OK(co_await WriteFileAtomic(
            dir / "file", std::string(10'000, static_cast<char>('a' + i)),
            NotDurable()));
      });
    }
    co_return;
  };
  CO_EXPECT_OK(co_await WithScope(body));
  const std::string last = Load(dir / "file");
  EXPECT_EQ(last, std::string(10'000, last.at(0)));
  EXPECT_EQ(Temporaries(dir.path()), 0U);
}

TEST(WriteFileAtomicTest, IsOldOrNewStoppedOrFailedAtEveryPoint) {
  const TempDir dir;
  const std::string path = dir / "file";
  const std::string contents = Text(Pattern(10'000));
  Store(path, "old");
  SweepOptions options;
  options.check = [&] {
    const std::string now = Load(path);
    const bool whole = now == "old" || now == contents;
    Store(path, "old");
    if (!whole) return "the file is neither the old one nor the new one";
    if (Temporaries(dir.path()) != 0) return "a temporary was left";
    return "";
  };
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await WriteFileAtomic(path, contents));
    if (Load(path) != contents) co_return Unexpected(std::errc::bad_message);
    co_return Result<void>();
  };
  test::ExpectCleanSweeps(scenario, {.stops = 14, .failures = 8}, options);
}

// --- kill -9 -----------------------------------------------------------------

// The n-th contents: its number, and bytes that follow from it.
std::string Generation(unsigned n) {
  return std::to_string(n) + ":" + Text(Pattern(20'000 + n % 5000, n + 1));
}

// The number of what is there; -1 where it is none of them.
long NumberOf(const std::string& contents) {
  unsigned n = 0;
  const char* const end = contents.data() + contents.size();
  if (std::from_chars(contents.data(), end, n).ec != std::errc()) return -1;
  return contents == Generation(n) ? static_cast<long>(n) : -1;
}

// In a child: writes one after the other, and tells of each that is done.
[[noreturn]] void WriteUntilKilled(const std::string& path, unsigned first,
                                   int acknowledge) {
  const auto body = [&]() -> Task<void> {
    for (unsigned n = first;; ++n) {
      const Result<void> written =
          co_await WriteFileAtomic(path, Generation(n));
      if (!written) _exit(1);
      if (write(acknowledge, &n, sizeof n) != sizeof n) _exit(2);
    }
  };
  SyncWait(body());
  _exit(3);
}

TEST(WriteFileAtomicTest, LosesNothingAcknowledgedWhereTheProcessIsKilled) {
  constexpr int kRounds = 30;
  const TempDir dir;
  const std::string path = dir / "file";
  Store(path, Generation(0));
  std::mt19937 random(std::random_device{}());
  unsigned last = 0;
  for (int round = 0; round < kRounds; ++round) {
    io_test::Pipe acknowledged;
    const pid_t child = IO_TEST_CHECK(fork());
    if (child == 0) {
      WriteUntilKilled(path, last + 1, acknowledged.writer.get());
    }
    acknowledged.writer = io::Fd();
    // The kill comes anywhere within the next writes; the file is looked at
    // all the while.
    const auto until = std::chrono::steady_clock::now() +
                       std::chrono::microseconds(random() % 20'000);
    unsigned n = 0;
    bool killed = false;
    const auto take = [&] {
      return read(acknowledged.reader.get(), &n, sizeof n) == sizeof n;
    };
    ASSERT_TRUE(take()) << "the child could not write";
    last = n;
    while (!killed) {
      ASSERT_GE(NumberOf(Load(path)), static_cast<long>(last));
      if (std::chrono::steady_clock::now() >= until) {
        IO_TEST_CHECK(kill(child, SIGKILL));
        killed = true;
      }
      pollfd ready{acknowledged.reader.get(), POLLIN, 0};
      while (!killed && poll(&ready, 1, 0) == 1 && take()) last = n;
    }
    while (take()) last = n;
    int status = 0;
    IO_TEST_CHECK(waitpid(child, &status, 0));
    ASSERT_TRUE(WIFSIGNALED(status));
    const long now = NumberOf(Load(path));
    ASSERT_GE(now, static_cast<long>(last));
    ASSERT_LE(now, static_cast<long>(last) + 1);
    last = static_cast<unsigned>(now);
    // At most what the kill has left, under a name that tells it.
    ASSERT_LE(Temporaries(dir.path()), static_cast<std::size_t>(round + 1));
  }
  std::size_t others = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    if (!IsTemporaryName(entry.path().filename().native())) ++others;
  }
  EXPECT_EQ(others, 1U);
}

}  // namespace
}  // namespace eddy::fs
