// How file_server starts, what it says when it cannot, and how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/examples/file_server_fixture.h"

namespace eddy::testing_examples {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

// More than the socket's buffers take: the response runs until it is read.
constexpr std::size_t kLarge = 64U << 20;

class FileServerLifecycleTest : public FileServerTest {
 protected:
  FileServerLifecycleTest() { Write("f", "content"); }

  // A client whose response runs.
  HttpClient StartDownload() {
    WriteSparse("large", kLarge);
    HttpClient client = Connect();
    client.SendGet("/large");
    EXPECT_EQ(client.Skip(1000), 1000U);
    return client;
  }
};

TEST_F(FileServerLifecycleTest, SignalsEndAnIdleServerAtOnce) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Start();
    HttpClient idle = Connect();
    HttpClient used = Connect();
    EXPECT_EQ(used.Get("/f").body, "content");
    server().Signal(signal);
    EXPECT_TRUE(idle.AtEnd());
    EXPECT_TRUE(used.AtEnd());
    EXPECT_EQ(server().Wait(), 0);
    EXPECT_EQ(server().ReadErrors(), "");
  }
}

TEST_F(FileServerLifecycleTest, ARunningResponseEndsAfterSigterm) {
  Start({"--drain-timeout=60s"});
  HttpClient client = StartDownload();
  HttpClient idle = Connect();
  EXPECT_EQ(idle.Get("/f").status, 200);
  server().Signal(SIGTERM);
  EXPECT_TRUE(idle.AtEnd());
  // It accepts no one any more.
  EXPECT_NE(Shell("curl -s " + Url("/f")).first, 0);
  // The head is some of what was skipped.
  EXPECT_EQ(client.Skip(kLarge - 1000), kLarge - 1000);
  EXPECT_GT(client.Skip(kLarge), 0U);
  EXPECT_EQ(server().Wait(), 0);
}

TEST_F(FileServerLifecycleTest, ARequestThatHasBegunIsAnsweredAfterSigterm) {
  Start({"--drain-timeout=60s"});
  HttpClient idle = Connect();
  HttpClient client = Connect();
  EXPECT_EQ(client.Get("/f").status, 200);
  client.Send("GET /f HTTP/1.1\r\nHo");
  // Another client's answer tells that the server has seen the bytes.
  EXPECT_EQ(idle.Get("/f").status, 200);
  server().Signal(SIGTERM);
  EXPECT_TRUE(idle.AtEnd());
  client.Send("st: t\r\n\r\n");
  const HttpResponse response = client.Receive();
  EXPECT_EQ(response.body, "content");
  EXPECT_EQ(response.Field("connection"), "close");
  client.EndOfInput();
  EXPECT_EQ(server().Wait(), 0);
}

TEST_F(FileServerLifecycleTest, TheDrainTimeoutCutsWhatStillRuns) {
  Start({"--drain-timeout", "200ms"});
  HttpClient client = StartDownload();
  server().Signal(SIGTERM);
  EXPECT_EQ(server().Wait(), 0);
  EXPECT_LT(client.Skip(kLarge), kLarge - 1000);
}

TEST_F(FileServerLifecycleTest, ASecondSignalEndsAllAtOnce) {
  Start({"--drain-timeout", "1h"});
  HttpClient client = StartDownload();
  HttpClient idle = Connect();
  EXPECT_EQ(idle.Get("/f").status, 200);
  server().Signal(SIGINT);
  EXPECT_TRUE(idle.AtEnd());  // the first one is seen
  server().Signal(SIGINT);
  EXPECT_EQ(server().Wait(), 0);
}

// What is wrong and what to do about it, in one line.
TEST_F(FileServerLifecycleTest, WhatItCannotDoItSaysInOneLine) {
  Start();
  struct Case {
    std::vector<std::string> flags;
    int code;
    std::string what;
    std::string advice;
  };
  const std::string any = "127.0.0.1:0";
  for (const Case& c : {
           Case{{"--root", root(), "--listen", address()},
                1,
                "in use",
                "--listen"},
           Case{{"--root", root() / "none", "--listen", any},
                1,
                "none",
                "--root"},
           Case{{"--root", root() / "f", "--listen", any}, 1, "/f", "--root"},
           Case{{"--root", root(), "--listen", "localhost"},
                1,
                "localhost",
                "127.0.0.1:8080"},
           Case{{"--root", root(), "--listen", "192.0.2.1:0"},
                1,
                "192.0.2.1",
                "--listen"},
           Case{{"--max-connections", "0"}, 2, "max-connections", "--help"},
           Case{{"--idle-timeout", "0s"}, 2, "idle-timeout", "--help"},
           Case{{"somewhere"}, 2, "somewhere", "--root"},
       }) {
    std::vector<std::string> words = {Program::Example("file_server")};
    words.insert(words.end(), c.flags.begin(), c.flags.end());
    Program refused(words);
    EXPECT_EQ(refused.Wait(), c.code) << c.what;
    const std::string errors = refused.ReadErrors();
    EXPECT_THAT(errors, AllOf(HasSubstr(c.what), HasSubstr(c.advice)));
    EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 1) << errors;
  }
}

TEST_F(FileServerLifecycleTest, AnUnknownFlagIsRefused) {
  Program refused({Program::Example("file_server"), "--no-such-flag"});
  EXPECT_NE(refused.Wait(), 0);
  EXPECT_THAT(refused.ReadErrors(), HasSubstr("no_such_flag"));
}

TEST_F(FileServerLifecycleTest, HelpNamesEveryFlag) {
  Program help({Program::Example("file_server"), "--help"});
  const std::string text = help.ReadOutput();
  EXPECT_EQ(help.Wait(), 0);
  for (const std::string flag :
       {"--root", "--listen", "--max-connections", "--idle-timeout",
        "--header-timeout", "--drain-timeout", "--cache-validity"}) {
    EXPECT_THAT(text, HasSubstr(flag));
  }
}

TEST_F(FileServerLifecycleTest, FlagsMayHaveUnderscores) {
  Start({"--idle_timeout=30s", "--max_connections", "5"});
  EXPECT_EQ(Get("/f").body, "content");
}

TEST_F(FileServerLifecycleTest, ListensOnIpv6AndOnAUnixSocketToo) {
  for (const std::string& listen :
       {std::string("[::1]:0"), "unix:" + (outside() / "socket").string()}) {
    Program other({Program::Example("file_server"), "--root", root(),
                   "--listen", listen});
    EXPECT_EQ(HttpClient(ListeningOn(other)).Get("/f").body, "content");
    other.Signal(SIGTERM);
    EXPECT_EQ(other.Wait(), 0);
  }
}

}  // namespace
}  // namespace eddy::testing_examples
