// grep_tree finds what GNU grep -r finds, and prints it in order.
#include "examples/grep_tree/grep.h"

#include <eddy/fs/directory.h>

#include <gtest/gtest.h>

#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "examples/grep_tree/file_search.h"
#include "examples/grep_tree/pattern.h"
#include "tests/examples/program.h"
#include "tests/io/io_test_util.h"
#include "tests/sweeps.h"

namespace eddy::testing_examples {
namespace {

using io_test::Check;
using io_test::Store;
using io_test::TempDir;

// A shell's word.
std::string Quote(const std::string& text) { return "'" + text + "'"; }

class GrepTreeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(dir_ / "a/b");
    std::filesystem::create_directories(dir_ / "z\xff");
    Store(dir_ / "text", "needle\nhay\nmore needle here\n\nneedle");
    Store(dir_ / "a/empty", "");
    Store(dir_ / "a/none", "hay\n");
    Store(dir_ / "a/lines", "\n\n\n");
    Store(dir_ / "a/b/crlf", "needle\r\nhay\r\n");
    Store(dir_ / "z\xff/bytes", "\xff needle \xfe\n");
    Store(dir_ / "binary", std::string("hay\0needle\n", 11));
    Store(dir_ / "binary-hay", std::string("hay\0hay\n", 8));
    // A match before the part in which the zero is.
    std::string late = "needle\n";
    for (int i = 0; i < 20'000; ++i) late += "hay and hay\n";
    late += std::string("\0 needle\n", 9);
    Store(dir_ / "binary-late", late);
    // Apart: after a long line grep reads more at once of the next file, and
    // so finds out earlier that it is binary.
    Store(long_ / "line", std::string(1'000'000, 'x') + "needle\nhay\n");
    IO_TEST_CHECK(symlink("text", (dir_ / "link").c_str()));
    IO_TEST_CHECK(mkfifo((dir_ / "fifo").c_str(), 0600));
  }

  // The same exit code and, in any order, the same output.
  void ExpectAsGrep(const std::string& pattern, bool regex,
                    const std::string& root) {
    const std::string what =
        Quote(pattern) + " " + root + " 2>/dev/null >" + output_.path() + "/";
    const auto [code, found] =
        Shell(Program::Example("grep_tree") + (regex ? " --regex " : " ") +
              what + "eddy; a=$?; LC_ALL=C grep -r " + (regex ? "-E " : "-F ") +
              what + "grep; b=$?; cd " + output_.path() +
              "; LC_ALL=C sort eddy -o eddy; LC_ALL=C sort grep -o grep; "
              "cmp eddy grep; echo $a $b");
    EXPECT_TRUE(found == "0 0\n" || found == "1 1\n")
        << pattern << ": " << found;
  }

  const TempDir output_;
  const TempDir dir_;
  const TempDir long_;
};

TEST_F(GrepTreeTest, FindsFixedStringsAsGrepDoes) {
  for (const char* pattern :
       {"needle", "hay", "e", "", "nothing like it", "n.edle"}) {
    ExpectAsGrep(pattern, false, dir_.path());
    ExpectAsGrep(pattern, false, long_.path());
  }
}

TEST_F(GrepTreeTest, FindsRegularExpressionsAsGrepDoes) {
  std::string problem;
  if (grep_tree::MakeRegexPattern("x", problem) == nullptr) {
    GTEST_SKIP() << problem;
  }
  for (const char* pattern : {"n.edle", "^needle$", "^$", "[^a]hay", "x*",
                              "(hay|needle)[[:space:]]*$", "\\.h$"}) {
    ExpectAsGrep(pattern, true, dir_.path());
    ExpectAsGrep(pattern, true, long_.path());
  }
}

TEST_F(GrepTreeTest, FindsWhatGrepFindsInARealTree) {
  if (!std::filesystem::exists("/usr/include")) {
    GTEST_SKIP() << "there is no /usr/include";
  }
  ExpectAsGrep("mutex", false, "/usr/include");
  std::string problem;
  if (grep_tree::MakeRegexPattern("x", problem) == nullptr) return;
  ExpectAsGrep("^#define +E[A-Z]+", true, "/usr/include");
}

// Lines that end before, at and behind the ends of the parts that are read.
TEST_F(GrepTreeTest, FindsWhatIsInLongLines) {
  constexpr std::size_t kPart = 96 * 1024;
  const TempDir dir;
  for (const std::size_t size :
       {kPart - 1, kPart, kPart + 1, 2 * kPart - 1, 2 * kPart, 20 * kPart}) {
    const std::string filler(size - 7, 'x');
    const std::string name = dir / std::to_string(size);
    Store(name, filler + "needle\n" + filler + "hay\nneedle" + filler + "\n\n");
    Store(name + "-last", "hay\n" + filler + "needle");
  }
  ExpectAsGrep("needle", false, dir.path());
  ExpectAsGrep("hay", false, dir.path());
  ExpectAsGrep("", false, dir.path());
}

// What it prints it would find again, for ever.
TEST_F(GrepTreeTest, DoesNotSearchItsOutput) {
  std::string all;
  for (int i = 0; i < 100'000; ++i) all += "needle\n";
  Store(dir_ / "a/many", all);
  Store(dir_ / "out", "needle\n");
  const std::string in_dir = "cd " + dir_.path() + "; timeout 20 ";
  const auto [code, messages] = Shell(in_dir + Program::Example("grep_tree") +
                                      " needle . 2>&1 >>out | tail -1");
  EXPECT_EQ(code, 2);
  EXPECT_EQ(messages, "grep_tree: ./out: input file is also the output\n");
  // By another name.
  std::filesystem::create_hard_link(dir_ / "out", dir_ / "zz");
  const auto [named_code, named] =
      Shell(in_dir + Program::Example("grep_tree") + " needle zz 2>&1 >>out");
  EXPECT_EQ(named_code, 2);
  EXPECT_EQ(named, "grep_tree: zz: input file is also the output\n");
}

// Which was a file when its folder was read.
CO_TEST_F(GrepTreeTest, DoesNotWaitForAFifo) {
  const auto pattern = grep_tree::MakeFixedPattern("needle");
  grep_tree::FileSearch search(*pattern, {});
  Result<fs::Directory> dir = co_await fs::Directory::Open(dir_.path());
  CO_ASSERT_OK(dir);
  const auto parent = std::make_shared<const fs::Directory>(*std::move(dir));
  search.Begin(parent, "fifo", "fifo");
  CO_EXPECT_OK(co_await search.Continue());
  EXPECT_TRUE(search.ended());
  EXPECT_FALSE(search.error());
  search.Begin(parent, "text", "text");
  CO_EXPECT_OK(co_await search.Continue());
  EXPECT_TRUE(search.ended());
  EXPECT_EQ(search.output(),
            "text:needle\ntext:more needle here\ntext:needle\n");
}

TEST_F(GrepTreeTest, SaysWhichBinaryFilesMatch) {
  const auto [code, messages] =
      Shell(Program::Example("grep_tree") + " needle " + dir_.path() +
            " 2>&1 >/dev/null");
  EXPECT_EQ(code, 0);
  EXPECT_EQ(messages,
            "grep_tree: " + (dir_ / "binary: binary file matches\n") +
                "grep_tree: " + (dir_ / "binary-late: binary file matches\n"));
}

// Many files, some with more output than is kept, and one in the middle that
// is larger than all others.
TEST_F(GrepTreeTest, PrintsInOrderHoweverManyFilesAreSearchedAtOnce) {
  std::string expected;
  const TempDir dir;
  for (int i = 100; i < 400; ++i) {
    const std::string path = dir / std::to_string(i);
    std::string contents;
    for (int k = 0; k < (i == 200 ? 50'000 : i % 10); ++k) {
      const std::string line = "needle " + std::to_string(k);
      contents += line + "\nhay\n";
      expected += path + ":" + line + "\n";
    }
    Store(path, contents);
  }
  Store(output_ / "expected", expected);
  for (const char* jobs : {"1", "7", "64"}) {
    const auto [code, found] =
        Shell(Program::Example("grep_tree") + " --jobs " + jobs + " needle " +
              dir.path() + " | cmp - " + (output_ / "expected"));
    EXPECT_EQ(code, 0) << jobs << ": " << found;
  }
}

TEST_F(GrepTreeTest, SearchesFilesThatAreNamed) {
  const auto [code, found] =
      Shell(Program::Example("grep_tree") + " needle " + (dir_ / "link"));
  EXPECT_EQ(code, 0);
  EXPECT_EQ(found, (dir_ / "link:needle\n") +
                       (dir_ / "link:more needle here\n") +
                       (dir_ / "link:needle\n"));
}

TEST_F(GrepTreeTest, SaysWhatCannotBeSearched) {
  Program missing(
      {Program::Example("grep_tree"), "needle", "/missing", dir_ / "text"});
  EXPECT_EQ(missing.Wait(), 2);
  EXPECT_EQ(missing.ReadErrors(),
            "grep_tree: /missing: No such file or directory\n");
  EXPECT_NE(missing.ReadOutput(), "");
  Program wrong({Program::Example("grep_tree"), "--regex", "(", "."});
  EXPECT_EQ(wrong.Wait(), 2);
  EXPECT_NE(wrong.ReadErrors(), "");
  Program nothing({Program::Example("grep_tree")});
  EXPECT_EQ(nothing.Wait(), 2);
}

TEST_F(GrepTreeTest, ASignalEndsIt) {
  // It waits for somebody who reads more of what it writes.
  Program grep({Program::Example("grep_tree"), "", dir_.path()});
  EXPECT_NE(grep.ReadLine(), "");
  grep.Signal(SIGINT);
  EXPECT_EQ(grep.Wait(), 2);
}

TEST_F(GrepTreeTest, StoppedAndFailedAtEveryPoint) {
  const auto pattern = grep_tree::MakeFixedPattern("needle");
  const io::Fd nowhere(IO_TEST_CHECK(open("/dev/null", O_WRONLY | O_CLOEXEC)));
  std::filesystem::remove(dir_ / "binary-late");
  const std::vector<std::string> roots = {dir_.path()};
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(const grep_tree::Found found,
                co_await grep_tree::Grep(*pattern, roots, 3, nowhere, nowhere));
    co_return found.matched ? Result<void>() : Unexpected(kClosed);
  };
  test::ExpectCleanSweeps(scenario, {.stops = 20, .failures = 20});
}

}  // namespace
}  // namespace eddy::testing_examples
