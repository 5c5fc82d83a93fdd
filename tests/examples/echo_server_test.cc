// echo_server gives every client its own bytes back, and ends when told to.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "tests/examples/http_client.h"
#include "tests/examples/program.h"

namespace eddy::testing_examples {
namespace {

TEST(EchoServerTest, EveryClientGetsBackWhatItSends) {
  Program server({Program::Example("echo_server"), "127.0.0.1:0"});
  const std::string address = ListeningOn(server);
  std::vector<HttpClient> clients;
  for (int i = 0; i < 20; ++i) clients.emplace_back(address);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      clients[i].Send(std::string(i * 1000 + 1, static_cast<char>('a' + i)));
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      std::string back;
      while (back.size() < i * 1000 + 1) {
        const std::string part = clients[i].Read(i * 1000 + 1 - back.size());
        ASSERT_NE(part, "");
        back += part;
      }
      EXPECT_EQ(back, std::string(i * 1000 + 1, static_cast<char>('a' + i)));
    }
  }
  // A client that ends is let go; the others stay until the server ends.
  clients.front().EndOfInput();
  EXPECT_TRUE(clients.front().AtEnd());
  server.Signal(SIGTERM);
  EXPECT_TRUE(clients.back().AtEnd());
  EXPECT_EQ(server.Wait(), 0);
}

TEST(EchoServerTest, AnAddressThatIsNoneEndsItWithAMessage) {
  Program server({Program::Example("echo_server"), "nonsense"});
  EXPECT_EQ(server.Wait(), 1);
  EXPECT_NE(server.ReadErrors(), "");
}

}  // namespace
}  // namespace eddy::testing_examples
