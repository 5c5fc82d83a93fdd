// kv_server next to redis-server, and with the programs of Redis: the same
// requests get the same replies, byte by byte.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/examples/kv_client.h"
#include "tests/io/io_test_util.h"

namespace eddy::testing_examples {
namespace {

bool Installed(const std::string& program) {
  return Shell("command -v " + program + " >/dev/null").first == 0;
}

// A port that nobody listened on just now.
std::string FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(fd, any, size), 0);
  EXPECT_EQ(getsockname(fd, any, &size), 0);
  close(fd);
  return std::to_string(ntohs(address.sin_port));
}

class KvRedisTest : public ::testing::TestWithParam<int> {
 protected:
  Words Cores() const { return {"--cores=" + std::to_string(GetParam())}; }
};
INSTANTIATE_TEST_SUITE_P(Cores, KvRedisTest, ::testing::Values(1, 2),
                         [](const auto& instance) {
                           return std::to_string(instance.param);
                         });

// Words of one request, separated by spaces; '_' is an empty word.
Words Split(const std::string& line) {
  Words words;
  for (std::size_t at = 0; at <= line.size();) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    const std::string word = line.substr(at, end - at);
    words.push_back(word == "_" ? "" : word);
    at = end + 1;
  }
  return words;
}

const char* const kRequests[] = {"PING",
                                 "PING hello",
                                 "PING a b",
                                 "ECHO hello",
                                 "ECHO",
                                 "echo _",
                                 "GET a",
                                 "SET a 1",
                                 "GET a",
                                 "get a",
                                 "GeT a",
                                 "GET",
                                 "GET a b",
                                 "SET a",
                                 "SET a 2 NX",
                                 "SET b 2 NX",
                                 "SET b 3 XX",
                                 "SET c 3 XX",
                                 "GET c",
                                 "SET a 5 GET",
                                 "SET none 5 XX GET",
                                 "SET new 5 GET",
                                 "SET a 6 NX GET",
                                 "SET a 1 NX XX",
                                 "SET a 1 EX",
                                 "SET a 1 EX x",
                                 "SET a 1 EX 0",
                                 "SET a 1 EX -1",
                                 "SET a 1 PX 9223372036854775807",
                                 "SET a 1 EX 9223372036854775807",
                                 "SET a 1 EX 10 PX 10",
                                 "SET a 1 EX 10 KEEPTTL",
                                 "SET a 1 KEEPTTL EX 10",
                                 "SET a 1 BOGUS",
                                 "SET a 1 EXAT 99999999999",
                                 "SET a 1 PXAT 1",
                                 "GET a",
                                 "EXISTS a",
                                 "SET a 1 EXAT 0",
                                 "SET a _",
                                 "GET a",
                                 "STRLEN a",
                                 "SETNX a 1",
                                 "SETNX d 1",
                                 "SETEX e 0 v",
                                 "SETEX e x v",
                                 "SETEX e 100 v",
                                 "PSETEX e 0 v",
                                 "PSETEX e 100000 v",
                                 "GET e",
                                 "GETSET e w",
                                 "TTL e",
                                 "GETDEL e",
                                 "GETDEL e",
                                 "INCR n",
                                 "INCR n",
                                 "DECR n",
                                 "INCRBY n 10",
                                 "DECRBY n 20",
                                 "INCRBY n x",
                                 "INCRBY n 9223372036854775807",
                                 "INCRBY n 9223372036854775807",
                                 "DECRBY n -9223372036854775808",
                                 "DECRBY n 1.5",
                                 "INCR b",
                                 "SET t text",
                                 "INCR t",
                                 "SET z 007",
                                 "INCR z",
                                 "SET z -0",
                                 "INCR z",
                                 "SET z +1",
                                 "INCR z",
                                 "SET max 9223372036854775807",
                                 "INCR max",
                                 "DECR max",
                                 "SET min -9223372036854775808",
                                 "DECR min",
                                 "DECRBY n _",
                                 "MSET a 1 b 2 a 3",
                                 "MGET a b none a",
                                 "MSET a",
                                 "MSET a 1 b",
                                 "MGET",
                                 "EXISTS a b a none",
                                 "DEL a a none",
                                 "UNLINK b none",
                                 "TOUCH n none",
                                 "EXISTS",
                                 "DEL",
                                 "APPEND s abc",
                                 "APPEND s def",
                                 "GET s",
                                 "STRLEN s",
                                 "STRLEN none",
                                 "APPEND s",
                                 "TYPE s",
                                 "TYPE none",
                                 "TTL s",
                                 "PTTL s",
                                 "TTL none",
                                 "PTTL none",
                                 "EXPIRE none 10",
                                 "EXPIRE s 9999999999 XX",
                                 "EXPIRE s 1000 NX",
                                 "EXPIRE s 500 GT",
                                 "EXPIRE s 500 LT",
                                 "EXPIRE s 500 NX",
                                 "EXPIRE s 1 NX XX",
                                 "EXPIRE s 1 GT LT",
                                 "EXPIRE s 1 BOGUS",
                                 "EXPIRE s x",
                                 "EXPIRE s",
                                 "EXPIRE s 9223372036854775807",
                                 "PEXPIRE s 9223372036854775807",
                                 "EXPIREAT s 9223372036854775807",
                                 "PERSIST s",
                                 "PERSIST s",
                                 "PERSIST none",
                                 "EXPIREAT s 99999999999",
                                 "PEXPIREAT s 9999999999999",
                                 "SET s 1 KEEPTTL",
                                 "PERSIST s",
                                 "EXPIRE s -1",
                                 "EXISTS s",
                                 "SET s 1",
                                 "PEXPIRE s 0",
                                 "GET s",
                                 "SET s 1",
                                 "EXPIREAT s 1",
                                 "GET s",
                                 "SELECT 0",
                                 "SELECT 1000",
                                 "SELECT x",
                                 "BOGUS",
                                 "BOGUS a b c",
                                 "FLUSHDB",
                                 "DBSIZE",
                                 "SET only 1",
                                 "DBSIZE",
                                 "KEYS *",
                                 "KEYS x*",
                                 "SCAN 0",
                                 "SCAN 0 COUNT 0",
                                 "SCAN 0 COUNT x",
                                 "SCAN x",
                                 "SCAN 0 MATCH",
                                 "SCAN 0 BOGUS 1",
                                 "SCAN 0 TYPE string",
                                 "SCAN 0 TYPE list",
                                 "SCAN 0 MATCH x*",
                                 "FLUSHALL bogus",
                                 "FLUSHALL ASYNC",
                                 "FLUSHALL SYNC",
                                 "DBSIZE",
                                 "CLIENT GETNAME",
                                 "CLIENT SETNAME me",
                                 "CLIENT GETNAME",
                                 "CLIENT SETNAME _",
                                 "CLIENT GETNAME",
                                 "CLIENT BOGUS",
                                 "CONFIG GET save",
                                 "CONFIG GET appendonly",
                                 "CONFIG GET nosuch",
                                 "CONFIG BOGUS",
                                 "PUBLISH nobody hears",
                                 "SUBSCRIBE a b",
                                 "PSUBSCRIBE c*",
                                 "UNSUBSCRIBE b",
                                 "UNSUBSCRIBE x",
                                 "PUNSUBSCRIBE",
                                 "UNSUBSCRIBE",
                                 "UNSUBSCRIBE",
                                 "HELLO 4",
                                 "HELLO x",
                                 "HELLO 3 BOGUS",
                                 "RESET",
                                 "GET none",
                                 "QUIT"};

TEST_P(KvRedisTest, AnswersAsRedisDoes) {
  if (!Installed("redis-server")) GTEST_SKIP() << "no redis-server";
  const io_test::TempDir dir;
  const std::string port = FreePort();
  Program redis({"redis-server", "--port", port, "--bind", "127.0.0.1",
                 "--save", "", "--appendonly", "no", "--dir", dir.path()});
  while (redis.ReadLine().find("eady to accept connections") ==
         std::string::npos) {
  }
  KvServer server(Cores());
  for (const char* protocol : {"2", "3"}) {
    KvClient theirs("127.0.0.1:" + port);
    KvClient ours = server.Connect();
    EXPECT_EQ(theirs.Ask({"HELLO", protocol})[0],
              ours.Ask({"HELLO", protocol})[0]);
    for (const char* line : kRequests) {
      const Words words = Split(line);
      const std::string expected = theirs.Ask(words);
      EXPECT_EQ(ours.Ask(words), expected) << line;
      // Replies of more than one part.
      if (words[0] == "SUBSCRIBE") {
        EXPECT_EQ(ours.Hear(), theirs.Hear());
      }
    }
    EXPECT_EQ(theirs.Hear(), "");
    EXPECT_EQ(ours.Hear(), "");
  }
  for (const char* bytes :
       {"*x\r\n", "*1\r\n$x\r\n", "*1\r\nx\r\n", "*1\r\n$-5\r\n", "a \"b\r\n",
        "set a b\r\nget a\r\nquit\r\n", "\r\n\r\nquit\r\n",
        "*0\r\n*-1\r\nquit\n"}) {
    KvClient theirs("127.0.0.1:" + port);
    KvClient ours = server.Connect();
    EXPECT_TRUE(theirs.Send(bytes));
    EXPECT_TRUE(ours.Send(bytes));
    std::string expected;
    do {
      expected = theirs.Hear();
      EXPECT_EQ(ours.Hear(), expected) << bytes;
    } while (!expected.empty());
  }
  server.EndWell();
}

TEST_P(KvRedisTest, SpeaksWithRedisCli) {
  if (!Installed("redis-cli")) GTEST_SKIP() << "no redis-cli";
  KvServer server(Cores());
  const std::string cli = "redis-cli -p " + server.port() + " ";
  EXPECT_EQ(Shell(cli + "set tea 'green tea'").second, "OK\n");
  EXPECT_EQ(Shell(cli + "get tea").second, "green tea\n");
  EXPECT_EQ(Shell(cli + "-3 hello 3 | head -1").second, "server redis\n");
  EXPECT_EQ(Shell("printf 'set a 1\\nincr a\\nmget a tea\\n' | " + cli).second,
            "OK\n2\n2\ngreen tea\n");
  EXPECT_EQ(Shell(cli + "--scan | sort").second, "a\ntea\n");
  EXPECT_NE(Shell(cli + "info").second.find("db0:keys=2"), std::string::npos);
  // As much as it can: its mass insertion.
  std::string inserts;
  for (int i = 0; i < 1000; ++i) {
    inserts += RespRequest({"SET", "mass" + std::to_string(i), "x"});
  }
  const io_test::TempDir dir;
  io_test::Store(dir / "inserts", inserts);
  EXPECT_NE(Shell(cli + "--pipe < " + (dir / "inserts"))
                .second.find("errors: 0, replies: 1000"),
            std::string::npos);
  EXPECT_EQ(Shell(cli + "dbsize").second, "1002\n");
  server.EndWell();
}

TEST_P(KvRedisTest, IsMeasuredByRedisBenchmark) {
  if (!Installed("redis-benchmark")) GTEST_SKIP() << "no redis-benchmark";
  KvServer server(Cores());
  for (const char* pipeline : {"1", "16"}) {
    const auto [code, output] =
        Shell("redis-benchmark -p " + server.port() +
              " -t ping,set,get,incr,mset -n 2000 -c 20 -r 1000 --csv -P " +
              pipeline + " 2>&1");
    EXPECT_EQ(code, 0);
    for (const char* test : {"PING_INLINE", "SET", "GET", "INCR", "MSET"}) {
      EXPECT_NE(output.find(test), std::string::npos) << output;
    }
    EXPECT_EQ(output.find("WARN"), std::string::npos) << output;
    EXPECT_EQ(output.find("rror"), std::string::npos) << output;
  }
  server.EndWell();
}

}  // namespace
}  // namespace eddy::testing_examples
