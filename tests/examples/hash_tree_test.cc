// The hashing of a tree, by eddy's program and by that of threads: both print
// what sha256sum prints. And eddy's in this program, stopped and failed at
// every point.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "examples/hash_tree/hash_tree.h"
#include "tests/examples/program.h"
#include "tests/io/io_test_util.h"
#include "tests/sweeps.h"

namespace eddy::testing_examples {
namespace {

using io_test::Store;
using io_test::TempDir;

std::string Pattern(std::size_t size) {
  const std::vector<std::byte> bytes = io_test::Pattern(size);
  return io_test::Text(bytes);
}

// Files of all kinds, and what is none.
void MakeTree(const TempDir& dir) {
  std::filesystem::create_directories(dir / "a/b/c");
  std::filesystem::create_directories(dir / "empty");
  Store(dir / "a/small", "hello\n");
  Store(dir / "a/b/nothing", "");
  Store(dir / "a/b/c/large", Pattern(3'000'000));
  Store(dir / "a/b/c/even", Pattern(256 * 1024));
  Store(dir / "two\nlines", "1");
  Store(dir / "back\\slash", "2");
  Store(dir / "return\r", "3");
  Store(dir / " a b ", "4");
  Store(dir / "no utf-8 \xff\xfe", "5");
  Store(dir / "a.b", "6");  // before what is in a
  for (int i = 0; i < 300; ++i) {
    Store(dir / ("a/b/" + std::to_string(i)), std::to_string(i));
  }
  std::filesystem::create_symlink("a/small", dir / "link");
  std::filesystem::create_symlink("a", dir / "folder link");
  ASSERT_EQ(mkfifo((dir / "fifo").c_str(), 0600), 0);
}

std::string Sha256Sum(const std::string& folder) {
  const auto [code, output] =
      Shell("find '" + folder +
            "' -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum");
  EXPECT_EQ(code, 0);
  return output;
}

class HashTreeProgramTest : public ::testing::TestWithParam<const char*> {
 protected:
  static std::vector<std::string> Words(std::vector<std::string> more) {
    more.insert(more.begin(), Program::Example(GetParam()));
    return more;
  }
};

INSTANTIATE_TEST_SUITE_P(Programs, HashTreeProgramTest,
                         ::testing::Values("hash_tree", "hash_tree_threads"),
                         [](const auto& instance) {
                           return std::string(instance.param);
                         });

TEST_P(HashTreeProgramTest, PrintsWhatSha256sumPrints) {
  const TempDir dir;
  MakeTree(dir);
  Program program(Words({dir.path()}));
  EXPECT_EQ(program.ReadOutput(), Sha256Sum(dir.path()));
  EXPECT_EQ(program.ReadErrors(), "");
  EXPECT_EQ(program.Wait(), 0);
}

TEST_P(HashTreeProgramTest, PrintsNothingOfAnEmptyFolder) {
  const TempDir dir;
  Program program(Words({dir.path() + "/"}));
  EXPECT_EQ(program.ReadOutput(), "");
  EXPECT_EQ(program.Wait(), 0);
}

TEST_P(HashTreeProgramTest, SaysWhatItCannotRead) {
  Program program(Words({"/nowhere/at all"}));
  EXPECT_EQ(program.ReadOutput(), "");
  EXPECT_NE(program.ReadErrors().find("/nowhere/at all: "), std::string::npos);
  EXPECT_EQ(program.Wait(), 1);
}

TEST_P(HashTreeProgramTest, HashesTheRestWhereSomethingCannotBeRead) {
  if (getuid() != 0) GTEST_SKIP() << "needs to become somebody else";
  const TempDir dir;
  Store(dir / "a", "1");
  Store(dir / "secret", "2");
  std::filesystem::create_directories(dir / "hidden");
  Store(dir / "hidden/b", "3");
  chmod(dir.path().c_str(), 0755);
  chmod((dir / "secret").c_str(), 0);
  chmod((dir / "hidden").c_str(), 0);
  std::vector<std::string> words = Words({dir.path()});
  words.insert(words.begin(),
               {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"});
  Program program(words);
  const std::string hash =
      "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";
  EXPECT_EQ(program.ReadOutput(), hash + "  " + dir / "a" + "\n");
  const std::string errors = program.ReadErrors();
  EXPECT_NE(errors.find(dir / "secret: "), std::string::npos) << errors;
  EXPECT_NE(errors.find(dir / "hidden: "), std::string::npos) << errors;
  EXPECT_EQ(program.Wait(), 1);
}

TEST_P(HashTreeProgramTest, WantsOneFolder) {
  for (std::vector<std::string> words :
       {std::vector<std::string>(), {"/tmp", "/tmp"}}) {
    Program program(Words(std::move(words)));
    EXPECT_EQ(program.ReadOutput(), "");
    EXPECT_EQ(program.Wait(), 2);
  }
}

TEST(HashTreeTest, HashesInTheLoopAndOnThreads) {
  const TempDir dir;
  MakeTree(dir);
  const std::string expected = Sha256Sum(dir.path());
  for (const std::string flag : {"--pool_from=0", "--pool_from=4000000000",
                                 "--tasks=1", "--tasks=100"}) {
    Program program({Program::Example("hash_tree"), flag, dir.path()});
    EXPECT_EQ(program.ReadOutput(), expected) << flag;
    EXPECT_EQ(program.Wait(), 0) << flag;
  }
}

TEST(HashTreeTest, EndsCleanlyAtEveryPoint) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "a");
  for (const char* name : {"one", "two", "a/three", "a/four"}) {
    Store(dir / name, name);
  }
  const auto scenario = [&]() -> Task<Result<void>> {
    hash_tree::Options options;
    options.tasks = 2;
    options.queue = 1;
    options.pool_from = 4;
    EDDY_CO_CHECK(co_await hash_tree::HashTree(dir.path(), options));
    co_return Result<void>();
  };
  test::ExpectCleanSweeps(scenario, {.stops = 10, .failures = 8});
}

}  // namespace
}  // namespace eddy::testing_examples
