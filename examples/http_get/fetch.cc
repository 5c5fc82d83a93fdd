#include "examples/http_get/fetch.h"

#include <eddy/net/connect.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/timeout.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "examples/http_get/response_parser.h"

namespace http_get {
namespace {

using eddy::After;
using eddy::Clock;
using eddy::Result;
using eddy::Task;
using eddy::TimePoint;
using eddy::Unexpected;
using eddy::WithDeadline;
using eddy::WithTimeout;

constexpr std::size_t kBuffer = 16 * 1024;

std::string RequestFor(const Url& url) {
  return "GET " + url.target + " HTTP/1.1\r\nHost: " + url.authority +
         "\r\nUser-Agent: eddy-http_get\r\nAccept: */*\r\n"
         "Connection: close\r\n\r\n";
}

Task<Result<void>> ReadResponse(eddy::net::TcpStream& stream,
                                const Limits& limits, Outcome& outcome) {
  ResponseParser parser(limits.head, limits.body);
  std::vector<std::byte> buffer(kBuffer);
  TimePoint deadline = After(Clock::now(), limits.phase);
  while (!parser.complete()) {
    EDDY_CO_TRY(const std::size_t n,
                co_await WithDeadline(deadline, stream.Read(buffer)));
    const Result<void> parsed =
        n == 0 ? parser.Finish() : parser.Feed(std::span(buffer).first(n));
    outcome.status = parser.status();
    outcome.size = parser.body_size();
    if (!parsed) co_return parsed;
    if (parser.in_body()) {
      outcome.phase = "reading the body";
      deadline = After(Clock::now(), limits.phase);
    }
  }
  co_return Result<void>();
}

Task<Result<void>> Get(const Url& url, const Limits& limits, Outcome& outcome) {
  outcome.phase = "connecting";
  eddy::net::ConnectOptions options;
  options.timeout = limits.phase;
  EDDY_CO_TRY(eddy::net::TcpStream stream,
              co_await eddy::net::Connect(url.host, url.port, options));
  outcome.phase = "sending the request";
  const std::string request = RequestFor(url);
  EDDY_CO_CHECK(co_await WithTimeout(
      limits.phase, stream.Write(std::as_bytes(std::span(request)))));
  outcome.phase = "waiting for the answer";
  EDDY_CO_CHECK(co_await ReadResponse(stream, limits, outcome));
  co_return co_await stream.Close();
}

}  // namespace

Task<Outcome> Fetch(Url url, Limits limits) {
  Outcome outcome;
  const TimePoint start = Clock::now();
  const Result<void> done =
      co_await WithTimeout(limits.total, Get(url, limits, outcome));
  if (!done) outcome.error = done.error();
  outcome.time = Clock::now() - start;
  co_return outcome;
}

}  // namespace http_get
