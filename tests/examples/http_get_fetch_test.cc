// http_get's parts in this program, and servers that misbehave.
#include <eddy/net/tcp.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timer.h>
#include <eddy/runtime/until_stopped.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "examples/http_get/fetch.h"
#include "examples/http_get/response_parser.h"
#include "examples/http_get/url.h"
#include "tests/examples/silent_sweeps.h"
#include "tests/io/io_test_util.h"

namespace eddy::testing_examples {
namespace {

using http_get::Fetch;
using http_get::Limits;
using http_get::Outcome;
using http_get::ParseUrl;
using http_get::Url;
using io_test::Bytes;
using io_test::InScope;
using io_test::Text;
using namespace std::chrono_literals;  // NOLINT: literals

TEST(HttpGetUrlTest, HasItsParts) {
  const auto expect = [](const char* text, const char* host, int port,
                         const char* authority, const char* target) {
    const Result<Url> url = ParseUrl(text);
    ASSERT_TRUE(url) << text;
    EXPECT_EQ(url->host, host);
    EXPECT_EQ(url->port, port);
    EXPECT_EQ(url->authority, authority);
    EXPECT_EQ(url->target, target);
  };
  expect("http://a", "a", 80, "a", "/");
  expect("HTTP://a:81", "a", 81, "a:81", "/");
  expect("http://a/b?c=d#e", "a", 80, "a", "/b?c=d");
  expect("http://a?c", "a", 80, "a", "/?c");
  expect("http://[::1]:8080/x", "::1", 8080, "[::1]:8080", "/x");
  expect("http://[::1]", "::1", 80, "[::1]", "/");
}

TEST(HttpGetUrlTest, RefusesWhatIsNone) {
  for (const char* text :
       {"", "http://", "http:///x", "http://:80/", "http://a:/", "http://a:0/",
        "http://a:65536/", "http://a:80x/", "http://u@a/", "http://[::1/",
        "http://a b/", "http://a/\r\nHost: b", "http://b\xc3\xbc/", "a/b",
        "/etc/passwd", "http:/a"}) {
    const Result<Url> url = ParseUrl(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error(), Error(std::errc::invalid_argument)) << text;
  }
  EXPECT_EQ(ParseUrl("https://a/").error(),
            Error(std::errc::protocol_not_supported));
}

// --- Responses ---------------------------------------------------------------

struct Parsed {
  std::string error;  // "" where it is complete
  int status = 0;
  std::uint64_t size = 0;
};

// In parts of `step` bytes, and then the end where it is not complete.
Parsed ParseIn(std::string_view text, std::size_t step) {
  http_get::ResponseParser parser(1000, 5000);
  Result<void> result;
  while (result && !parser.complete() && !text.empty()) {
    result = parser.Feed(Bytes(text.substr(0, step)));
    text.remove_prefix(std::min(step, text.size()));
  }
  if (result && !parser.complete()) result = parser.Finish();
  return {result ? "" : result.error().message(), parser.status(),
          parser.body_size()};
}

void ExpectParsed(std::string_view text, std::string_view error, int status,
                  std::uint64_t size) {
  for (const std::size_t step : {1U, 2U, 7U, 100'000U}) {
    const Parsed parsed = ParseIn(text, step);
    EXPECT_EQ(parsed.error, error) << text.substr(0, 99) << " by " << step;
    EXPECT_EQ(parsed.status, status) << text.substr(0, 99);
    if (error.empty()) {
      EXPECT_EQ(parsed.size, size) << text.substr(0, 99);
    }
  }
}

TEST(HttpGetParserTest, KnowsWhereABodyEnds) {
  ExpectParsed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "", 200, 5);
  ExpectParsed("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "", 404, 0);
  ExpectParsed("HTTP/1.1 204 No\r\n\r\n", "", 204, 0);
  ExpectParsed(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n10;x=y\r\n0123456789abcdef\r\n0\r\nT: v\r\n\r\n",
      "", 200, 19);
  ExpectParsed("HTTP/1.0 200 OK\r\n\r\nuntil the end", "", 200, 13);
  ExpectParsed(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      "", 200, 2);
  // What follows is not looked at.
  ExpectParsed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokgarbage", "", 200,
               2);
}

TEST(HttpGetParserTest, TellsWhatIsWrong) {
  const std::string early = Error(kEndOfStream).message();
  const std::string wrong = Error(std::errc::protocol_error).message();
  const std::string long_head = Error(std::errc::message_size).message();
  const std::string long_body = Error(std::errc::file_too_large).message();
  ExpectParsed("", early, 0, 0);
  ExpectParsed("HTTP/1.1 200 OK\r\nContent-Le", early, 0, 0);
  ExpectParsed("HTTP/1.1 100 Continue\r\n\r\n", early, 100, 0);
  ExpectParsed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", early, 200,
               0);
  ExpectParsed(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
      early, 200, 0);
  ExpectParsed("SSH-2.0-OpenSSH_9.2\r\n", wrong, 0, 0);
  ExpectParsed(std::string(50, '\0'), wrong, 0, 0);
  ExpectParsed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
               wrong, 200, 0);
  std::string endless = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 200; ++i) endless += "Field: value\r\n";
  ExpectParsed(endless, long_head, 0, 0);
  std::string interim;
  for (int i = 0; i < 200; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  ExpectParsed(interim, long_head, 100, 0);
  ExpectParsed("HTTP/1.1 200 OK\r\n\r\n" + std::string(6000, 'x'), long_body,
               200, 0);
  ExpectParsed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                   std::string(2000, 'x'),
               long_head, 200, 0);
}

// --- Servers -----------------------------------------------------------------

using Server = std::function<Task<void>(net::TcpStream&)>;

Task<bool> ReadRequest(net::TcpStream& stream) {
  std::string head;
  std::array<std::byte, 512> part;
  while (head.find("\r\n\r\n") == head.npos) {
    const Result<std::size_t> n = co_await stream.Read(part);
    if (!n || *n == 0) co_return false;
    head += Text(std::span(part).first(*n));
  }
  co_return true;
}

// What is fetched from a server whose one connection is in these hands.
Task<Outcome> FetchFrom(Server server, Limits limits) {
  net::TcpListener listener =
      net::TcpListener::Bind(net::SocketAddress::LoopbackV4(0)).value();
  Outcome outcome;
  const auto serves = [&]() -> Task<void> {
    Result<net::TcpStream> stream = co_await listener.Accept();
    if (stream) co_await server(*stream);
  };
  const auto body = [&](TaskScope& scope) -> Task<void> {
    scope.Spawn(serves);
    Url url;
    url.host = "127.0.0.1";
    url.port = listener.local_address()->port();
    url.authority = "test";
    url.target = "/";
    outcome = co_await Fetch(url, limits);
    scope.RequestStop();
  };
  co_await InScope(body);
  co_return outcome;
}

// Answers with this, and closes or says nothing more.
Server Says(std::string text, bool closes) {
  return [text, closes](net::TcpStream& stream) -> Task<void> {
    const bool asked = co_await ReadRequest(stream);
    if (!asked) co_return;
    static_cast<void>(co_await stream.Write(Bytes(text)));
    if (!closes) co_await UntilStopped();
  };
}

// Sends this again and again.
Server Repeats(std::string first, std::string text, Duration pause) {
  return [=](net::TcpStream& stream) -> Task<void> {
    const bool asked = co_await ReadRequest(stream);
    if (!asked) co_return;
    Result<void> sent = co_await stream.Write(Bytes(first));
    while (sent) {
      sent = co_await stream.Write(Bytes(text));
      if (sent && pause > 0s) sent = co_await Sleep(pause);
    }
  };
}

CO_TEST(HttpGetFetchTest, GetsAResponse) {
  const Outcome outcome = co_await FetchFrom(
      Says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false),
      Limits());
  EXPECT_FALSE(outcome.error);
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.size, 5U);
  EXPECT_TRUE(outcome.good());
}

CO_TEST(HttpGetFetchTest, AServerThatClosesEarlyIsAnError) {
  for (const char* text :
       {"", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh"}) {
    const Outcome outcome = co_await FetchFrom(Says(text, true), Limits());
    EXPECT_EQ(outcome.error, kEndOfStream) << text;
  }
}

CO_TEST(HttpGetFetchTest, GarbageIsAnError) {
  const Outcome outcome =
      co_await FetchFrom(Says("\x16\x03\x01garbage", false), Limits());
  EXPECT_EQ(outcome.error, Error(std::errc::protocol_error));
}

CO_TEST(HttpGetFetchTest, AServerThatSaysNothingIsLeftAfterThePhasesTime) {
  for (const auto& [text, phase] :
       std::vector<std::pair<std::string, std::string>>{
           {"", "waiting for the answer"},
           {"HTTP/1.1 200 OK\r\n", "waiting for the answer"},
           {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
            "reading the body"}}) {
    const VirtualClock clock;
    const Outcome outcome = co_await FetchFrom(Says(text, false), Limits());
    EXPECT_EQ(outcome.error, kTimedOut) << text;
    EXPECT_EQ(outcome.phase, phase);
    EXPECT_EQ(outcome.time, 10s);
  }
}

CO_TEST(HttpGetFetchTest, AHeadThatComesByDropsHasOneTime) {
  const VirtualClock clock;
  const Outcome outcome = co_await FetchFrom(
      Repeats("HTTP/1.1 200 OK\r\n", "A: b\r\n", 1s), Limits());
  EXPECT_EQ(outcome.error, kTimedOut);
  EXPECT_EQ(outcome.time, 10s);
}

CO_TEST(HttpGetFetchTest, ABodyThatComesByDropsHasTheTimeOfAll) {
  const VirtualClock clock;
  Limits limits;
  limits.total = 60s;
  const Outcome outcome =
      co_await FetchFrom(Repeats("HTTP/1.1 200 OK\r\n\r\n", "x", 1s), limits);
  EXPECT_EQ(outcome.error, kTimedOut);
  EXPECT_EQ(outcome.phase, std::string("reading the body"));
  EXPECT_EQ(outcome.time, 60s);
}

CO_TEST(HttpGetFetchTest, EndlessHeadsAndBodiesAreCut) {
  Outcome outcome = co_await FetchFrom(
      Repeats("HTTP/1.1 200 OK\r\n", "Field: value\r\n", 0s), Limits());
  EXPECT_EQ(outcome.error, Error(std::errc::message_size));
  Limits limits;
  limits.body = 1'000'000;
  outcome = co_await FetchFrom(
      Repeats("HTTP/1.1 200 OK\r\n\r\n", std::string(10'000, 'x'), 0s), limits);
  EXPECT_EQ(outcome.error, Error(std::errc::file_too_large));
  EXPECT_LT(outcome.size, limits.body + 100'000);
}

CO_TEST(HttpGetFetchTest, TellsWhyItCouldNotConnect) {
  Url url;
  url.host = "999.1.1.1";
  Outcome outcome = co_await Fetch(url, Limits());
  EXPECT_EQ(outcome.error, Error(std::errc::invalid_argument));
  EXPECT_EQ(outcome.phase, std::string("connecting"));
}

Task<Result<void>> FetchesOne() {
  // A busy kernel may take a while from one socket to another.
  VirtualClockOptions time;
  time.settle = 200ms;
  const VirtualClock clock(time);
  const Outcome outcome =
      co_await FetchFrom(Says("HTTP/1.1 200 OK\r\n\r\nhello", true), Limits());
  if (outcome.error) co_return Unexpected(*outcome.error);
  if (outcome.size != 5) co_return Unexpected(kWrong);
  co_return Result<void>();
}

TEST(HttpGetSweepTest, EndsCleanlyAtEveryPoint) {
  ExpectCleanWhenStopped(FetchesOne, 8);
  ExpectCleanWhenFailed(FetchesOne, 5);
}

}  // namespace
}  // namespace eddy::testing_examples
