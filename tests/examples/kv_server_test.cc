// kv_server as a program, on one core and on two: what it answers, and what it
// does not put up with.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/examples/kv_client.h"

namespace eddy::testing_examples {
namespace {

class KvServerTest : public ::testing::TestWithParam<int> {
 protected:
  KvServer Start(const Words& flags = {}) {
    Words words = {"--cores=" + std::to_string(GetParam())};
    words.insert(words.end(), flags.begin(), flags.end());
    return KvServer(words);
  }
};

INSTANTIATE_TEST_SUITE_P(Cores, KvServerTest, ::testing::Values(1, 2),
                         [](const auto& instance) {
                           return std::to_string(instance.param);
                         });

TEST_P(KvServerTest, AnswersPipelinesInOrder) {
  KvServer server = Start();
  KvClient client = server.Connect();
  std::string requests;
  std::vector<std::string> replies;
  for (int i = 0; i < 3000; ++i) {
    const std::string n = std::to_string(i);
    const std::string key = "key" + n;
    requests += RespRequest({"SET", key, n}) + "GET " + key + "\r\n" +
                RespRequest({"INCR", "sum"}) +
                RespRequest({"MGET", key, "none", "key0", "sum"}) +
                RespRequest({"DEL", key, "none", "key0"}) + "bogus\r\n" +
                RespRequest({"PING"});
    replies.insert(
        replies.end(),
        {"+OK\r\n", Bulk(n), ":" + std::to_string(i + 1) + "\r\n",
         "*4\r\n" + Bulk(n) + "$-1\r\n" + (i == 0 ? Bulk("0") : "$-1\r\n") +
             Bulk(std::to_string(i + 1)),
         ":1\r\n",
         "-ERR unknown command 'bogus', with args beginning with: \r\n",
         "+PONG\r\n"});
  }
  std::thread writer([&] { EXPECT_TRUE(client.Send(requests)); });
  for (const std::string& reply : replies) ASSERT_EQ(client.Hear(), reply);
  writer.join();
  EXPECT_EQ(client.Ask({"QUIT"}), "+OK\r\n");
  EXPECT_EQ(client.Hear(), "");
  server.EndWell();
}

TEST_P(KvServerTest, CountsWhatManyClientsAdd) {
  KvServer server = Start();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      KvClient client = server.Connect();
      for (int k = 0; k < 200; ++k) {
        const std::string key = "sum" + std::to_string(k % 10);
        EXPECT_EQ(client.Ask({"INCRBY", key, "2"})[0], ':');
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  KvClient client = server.Connect();
  for (int k = 0; k < 10; ++k) {
    EXPECT_EQ(client.Ask({"GET", "sum" + std::to_string(k)}), Bulk("320"));
  }
  EXPECT_EQ(client.Ask({"DBSIZE"}), ":10\r\n");
  EXPECT_EQ(client.Ask({"FLUSHALL"}), "+OK\r\n");
  EXPECT_EQ(client.Ask({"DBSIZE"}), ":0\r\n");
  server.EndWell();
}

// The cursor and the keys of a SCAN's reply.
std::pair<std::string, std::vector<std::string>> ParseScan(
    const std::string& reply) {
  std::vector<std::string> lines;
  for (std::size_t at = 0, end = 0;
       (end = reply.find("\r\n", at)) != reply.npos; at = end + 2) {
    lines.push_back(reply.substr(at, end - at));
  }
  std::vector<std::string> keys;
  for (std::size_t i = 5; i < lines.size(); i += 2) keys.push_back(lines[i]);
  return {lines.at(2), keys};
}

TEST_P(KvServerTest, ScansAllCoresWhileOthersAddKeys) {
  KvServer server = Start();
  KvClient client = server.Connect();
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(client.Ask({"SET", "stays" + std::to_string(i), "x"}), "+OK\r\n");
  }
  std::multiset<std::string> seen;
  std::string cursor = "0";
  int added = 0;
  do {
    const auto [next, keys] = ParseScan(
        client.Ask({"SCAN", cursor, "MATCH", "stays*", "COUNT", "30"}));
    seen.insert(keys.begin(), keys.end());
    cursor = next;
    for (int i = 0; i < 30; ++i) {
      client.Ask({"SET", "comes" + std::to_string(added++), "x"});
    }
  } while (cursor != "0" && added < 100'000);
  EXPECT_EQ(cursor, "0");
  EXPECT_EQ(seen.size(), 2000U);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 2000U);
  // A cursor of nobody's.
  EXPECT_EQ(client.Ask({"SCAN", "18446744073709551615"}),
            "*2\r\n$1\r\n0\r\n*0\r\n");
  server.EndWell();
}

TEST_P(KvServerTest, ForgetsKeysWhoseTimeIsOver) {
  KvServer server = Start();
  KvClient client = server.Connect();
  for (int i = 0; i < 100; ++i) {
    client.Ask({"SET", "short" + std::to_string(i), "x", "PX", "1"});
  }
  client.Ask({"SET", "long", "x", "EX", "1000"});
  // Nobody looks for them: they are removed all the same.
  while (client.Ask({"DBSIZE"}) != ":1\r\n") std::this_thread::yield();
  EXPECT_EQ(client.Ask({"MGET", "short1", "long"}), "*2\r\n$-1\r\n$1\r\nx\r\n");
  const std::string left = client.Ask({"TTL", "long"});
  EXPECT_GT(std::stoi(left.substr(1)), 0);
  EXPECT_LE(std::stoi(left.substr(1)), 1000);
  server.EndWell();
}

TEST_P(KvServerTest, DeliversMessagesOnAllCores) {
  KvServer server = Start();
  // So many that both cores have some.
  std::vector<KvClient> old_ones;
  std::vector<KvClient> new_ones;
  for (int i = 0; i < 8; ++i) {
    KvClient& two = old_ones.emplace_back(server.Connect());
    EXPECT_EQ(two.Ask({"SUBSCRIBE", "news", "tea"}),
              "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    EXPECT_EQ(two.Hear(), "*3\r\n$9\r\nsubscribe\r\n$3\r\ntea\r\n:2\r\n");
    KvClient& three = new_ones.emplace_back(server.Connect());
    EXPECT_EQ(three.Ask({"HELLO", "3"})[0], '%');
    EXPECT_EQ(three.Ask({"PSUBSCRIBE", "n*"}),
              ">3\r\n$10\r\npsubscribe\r\n$2\r\nn*\r\n:1\r\n");
  }
  KvClient client = server.Connect();
  for (int i = 0; i < 100; ++i) {
    const std::string n = std::to_string(i);
    EXPECT_EQ(client.Ask({"PUBLISH", "news", n}), ":16\r\n");
    EXPECT_EQ(client.Ask({"PUBLISH", "tea", n}), ":8\r\n");
  }
  EXPECT_EQ(client.Ask({"PUBLISH", "nobody", "x"}), ":8\r\n");
  for (int i = 0; i < 100; ++i) {
    const std::string n = std::to_string(i);
    for (KvClient& two : old_ones) {
      EXPECT_EQ(two.Hear(), "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n" + Bulk(n));
      EXPECT_EQ(two.Hear(), "*3\r\n$7\r\nmessage\r\n$3\r\ntea\r\n" + Bulk(n));
    }
    for (KvClient& three : new_ones) {
      EXPECT_EQ(three.Hear(),
                ">4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n" + Bulk(n));
    }
  }
  // Who speaks RESP2 may only listen; who speaks RESP3 may do all.
  KvClient& two = old_ones.front();
  EXPECT_NE(two.Ask({"GET", "a"}).find("Can't execute 'get'"),
            std::string::npos);
  EXPECT_EQ(two.Ask({"PING"}), "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
  EXPECT_EQ(two.Ask({"UNSUBSCRIBE"}),
            "*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:1\r\n");
  EXPECT_EQ(two.Hear(), "*3\r\n$11\r\nunsubscribe\r\n$3\r\ntea\r\n:0\r\n");
  EXPECT_EQ(two.Ask({"GET", "a"}), "$-1\r\n");
  KvClient& three = new_ones.front();
  EXPECT_EQ(three.Hear(),
            ">4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$6\r\nnobody\r\n$1\r\nx\r\n");
  EXPECT_EQ(three.Ask({"GET", "a"}), "_\r\n");
  EXPECT_EQ(three.Ask({"PUNSUBSCRIBE", "n*"}),
            ">3\r\n$12\r\npunsubscribe\r\n$2\r\nn*\r\n:0\r\n");
  EXPECT_EQ(client.Ask({"PUBLISH", "news", "x"}), ":14\r\n");
  old_ones.clear();
  new_ones.clear();
  while (client.Ask({"PUBLISH", "news", "x"}) != ":0\r\n") {
    std::this_thread::yield();
  }
  server.EndWell();
}

TEST_P(KvServerTest, ThrowsOutASubscriberThatDoesNotRead) {
  KvServer server = Start({"--max_queued=100000"});
  KvClient slow = server.Connect(4096);
  EXPECT_EQ(slow.Ask({"SUBSCRIBE", "news"})[0], '*');
  KvClient reader = server.Connect();
  EXPECT_EQ(reader.Ask({"SUBSCRIBE", "news"})[0], '*');
  KvClient client = server.Connect();
  const std::string text(20'000, 'x');
  int sent = 0;
  while (client.Ask({"PUBLISH", "news", text}) != ":1\r\n") {
    ASSERT_LT(++sent, 10'000);
    reader.Hear();
  }
  EXPECT_NE(client.Ask({"INFO", "stats"})
                .find("client_output_buffer_limit_disconnections:1"),
            std::string::npos);
  // It gets what was sent, and then the end.
  while (!slow.Hear().empty()) {
  }
  server.EndWell();
}

// Messages that come all the time do not keep a subscriber's own commands from
// being carried out.
TEST_P(KvServerTest, AnswersASubscriberThatMessagesKeepComingFor) {
  KvServer server = Start();
  KvClient subscriber = server.Connect();
  EXPECT_EQ(subscriber.Ask({"SUBSCRIBE", "news"})[0], '*');
  std::atomic<bool> ends = false;
  std::thread publisher([&] {
    KvClient client = server.Connect();
    std::string batch;
    for (int i = 0; i < 100; ++i) {
      batch += RespRequest({"PUBLISH", "news", std::string(1000, 'x')});
    }
    while (!ends) {
      EXPECT_TRUE(client.Send(batch));
      for (int i = 0; i < 100; ++i) client.Hear();
    }
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(subscriber.Say({"PING", "mine"}));
    std::string answer = subscriber.Hear();
    while (answer.find("message") != answer.npos) answer = subscriber.Hear();
    EXPECT_EQ(answer, "*2\r\n$4\r\npong\r\n$4\r\nmine\r\n");
  }
  ends = true;
  // (So that the publisher's last replies come.)
  while (subscriber.Ask({"UNSUBSCRIBE"}).find("unsubscribe") ==
         std::string::npos) {
  }
  publisher.join();
  server.EndWell();
}

TEST_P(KvServerTest, KeepsToItsLimits) {
  KvServer server =
      Start({"--max_value=1000", "--max_words=100", "--max_query=50000",
             "--max_reply=20000", "--max_subscriptions=2"});
  const std::string big(1000, 'x');
  KvClient client = server.Connect();
  EXPECT_EQ(client.Ask({"SET", "a", big}), "+OK\r\n");
  EXPECT_EQ(client.Ask({"APPEND", "a", "x"}),
            "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"
            "\r\n");
  EXPECT_EQ(client.Ask({"STRLEN", "a"}), ":1000\r\n");
  const auto refused = [&](const std::string& request,
                           const std::string& error) {
    KvClient other = server.Connect();
    EXPECT_TRUE(other.Send(request));
    EXPECT_EQ(other.Hear(), error);
    EXPECT_EQ(other.Hear(), "");
  };
  refused("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1001\r\n",
          "-ERR Protocol error: invalid bulk length\r\n");
  refused("*101\r\n", "-ERR Protocol error: invalid multibulk length\r\n");
  std::string words = "*100\r\n";
  for (int i = 0; i < 60; ++i) words += Bulk(big);
  refused(words, "-ERR Protocol error: too big a request\r\n");
  // What would be too large a reply is none, and the end.
  Words too_many = {"MGET"};
  too_many.resize(26, "a");
  {
    KvClient other = server.Connect();
    EXPECT_TRUE(other.Say(too_many));
    while (other.connection().Read(1 << 16) != "") {
    }
  }
  // Many that are not are sent one after the other.
  Words many = {"MGET"};
  many.resize(16, "a");
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(client.Say(many));
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(client.Hear().size(), 5 + 15 * Bulk(big).size());
  }
  {
    KvClient other = server.Connect();
    EXPECT_EQ(other.Ask({"SUBSCRIBE", "a"})[0], '*');
    EXPECT_EQ(other.Ask({"SUBSCRIBE", "b"})[0], '*');
    EXPECT_EQ(other.Ask({"SUBSCRIBE", "c"}), "-ERR too many subscriptions\r\n");
  }
  server.EndWell();
}

TEST_P(KvServerTest, RefusesMoreClientsThanItMayHave) {
  KvServer server = Start({"--max_clients=2"});
  {
    KvClient first = server.Connect();
    EXPECT_EQ(first.Ask({"PING"}), "+PONG\r\n");
    KvClient second = server.Connect();
    EXPECT_EQ(second.Ask({"PING"}), "+PONG\r\n");
    KvClient third = server.Connect();
    EXPECT_EQ(third.Hear(), "-ERR max number of clients reached\r\n");
    EXPECT_EQ(third.Hear(), "");
  }
  // Who left makes room.
  while (server.Connect().Ask({"PING"}) != "+PONG\r\n") {
    std::this_thread::yield();
  }
  server.EndWell();
}

TEST_P(KvServerTest, KnowsItsClients) {
  KvServer server = Start();
  std::vector<KvClient> clients;
  std::set<std::string> ids;
  for (int i = 0; i < 6; ++i) {
    KvClient& client = clients.emplace_back(server.Connect());
    EXPECT_EQ(client.Ask({"CLIENT", "SETNAME", "c" + std::to_string(i)}),
              "+OK\r\n");
    EXPECT_EQ(client.Ask({"CLIENT", "SETINFO", "LIB-NAME", "none"}), "+OK\r\n");
    ids.insert(client.Ask({"CLIENT", "ID"}));
  }
  EXPECT_EQ(ids.size(), 6U);
  const std::string list = clients[0].Ask({"CLIENT", "LIST"});
  for (int i = 0; i < 6; ++i) {
    EXPECT_NE(list.find(" name=c" + std::to_string(i) + " "), list.npos);
  }
  EXPECT_NE(clients[0].Ask({"INFO", "clients"}).find("connected_clients:6"),
            std::string::npos);
  server.EndWell();
}

// However much a client asks for in one batch, the server holds little of it.
TEST_P(KvServerTest, AnswersManyLargeValuesInLittleMemory) {
  constexpr int kRounds = 20;
  KvServer server = Start({"--max_reply=2000000"});
  KvClient client = server.Connect();
  std::vector<std::string> values;
  for (int i = 0; i < 8; ++i) {
    values.emplace_back(1'000'000, static_cast<char>('a' + i));
    ASSERT_EQ(client.Ask({"SET", "key" + std::to_string(i), values.back()}),
              "+OK\r\n");
  }
  std::string requests;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < 8; ++i) {
      requests += RespRequest({"GET", "key" + std::to_string(i)});
    }
    requests += RespRequest({"EXISTS", "key0", "key1", "key2", "none"});
  }
  ASSERT_TRUE(client.Send(requests));
  for (int round = 0; round < kRounds; ++round) {
    for (const std::string& value : values) {
      ASSERT_TRUE(client.Hear() == Bulk(value));
    }
    ASSERT_EQ(client.Hear(), ":3\r\n");
  }
  if (!UnderSanitizer()) {
    EXPECT_LT(server.program().StatusKib("VmHWM"), 100U << 10);
  }
  server.EndWell();
}

TEST_P(KvServerTest, TakesALargeValueInPieces) {
  KvServer server = Start();
  KvClient client = server.Connect();
  std::string value(5'000'000, 'x');
  for (std::size_t i = 0; i < value.size(); i += 999) value[i] = '\n';
  std::thread writer([&] {
    EXPECT_TRUE(client.Say({"SET", "large", value}));
    EXPECT_TRUE(client.Say({"GET", "large"}));
  });
  EXPECT_EQ(client.Hear(), "+OK\r\n");
  EXPECT_TRUE(client.Hear() == Bulk(value));
  writer.join();
  server.EndWell();
}

TEST_P(KvServerTest, TakesRequestsCutAnywhere) {
  KvServer server = Start();
  KvClient client = server.Connect();
  const std::string request =
      RespRequest({"SET", "a", "1"}) + "get a\r\n" + RespRequest({"PING"});
  for (std::size_t at = 1; at < request.size(); ++at) {
    ASSERT_TRUE(client.Send(request.substr(0, at)));
    ASSERT_TRUE(client.Send(request.substr(at)));
    ASSERT_EQ(client.Hear(), "+OK\r\n");
    ASSERT_EQ(client.Hear(), Bulk("1"));
    ASSERT_EQ(client.Hear(), "+PONG\r\n");
  }
  server.EndWell();
}

// Who shares its port with itself does not share it with others.
TEST_P(KvServerTest, SaysThatItsAddressIsTaken) {
  KvServer server = Start();
  Program other({Program::Example("kv_server"), "--listen", server.address(),
                 "--oversubscribe", "--cores=" + std::to_string(GetParam())});
  EXPECT_NE(other.ReadErrors().find("cannot listen on " + server.address()),
            std::string::npos);
  EXPECT_EQ(other.Wait(), 1);
  server.EndWell();
  // A port that is asked for by its number, and nobody has.
  KvServer next = Start({"--listen=" + server.address()});
  EXPECT_EQ(next.address(), server.address());
  EXPECT_EQ(next.Connect().Ask({"PING"}), "+PONG\r\n");
  next.EndWell();
}

TEST_P(KvServerTest, EndsWellWithClientsInTheMiddle) {
  KvServer server = Start();
  KvClient idle = server.Connect();
  EXPECT_EQ(idle.Ask({"PING"}), "+PONG\r\n");
  KvClient half = server.Connect();
  EXPECT_TRUE(half.Send("*2\r\n$3\r\nGET"));
  KvClient subscriber = server.Connect();
  EXPECT_EQ(subscriber.Ask({"SUBSCRIBE", "a"})[0], '*');
  server.program().Signal(SIGTERM);
  EXPECT_EQ(idle.Hear(), "");
  EXPECT_EQ(half.Hear(), "");
  EXPECT_EQ(subscriber.Hear(), "");
  for (KvClient* client : {&idle, &half, &subscriber}) {
    client->connection().EndOfInput();
  }
  EXPECT_EQ(server.program().Wait(), 0);
}

TEST(KvServerFlagsTest, ClientsAreNoMoreThanOpenFilesAllow) {
  const std::string run = "exec " + Program::Example("kv_server") +
                          " --listen=127.0.0.1:0 --cores=1 --max_clients=";
  {
    Program raised({"sh", "-c", "ulimit -Sn 100; " + run + "300"});
    KvClient client(ListeningOn(raised));
    EXPECT_NE(client.Ask({"INFO", "clients"}).find("maxclients:300"),
              std::string::npos);
    raised.Signal(SIGTERM);
    EXPECT_EQ(raised.Wait(), 0);
    EXPECT_EQ(raised.ReadErrors(), "");
  }
  Program lowered({"sh", "-c", "ulimit -n 100; " + run + "300"});
  KvClient client(ListeningOn(lowered));
  EXPECT_NE(client.Ask({"INFO", "clients"}).find("maxclients:52"),
            std::string::npos);
  lowered.Signal(SIGTERM);
  EXPECT_EQ(lowered.Wait(), 0);
  EXPECT_NE(lowered.ReadErrors().find("only 52 clients"), std::string::npos);
}

TEST(KvServerFlagsTest, AreRefusedWhereTheyMakeNoSense) {
  for (const char* flag :
       {"--max_clients=0", "--log_sync=never", "--cores=1000", "word"}) {
    Program program({Program::Example("kv_server"), flag});
    EXPECT_NE(program.ReadErrors().find("--help"), std::string::npos) << flag;
    EXPECT_EQ(program.Wait(), 2);
  }
}

}  // namespace
}  // namespace eddy::testing_examples
