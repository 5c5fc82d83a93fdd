#include "bench/load/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <limits>
#include <string>
#include <utility>

namespace eddy::bench {
namespace {

using ::testing::HasSubstr;

std::string Refusal(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(LoadTargetTest, ReadsEachProtocol) {
  const auto echo = ParseTarget("echo://127.0.0.1:7000");
  ASSERT_TRUE(echo.ok());
  EXPECT_EQ(echo->protocol, Protocol::kEcho);
  EXPECT_EQ(echo->address.port(), 7000);
  EXPECT_EQ(echo->host, "127.0.0.1:7000");

  const auto http = ParseTarget("http://[::1]:80/a/b?c=d");
  ASSERT_TRUE(http.ok());
  EXPECT_EQ(http->protocol, Protocol::kHttp);
  EXPECT_EQ(http->host, "[::1]:80");
  EXPECT_EQ(http->path, "/a/b?c=d");

  const auto redis = ParseTarget("redis://localhost:6379/");
  ASSERT_TRUE(redis.ok());
  EXPECT_EQ(redis->protocol, Protocol::kRedis);
  EXPECT_EQ(redis->address.ToString(), "127.0.0.1:6379");
}

TEST(LoadTargetTest, PathOfHttpIsTheRootWhereNoneIsGiven) {
  const auto target = ParseTarget("http://127.0.0.1:80");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->path, "/");
}

TEST(LoadTargetTest, SaysWhatIsWrong) {
  for (const auto& [text, what] : {
           std::pair("", "begins with echo://"),
           std::pair("127.0.0.1:7000", "begins with echo://"),
           std::pair("https://127.0.0.1:1/", "begins with echo://"),
           std::pair("echo://", "an address and a port"),
           std::pair("echo://127.0.0.1", "an address and a port"),
           std::pair("echo://127.0.0.1:0", "an address and a port"),
           std::pair("echo://127.0.0.1:65536", "an address and a port"),
           std::pair("echo://example.org:80", "an address and a port"),
           std::pair("echo://127.0.0.1:80/path", "only http:// has a path"),
           std::pair("http://127.0.0.1:80/a b", "%20"),
           std::pair("http://127.0.0.1:80/a\r\nX: y", "%20"),
       }) {
    EXPECT_THAT(Refusal(ParseTarget(text).status()), HasSubstr(what)) << text;
  }
}

TEST(LoadOptionsTest, ReadsCommandsInAnyCase) {
  EXPECT_EQ(*ParseRedisCommand("get"), RedisCommand::kGet);
  EXPECT_EQ(*ParseRedisCommand("SET"), RedisCommand::kSet);
  EXPECT_EQ(*ParseRedisCommand("Ping"), RedisCommand::kPing);
  EXPECT_THAT(Refusal(ParseRedisCommand("del").status()),
              HasSubstr("--command"));
}

TEST(LoadOptionsTest, DefaultsAreGood) {
  EXPECT_TRUE(Check(LoadOptions()).ok());
}

TEST(LoadOptionsTest, NamesTheFlagThatIsWrong) {
  using Change = std::function<void(LoadOptions&)>;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [flag, change] : {
           std::pair<const char*, Change>("--connections",
                                          [](auto& o) { o.connections = 0; }),
           {"--connections", [](auto& o) { o.connections = 2'000'000; }},
           {"--pipeline", [](auto& o) { o.pipeline = 0; }},
           {"--size", [](auto& o) { o.size = 0; }},
           {"--keys", [](auto& o) { o.keys = 0; }},
           {"--rate", [](auto& o) { o.rate = 0; }},
           {"--rate", [](auto& o) { o.rate = -1; }},
           {"--rate", [nan](auto& o) { o.rate = nan; }},
           {"--rate", [](auto& o) { o.rate = 1e9; }},
           {"--warm_up", [](auto& o) { o.warm_up = std::chrono::seconds(-1); }},
           {"--duration", [](auto& o) { o.duration = {}; }},
           {"--timeout", [](auto& o) { o.timeout = {}; }},
           {"--cores", [](auto& o) { o.cores = 0; }},
           {"--cores", [](auto& o) { o.cores = 65; }},
       }) {
    LoadOptions options;
    change(options);
    EXPECT_THAT(Refusal(Check(options)), HasSubstr(flag));
  }
}

TEST(LoadOptionsTest, DescribesTheLoad) {
  LoadOptions o;
  EXPECT_EQ(Describe(o), "echo of 64 B x 64");
  o.pipeline = 4;
  o.rate = 2e6;
  EXPECT_EQ(Describe(o), "echo of 64 B x 64, pipeline 4, 2000000/s");
  o = {};
  o.target = *ParseTarget("http://127.0.0.1:80/x");
  EXPECT_EQ(Describe(o), "GET /x x 64");
  o.target = *ParseTarget("redis://127.0.0.1:80");
  EXPECT_EQ(Describe(o), "GET x 64");
  o.command = RedisCommand::kSet;
  EXPECT_EQ(Describe(o), "SET of 64 B x 64");
}

}  // namespace
}  // namespace eddy::bench
