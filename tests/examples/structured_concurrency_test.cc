// How a service is tested: the listings of docs/structured_concurrency.md.
#include <eddy/io/read_exactly.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/co_test.h>
#include <eddy/runtime/testing/sweep.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/timer.h>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace eddy {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals

// --- The service -------------------------------------------------------------

// Sends back every line of a client, until it closes. kTimedOut where the
// client neither sends nor takes anything for as long as `idle`.
Task<Result<void>> EchoLines(net::TcpStream client, Duration idle) {
  std::array<std::byte, 256> buffer;
  std::string line;
  while (true) {
    EDDY_CO_TRY(const std::size_t n,
                co_await WithTimeout(idle, client.Read(buffer)));
    if (n == 0) co_return Result<void>();
    for (const std::byte byte : std::span(buffer).first(n)) {
      line += static_cast<char>(byte);
      if (line.back() != '\n') continue;
      const auto answer = std::as_bytes(std::span(line));
      EDDY_CO_CHECK(co_await WithTimeout(idle, client.Write(answer)));
      line.clear();
    }
  }
}

// --- What it is tested with --------------------------------------------------

// Two ends of a connection that is there at once.
struct Ends {
  net::TcpStream server;
  net::TcpStream client;
};

Result<Ends> Connected() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return Ends{net::TcpStream(io::Fd(fds[0])), net::TcpStream(io::Fd(fds[1]))};
}

// A client that asks once, wants the same answer, and closes.
Task<Result<void>> AskOnce(net::TcpStream stream, std::string question) {
  EDDY_CO_CHECK(co_await stream.Write(std::as_bytes(std::span(question))));
  std::string answer(question.size(), '\0');
  const auto buffer = std::as_writable_bytes(std::span(answer));
  EDDY_CO_CHECK(co_await io::ReadExactly(stream.fd(), buffer));
  if (answer != question) co_return Unexpected(std::errc::protocol_error);
  co_return co_await stream.Close();
}

// --- Tests -------------------------------------------------------------------

CO_TEST(EchoLinesTest, SendsBackEachLine) {
  Result<Ends> ends = Connected();
  CO_ASSERT_OK(ends);
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(EchoLines(std::move(ends->server), 30s));
    co_return co_await AskOnce(std::move(ends->client), "one\ntwo\n");
  };
  CO_EXPECT_OK(co_await WithScope(body));
}

CO_TEST(EchoLinesTest, EndsWhereTheClientIsSilent) {
  const VirtualClock clock;
  const TimePoint start = Clock::now();
  Result<Ends> ends = Connected();
  CO_ASSERT_OK(ends);
  CO_EXPECT_ERROR(co_await EchoLines(std::move(ends->server), 30s), kTimedOut);
  EXPECT_EQ(Clock::now() - start, 30s);
}

// A server and a client, from start to end.
Task<Result<void>> Conversation() {
  EDDY_CO_TRY(Ends ends, Connected());
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(EchoLines(std::move(ends.server), 30s));
    co_return co_await AskOnce(std::move(ends.client), "one\ntwo\n");
  };
  co_return co_await WithScope(body);
}

TEST(EchoLinesTest, LeavesNothingBehindWhereverItIsStopped) {
  const SweepReport report = StopAtEveryPoint(Conversation);
  EXPECT_EQ(report.failure, "");
  EXPECT_GT(report.points, 5u);
}

TEST(EchoLinesTest, LeavesNothingBehindWhicheverOperationFails) {
  EXPECT_EQ(FailAtEveryPoint(Conversation).failure, "");
  // And where what fails says that it takes no more.
  SweepOptions options;
  options.fail_with = std::errc::no_buffer_space;
  EXPECT_EQ(FailAtEveryPoint(Conversation, options).failure, "");
}

}  // namespace
}  // namespace eddy
