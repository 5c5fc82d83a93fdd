// structure ends by itself, and shows what docs/structured_concurrency.md says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/examples/program.h"

namespace eddy::testing_examples {
namespace {

using ::testing::HasSubstr;

TEST(StructureTest, ShowsWhatTheChapterSays) {
  Program structure({Program::Example("structure")});
  const std::string text = structure.ReadOutput();
  EXPECT_EQ(structure.Wait(), 0);
  for (const char* expected :
       {"both: 8\n", "one fails: Operation not supported\n",
        "first failure: Input/output error\na later one: Broken pipe\n",
        "fallback: 3\n", "too late: started, and stopped\n", "journal: 2\n",
        "longest: 10\n", "all: 12\n", "fastest: near\n", "merge: some bytes\n",
        "lines: 3\n", "for a while: the deadline passed\n",
        "stopped: goodbye\n", "ticks: some were skipped\n",
        "fair: the timer came\n", "collatz: 111\n"}) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
}

}  // namespace
}  // namespace eddy::testing_examples
