// --help of the examples: it shows their flags.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/examples/program.h"

namespace eddy::testing_examples {
namespace {

// A program, and one of its flags.
using Flag = std::pair<const char*, const char*>;

class UsageTest : public ::testing::TestWithParam<Flag> {};

TEST_P(UsageTest, HelpShowsTheFlags) {
  const auto [name, flag] = GetParam();
  Program program({Program::Example(name), "--help"});
  const std::string help = program.ReadOutput();
  EXPECT_NE(help.find(std::string("--") + flag), std::string::npos) << help;
}

INSTANTIATE_TEST_SUITE_P(
    Examples, UsageTest,
    ::testing::Values(Flag("chat_server", "max_queued"),
                      Flag("chat_server_threads", "max_queued"),
                      Flag("copy_tree", "in_flight"),
                      Flag("grep_tree", "regex"), Flag("seams", "readings"),
                      Flag("zero_downtime", "control")),
    [](const auto& instance) { return std::string(instance.param.first); });

}  // namespace
}  // namespace eddy::testing_examples
