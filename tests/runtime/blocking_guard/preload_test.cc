// The guard in a program that does not link it, with LD_PRELOAD, and what the
// environment sets.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace eddy::guard_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class PreloadTest : public ::testing::Test {
 protected:
  PreloadTest() {
    std::string folder = "/tmp/preload_test.XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  ~PreloadTest() override { std::filesystem::remove_all(folder_); }

  // Runs the program; how it ends, as of a shell.
  int Run(const std::string& environment, const std::string& argument) {
    const std::string command =
        "env LD_PRELOAD='" EDDY_BLOCKING_GUARD_LIBRARY "' " + environment +
        " '" EDDY_BLOCKING_PROGRAM "' " + argument + " >" + Name("out") +
        " 2>" + Name("err");
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string Name(const std::string& name) const {
    return folder_ + "/" + name;
  }
  std::string Text(const std::string& name) const {
    std::ifstream file(Name(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string folder_;
};

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (auto at = text.find(part); at != std::string::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

// clang unrolls the program's loop and inlines its function, and its line
// tables alone do not tell: the calls are two places.
#ifdef __clang__
constexpr bool kTellsInlinedCalls = false;
#else
constexpr bool kTellsInlinedCalls = true;
#endif

TEST_F(PreloadTest, ReportsOncePerPlaceToStandardError) {
  if (!kTellsInlinedCalls) GTEST_SKIP() << "clang has inlined the calls";
  EXPECT_EQ(Run("", "sleep"), 0);
  EXPECT_EQ(Text("out"), "ended\n");
  EXPECT_EQ(Count(Text("err"), "eddy: "), 1);
  EXPECT_THAT(Text("err"),
              AllOf(HasSubstr("nanosleep() blocked the loop of a reactor for"),
                    HasSubstr("SleepsTheOldWay"), HasSubstr("Inner"),
                    HasSubstr("Outer")));
}

TEST_F(PreloadTest, SaysNothingWhereNothingBlocks) {
  EXPECT_EQ(Run("EDDY_BLOCKING_GUARD=abort", "nothing"), 0);
  EXPECT_THAT(Text("err"), IsEmpty());
}

TEST_F(PreloadTest, PrintsWhatIsKeptWhenATaskEndsTheProgram) {
  EXPECT_EQ(Run("", "exit"), 0);
  EXPECT_THAT(Text("err"), HasSubstr("nanosleep()"));
}

TEST_F(PreloadTest, AppendsToAFile) {
  if (!kTellsInlinedCalls) GTEST_SKIP() << "clang has inlined the calls";
  const std::string file = "EDDY_BLOCKING_GUARD_FILE=" + Name("reports");
  EXPECT_EQ(Run(file, "sleep"), 0);
  EXPECT_EQ(Run(file, "sleep"), 0);
  EXPECT_THAT(Text("err"), IsEmpty());
  EXPECT_EQ(Count(Text("reports"), "nanosleep()"), 2);
}

TEST_F(PreloadTest, ReportsToStandardErrorWhereTheFileCannotBeOpened) {
  if (!kTellsInlinedCalls) GTEST_SKIP() << "clang has inlined the calls";
  EXPECT_EQ(Run("EDDY_BLOCKING_GUARD_FILE=" + Name("none/reports"), "sleep"),
            0);
  EXPECT_EQ(Count(Text("err"), "nanosleep()"), 1);
}

TEST_F(PreloadTest, CanBeOff) {
  EXPECT_EQ(Run("EDDY_BLOCKING_GUARD=off", "sleep"), 0);
  EXPECT_THAT(Text("err"), IsEmpty());
}

TEST_F(PreloadTest, LeavesOutWhatIsShort) {
  EXPECT_EQ(Run("EDDY_BLOCKING_GUARD_MIN_US=60000000", "sleep"), 0);
  EXPECT_THAT(Text("err"), IsEmpty());
}

TEST_F(PreloadTest, AbortsBeforeWhatNeverReturns) {
  EXPECT_EQ(Run("EDDY_BLOCKING_GUARD=abort", "forever"), 128 + SIGABRT);
  EXPECT_THAT(Text("err"), HasSubstr("futex() would block"));
}

TEST_F(PreloadTest, RefusesAModeThatItDoesNotKnow) {
  EXPECT_EQ(Run("EDDY_BLOCKING_GUARD=maybe", "nothing"), 128 + SIGABRT);
  EXPECT_THAT(Text("err"), HasSubstr("EDDY_BLOCKING_GUARD=maybe is none of"));
}

}  // namespace
}  // namespace eddy::guard_test
