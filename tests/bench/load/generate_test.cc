// The load against servers that are made for it, and against redis-server,
// whose own counts say what it was asked.
#include "bench/load/generate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/http/site.h"
#include "bench/lib/machine.h"
#include "bench/lib/process.h"
#include "tests/chaos.h"

namespace eddy::bench {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

// A server of threads with blocking sockets.
class ThreadServer {
 public:
  // Answers what was read, `text`, on `fd`; false ends the connection.
  using Answer = std::function<bool(int fd, const std::string& text)>;

  explicit ThreadServer(Answer answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, any, length), 0);
    EXPECT_EQ(::listen(listener_, 100), 0);
    ::getsockname(listener_, any, &length);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { AcceptAll(); });
  }
  ~ThreadServer() {
    Die();
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    for (const int fd : sockets_) ::close(fd);
    ::close(listener_);
  }
  ThreadServer(const ThreadServer&) = delete;
  ThreadServer& operator=(const ThreadServer&) = delete;

  std::string Target(const char* scheme, const char* path = "") const {
    return absl::StrCat(scheme, "://127.0.0.1:", port_, path);
  }

  // Ends all connections, and takes no others.
  void Die() {
    const std::lock_guard lock(mutex_);
    dead_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    for (const int fd : sockets_) ::shutdown(fd, SHUT_RDWR);
  }

 private:
  void AcceptAll() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      if (dead_) ::shutdown(fd, SHUT_RDWR);
      sockets_.push_back(fd);
      threads_.emplace_back([this, fd] { Serve(fd); });
    }
  }

  void Serve(int fd) {
    char buffer[4096];
    for (;;) {
      const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      if (!answer_(fd, std::string(buffer, static_cast<std::size_t>(n)))) break;
    }
    ::shutdown(fd, SHUT_RDWR);
  }

  const Answer answer_;
  int listener_ = -1;
  int port_ = 0;
  std::thread acceptor_;
  std::mutex mutex_;
  bool dead_ = false;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
};

bool SendText(int fd, const std::string& text) {
  return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(text.size());
}

LoadOptions Options(const std::string& target) {
  LoadOptions options;
  options.target = *ParseTarget(target);
  options.connections = 4;
  options.warm_up = milliseconds(20);
  options.duration = milliseconds(100);
  return options;
}

TEST(LoadTest, ClosedLoopHasAnAnswerToEachRequest) {
  EDDY_SKIP_IN_CHAOS("it may fail connections");
  std::atomic<std::uint64_t> bytes = 0;
  ThreadServer server([&](int fd, const std::string& text) {
    bytes += text.size();
    return SendText(fd, text);
  });
  LoadOptions options = Options(server.Target("echo"));
  options.pipeline = 3;
  options.size = 100;
  const auto totals = Generate(options);
  ASSERT_TRUE(totals.ok()) << totals.status();
  EXPECT_EQ(totals->failure, "");
  EXPECT_GT(totals->sent, 0U);
  EXPECT_EQ(totals->sent % 3, 0U);
  EXPECT_EQ(totals->answered, totals->sent);
  EXPECT_EQ(bytes, 100 * totals->sent);
  EXPECT_LE(totals->answers, totals->answered);
  EXPECT_EQ(totals->latencies.Count(), totals->answers);
  EXPECT_EQ(totals->Errors() + totals->late + totals->unsent, 0U);
}

TEST(LoadTest, SeveralCoresShareTheConnections) {
  EDDY_SKIP_IN_CHAOS("it may fail connections");
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "one core";
  std::atomic<std::uint64_t> bytes = 0;
  ThreadServer server([&](int fd, const std::string& text) {
    bytes += text.size();
    return SendText(fd, text);
  });
  LoadOptions options = Options(server.Target("echo"));
  options.cores = 2;
  const auto totals = Generate(options);
  ASSERT_TRUE(totals.ok()) << totals.status();
  EXPECT_EQ(totals->failure, "");
  EXPECT_EQ(totals->answered, totals->sent);
  EXPECT_EQ(bytes, options.size * totals->sent);
}

TEST(LoadTest, OpenLoopSendsWhatIsDueAndNoMore) {
  EDDY_SKIP_IN_CHAOS("it may fail connections");
  ThreadServer server(SendText);
  LoadOptions options = Options(server.Target("echo"));
  options.rate = 1000;
  options.pipeline = 50;
  const auto totals = Generate(options);
  ASSERT_TRUE(totals.ok()) << totals.status();
  EXPECT_EQ(totals->failure, "");
  // 120 ms at 1000/s, of which 100 ms are measured.
  EXPECT_EQ(totals->sent + totals->unsent, 120U);
  EXPECT_EQ(totals->answered, totals->sent);
  EXPECT_EQ(totals->latencies.Count(), 100U);
}

TEST(LoadTest, OpenLoopCountsWhatASilentServerLeavesWaiting) {
  EDDY_SKIP_IN_CHAOS("it may fail connections");
  ThreadServer server([](int, const std::string&) { return true; });
  LoadOptions options = Options(server.Target("echo"));
  options.rate = 1000;
  options.timeout = milliseconds(20);
  const auto totals = Generate(options);
  ASSERT_TRUE(totals.ok()) << totals.status();
  EXPECT_THAT(totals->failure, HasSubstr("without an answer"));
  EXPECT_EQ(totals->answered, 0U);
  // One is under way on each connection; the others wait, and all count.
  EXPECT_LE(totals->sent, 4U);
  EXPECT_EQ(totals->unanswered, totals->sent);
  EXPECT_EQ(totals->sent + totals->unsent, 120U);
  EXPECT_EQ(totals->latencies.Count(), 100U);
}

TEST(LoadTest, ClosedLoopGivesUpOnASilentServer) {
  EDDY_SKIP_IN_CHAOS("it may fail connections");
  ThreadServer server([](int, const std::string&) { return true; });
  LoadOptions options = Options(server.Target("echo"));
  options.timeout = milliseconds(20);
  const auto totals = Generate(options);
  ASSERT_TRUE(totals.ok()) << totals.status();
  EXPECT_THAT(totals->failure, HasSubstr("without an answer"));
  EXPECT_EQ(totals->sent, 4U);
  EXPECT_EQ(totals->unanswered, 4U);
}

TEST(LoadTest, SaysThatNobodyListens) {
  EDDY_SKIP_IN_CHAOS("it may fail otherwise");
  const auto totals =
      Generate(Options(absl::StrCat("echo://127.0.0.1:", FreePort())));
  ASSERT_FALSE(totals.ok());
  EXPECT_THAT(std::string(totals.status().message()),
              HasSubstr("Connection refused"));
}

class DyingServer : public ::testing::TestWithParam<bool> {};

TEST_P(DyingServer, IsAFailureThatSaysSo) {
  EDDY_SKIP_IN_CHAOS("it may fail connections");
  std::atomic<int> left = 20;
  ThreadServer* running = nullptr;
  ThreadServer server([&](int fd, const std::string& text) {
    if (--left > 0) return SendText(fd, text);
    running->Die();
    return false;
  });
  running = &server;
  LoadOptions options = Options(server.Target("echo"));
  options.duration = std::chrono::seconds(100);
  if (GetParam()) options.rate = 1000;
  const auto totals = Generate(options);
  ASSERT_TRUE(totals.ok()) << totals.status();
  EXPECT_THAT(totals->failure, HasSubstr("connecting anew"));
  EXPECT_GE(totals->answered, 1U);
  EXPECT_GE(totals->unanswered, 1U);
  EXPECT_EQ(totals->answered + totals->unanswered, totals->sent);
}
INSTANTIATE_TEST_SUITE_P(LoadTest, DyingServer, ::testing::Bool(),
                         [](const auto& open) {
                           return open.param ? "OpenLoop" : "ClosedLoop";
                         });

TEST(LoadTest, WrongAnswerEndsItsConnection) {
  EDDY_SKIP_IN_CHAOS("it may fail connections");
  ThreadServer server([](int fd, std::string text) {
    text.back() = static_cast<char>(text.back() + 1);
    return SendText(fd, text);
  });
  const auto totals = Generate(Options(server.Target("echo")));
  ASSERT_TRUE(totals.ok()) << totals.status();
  EXPECT_THAT(totals->failure, HasSubstr("differs from its request"));
  EXPECT_EQ(totals->sent, 4U);
  EXPECT_EQ(totals->answered, 0U);
}

class ClosingServer : public ::testing::TestWithParam<bool> {};

// It closes after each second answer, and says so.
TEST_P(ClosingServer, IsConnectedToAgainWithoutAnError) {
  EDDY_SKIP_IN_CHAOS("it may fail connections");
  std::atomic<std::uint64_t> requests = 0;
  ThreadServer server([&](int fd, const std::string& text) {
    EXPECT_EQ(text.substr(0, 14), "GET /x HTTP/1.");
    thread_local int served = 0;
    ++requests;
    const bool last = ++served == 2;
    return SendText(fd, absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
                                     last ? "Connection: close\r\n" : "",
                                     "\r\nhi")) &&
           !last;
  });
  LoadOptions options = Options(server.Target("http", "/x"));
  options.connections = 2;
  if (GetParam()) options.rate = 500;
  const auto totals = Generate(options);
  ASSERT_TRUE(totals.ok()) << totals.status();
  EXPECT_EQ(totals->failure, "");
  EXPECT_EQ(totals->answered, requests);
  EXPECT_EQ(totals->sent, requests);
  // No connection had more than two.
  EXPECT_LE(requests, 2 * (totals->reconnects + options.connections));
}
INSTANTIATE_TEST_SUITE_P(LoadTest, ClosingServer, ::testing::Bool(),
                         [](const auto& open) {
                           return open.param ? "OpenLoop" : "ClosedLoop";
                         });

TEST(LoadTest, CountsWhatTheServerRefuses) {
  EDDY_SKIP_IN_CHAOS("it may fail connections");
  ThreadServer server([](int fd, const std::string&) {
    return SendText(fd, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
  });
  const auto totals = Generate(Options(server.Target("http", "/x")));
  ASSERT_TRUE(totals.ok()) << totals.status();
  EXPECT_GT(totals->answered, 0U);
  EXPECT_EQ(totals->refused, totals->answered);
  EXPECT_EQ(totals->Errors(), totals->refused);
}

// --- redis-server's own counts -----------------------------------------------

class RedisServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    EDDY_SKIP_IN_CHAOS("it may fail connections");
    const std::string program = FindProgram("redis-server");
    if (program.empty() || FindProgram("redis-cli").empty()) {
      GTEST_SKIP() << "redis-server, redis-cli: not installed";
    }
    port_ = FreePort();
    auto server =
        Process::Start({program, "--port", absl::StrCat(port_), "--bind",
                        "127.0.0.1", "--save", "", "--appendonly", "no",
                        "--loglevel", "warning", "--dir", site_.Folder()},
                       Process::kAnyCore);
    ASSERT_TRUE(server.ok()) << server.status();
    server_.emplace(*std::move(server));
    for (int i = 0; Ask("ping") != "PONG\n" && i < 500; ++i) {
      std::this_thread::sleep_for(milliseconds(20));
    }
  }

  std::string Target() const {
    return absl::StrCat("redis://127.0.0.1:", port_);
  }

  std::string Ask(const std::string& what) const {
    FILE* const pipe = ::popen(
        absl::StrCat("redis-cli -p ", port_, " ", what, " 2>&1").c_str(), "r");
    std::string answer;
    char buffer[4096];
    while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) answer += buffer;
    ::pclose(pipe);
    return answer;
  }

  // How often the server says it has carried out a command.
  std::uint64_t Calls(const std::string& command) const {
    const std::string stats = Ask("info commandstats");
    const std::string key = absl::StrCat("cmdstat_", command, ":calls=");
    const std::size_t at = stats.find(key);
    if (at == std::string::npos) return 0;
    return std::strtoull(stats.c_str() + at + key.size(), nullptr, 10);
  }

  Site site_;
  int port_ = 0;
  std::optional<Process> server_;
};

TEST_F(RedisServerTest, HasCarriedOutEachGetOfAClosedLoop) {
  LoadOptions options = Options(Target());
  options.command = RedisCommand::kGet;
  options.pipeline = 8;
  options.keys = 123;
  const auto totals = Generate(options);
  ASSERT_TRUE(totals.ok()) << totals.status();
  EXPECT_EQ(totals->failure, "");
  EXPECT_GT(totals->answered, 0U);
  EXPECT_EQ(totals->misses, 0U);
  EXPECT_EQ(Calls("get"), totals->answered);
  EXPECT_EQ(Calls("set"), 123U);
}

TEST_F(RedisServerTest, HasCarriedOutEachSetOfAnOpenLoop) {
  LoadOptions options = Options(Target());
  options.command = RedisCommand::kSet;
  options.rate = 2000;
  options.size = 10'000;
  const auto totals = Generate(options);
  ASSERT_TRUE(totals.ok()) << totals.status();
  EXPECT_EQ(totals->failure, "");
  EXPECT_EQ(totals->sent + totals->unsent, 240U);
  EXPECT_EQ(Calls("set"), totals->sent);
  EXPECT_EQ(totals->answered, totals->sent);
}

}  // namespace
}  // namespace eddy::bench
