// What file_server does when there is too much of something: connections, slow
// or vanishing clients, large files, or too few descriptors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/examples/file_server_fixture.h"

namespace eddy::testing_examples {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;

class FileServerLimitsTest : public FileServerTest {
 protected:
  FileServerLimitsTest() { Write("f", "content"); }
};

TEST_F(FileServerLimitsTest, AThousandConnectionsAtOnce) {
  Start();
  const std::size_t descriptors = server().CountDescriptors();
  {
    std::vector<HttpClient> clients;
    for (int i = 0; i < 1000; ++i) clients.push_back(Connect());
    for (int round = 0; round < 3; ++round) {
      for (HttpClient& client : clients) ASSERT_TRUE(client.SendGet("/f"));
      for (HttpClient& client : clients) {
        ASSERT_EQ(client.Receive().body, "content");
      }
    }
    EXPECT_GE(server().CountDescriptors(), 1000U);
  }
  EXPECT_TRUE(DescriptorsReturnTo(descriptors + 1));
}

// An idle connection gives its receive buffer back.
TEST_F(FileServerLimitsTest, IdleConnectionsAreServedAfterTheirRest) {
  Start();
  std::vector<HttpClient> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(Connect());
  for (HttpClient& client : clients) EXPECT_EQ(client.Get("/f").status, 200);
  std::this_thread::sleep_for(1500ms);
  for (HttpClient& client : clients) EXPECT_EQ(client.Get("/f").status, 200);
}

TEST_F(FileServerLimitsTest, OneClientMoreWaitsUntilAnotherHasGone) {
  Start({"--max-connections=2"});
  HttpClient first = Connect();
  HttpClient second = Connect();
  EXPECT_EQ(first.Get("/f").status, 200);
  EXPECT_EQ(second.Get("/f").status, 200);
  HttpClient third = Connect();
  third.SendGet("/f");
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(first.Get("/f").status, 200);
  { const HttpClient gone = std::move(second); }
  EXPECT_EQ(third.Receive().body, "content");
}

TEST_F(FileServerLimitsTest, ClientsThatVanishLeaveNothingBehind) {
  WriteSparse("large", 64U << 20);
  Start();
  EXPECT_EQ(Get("/f").status, 200);
  const std::size_t descriptors = server().CountDescriptors();
  for (int i = 0; i < 200; ++i) {
    HttpClient client = Connect();
    switch (i % 5) {
      case 0:  // says nothing
        break;
      case 1:
        client.Send("GET /lar");
        break;
      case 2:
        client.SendGet("/large");
        break;
      case 3:
        client.SendGet("/large");
        client.Skip(100000);
        break;
      default:
        client.SendGet("/large");
        client.Skip(1);
        client.EndOfInput();
        break;
    }
    if (i % 2 == 0) client.Reset();
  }
  EXPECT_TRUE(DescriptorsReturnTo(descriptors + 1));  // large is cached
  EXPECT_EQ(Get("/f").body, "content");
}

TEST_F(FileServerLimitsTest, ASlowHeadIsRefusedWhileOthersAreServed) {
  Start({"--header-timeout=300ms"});
  std::vector<HttpClient> slow;
  for (int i = 0; i < 20; ++i) slow.push_back(Connect());
  for (HttpClient& client : slow) client.Send("GET /f HTTP/1.1\r\nHost: t\r\n");
  for (int drop = 0; drop < 10; ++drop) {
    for (HttpClient& client : slow) client.Send("a");
    EXPECT_EQ(Get("/f").body, "content");
    std::this_thread::sleep_for(50ms);
  }
  for (HttpClient& client : slow) {
    const HttpResponse response = client.Receive();
    EXPECT_EQ(response.status, 408);
    EXPECT_EQ(response.Field("connection"), "close");
  }
}

TEST_F(FileServerLimitsTest, AnIdleConnectionIsClosedWithoutAWord) {
  Start({"--idle-timeout", "200ms"});
  HttpClient fresh = Connect();
  HttpClient used = Connect();
  EXPECT_EQ(used.Get("/f").status, 200);
  EXPECT_TRUE(fresh.AtEnd());
  EXPECT_TRUE(used.AtEnd());
}

// Longer than the time after which a connection rests without a buffer.
TEST_F(FileServerLimitsTest, ARestingConnectionIsClosedInTheEnd) {
  Start({"--idle-timeout", "1300ms"});
  HttpClient client = Connect();
  EXPECT_EQ(client.Get("/f").status, 200);
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(FileServerLimitsTest, AClientThatTakesNothingIsDropped) {
  WriteSparse("large", 64U << 20);
  Start({"--idle-timeout", "300ms"});
  const std::size_t descriptors = server().CountDescriptors();
  HttpClient client(address(), 4096);
  client.SendGet("/large");
  EXPECT_EQ(client.Skip(1), 1U);  // and then no more
  EXPECT_TRUE(DescriptorsReturnTo(descriptors + 1));
  EXPECT_LT(client.Skip(64U << 20), 64U << 20);
}

TEST_F(FileServerLimitsTest, AHundredClientsStreamALargeFileInLittleMemory) {
  constexpr std::size_t kClients = 100;
  constexpr std::size_t kPart = 4U << 20;
  WriteSparse("large", std::uint64_t{2} << 30);
  Start();
  std::vector<HttpClient> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(Connect());
    // From everywhere in the file, to its end.
    clients.back().SendGet(
        "/large", "Range: bytes=" + std::to_string(i * 10000000) + "-\r\n");
  }
  for (std::size_t done = 0; done < kPart; done += 1U << 20) {
    for (HttpClient& client : clients) {
      ASSERT_EQ(client.Skip(1U << 20), 1U << 20);
    }
  }
  if (UnderSanitizer()) GTEST_SKIP() << "a sanitizer needs memory of its own";
  const std::size_t peak = server().StatusKib("VmHWM");
  RecordProperty("peak_kib", static_cast<int>(peak));
  EXPECT_LT(peak, 64U * 1024);
}

TEST_F(FileServerLimitsTest, ItGoesOnAfterDescriptorsHaveRunOut) {
  // UBSan's check of virtual calls opens a pipe, and takes its EMFILE for an
  // object that is not there.
  if (UnderSanitizer()) GTEST_SKIP() << "a sanitizer needs descriptors too";
  for (int i = 0; i < 40; ++i) Write("file" + std::to_string(i), "x");
  Start({}, "ulimit -n 32");
  // The cache must not hold what clients need.
  for (int i = 0; i < 40; ++i) {
    EXPECT_THAT(Get("/file" + std::to_string(i)).status, AnyOf(200, 503));
  }
  {
    std::vector<HttpClient> clients;
    for (int i = 0; i < 60; ++i) {
      clients.push_back(Connect());
      clients.back().SendGet("/f");
    }
    // Those that got a descriptor, and no file, are told so.
    EXPECT_THAT(clients.front().Receive().status, AnyOf(200, 503));
    std::this_thread::sleep_for(100ms);
  }
  // As soon as they have gone there is place again.
  HttpResponse response;
  for (int tries = 0; tries < 500 && response.status != 200; ++tries) {
    response = Get("/f");
  }
  EXPECT_EQ(response.body, "content");
}

}  // namespace
}  // namespace eddy::testing_examples
