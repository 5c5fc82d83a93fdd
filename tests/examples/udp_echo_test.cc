// udp_echo answers a tool that was not written here, socat, and says at its end
// what it did.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "tests/examples/program.h"

namespace eddy::testing_examples {
namespace {

TEST(UdpEchoTest, AnswersSocatAndTellsAtItsEnd) {
  if (Shell("command -v socat").first != 0) {
    GTEST_SKIP() << "the package socat is not installed";
  }
  Program server({Program::Example("udp_echo"), "0.0.0.0:0"});
  std::string address = ListeningOn(server);
  const std::string port = address.substr(address.rfind(':') + 1);
  // socat ends where the second answer has come, and one second after the last.
  for (const char* host : {"127.0.0.1", "127.0.0.9"}) {
    const auto [code, answer] =
        Shell(std::string("echo hello | socat -t 5 - udp:") + host + ":" +
              port + ",readbytes=6");
    EXPECT_EQ(code, 0);
    EXPECT_EQ(answer, "hello\n");
  }
  // As long as socat's blocks.
  const auto [code, answer] = Shell(
      "head -c 8000 /dev/zero | tr '\\0' x | socat -b 8192 -t 5 - udp:"
      "127.0.0.1:" +
      port + ",readbytes=8000");
  EXPECT_EQ(code, 0);
  EXPECT_EQ(answer, std::string(8000, 'x'));
  server.Signal(SIGTERM);
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_EQ(server.ReadOutput(),
            "3 datagrams, 8012 bytes, 0 not answered, 0 dropped\n");
}

TEST(UdpEchoTest, AnAddressThatIsNoneEndsItWithAMessage) {
  Program server({Program::Example("udp_echo"), "nonsense"});
  EXPECT_EQ(server.Wait(), 1);
  EXPECT_NE(server.ReadErrors(), "");
}

}  // namespace
}  // namespace eddy::testing_examples
