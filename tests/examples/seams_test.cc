// seams ends by itself, and loses nothing between its threads and its tasks.
#include <gtest/gtest.h>

#include <string>

#include "tests/examples/program.h"

namespace eddy::testing_examples {
namespace {

TEST(SeamsTest, ADashboardOfThreadsHearsWhatStationsOfThreadsSay) {
  Program seams({Program::Example("seams"), "--readings=2"});
  EXPECT_EQ(seams.ReadOutput(),
            "followers: 1\n"
            "readings of the hill: 2\n"
            "following\n"
            "harbour 0\nharbour 1\nhill 0\nhill 1\nwood 0\nwood 1\n"
            "followers: 0\n");
  EXPECT_EQ(seams.ReadErrors(), "");
  EXPECT_EQ(seams.Wait(), 0);
}

TEST(SeamsTest, MoreReadingsThanFitAreAllArchived) {
  Program seams({Program::Example("seams"), "--readings=1000"});
  const std::string output = seams.ReadOutput();
  EXPECT_NE(output.find("readings of the hill: 1000\n"), std::string::npos);
  EXPECT_EQ(seams.Wait(), 0);
}

}  // namespace
}  // namespace eddy::testing_examples
