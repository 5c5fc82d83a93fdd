// The chat servers as programs, that of eddy and that of threads: the same
// tests, which know nothing of how they are made.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "tests/examples/line_client.h"
#include "tests/examples/program.h"

namespace eddy::testing_examples {
namespace {

void Enter(LineClient& client, const std::string& name,
           const std::string& room) {
  EXPECT_EQ(client.Ask("NICK " + name), "OK");
  EXPECT_EQ(client.Ask("JOIN " + room), "OK");
}

class ChatProgramTest : public ::testing::TestWithParam<const char*> {
 protected:
  void Start(std::vector<std::string> flags = {}) {
    std::vector<std::string> words = {Program::Example(GetParam()), "--listen",
                                      "127.0.0.1:0"};
    words.insert(words.end(), flags.begin(), flags.end());
    server_.emplace(words);
    address_ = ListeningOn(*server_);
  }
  // A server waits a little for clients that do not close.
  void EndWell(const std::vector<LineClient*>& clients) {
    server_->Signal(SIGTERM);
    for (LineClient* client : clients) client->connection().EndOfInput();
    EXPECT_EQ(server_->Wait(), 0);
  }
  Program& server() { return *server_; }
  LineClient Connect(int receive_buffer = 0) {
    return LineClient(address_, receive_buffer);
  }

 private:
  std::optional<Program> server_;
  std::string address_;
};

INSTANTIATE_TEST_SUITE_P(Servers, ChatProgramTest,
                         ::testing::Values("chat_server",
                                           "chat_server_threads"),
                         [](const auto& instance) {
                           return std::string(instance.param);
                         });

TEST_P(ChatProgramTest, CarriesWhatIsSaidInARoom) {
  Start();
  LineClient ann = Connect();
  LineClient bob = Connect();
  Enter(ann, "ann", "tea");
  Enter(bob, "bob", "tea");
  EXPECT_EQ(ann.Hear(), "* bob has come");
  ASSERT_TRUE(ann.Say("MSG hello, all\r"));
  EXPECT_EQ(bob.Hear(), "<ann> hello, all");
  ASSERT_TRUE(bob.Say("QUIT"));
  EXPECT_EQ(ann.Hear(), "* bob has gone");
  EXPECT_EQ(bob.Hear(), "");
  EndWell({&ann, &bob});
}

TEST_P(ChatProgramTest, KnowsItsOrders) {
  Start();
  LineClient ann = Connect();
  LineClient bob = Connect();
  EXPECT_EQ(ann.Ask("JOIN tea"), "ERR say NICK name first");
  EXPECT_EQ(ann.Ask("NICK a b"),
            "ERR a name has 1 to 16 letters, digits, - and _");
  EXPECT_EQ(ann.Ask("NICK a\tb"), "ERR no control characters");
  EXPECT_EQ(ann.Ask("NICK ann"), "OK");
  EXPECT_EQ(bob.Ask("NICK ann"), "ERR that name is taken");
  EXPECT_EQ(ann.Ask("MSG x"), "ERR say JOIN room first");
  EXPECT_EQ(ann.Ask(""), "ERR there are NICK, JOIN, LEAVE, MSG, WHO and QUIT");
  EXPECT_EQ(ann.Ask("JOIN tea"), "OK");
  Enter(bob, "bob", "tea");
  EXPECT_EQ(ann.Hear(), "* bob has come");
  EXPECT_EQ(ann.Ask("NICK eve"), "OK");
  EXPECT_EQ(bob.Hear(), "* ann is now eve");
  const std::string who = ann.Ask("WHO");
  EXPECT_TRUE(who == "OK bob eve" || who == "OK eve bob") << who;
  EXPECT_EQ(ann.Ask("LEAVE"), "OK");
  EXPECT_EQ(bob.Hear(), "* eve has gone");
  EXPECT_EQ(bob.Ask("NICK ann"), "OK");
  EndWell({&ann, &bob});
}

TEST_P(ChatProgramTest, ServesDecentClientsBesideOthers) {
  Start({"--max_queued", "4096", "--line_interval", "1ms"});
  LineClient slow = Connect(4096);
  LineClient endless = Connect();
  LineClient flooder = Connect();
  LineClient bob = Connect();
  Enter(slow, "slow", "tea");
  Enter(bob, "bob", "tea");
  ASSERT_TRUE(endless.Send(std::string(5000, 'x')));
  EXPECT_EQ(endless.Hear(), "ERR that line is too long");
  EXPECT_EQ(endless.Hear(), "");
  Enter(flooder, "flood", "tea");
  EXPECT_EQ(bob.Hear(), "* flood has come");
  // Until nothing more fits anywhere on the way to who does not read; bob keeps
  // up.
  const std::string text(900, 'x');
  std::string heard;
  for (int i = 0; i < 1000 && heard != "* slow has gone"; ++i) {
    ASSERT_TRUE(flooder.Say("MSG " + text));
    heard = bob.Hear();
    ASSERT_TRUE(heard == "<flood> " + text || heard == "* slow has gone")
        << heard;
  }
  EXPECT_EQ(heard, "* slow has gone");
  EndWell({&slow, &endless, &flooder, &bob});
}

TEST_P(ChatProgramTest, WhoWritesTooMuchLosesNothing) {
  Start({"--line_interval", "1ms"});
  LineClient ann = Connect();
  LineClient bob = Connect();
  Enter(bob, "bob", "tea");
  Enter(ann, "ann", "tea");
  EXPECT_EQ(bob.Hear(), "* ann has come");
  std::string flood;
  for (int i = 0; i < 200; ++i) flood += "MSG " + std::to_string(i) + "\n";
  ASSERT_TRUE(ann.Send(flood));
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(bob.Hear(), "<ann> " + std::to_string(i));
  }
  EndWell({&ann, &bob});
}

TEST_P(ChatProgramTest, WhoSaysNothingIsLeft) {
  Start({"--idle_timeout", "100ms"});
  LineClient ann = Connect();
  EXPECT_EQ(ann.Hear(), "ERR idle for too long");
  EXPECT_EQ(ann.Hear(), "");
  EndWell({&ann});
}

TEST_P(ChatProgramTest, MoreThanMayComeWait) {
  Start({"--max_clients", "1"});
  LineClient ann = Connect();
  LineClient bob = Connect();
  ASSERT_TRUE(bob.Say("NICK bob"));
  EXPECT_EQ(ann.Ask("NICK ann"), "OK");
  ASSERT_TRUE(ann.Say("QUIT"));
  EXPECT_EQ(ann.Hear(), "");
  ann.connection().Reset();
  EXPECT_EQ(bob.Hear(), "OK");
  EndWell({&bob});
}

TEST_P(ChatProgramTest, WhoVanishesIsGoneForTheOthers) {
  Start();
  LineClient ann = Connect();
  LineClient bob = Connect();
  Enter(ann, "ann", "tea");
  Enter(bob, "bob", "tea");
  EXPECT_EQ(ann.Hear(), "* bob has come");
  bob.connection().Reset();
  EXPECT_EQ(ann.Hear(), "* bob has gone");
  EndWell({&ann});
}

// It runs out of memory for the stacks of threads.
TEST(ChatServerThreadsTest, WhoGetsNoThreadIsRefusedAndTheOthersGoOn) {
  if (UnderSanitizer()) GTEST_SKIP() << "a sanitizer needs address space";
  Program server(
      {Program::Example("chat_server_threads"), "--listen", "127.0.0.1:0"});
  const std::string address = ListeningOn(server);
  LineClient ann(address);
  EXPECT_EQ(ann.Ask("NICK ann"), "OK");
  EXPECT_EQ(ann.Ask("JOIN tea"), "OK");
  rlimit before{};
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_AS, nullptr, &before), 0);
  // With room for the stack of one thread more; a client takes two.
  rlimit stack{};
  ASSERT_EQ(getrlimit(RLIMIT_STACK, &stack), 0);
  if (stack.rlim_cur == RLIM_INFINITY) stack.rlim_cur = 2U << 20;
  const rlimit limit{server.StatusKib("VmSize") * 1024 + stack.rlim_cur * 3 / 2,
                     before.rlim_max};
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_AS, &limit, nullptr), 0);
  for (int i = 0; i < 3; ++i) {
    LineClient bob(address);
    EXPECT_EQ(bob.Hear(), "");
    EXPECT_EQ(ann.Ask("WHO"), "OK ann");
  }
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_AS, &before, nullptr), 0);
  LineClient eve(address);
  EXPECT_EQ(eve.Ask("NICK eve"), "OK");
  EXPECT_EQ(eve.Ask("JOIN tea"), "OK");
  EXPECT_EQ(ann.Hear(), "* eve has come");
  server.Signal(SIGTERM);
  for (LineClient* client : {&ann, &eve}) client->connection().EndOfInput();
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_NE(server.ReadErrors().find("Resource temporarily unavailable"),
            std::string::npos);
}

TEST_P(ChatProgramTest, ManyComeAndGoAndLeaveNothingBehind) {
  Start();
  LineClient ann = Connect();
  EXPECT_EQ(ann.Ask("NICK ann"), "OK");
  const std::size_t before = server().CountDescriptors();
  for (int round = 0; round < 5; ++round) {
    std::vector<LineClient> others;
    for (int i = 0; i < 20; ++i) others.push_back(Connect());
    for (std::size_t i = 0; i < others.size(); ++i) {
      Enter(others[i], "other" + std::to_string(i), "tea");
    }
    for (LineClient& other : others) ASSERT_TRUE(other.Say("QUIT"));
    for (LineClient& other : others) {
      while (!other.Hear().empty()) {
      }
    }
  }
  EXPECT_EQ(ann.Ask("JOIN tea"), "OK");
  EXPECT_EQ(ann.Ask("WHO"), "OK ann");
  // The last ones' sockets close a little after their clients' end.
  for (int i = 0; i < 1000 && server().CountDescriptors() > before; ++i) {
    EXPECT_EQ(ann.Ask("WHO"), "OK ann");
  }
  EXPECT_EQ(server().CountDescriptors(), before);
  EndWell({&ann});
}

TEST_P(ChatProgramTest, AStopTellsEverybody) {
  Start();
  LineClient ann = Connect();
  LineClient bob = Connect();
  Enter(ann, "ann", "tea");
  EXPECT_EQ(bob.Ask("NICK bob"), "OK");
  server().Signal(SIGTERM);
  for (LineClient* client : {&ann, &bob}) {
    EXPECT_EQ(client->Hear(), "* the server ends");
    EXPECT_EQ(client->Hear(), "");
    client->connection().EndOfInput();
  }
  EXPECT_EQ(server().Wait(), 0);
}

}  // namespace
}  // namespace eddy::testing_examples
