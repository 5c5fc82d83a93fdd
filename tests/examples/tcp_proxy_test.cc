// tcp_proxy carries what clients and servers say, tools that were not written
// here among them, and not a byte is lost.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "tests/examples/http_client.h"
#include "tests/examples/program.h"
#include "tests/io/io_test_util.h"

namespace eddy::testing_examples {
namespace {

using io_test::Pattern;
using io_test::TempDir;
using io_test::Text;

bool IsThere(const std::string& tool) {
  return Shell("command -v " + tool).first == 0;
}

// A port of 127.0.0.1 that nobody uses.
std::string FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return std::to_string(ntohs(address.sin_port));
}

std::string PortOf(const std::string& address) {
  return address.substr(address.rfind(':') + 1);
}

std::string ReadAll(HttpClient& client) {
  std::string all;
  while (true) {
    const std::string part = client.Read(1 << 16);
    if (part.empty()) return all;
    all += part;
  }
}

// The number before a word of the statistics.
std::uint64_t NumberBefore(const std::string& line, const std::string& word) {
  const std::size_t end = line.find(" " + word);
  if (end == line.npos) {
    ADD_FAILURE() << "no " << word << " in: " << line;
    return 0;
  }
  const std::size_t begin = line.rfind(' ', end - 1);
  return std::strtoull(line.c_str() + begin, nullptr, 10);
}

TEST(TcpProxyTest, CarriesEveryByteBothWaysAndTheEnds) {
  Program server({Program::Example("echo_server"), "127.0.0.1:0"});
  Program proxy(
      {Program::Example("tcp_proxy"), "127.0.0.1:0", ListeningOn(server)});
  const std::string address = ListeningOn(proxy);
  constexpr std::size_t kClients = 4;
  std::vector<std::string> sent;
  for (unsigned i = 0; i < kClients; ++i) {
    sent.push_back(Text(Pattern(500'000 * i + 1, i)));
  }
  std::vector<std::string> got(kClients);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kClients; ++i) {
    threads.emplace_back([&, i] {
      HttpClient client(address);
      std::thread reads([&] { got[i] = ReadAll(client); });
      EXPECT_TRUE(client.Send(sent[i]));
      // The server ends when it has read this end, and sent back all.
      client.EndOfInput();
      reads.join();
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < kClients; ++i) {
    EXPECT_TRUE(got[i] == sent[i]) << got[i].size() << " of " << sent[i].size();
    bytes += sent[i].size();
  }
  proxy.Signal(SIGUSR1);
  const std::string statistics = proxy.ReadLine();
  EXPECT_EQ(NumberBefore(statistics, "there"), bytes);
  EXPECT_EQ(NumberBefore(statistics, "back"), bytes);
  proxy.Signal(SIGTERM);
  EXPECT_EQ(NumberBefore(proxy.ReadLine(), "ended"), kClients);
  EXPECT_EQ(proxy.Wait(), 0);
}

TEST(TcpProxyTest, AClientOfAServerThatIsNotThereSeesTheConnectionBreak) {
  Program proxy({Program::Example("tcp_proxy"), "127.0.0.1:0",
                 "127.0.0.1:" + FreePort()});
  HttpClient client(ListeningOn(proxy));
  EXPECT_TRUE(client.AtEnd());
  proxy.Signal(SIGTERM);
  EXPECT_EQ(NumberBefore(proxy.ReadLine(), "failed"), 1U);
  EXPECT_EQ(proxy.Wait(), 0);
  EXPECT_NE(proxy.ReadErrors().find("refused"), std::string::npos);
}

TEST(TcpProxyTest, MoreConnectionsThanTheLimitWait) {
  Program server({Program::Example("echo_server"), "127.0.0.1:0"});
  Program proxy(
      {Program::Example("tcp_proxy"), "127.0.0.1:0", ListeningOn(server), "2"});
  const std::string address = ListeningOn(proxy);
  std::vector<HttpClient> clients;
  for (int i = 0; i < 5; ++i) {
    clients.emplace_back(address);
    EXPECT_TRUE(clients.back().Send("x"));
  }
  // Each gets its turn when one before it goes.
  for (HttpClient& client : clients) {
    EXPECT_EQ(client.Read(1), "x");
    client.EndOfInput();
    EXPECT_TRUE(client.AtEnd());
  }
  proxy.Signal(SIGTERM);
  const std::string statistics = proxy.ReadLine();
  EXPECT_EQ(NumberBefore(statistics, "at most"), 2U);
  EXPECT_EQ(NumberBefore(statistics, "ended"), 5U);
  EXPECT_EQ(proxy.Wait(), 0);
}

TEST(TcpProxyTest, LetsConnectionsEndAfterTheSignal) {
  Program server({Program::Example("echo_server"), "127.0.0.1:0"});
  Program proxy(
      {Program::Example("tcp_proxy"), "127.0.0.1:0", ListeningOn(server)});
  HttpClient client(ListeningOn(proxy));
  EXPECT_TRUE(client.Send("before"));
  EXPECT_EQ(client.Read(6), "before");
  proxy.Signal(SIGTERM);
  EXPECT_TRUE(client.Send("after"));
  EXPECT_EQ(client.Read(5), "after");
  client.EndOfInput();
  EXPECT_TRUE(client.AtEnd());
  EXPECT_EQ(NumberBefore(proxy.ReadLine(), "failed"), 0U);
  EXPECT_EQ(proxy.Wait(), 0);
}

TEST(TcpProxyTest, CarriesRedisUnderLoad) {
  for (const char* tool : {"redis-server", "redis-benchmark"}) {
    if (!IsThere(tool)) GTEST_SKIP() << "there is no " << tool;
  }
  const TempDir dir;
  const std::string path = dir / "redis";
  Program redis({"redis-server", "--port", "0", "--unixsocket", path, "--save",
                 "", "--appendonly", "no"});
  // (The last line that it prints when it starts.)
  while (true) {
    const std::string line = redis.ReadLine();
    if (line.find("eady to accept connections at") != line.npos) break;
    ASSERT_NE(line, "") << redis.ReadErrors();
  }
  Program proxy({Program::Example("tcp_proxy"), "127.0.0.1:0", "unix:" + path});
  const std::string address = ListeningOn(proxy);
  const auto [code, output] =
      Shell("redis-benchmark -h 127.0.0.1 -p " + PortOf(address) +
            " -t set,get,lrange_100 -n 5000 -c 40 -P 4 -d 1000 --csv 2>&1");
  EXPECT_EQ(code, 0) << output;
  EXPECT_NE(output.find("LRANGE_100"), output.npos) << output;
  EXPECT_EQ(output.find("rror"), output.npos) << output;
  // What is stored through it comes back as it was.
  HttpClient client(address);
  const std::string value = Text(Pattern(1'000'000));
  const std::string length = "$" + std::to_string(value.size()) + "\r\n";
  EXPECT_TRUE(client.Send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n" + length + value +
                          "\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"));
  const std::string wanted = "+OK\r\n" + length + value + "\r\n";
  std::string got;
  while (got.size() < wanted.size()) {
    const std::string part = client.Read(wanted.size() - got.size());
    ASSERT_NE(part, "");
    got += part;
  }
  EXPECT_TRUE(got == wanted);
  client.EndOfInput();
  EXPECT_TRUE(client.AtEnd());
  proxy.Signal(SIGTERM);
  const std::string statistics = proxy.ReadLine();
  EXPECT_EQ(NumberBefore(statistics, "open"), 0U);
  EXPECT_GE(NumberBefore(statistics, "at most"), 40U);
  EXPECT_EQ(proxy.Wait(), 0);
}

// The number that a JSON text has for a name, after another text.
std::uint64_t JsonNumber(const std::string& text, const std::string& after,
                         const std::string& name) {
  const std::size_t begin = text.find("\"" + name + "\":", text.find(after));
  if (begin == text.npos) {
    ADD_FAILURE() << "no " << name << " in " << text;
    return 0;
  }
  return std::strtoull(text.c_str() + begin + name.size() + 3, nullptr, 10);
}

TEST(TcpProxyTest, CarriesIperf3) {
  if (!IsThere("iperf3")) GTEST_SKIP() << "there is no iperf3";
  const std::string port = FreePort();
  Program server({"iperf3", "--server", "--bind", "127.0.0.1", "--port", port,
                  "--one-off", "--json", "--forceflush"});
  Program proxy(
      {Program::Example("tcp_proxy"), "127.0.0.1:0", "127.0.0.1:" + port});
  const std::string address = ListeningOn(proxy);
  // (It may not listen yet.)
  const auto [code, output] =
      Shell("for i in $(seq 100); do iperf3 --client 127.0.0.1 --port " +
            PortOf(address) +
            " --parallel 3 --bytes 50M --json && exit 0; sleep 0.1; done | "
            "tail -400; exit ${PIPESTATUS[0]}");
  EXPECT_EQ(code, 0) << output;
  const std::uint64_t sent = JsonNumber(output, "\"sum_sent\"", "bytes");
  const std::uint64_t received =
      JsonNumber(output, "\"sum_received\"", "bytes");
  EXPECT_GE(sent, 50U << 20);
  EXPECT_GT(received, 0U);
  EXPECT_LE(received, sent);
  proxy.Signal(SIGTERM);
  // All that was received went through it, and the talk of iperf3 besides.
  EXPECT_GE(NumberBefore(proxy.ReadLine(), "there"), received);
  EXPECT_EQ(proxy.Wait(), 0);
  EXPECT_EQ(server.Wait(), 0);
}

}  // namespace
}  // namespace eddy::testing_examples
