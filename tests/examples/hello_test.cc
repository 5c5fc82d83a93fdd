// hello greets, meets its deadline, and counts what it said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/examples/program.h"

namespace eddy::testing_examples {
namespace {

using ::testing::HasSubstr;

TEST(HelloTest, GreetsUntilTheDeadlineAndEndsWell) {
  Program hello({Program::Example("hello")});
  const std::string text = hello.ReadOutput();
  EXPECT_EQ(hello.Wait(), 0);
  for (const char* expected :
       {"quick  says hello (1)", "calm   says hello (1)",
        "slow   says hello (1)", "the oracle: ", " greetings\n"}) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
}

}  // namespace
}  // namespace eddy::testing_examples
