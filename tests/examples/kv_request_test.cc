// Requests of kv_server: what its parser makes of bytes, wherever they are cut;
// and all of the fuzzer's corpus.
#include <gtest/gtest.h>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "examples/kv_server/glob.h"
#include "examples/kv_server/number.h"
#include "examples/kv_server/request_parser.h"
#include "tests/examples/kv_fuzz_target.h"
#include "tests/examples/resp.h"
#include "tests/io/io_test_util.h"

namespace eddy::testing_examples {
namespace {

using kv_server::MatchesGlob;
using kv_server::ParseInteger;
using kv_server::RequestLimits;
using kv_server::RequestParser;
using Requests = std::vector<std::vector<std::string>>;

ParsedRequests Parsed(std::string_view bytes,
                      const RequestLimits& limits = {}) {
  return ParseInSteps(bytes, bytes.size() + 1, limits);
}

TEST(KvRequestTest, AreTheSameWhereverTheyAreCut) {
  const std::string bytes =
      RespRequest({"SET", "key", std::string("a\r\n\0b", 5)}) + "get  key\r\n" +
      RespRequest({"PING"}) + "\r\n" + "*0\r\n*-1\r\n" + "set \"a b\" 'c d'\n" +
      RespRequest({"GET", ""}) + RespRequest({"ECHO", std::string(100, 'x')});
  const Requests requests = {{"SET", "key", std::string("a\r\n\0b", 5)},
                             {"get", "key"},
                             {"PING"},
                             {},
                             {},
                             {},
                             {"set", "a b", "c d"},
                             {"GET", ""},
                             {"ECHO", std::string(100, 'x')}};
  const ParsedRequests whole = Parsed(bytes);
  EXPECT_EQ(whole.requests, requests);
  EXPECT_EQ(whole.end, "");
  for (std::size_t step = 1; step < bytes.size(); ++step) {
    EXPECT_EQ(ParseInSteps(bytes, step), whole) << step;
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string_view part = std::string_view(bytes).substr(0, size);
    const ParsedRequests some = Parsed(part);
    EXPECT_LT(some.requests.size(), requests.size());
    EXPECT_TRUE(std::equal(some.requests.begin(), some.requests.end(),
                           requests.begin()));
    EXPECT_TRUE(some.end.empty() || some.end == "incomplete") << some.end;
  }
}

TEST(KvRequestTest, AreRefusedWithTheWordsOfRedis) {
  const auto error = [](std::string_view bytes) {
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
      EXPECT_EQ(ParseInSteps(bytes, step), Parsed(bytes)) << bytes;
    }
    const std::string end = Parsed(bytes).end;
    constexpr std::string_view kBegin = "ERR Protocol error: ";
    return end.starts_with(kBegin) ? end.substr(kBegin.size()) : end;
  };
  for (const char* head :
       {"*x\r\n", "*\r\n", "*1x\r\n", "* 1\r\n", "*+1\r\n", "*01\r\n",
        "*1048577\r\n", "*2147483648\r\n", "*99999999999999999999\r\n",
        "*9999999999999999999999999", "*1\rx", "*-0\r\n"}) {
    EXPECT_EQ(error(head), "invalid multibulk length") << head;
  }
  for (const char* length :
       {"x\r\n", "\r\n", "-1\r\n", "+1\r\n", "01\r\n", "1 \r\n",
        "536870913\r\n", "99999999999999999999\r\n", "-9223372036854775808\r\n",
        "9999999999999999999999999", "3\rx"}) {
    EXPECT_EQ(error("*1\r\n$" + std::string(length)), "invalid bulk length")
        << length;
  }
  EXPECT_EQ(error("*1\r\nx"), "expected '$', got 'x'");
  EXPECT_EQ(error("*1\r\n:1\r\n"), "expected '$', got ':'");
  EXPECT_EQ(error("*1\r\n$1\r\nab"), "incomplete");
  EXPECT_EQ(error("*1\r\n$1\r\nabc"), "expected the end of a bulk string");
  EXPECT_EQ(error("get \"a\r\n"), "unbalanced quotes in request");
  EXPECT_EQ(error("get 'a\r\n"), "unbalanced quotes in request");
  EXPECT_EQ(error("get \"a\"b\r\n"), "unbalanced quotes in request");
  EXPECT_EQ(error("get \"a\\\r\n"), "unbalanced quotes in request");
}

TEST(KvRequestTest, KeepToTheLimits) {
  RequestLimits limits;
  limits.most_arguments = 3;
  limits.longest_argument = 5;
  limits.longest_line = 8;
  EXPECT_EQ(Parsed(RespRequest({"1", "2", "12345"}), limits).end, "");
  EXPECT_EQ(Parsed("*4\r\n", limits).end,
            "ERR Protocol error: invalid multibulk length");
  EXPECT_EQ(Parsed("*1\r\n$6\r\n", limits).end,
            "ERR Protocol error: invalid bulk length");
  EXPECT_EQ(Parsed("a b cdef", limits).end,
            "ERR Protocol error: too big inline request");
  EXPECT_EQ(Parsed("a b cde\n", limits).requests,
            (Requests{{"a", "b", "cde"}}));
  EXPECT_EQ(Parsed("a b c d\n", limits).end,
            "ERR Protocol error: unbalanced quotes in request");
}

TEST(KvRequestTest, TakeNoMemoryForWhatHasNotCome) {
  // Each alone would take gigabytes.
  std::string bytes = "*1048576\r\n$536870912\r\n";
  RequestParser parser(RequestLimits{});
  EXPECT_EQ(parser.Parse(bytes), RequestParser::Outcome::kIncomplete);
  EXPECT_EQ(parser.least_size(), bytes.size() + 536870912 + 2);
}

TEST(KvRequestTest, HaveQuotedWords) {
  const auto words = [](const std::string& line) {
    const ParsedRequests parsed = Parsed(line + "\r\n");
    EXPECT_EQ(parsed.end, "") << line;
    return parsed.requests.empty() ? std::vector<std::string>()
                                   : parsed.requests.front();
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(words("a  b\tc "), (Words{"a", "b", "c"}));
  EXPECT_EQ(words("\"\" ''"), (Words{"", ""}));
  EXPECT_EQ(words(R"("\n\r\t\b\a\"\\\q")"), (Words{"\n\r\t\b\a\"\\q"}));
  EXPECT_EQ(words(R"("\x41\xfF\x4\xg1")"), (Words{"A\xffx4xg1"}));
  EXPECT_EQ(words(R"('\'\n"')"), (Words{"'\\n\""}));
  EXPECT_EQ(words(R"(a"b c" d)"), (Words{"ab c", "d"}));
}

TEST(KvNumberTest, AreThoseOfRedis) {
  EXPECT_EQ(ParseInteger("0"), 0);
  EXPECT_EQ(ParseInteger("-12"), -12);
  EXPECT_EQ(ParseInteger("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(ParseInteger("-9223372036854775808"), INT64_MIN);
  for (const char* text : {"", "-", "+1", "01", "-0", "-01", " 1", "1 ", "1.0",
                           "0x1", "9223372036854775808", "one"}) {
    EXPECT_EQ(ParseInteger(text), std::nullopt) << text;
  }
}

TEST(KvGlobTest, MatchesAsRedisDoes) {
  const auto matches = [](std::string_view pattern, std::string_view text) {
    return MatchesGlob(pattern, text);
  };
  EXPECT_TRUE(matches("", ""));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("*", "abc"));
  EXPECT_TRUE(matches("a*c", "abbc"));
  EXPECT_TRUE(matches("a*b*c", "aXbXbXc"));
  EXPECT_TRUE(matches("h?llo", "hello"));
  EXPECT_TRUE(matches("h[ae]llo", "hallo"));
  EXPECT_TRUE(matches("h[^e]llo", "hallo"));
  EXPECT_TRUE(matches("h[a-c]llo", "hbllo"));
  EXPECT_TRUE(matches("h[c-a]llo", "hbllo"));
  EXPECT_TRUE(matches("\\*", "*"));
  EXPECT_TRUE(matches("[\\]]", "]"));
  EXPECT_TRUE(matches("[a", "a"));
  EXPECT_TRUE(matches("*[a-z]", "09z"));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_FALSE(matches("a", ""));
  EXPECT_FALSE(matches("?", ""));
  EXPECT_FALSE(matches("[", ""));
  EXPECT_FALSE(matches("a*c", "abb"));
  EXPECT_FALSE(matches("h[^e]llo", "hello"));
  EXPECT_FALSE(matches("\\*", "a"));
  EXPECT_FALSE(matches("ab", "abc"));
  EXPECT_TRUE(matches("[\x80-\xff]", "\xc3"));
}

TEST(KvGlobTest, TakesNoTimeToSpeakOf) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "a*";
  // What tries all ways would not end.
  EXPECT_FALSE(MatchesGlob(pattern + "b", std::string(10'000, 'a')));
  EXPECT_TRUE(MatchesGlob(pattern, std::string(10'000, 'a')));
}

TEST(KvCorpusTest, HoldsForAllThatTheFuzzerBeginsWith) {
  int files = 0;
  for (const auto& file :
       std::filesystem::directory_iterator("tests/examples/resp_corpus")) {
    const std::string bytes = io_test::Load(file.path().string());
    SCOPED_TRACE(file.path().string());
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
      CheckRequests(std::string_view(bytes).substr(0, size));
    }
    ++files;
  }
  EXPECT_GE(files, 15);
}

}  // namespace
}  // namespace eddy::testing_examples
