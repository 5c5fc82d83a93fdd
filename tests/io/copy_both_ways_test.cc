#include <eddy/io/copy_both_ways.h>

#include "tests/io/io_test_util.h"

#include <eddy/io/testing/duplex.h>
#include <eddy/runtime/testing/sweep.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timeout.h>

#include <array>
#include <string>
#include <vector>

namespace eddy::io_test {
namespace {

// A client and a server with a proxy between them.
struct Proxied {
  explicit Proxied(std::size_t capacity = io::Duplex::kDefaultCapacity)
      : near(capacity), far(capacity) {}

  io::DuplexEnd& client() { return near.a(); }
  io::DuplexEnd& server() { return far.b(); }
  Task<Result<void>> Copy() {
    return io::CopyBothWays(near.b(), far.a(), &counts, 100);
  }

  io::Duplex near;
  io::Duplex far;
  io::CopyCounts counts;
};

Task<Result<std::string>> ReadAll(io::DuplexEnd& end) {
  std::array<std::byte, 64> buffer;
  std::string all;
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await end.Read(buffer));
    if (n == 0) co_return all;
    all += Text(std::span(buffer).first(n));
  }
}

Task<void> WriteAndEnd(io::DuplexEnd& end, std::span<const std::byte> data) {
  CO_EXPECT_OK(co_await end.Write(data));
  CO_EXPECT_OK(co_await end.Shutdown());
}

CO_TEST(CopyBothWaysTest, CopiesBothDirectionsAtOnce) {
  Proxied proxied(64);
  const std::vector<std::byte> request = Pattern(10'000, 1);
  const std::vector<std::byte> answer = Pattern(20'000, 2);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn(WriteAndEnd(proxied.client(), request));
    scope.Spawn(WriteAndEnd(proxied.server(), answer));
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_EQ(co_await ReadAll(proxied.server()), Text(request));
    });
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_EQ(co_await ReadAll(proxied.client()), Text(answer));
    });
    CO_EXPECT_OK(co_await proxied.Copy());
  });
  EXPECT_EQ(proxied.counts.a_to_b, request.size());
  EXPECT_EQ(proxied.counts.b_to_a, answer.size());
}

CO_TEST(CopyBothWaysTest, OneDirectionGoesOnAfterTheOtherHasEnded) {
  Proxied proxied;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> { CO_EXPECT_OK(co_await proxied.Copy()); });
    co_await WriteAndEnd(proxied.client(), Bytes("question"));
    // The end has come through, and the answer goes back all the same.
    CO_EXPECT_EQ(co_await ReadAll(proxied.server()), "question");
    EXPECT_FALSE(proxied.near.b().shut_down());
    CO_EXPECT_OK(co_await proxied.server().Write(Bytes("answer")));
    std::array<std::byte, 64> buffer;
    CO_EXPECT_EQ(co_await proxied.client().Read(buffer), 6U);
    EXPECT_EQ(proxied.counts.b_to_a, 6U);
    CO_EXPECT_OK(co_await proxied.server().Shutdown());
    CO_EXPECT_EQ(co_await proxied.client().Read(buffer), 0U);
  });
  EXPECT_EQ(proxied.counts.a_to_b, 8U);
  EXPECT_EQ(proxied.counts.b_to_a, 6U);
}

CO_TEST(CopyBothWaysTest, AnErrorOfOneEndEndsBothDirections) {
  Proxied proxied;
  proxied.near.b().script().read_limit = 3;
  proxied.near.b().script().read_error = std::errc::connection_reset;
  CO_EXPECT_OK(co_await proxied.client().Write(Bytes("question")));
  CO_EXPECT_ERROR(co_await proxied.Copy(), std::errc::connection_reset);
  EXPECT_EQ(proxied.counts.a_to_b, 3U);
  EXPECT_FALSE(proxied.far.a().shut_down());
  std::array<std::byte, 64> buffer;
  CO_EXPECT_EQ(co_await proxied.server().Read(buffer), 3U);
}

CO_TEST(CopyBothWaysTest, CountsWhatReachedAnEndThatBreaks) {
  Proxied proxied;
  proxied.far.a().script().write_limit = 5;
  CO_EXPECT_OK(co_await proxied.client().Write(Bytes("question")));
  CO_EXPECT_ERROR(co_await proxied.Copy(), std::errc::broken_pipe);
  EXPECT_EQ(proxied.counts.a_to_b, 5U);
  EXPECT_EQ(proxied.counts.b_to_a, 0U);
}

CO_TEST(CopyBothWaysTest, APeerThatIsGoneNeedsNoEnd) {
  Proxied proxied;
  proxied.far.a().script().shutdown_error = std::errc::not_connected;
  CO_EXPECT_OK(co_await proxied.client().Shutdown());
  CO_EXPECT_OK(co_await proxied.server().Write(Bytes("last words")));
  CO_EXPECT_OK(co_await proxied.server().Shutdown());
  CO_EXPECT_OK(co_await proxied.Copy());
  CO_EXPECT_EQ(co_await ReadAll(proxied.client()), "last words");
}

CO_TEST(CopyBothWaysTest, OtherFailuresToEndAreErrors) {
  Proxied proxied;
  proxied.far.a().script().shutdown_error = std::errc::io_error;
  CO_EXPECT_OK(co_await proxied.client().Shutdown());
  CO_EXPECT_ERROR(co_await proxied.Copy(), std::errc::io_error);
}

CO_TEST(CopyBothWaysTest, AStopEndsBothDirections) {
  const VirtualClock clock;
  Proxied proxied;
  CO_EXPECT_OK(co_await proxied.client().Write(Bytes("question")));
  CO_EXPECT_ERROR(co_await WithTimeout(1h, proxied.Copy()), kTimedOut);
  EXPECT_EQ(proxied.counts.a_to_b, 8U);
  EXPECT_FALSE(proxied.near.b().shut_down());
  EXPECT_FALSE(proxied.far.a().shut_down());
}

// Wherever it is stopped: what arrived is the beginning of what was sent, and
// is what was counted.
Task<Result<void>> AProxy() {
  const VirtualClock clock;
  Proxied proxied(30);
  proxied.near.b().script().max_read = 50;
  proxied.far.a().script().max_write = 20;
  proxied.far.a().script().delay = 1ms;
  const std::vector<std::byte> request = Pattern(200, 1);
  const std::vector<std::byte> answer = Pattern(150, 2);
  std::string at_server;
  std::string at_client;
  const auto sends =
      [](io::DuplexEnd& end,
         const std::vector<std::byte>& data) -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await end.Write(data));
    co_return co_await end.Shutdown();
  };
  const auto receives = [](io::DuplexEnd& end,
                           std::string& all) -> Task<Result<void>> {
    std::array<std::byte, 64> buffer;
    while (true) {
      EDDY_CO_TRY(const std::size_t n, co_await end.Read(buffer));
      if (n == 0) co_return Result<void>();
      all += Text(std::span(buffer).first(n));
    }
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(sends, std::ref(proxied.client()), std::cref(request));
    scope.Spawn(sends, std::ref(proxied.server()), std::cref(answer));
    scope.Spawn(receives, std::ref(proxied.client()), std::ref(at_client));
    scope.Spawn(receives, std::ref(proxied.server()), std::ref(at_server));
    co_return co_await proxied.Copy();
  };
  const Result<void> result = co_await WithScope(body);
  EXPECT_EQ(at_server, Text(request).substr(0, at_server.size()));
  EXPECT_EQ(at_client, Text(answer).substr(0, at_client.size()));
  EXPECT_EQ(proxied.counts.a_to_b, proxied.far.a().bytes_written());
  EXPECT_EQ(proxied.counts.b_to_a, proxied.near.b().bytes_written());
  if (result) {
    EXPECT_EQ(at_server.size(), request.size());
    EXPECT_EQ(at_client.size(), answer.size());
  }
  co_return result;
}

TEST(CopyBothWaysTest, CountsRightStoppedAtEveryPoint) {
  const SweepReport report = StopAtEveryPoint(AProxy);
  EXPECT_EQ(report.failure, "");
  EXPECT_GE(report.points, 40U);
}

// The same failing after each number of bytes, at each end, in each direction.
CO_TEST(CopyBothWaysTest, CountsRightWhereverAnEndFails) {
  const std::vector<std::byte> data = Pattern(60);
  for (std::uint64_t limit = 0; limit < data.size(); ++limit) {
    for (const bool reading : {true, false}) {
      Proxied proxied;
      if (reading) {
        proxied.near.b().script().read_limit = limit;
        proxied.near.b().script().read_error = std::errc::connection_reset;
      } else {
        proxied.far.a().script().write_limit = limit;
        proxied.far.a().script().write_error = std::errc::connection_reset;
      }
      CO_EXPECT_OK(co_await proxied.client().Write(data));
      CO_EXPECT_ERROR(co_await proxied.Copy(), std::errc::connection_reset);
      EXPECT_EQ(proxied.counts.a_to_b, limit);
      EXPECT_EQ(proxied.far.a().bytes_written(), limit);
    }
  }
}

}  // namespace
}  // namespace eddy::io_test
