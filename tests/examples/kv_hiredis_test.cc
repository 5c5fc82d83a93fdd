// kv_server with a client library that was not written here: hiredis.
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <memory>
#include <string>

#include "tests/examples/kv_client.h"

namespace eddy::testing_examples {
namespace {

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Context = std::unique_ptr<redisContext, FreeContext>;
using HiReply = std::unique_ptr<redisReply, FreeReply>;

HiReply Cast(void* reply) { return HiReply(static_cast<redisReply*>(reply)); }
HiReply Next(redisContext* context) {
  void* reply = nullptr;
  EXPECT_EQ(redisGetReply(context, &reply), REDIS_OK);
  return Cast(reply);
}

class KvHiredisTest : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Cores, KvHiredisTest, ::testing::Values(1, 2),
                         [](const auto& instance) {
                           return std::to_string(instance.param);
                         });

TEST_P(KvHiredisTest, ServesIt) {
  KvServer server({"--cores=" + std::to_string(GetParam())});
  const auto connect = [&] {
    return Context(redisConnect("127.0.0.1", std::stoi(server.port())));
  };
  const Context context = connect();
  ASSERT_EQ(context->err, 0) << context->errstr;
  HiReply reply =
      Cast(redisCommand(context.get(), "SET %s %b", "key", "a\0b", size_t{3}));
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->type, REDIS_REPLY_STATUS);
  reply = Cast(redisCommand(context.get(), "GET key"));
  ASSERT_EQ(reply->type, REDIS_REPLY_STRING);
  EXPECT_EQ(std::string(reply->str, reply->len), std::string("a\0b", 3));

  // A pipeline.
  for (int i = 0; i < 500; ++i) redisAppendCommand(context.get(), "INCR n");
  for (int i = 0; i < 500; ++i) {
    reply = Next(context.get());
    ASSERT_EQ(reply->type, REDIS_REPLY_INTEGER);
    EXPECT_EQ(reply->integer, i + 1);
  }

  reply = Cast(redisCommand(context.get(), "GET none"));
  EXPECT_EQ(reply->type, REDIS_REPLY_NIL);
  // Messages that nobody has asked for.
  const Context subscriber = connect();
  reply = Cast(redisCommand(subscriber.get(), "SUBSCRIBE news"));
  ASSERT_EQ(reply->type, REDIS_REPLY_ARRAY);
  reply = Cast(redisCommand(context.get(), "PUBLISH news hello"));
  EXPECT_EQ(reply->integer, 1);
  reply = Next(subscriber.get());
  ASSERT_EQ(reply->type, REDIS_REPLY_ARRAY);
  EXPECT_EQ(std::string(reply->element[2]->str), "hello");
  server.EndWell();
}

}  // namespace
}  // namespace eddy::testing_examples
