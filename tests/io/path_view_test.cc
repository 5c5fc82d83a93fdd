#include <eddy/io/path_view.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace eddy::io {
namespace {

TEST(PathViewTest, RefersToTheCallersString) {
  const char* c_string = "/c/string";
  EXPECT_EQ(PathView(c_string).c_str(), c_string);
  const std::string string = "/std/string";
  EXPECT_EQ(PathView(string).c_str(), string.c_str());
  const std::filesystem::path path = "/a/path";
  EXPECT_EQ(PathView(path).c_str(), path.c_str());
}

TEST(PathViewTest, TakesAnEmptyString) {
  EXPECT_STREQ(PathView("").c_str(), "");
  EXPECT_STREQ(PathView(std::string()).c_str(), "");
}

TEST(PathViewTest, IsNullForWhatIsNoPath) {
  const char* null = nullptr;
  EXPECT_EQ(PathView(null).c_str(), nullptr);
  for (const std::string& zero :
       {std::string("a\0b", 3), std::string("a\0", 2), std::string("\0", 1)}) {
    EXPECT_EQ(PathView(zero).c_str(), nullptr);
    const std::filesystem::path path = zero;
    EXPECT_EQ(PathView(path).c_str(), nullptr);
  }
}

}  // namespace
}  // namespace eddy::io
