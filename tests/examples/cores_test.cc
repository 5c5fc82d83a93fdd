// cores ends by itself, and shows what docs/cores.md says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/chaos.h"
#include "tests/examples/program.h"

namespace eddy::testing_examples {
namespace {

using ::testing::HasSubstr;

TEST(CoresTest, ShowsWhatTheChapterSays) {
  EDDY_SKIP_IN_CHAOS(eddy::test::kShort);
  for (const char* cores : {"1", "2", "3"}) {
    Program program({Program::Example("cores"), cores});
    const std::string text = program.ReadOutput();
    EXPECT_EQ(program.Wait(), 0);
    const std::string last = std::to_string(std::stoi(cores) - 1);
    for (const std::string& expected :
         {"cores: " + std::string(cores) + "\n",
          "call: answered by core " + last + "\n",
          std::string("primes: 9592\n"), std::string("words: 4\n"),
          "session: used on core " + last + "\n",
          "session: ended on core " + last + "\n",
          "queue: " + std::to_string(5050 * std::stoi(cores)) + "\n",
          std::string("background: "),
          std::string("server: 9 connections\n")}) {
      EXPECT_THAT(text, HasSubstr(expected));
    }
  }
}

}  // namespace
}  // namespace eddy::testing_examples
