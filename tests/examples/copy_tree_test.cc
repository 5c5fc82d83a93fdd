#include "examples/copy_tree/tree_copy.h"

#include "tests/io/io_test_util.h"

#include <eddy/fs/temporary_name.h>
#include <eddy/io/fd.h>
#include <eddy/runtime/sync_wait.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "examples/copy_tree/node.h"
#include "tests/examples/program.h"
#include "tests/sweeps.h"

namespace copy_tree {
namespace {

using eddy::Result;
using eddy::Task;
using eddy::io_test::Load;
using eddy::io_test::Pattern;
using eddy::io_test::Store;
using eddy::io_test::TempDir;
using eddy::io_test::Text;
using eddy::testing_examples::Program;
using eddy::testing_examples::Shell;

// All that a tree can have.
void MakeTree(const std::string& path) {
  std::filesystem::create_directories(path + "/a/b/c");
  std::filesystem::create_directories(path + "/empty");
  Store(path + "/a/file", "contents");
  Store(path + "/a/b/large", Text(Pattern(300'000)));
  Store(path + "/a/b/n\xFF\nme", "");
  Store(path + "/private", "x");
  std::filesystem::create_symlink("../a/file", path + "/empty/link");
  std::filesystem::create_symlink("nowhere", path + "/dangling");
  for (const char* name : {"/a/hard", "/a/b/c/hard", "/hard"}) {
    std::filesystem::create_hard_link(path + "/a/file", path + name);
  }
  IO_TEST_CHECK(mkfifo((path + "/fifo").c_str(), 0640));
  IO_TEST_CHECK(chmod((path + "/private").c_str(), 0400));
  IO_TEST_CHECK(chmod((path + "/a/b").c_str(), 0550));
  if (geteuid() == 0) {
    IO_TEST_CHECK(lchown((path + "/dangling").c_str(), 65534, 65533));
    IO_TEST_CHECK(chown((path + "/a/b/large").c_str(), 65534, 65533));
    IO_TEST_CHECK(chmod((path + "/a/b/large").c_str(), 04755));
  }
  IO_TEST_CHECK(truncate((path + "/a/b/large").c_str(), 50'000'000));
  const std::array<timespec, 2> times{{{1'000'000'000, 1}, {1'100'000'000, 2}}};
  for (const char* name : {"/a/file", "/a/b", "/empty", "", "/dangling"}) {
    IO_TEST_CHECK(utimensat(AT_FDCWD, (path + name).c_str(), times.data(),
                            AT_SYMLINK_NOFOLLOW));
  }
}

// What rsync would change; "" where the trees are the same. (Access times are
// what reading makes them.)
std::string Differences(const std::string& from, const std::string& to) {
  const auto [status, changes] =
      Shell("rsync -n -c -a -H -i --delete " + from + "/ " + to + "/ 2>&1");
  if (status != 0) return "rsync: " + std::to_string(status) + " " + changes;
  const std::string different = Shell("diff -r --no-dereference " + from + " " +
                                      to + " 2>&1 | grep -v 'is a fifo'")
                                    .second;
  return changes + different;
}

// The first name of `from` that is not so in `to`; "" where all are.
std::string Missing(const std::string& from, const std::string& to) {
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(from)) {
    const std::filesystem::path& path = entry.path();
    const std::filesystem::path copy = to / path.lexically_relative(from);
    const bool is_same =
        symlink_status(copy).type() == entry.symlink_status().type() &&
        (entry.is_symlink() || !entry.is_regular_file() ||
         (Load(copy) == Load(path) &&
          hard_link_count(copy) == entry.hard_link_count()));
    if (!is_same) return path;
  }
  return "";
}

Report Copy(const std::string& from, const std::string& to) {
  Report report;
  const Result<void> copied = eddy::SyncWait(CopyTree(from, to, 8, report));
  EXPECT_TRUE(copied) << copied.error();
  for (const Failure& failure : report.failures) {
    ADD_FAILURE() << failure.path << ": " << failure.error;
  }
  return report;
}

TEST(CopyTreeTest, CopiesAllThatATreeCanHave) {
  const TempDir dir;
  MakeTree(dir / "from");
  const Report report = Copy(dir / "from", dir / "to/below");
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.files, 4U);
  EXPECT_EQ(report.folders, 5U);
  EXPECT_EQ(report.links, 6U);
  EXPECT_EQ(report.unchanged, 0U);
  if (Shell("command -v rsync").first != 0) GTEST_SKIP() << "no rsync";
  EXPECT_EQ(Differences(dir / "from", dir / "to/below"), "");
  struct stat info;
  IO_TEST_CHECK(stat((dir / "to/below/a/b/large").c_str(), &info));
  EXPECT_EQ(info.st_size, 50'000'000);
  EXPECT_LT(info.st_blocks * 512, 1'000'000);
  IO_TEST_CHECK(stat((dir / "to/below/hard").c_str(), &info));
  EXPECT_EQ(info.st_nlink, 4U);
}

TEST(CopyTreeTest, LeavesAloneWhatIsTheSame) {
  const TempDir dir;
  MakeTree(dir / "from");
  Copy(dir / "from", dir / "to");
  // What a copy leaves that is killed.
  Store(dir / ("to/empty/" + eddy::fs::NewTemporaryName()), "half");
  Store(dir / "from/private", "changed");
  std::filesystem::remove(dir / "to/empty/link");
  const Report report = Copy(dir / "from", dir / "to");
  EXPECT_EQ(report.files, 1U);
  EXPECT_EQ(report.bytes, 7U);
  EXPECT_EQ(report.links, 1U);
  EXPECT_EQ(report.unchanged, 8U);
  EXPECT_EQ(Load(dir / "to/private"), "changed");
  if (Shell("command -v rsync").first != 0) GTEST_SKIP() << "no rsync";
  EXPECT_EQ(Differences(dir / "from", dir / "to"), "");
}

TEST(CopyTreeTest, TellsWhatCouldNotBeCopiedAndCopiesTheRest) {
  const TempDir dir;
  MakeTree(dir / "from");
  std::filesystem::create_directories(dir / "to/private");
  Store(dir / "to/private/file", "");
  Store(dir / "to/empty", "a file where a folder goes");
  Report report;
  const auto copied =
      eddy::SyncWait(CopyTree(dir / "from", dir / "to", 8, report));
  ASSERT_TRUE(copied);
  EXPECT_TRUE(report.complete);
  ASSERT_EQ(report.failures.size(), 2U);
  EXPECT_EQ(report.files, 3U);
  Program program({Program::Example("copy_tree"), dir / "from", dir / "to"});
  EXPECT_EQ(program.Wait(), 1);
  const std::string errors = program.ReadErrors();
  EXPECT_NE(errors.find("private: Is a directory"), std::string::npos)
      << errors;
  EXPECT_NE(errors.find("empty: Not a directory"), std::string::npos) << errors;
}

TEST(CopyTreeTest, RefusesFoldersThatAreInEachOther) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "from");
  for (const char* to :
       {"from", "from/", "from/below", ".", "from/../from/x"}) {
    Report report;
    CO_EXPECT_ERROR(eddy::SyncWait(CopyTree(dir / "from", dir / to, 8, report)),
                    std::errc::invalid_argument)
        << to;
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir / "from"));
}

TEST(CopyTreeTest, GoesOnWhereItWasStoppedAtEveryPoint) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "from/sub");
  Store(dir / "from/sub/one", "one");
  Store(dir / "from/two", "two");
  std::filesystem::create_hard_link(dir / "from/two", dir / "from/sub/three");
  std::filesystem::create_symlink("two", dir / "from/link");
  // With 8 in flight the walk ends before most of the copies.
  std::size_t in_flight = 2;
  bool complete = false;
  bool all = false;
  const auto scenario = [&]() -> Task<Result<void>> {
    complete = all = false;
    std::filesystem::remove_all(dir / "to");
    Report report;
    const Result<void> copied =
        co_await CopyTree(dir / "from", dir / "to", in_flight, report);
    complete = report.complete;
    all = copied && report.failures.empty();
    EDDY_CO_CHECK(copied);
    co_return report.failures.empty()
        ? Result<void>()
        : eddy::Unexpected(report.failures[0].error);
  };
  eddy::SweepOptions options;
  options.check = [&]() -> std::string {
    if (all && !complete) return "no error, and not complete";
    if (all) {
      const std::string missing = Missing(dir / "from", dir / "to");
      if (!missing.empty()) return "told as copied: " + missing;
    }
    const std::filesystem::recursive_directory_iterator names(
        std::filesystem::exists(dir / "to") ? dir / "to" : dir / "from");
    for (const auto& entry : names) {
      const std::string name = entry.path().filename();
      if (eddy::fs::IsTemporaryName(name)) return "a temporary was left";
      if (name == "one" && Load(entry.path()) != "one") return "half a file";
    }
    return "";
  };
  for (const std::size_t n : {std::size_t{2}, std::size_t{8}}) {
    in_flight = n;
    eddy::test::ExpectCleanSweeps(scenario, {.stops = 10, .failures = 1},
                                  options);
  }
  Copy(dir / "from", dir / "to");
  if (Shell("command -v rsync").first != 0) GTEST_SKIP() << "no rsync";
  EXPECT_EQ(Differences(dir / "from", dir / "to"), "");
}

// The parts that a path may have too many of, or links in them.
TEST(CopyTreeTest, LinksBelowPathsLongerThanTheKernelTakes) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "from");
  const std::string name(250, 'x');
  int folder = open((dir / "from").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  IO_TEST_CHECK(folder);
  for (int i = 0; i < 20; ++i) {
    IO_TEST_CHECK(mkdirat(folder, name.c_str(), 0755));
    const int next =
        openat(folder, name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    IO_TEST_CHECK(next);
    close(std::exchange(folder, next));
  }
  IO_TEST_CHECK(mknodat(folder, "one", S_IFREG | 0644, 0));
  IO_TEST_CHECK(linkat(folder, "one", folder, "two", 0));
  close(folder);
  const Report report = Copy(dir / "from", dir / "to");
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.files, 1U);
  EXPECT_EQ(report.links, 1U);
  EXPECT_EQ(report.folders, 21U);
}

TEST(LinkNodeTest, FollowsNoLinkOnTheWayToTheFile) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "root/sub");
  std::filesystem::create_directory(dir / "outside");
  Store(dir / "outside/file", "secret");
  Store(dir / "root/sub/file", "mine");
  std::filesystem::create_symlink("../outside", dir / "root/link");
  const eddy::io::Fd root(
      open((dir / "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  IO_TEST_CHECK(root.get());
  CO_EXPECT_ERROR(LinkNode(root.get(), "link/file", root.get(), "other"),
                  std::errc::not_a_directory);
  EXPECT_FALSE(std::filesystem::exists(dir / "root/other"));
  const Result<bool> linked =
      LinkNode(root.get(), "sub/file", root.get(), "other");
  ASSERT_TRUE(linked) << linked.error();
  EXPECT_FALSE(*linked);
  EXPECT_EQ(Load(dir / "root/other"), "mine");
}

TEST(CopyTreeTest, GoesOnAsAUserInFoldersThatItMayNotWriteTo) {
  const TempDir dir;
  IO_TEST_CHECK(chmod(dir.path().c_str(), 0777));
  for (const char* name : {"from/closed", "from/shared"}) {
    std::filesystem::create_directories(dir / name);
  }
  Store(dir / "from/closed/file", "contents");
  Store(dir / "from/shared/program", "");
  IO_TEST_CHECK(chmod((dir / "from/closed").c_str(), 0555));
  IO_TEST_CHECK(chmod((dir / "from/shared").c_str(), 02755));
  IO_TEST_CHECK(chmod((dir / "from/shared/program").c_str(), 04755));
  // Where that user can reach it.
  std::filesystem::copy_file(Program::Example("copy_tree"), dir / "copy_tree");
  const bool is_root = geteuid() == 0;
  const std::string as_user =
      is_root ? "setpriv --reuid=65534 --regid=65534 --clear-groups " : "";
  if (Shell(as_user + "true").first != 0) GTEST_SKIP() << "no setpriv";
  const std::string copy = as_user + (dir / "copy_tree") + " " +
                           (dir / "from") + " " + (dir / "to") + " 2>&1";

  auto [status, text] = Shell(copy);
  EXPECT_EQ(status, 0) << text;
  struct stat info;
  IO_TEST_CHECK(stat((dir / "to/closed").c_str(), &info));
  EXPECT_EQ(info.st_mode & 07777, 0555U);
  IO_TEST_CHECK(stat((dir / "to/shared").c_str(), &info));
  EXPECT_EQ(info.st_mode & 07777, is_root ? 0755U : 02755U);

  std::tie(status, text) = Shell(copy);
  EXPECT_EQ(status, 0) << text;
  EXPECT_EQ(text.rfind("0 files, 0 links, 3 folders, 2 unchanged", 0), 0U)
      << text;

  Store(dir / "from/closed/file", "changed");
  std::tie(status, text) = Shell(copy);
  EXPECT_EQ(status, 0) << text;
  EXPECT_EQ(text.rfind("1 files,", 0), 0U) << text;
  EXPECT_EQ(Load(dir / "to/closed/file"), "changed");
  IO_TEST_CHECK(stat((dir / "to/closed").c_str(), &info));
  EXPECT_EQ(info.st_mode & 07777, 0555U);
}

TEST(CopyTreeTest, EndsWith2WhereNothingWasTried) {
  const TempDir dir;
  Program program({Program::Example("copy_tree"), dir / "none", dir / "to"});
  EXPECT_EQ(program.Wait(), 2);
  EXPECT_EQ(program.ReadOutput(), "");
  EXPECT_EQ(program.ReadErrors(), "copy_tree: No such file or directory\n");
  EXPECT_FALSE(std::filesystem::exists(dir / "to"));
}

// With 64 in flight the walk ends long before the copies.
TEST(CopyTreeTest, StopsAtASignalAndGoesOnInASecondRun) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "from");
  IO_TEST_CHECK(chmod((dir / "from").c_str(), 0755));
  for (int i = 0; i < 30; ++i) {
    Store(dir / ("from/" + std::to_string(i)), Text(Pattern(300'000)));
  }
  for (const char* in_flight : {"2", "64"}) {
    const std::string to = dir / ("to" + std::string(in_flight));
    const std::vector<std::string> words = {Program::Example("copy_tree"),
                                            "--in_flight", in_flight,
                                            dir / "from", to};
    {
      Program first(words);
      const auto deadline =
          std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while (!std::filesystem::exists(to) || std::filesystem::is_empty(to)) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      first.Signal(SIGINT);
      const int status = first.Wait();
      EXPECT_TRUE(status == 0 || status == 1) << first.ReadErrors();
      const std::string missing = Missing(dir / "from", to);
      EXPECT_TRUE(status != 0 || missing.empty()) << missing;
      if (!missing.empty()) {
        struct stat info;
        IO_TEST_CHECK(stat(to.c_str(), &info));
        EXPECT_EQ(info.st_mode & 07777, 0700U);
      }
    }
    for (const auto& entry : std::filesystem::directory_iterator(to)) {
      EXPECT_EQ(entry.file_size(), 300'000U);
    }
    Program second(words);
    EXPECT_EQ(second.Wait(), 0);
    EXPECT_EQ(Missing(dir / "from", to), "");
  }
}

// A tree as there are many; a snapshot of it, because packages are installed
// meanwhile.
TEST(CopyTreeTest, CopiesTheHeadersOfTheKernel) {
  if (Shell("command -v rsync").first != 0) GTEST_SKIP() << "no rsync";
  const TempDir dir;
  const std::string from = dir / "from";
  Shell("cp -a /usr/include/linux " + from);
  Program program(
      {Program::Example("copy_tree"), "--progress", from, dir / "to"});
  EXPECT_EQ(program.Wait(), 0) << program.ReadErrors();
  EXPECT_EQ(Differences(from, dir / "to"), "");
}

}  // namespace
}  // namespace copy_tree
