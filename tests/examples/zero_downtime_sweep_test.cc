// Two generations of zero_downtime and a client in one program, stopped and
// failed at every point of the hand-over.
#include <eddy/io/buffered_reader.h>
#include <eddy/net/tcp.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timer.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>

#include "examples/zero_downtime/process.h"
#include "tests/examples/silent_sweeps.h"
#include "tests/io/io_test_util.h"

namespace eddy::testing_examples {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::TempDir;

// The answer to a question over a connection of its own.
Task<Result<std::string>> Ask(net::SocketAddress server,
                              std::string_view question) {
  EDDY_CO_TRY(net::TcpStream stream, co_await net::TcpStream::Connect(server));
  EDDY_CO_CHECK(co_await stream.Write(Bytes(question)));
  io::BufferedReader reader(stream, 64);
  EDDY_CO_TRY(const std::string_view line, co_await reader.ReadLine());
  co_return std::string(line);
}

// Asks until the answer is this one: there is a moment before the first process
// listens, and one before the second has taken over.
Task<Result<void>> AskUntil(net::SocketAddress server,
                            std::string_view answer) {
  Result<std::string> got;
  for (int i = 0; i < 20; ++i) {
    got = co_await Ask(server, "hello\n");
    if (got && *got == answer) co_return Result<void>();
    EDDY_CO_CHECK(co_await Sleep(10ms));
  }
  co_return Unexpected(got ? Error(kWrong) : got.error());
}

Task<Result<void>> HandsOver(const TempDir& dir) {
  const VirtualClock clock;
  unlink((dir / "clients").c_str());
  zero_downtime::Options options;
  EDDY_CO_TRY(options.listen,
              net::SocketAddress::Parse("unix:" + (dir / "clients")));
  EDDY_CO_TRY(options.control,
              net::SocketAddress::Parse("unix:" + (dir / "control")));
  options.warm_up = 50ms;
  bool asked = false;
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    JoinHandle<Result<void>> first =
        scope.Spawn([&] { return zero_downtime::RunProcess(options); });
    EDDY_CO_CHECK(co_await AskUntil(options.listen, "ok 1 hello"));
    scope.Spawn([&] { return zero_downtime::RunProcess(options); });
    EDDY_CO_CHECK(co_await AskUntil(options.listen, "ok 2 hello"));
    EDDY_CO_CHECK(co_await first);
    asked = true;
    scope.RequestStop();
    co_return Result<void>();
  };
  const Result<void> ended = co_await WithScope(body);
  // The second one ends with the kCanceled of its stop.
  if (asked && !ended && ended.error() == kCanceled) co_return Result<void>();
  co_return ended;
}

TEST(ZeroDowntimeSweepTest, EndsCleanlyAtEveryPoint) {
  const TempDir dir;
  const auto scenario = [&] { return HandsOver(dir); };
  ExpectCleanWhenStopped(scenario, 100);
  ExpectCleanWhenFailed(scenario, 40);
}

}  // namespace
}  // namespace eddy::testing_examples
