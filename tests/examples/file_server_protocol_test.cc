// How file_server speaks HTTP/1.1: connections that stay and those that end,
// pipelining, every refusal, and no request hidden in another one's body.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/examples/file_server_fixture.h"

namespace eddy::testing_examples {
namespace {

using ::testing::AnyOf;

class FileServerProtocolTest : public FileServerTest {
 protected:
  FileServerProtocolTest() {
    Write("f", "content");
    Write("g", "other");
  }
};

TEST_F(FileServerProtocolTest, OneConnectionCarriesManyRequests) {
  Start();
  HttpClient client = Connect();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(client.Get("/f").body, "content");
    EXPECT_EQ(client.Get("/none").status, 404);
  }
}

TEST_F(FileServerProtocolTest, AHundredPipelinedRequestsAreAnsweredInOrder) {
  std::string requests;
  for (std::size_t i = 0; i < 100; ++i) {
    Write("file" + std::to_string(i), std::string(i * 37, 'x') + "end");
    requests += "GET /file" + std::to_string(i) +
                " HTTP/1.1\r\nHost: t\r\nX-Padding: " + std::string(400, 'p') +
                "\r\n\r\n";
  }
  Start();
  HttpClient client = Connect();
  client.Send(requests);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(client.Receive().body, std::string(i * 37, 'x') + "end") << i;
  }
}

TEST_F(FileServerProtocolTest, RequestsMayComeByteByByte) {
  Start();
  HttpClient client = Connect();
  const std::string requests =
      "GET /f HTTP/1.1\r\nHost: t\r\nRange: bytes=1-3\r\n\r\n"
      "\r\nGET /g HTTP/1.1\r\nHost: t\r\n\r\n";
  for (const char c : requests) ASSERT_TRUE(client.Send({&c, 1}));
  EXPECT_EQ(client.Receive().body, "ont");
  EXPECT_EQ(client.Receive().body, "other");
}

TEST_F(FileServerProtocolTest, TheConnectionEndsWhenTheClientWantsIt) {
  Start();
  struct Case {
    const char* request;
    bool stays;
    const char* connection;
  };
  for (const Case c : {
           Case{"GET /f HTTP/1.1\r\nHost: t\r\n\r\n", true, ""},
           Case{"GET /f HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
                false, "close"},
           Case{"GET /f HTTP/1.1\r\nHost: t\r\nConnection: x, Close\r\n\r\n",
                false, "close"},
           Case{"GET /f HTTP/1.0\r\n\r\n", false, "close"},
           Case{"GET /f HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true,
                "keep-alive"},
           Case{"GET /f HTTP/1.1\r\nHost: t\r\nConnection: Upgrade, "
                "HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
                true, ""},
       }) {
    HttpClient client = Connect();
    client.Send(c.request);
    const HttpResponse response = client.Receive();
    EXPECT_EQ(response.body, "content") << c.request;
    EXPECT_EQ(response.Field("connection"), c.connection) << c.request;
    if (c.stays) {
      EXPECT_EQ(client.Get("/g").body, "other") << c.request;
    } else {
      EXPECT_TRUE(client.AtEnd()) << c.request;
    }
  }
}

TEST_F(FileServerProtocolTest, AClientThatEndsItsInputStillGetsItsAnswer) {
  Start();
  HttpClient client = Connect();
  client.SendGet("/f");
  client.EndOfInput();
  EXPECT_EQ(client.Receive().body, "content");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(FileServerProtocolTest, EveryRefusalHasItsStatus) {
  Start();
  const std::string rest = " HTTP/1.1\r\nHost: t\r\n\r\n";
  const std::string get = "GET /f HTTP/1.1\r\nHost: t\r\n";
  struct Case {
    std::string request;
    int status;
  };
  for (const Case& c : {
           Case{"GET /none" + rest, 404},
           Case{"GET /f/" + rest, 404},
           Case{"GET /f/below" + rest, 404},
           Case{"GET /" + std::string(300, 'n') + rest, 404},
           Case{"GET *" + rest, 400},
           Case{"GET f" + rest, 400},
           Case{"GET /%zz" + rest, 400},
           Case{"GET /%4" + rest, 400},
           Case{"GET / HTTP/1.1\r\n\r\n", 400},
           Case{"GET /f HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
           Case{"GET /f HTTP/1.1\r\nHost : t\r\n\r\n", 400},
           Case{"GET /f HTTP/1.1\r\n Host: t\r\n\r\n", 400},
           Case{get + "A: b\r\n c\r\n\r\n", 400},
           Case{get + "nonsense\r\n\r\n", 400},
           Case{get + "A: b\rC: d\r\n\r\n", 400},
           Case{get + std::string("A: \0\r\n\r\n", 8), 400},
           Case{"GET /f HTTP/1.1\nHost: t\n\n", 400},
           Case{"GET /f HTTP/1.1 \r\nHost: t\r\n\r\n", 400},
           Case{"POST /f" + rest, 405},
           Case{"PUT /f" + rest, 405},
           Case{"DELETE /f" + rest, 405},
           Case{"OPTIONS *" + rest, 405},
           Case{"TRACE /f" + rest, 405},
           Case{"CONNECT a:1" + rest, 405},
           Case{get + "Range: bytes=7-\r\n\r\n", 416},
           Case{"GET /" + std::string(20000, 'u') + rest, 414},
           Case{get + "A: " + std::string(20000, 'v') + "\r\n\r\n", 431},
           Case{get + std::string(20000, 'n') + ": v\r\n\r\n", 431},
           Case{"BREW /f" + rest, 501},
           Case{"get /f" + rest, 501},
           Case{get + "Transfer-Encoding: gzip\r\n\r\n", 501},
           Case{"GET /f HTTP/2.0\r\nHost: t\r\n\r\n", 505},
           Case{"GET /f HTTP/3.1\r\nHost: t\r\n\r\n", 505},
           Case{"GET /f HTTP/0.9\r\n\r\n", 505},
           Case{"GET /f\r\n\r\n", 505},
           Case{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
       }) {
    const HttpResponse response = Answer(c.request);
    EXPECT_EQ(response.status, c.status) << c.request.substr(0, 100);
    EXPECT_NE(response.body, "") << c.request.substr(0, 100);
    EXPECT_EQ(response.Field("allow"), c.status == 405 ? "GET, HEAD" : "");
  }
  EXPECT_EQ(Get("/f").body, "content");
}

TEST_F(FileServerProtocolTest, TheTargetMayBeAWholeUrl) {
  Start();
  EXPECT_EQ(Get("http://anything:80/f").body, "content");
  EXPECT_EQ(Get("HTTPS://anything/f?q#x").body, "content");
  EXPECT_EQ(Get("/f?a/../b").body, "content");
  EXPECT_EQ(Get("/./x/../f").body, "content");
  EXPECT_EQ(Get("/%66").body, "content");
  EXPECT_EQ(Get("http://anything").status, 200);
}

TEST_F(FileServerProtocolTest, ABodyIsNeverTakenForARequest) {
  Start();
  const std::string hidden = "GET /g HTTP/1.1\r\nHost: t\r\n\r\n";
  const std::string size = std::to_string(hidden.size());
  for (const std::string& fields :
       {"Content-Length: " + size, "content-LENGTH:" + size + "\r\nExpect: x",
        std::string("Transfer-Encoding: chunked"),
        "Transfer-Encoding: chunked\r\nContent-Length: " + size,
        "Content-Length: " + size + "\r\nContent-Length: " + size,
        "Content-Length: " + size + "\r\nContent-Length: 0",
        "Content-Length : " + size, "Content-Length: +" + size,
        std::string("Transfer-Encoding: x, chunked"),
        std::string("Transfer-Encoding: chunked, x"),
        std::string("Transfer-Encoding:\r\n chunked"),
        "X: y\rContent-Length: " + size,
        "Connection: upgrade\r\nUpgrade: x\r\nContent-Length: " + size}) {
    for (const std::string method : {"GET", "HEAD", "POST"}) {
      HttpClient client = Connect();
      client.Send(method + " /f HTTP/1.1\r\nHost: t\r\n" + fields + "\r\n\r\n" +
                  hidden);
      const HttpResponse response = client.Receive(method == "HEAD");
      EXPECT_THAT(response.status, AnyOf(200, 400, 405, 501)) << fields;
      EXPECT_EQ(response.Field("connection"), "close") << fields;
      client.EndOfInput();
      EXPECT_TRUE(client.AtEnd()) << method << " with " << fields;
    }
  }
  // No body: the connection goes on.
  HttpClient client = Connect();
  EXPECT_EQ(client.Get("/f", "Content-Length: 0\r\n").body, "content");
  EXPECT_EQ(client.Get("/f").body, "content");
}

// The answer must arrive although the server does not read what still comes.
TEST_F(FileServerProtocolTest, ALargeUploadIsRefusedWithAnAnswer) {
  WriteNoise("upload", 4U << 20);
  Start();
  const auto [code, status] =
      Shell("curl -s -o /dev/null -w '%{http_code}' -H 'Expect:' -T " +
            (root() / "upload").string() + " " + Url("/f"));
  EXPECT_EQ(status, "405");
}

TEST_F(FileServerProtocolTest, GarbageIsRefusedAndDoesNoHarm) {
  Start();
  const std::size_t descriptors = server().CountDescriptors();
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    HttpClient client = Connect();
    std::string garbage(random() % 3000 + 1, '\0');
    for (char& c : garbage) c = static_cast<char>(random());
    // Every third begins well.
    if (i % 3 == 0) garbage.insert(0, "GET /f HTTP/1.1\r\nHost: t\r\n");
    if (i % 3 == 1) garbage.insert(0, "GET /");
    client.Send(garbage);
    client.EndOfInput();
    const int status = client.Receive().status;
    EXPECT_THAT(status, AnyOf(0, 200, 400, 404, 501, 505));
  }
  for (const std::string& flood :
       {std::string(1U << 20, 'A'), std::string(1U << 20, '\n'),
        std::string(1U << 20, '\0'), "GET /" + std::string(1U << 20, '/'),
        "GET /f HTTP/1.1\r\n" + std::string(1U << 20, 'h')}) {
    HttpClient client = Connect();
    client.Send(flood);
    EXPECT_THAT(client.Receive().status, AnyOf(0, 400, 414, 431));
  }
  std::string many = "GET /f HTTP/1.1\r\nHost: t\r\n";
  for (int i = 0; i < 100000; ++i) many += "a: b\r\n";
  EXPECT_EQ(Answer(many).status, 431);
  EXPECT_TRUE(DescriptorsReturnTo(descriptors + 1));  // f is cached
  EXPECT_EQ(Get("/f").body, "content");
}

TEST_F(FileServerProtocolTest, ManySmallRequestsFitInOneHeadsRoom) {
  Start();
  std::string requests;
  for (int i = 0; i < 5000; ++i)
    requests += "\r\nGET /f HTTP/1.1\r\nHost:\r\n\r\n";
  HttpClient client = Connect();
  client.Send(requests);
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(client.Receive().body, "content");
}

}  // namespace
}  // namespace eddy::testing_examples
