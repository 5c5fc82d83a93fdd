// The program http_get against the file server.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/examples/file_server_fixture.h"
#include "tests/examples/program.h"

namespace eddy::testing_examples {
namespace {

class HttpGetTest : public FileServerTest {
 protected:
  struct Ended {
    int code;
    std::string output;
    std::string errors;
  };
  static Ended Run(std::vector<std::string> words) {
    words.insert(words.begin(), Program::Example("http_get"));
    Program program(words);
    Ended ended;
    ended.output = program.ReadOutput();
    ended.errors = program.ReadErrors();
    ended.code = program.Wait();
    return ended;
  }
};

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(HttpGetTest, FetchesManyAtOnce) {
  Write("a", std::string(5, 'a'));
  WriteNoise("large", 3'000'000);
  Start();
  std::vector<std::string> words = {"--jobs", "3", Url("/large")};
  for (int i = 0; i < 20; ++i) words.push_back(Url("/a"));
  const Ended ended = Run(words);
  EXPECT_EQ(ended.code, 0) << ended.output << ended.errors;
  EXPECT_TRUE(Has(ended.output, "21 fetched, 0 failed")) << ended.output;
  EXPECT_TRUE(Has(ended.output, "3000100 bytes in")) << ended.output;
}

TEST_F(HttpGetTest, ItsExitCodeTellsOfFailures) {
  Write("a", "a");
  Start();
  Ended ended = Run({Url("/a"), Url("/missing")});
  EXPECT_EQ(ended.code, 1);
  EXPECT_TRUE(Has(ended.output, "404 ")) << ended.output;
  EXPECT_TRUE(Has(ended.output, "1 fetched, 1 failed")) << ended.output;
  ended = Run({Url("/a"), "http://127.0.0.1:1/"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_TRUE(Has(ended.output, "connecting: Connection refused"))
      << ended.output;
}

TEST_F(HttpGetTest, RefusesWrongWords) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{
           {},
           {"ftp://a/"},
           {"no url"},
           {"--jobs", "0", "http://a/"},
           {"--timeout", "0", "http://a/"},
           {"--timeout", "nan", "http://a/"}}) {
    const Ended ended = Run(words);
    EXPECT_EQ(ended.code, 2);
    EXPECT_TRUE(Has(ended.errors, "http_get: ")) << ended.errors;
  }
}

}  // namespace
}  // namespace eddy::testing_examples
