#include <eddy/io/testing/duplex.h>

#include "tests/io/io_test_util.h"

#include <eddy/runtime/testing/sweep.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <array>
#include <string>
#include <vector>

namespace eddy::io_test {
namespace {

// Reads to the end, with a buffer of this size.
Task<Result<std::string>> ReadAll(io::DuplexEnd& end, std::size_t size = 64) {
  std::vector<std::byte> buffer(size);
  std::string all;
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await end.Read(buffer));
    if (n == 0) co_return all;
    all += Text(std::span(buffer).first(n));
  }
}

CO_TEST(DuplexTest, CarriesBytesBothWaysInOrder) {
  io::Duplex duplex;
  CO_EXPECT_OK(co_await duplex.a().Write(Bytes("hello, ")));
  CO_EXPECT_OK(co_await duplex.a().Write(Bytes("world")));
  CO_EXPECT_OK(co_await duplex.b().Write(Bytes("back")));
  CO_EXPECT_OK(co_await duplex.a().Shutdown());
  CO_EXPECT_OK(co_await duplex.b().Shutdown());
  CO_EXPECT_EQ(co_await ReadAll(duplex.b()), "hello, world");
  CO_EXPECT_EQ(co_await ReadAll(duplex.a()), "back");
  EXPECT_EQ(duplex.a().bytes_written(), 12U);
  EXPECT_EQ(duplex.b().bytes_read(), 12U);
  // The end stays the end.
  std::array<std::byte, 4> buffer;
  CO_EXPECT_EQ(co_await duplex.b().Read(buffer), 0U);
}

CO_TEST(DuplexTest, WriteWaitsWhereTheCapacityIsUsedUp) {
  io::Duplex duplex(10);
  const std::vector<std::byte> data = Pattern(1000);
  bool written = false;
  std::string got;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await duplex.a().Write(data));
      written = true;
      CO_EXPECT_OK(co_await duplex.a().Shutdown());
    });
    for (int i = 0; i < 20; ++i) co_await Turn();
    EXPECT_FALSE(written);
    EXPECT_EQ(duplex.a().bytes_written(), 10U);
    const Result<std::string> all = co_await ReadAll(duplex.b(), 7);
    CO_ASSERT_OK(all);
    got = *all;
  });
  EXPECT_EQ(got, Text(data));
}

CO_TEST(DuplexTest, ReadWaitsForBytes) {
  io::Duplex duplex;
  std::array<std::byte, 8> buffer;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      co_await Turn();
      CO_EXPECT_OK(co_await duplex.a().Write(Bytes("late")));
    });
    CO_EXPECT_EQ(co_await duplex.b().Read(buffer), 4U);
  });
  EXPECT_EQ(Text(std::span(buffer).first(4)), "late");
}

CO_TEST(DuplexTest, AStopConsumesNothing) {
  io::Duplex duplex(4);
  std::array<std::byte, 8> buffer;
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, duplex.b().Read(buffer)),
                  kTimedOut);
  std::size_t written = 99;
  CO_EXPECT_ERROR(
      co_await WithTimeout(1ms, duplex.a().Write(Bytes("too long"), &written)),
      kTimedOut);
  EXPECT_EQ(written, 4U);
  StopSource source;
  source.RequestStop();
  CO_EXPECT_ERROR(co_await WithStop(source.token(), duplex.b().Read(buffer)),
                  kCanceled);
  CO_EXPECT_ERROR(co_await WithStop(source.token(), duplex.a().Shutdown()),
                  kCanceled);
  EXPECT_FALSE(duplex.a().shut_down());
  CO_EXPECT_EQ(co_await duplex.b().Read(buffer), 4U);
  EXPECT_EQ(Text(std::span(buffer).first(4)), "too ");
}

CO_TEST(DuplexTest, TheScriptShortensTransfers) {
  io::Duplex duplex;
  duplex.a().script().max_write = 3;
  duplex.b().script().max_read = 2;
  std::array<std::byte, 8> buffer;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await duplex.a().Write(Bytes("0123456")));
    });
    std::string got;
    while (got.size() < 7) {
      const Result<std::size_t> n = co_await duplex.b().Read(buffer);
      CO_ASSERT_OK(n);
      EXPECT_LE(*n, 2U);
      got += Text(std::span(buffer).first(*n));
    }
    EXPECT_EQ(got, "0123456");
  });
}

CO_TEST(DuplexTest, TheScriptEndsAndFailsReads) {
  io::Duplex duplex;
  CO_EXPECT_OK(co_await duplex.a().Write(Bytes("0123456789")));
  duplex.b().script().read_limit = 4;
  CO_EXPECT_EQ(co_await ReadAll(duplex.b()), "0123");
  duplex.b().script().read_error = std::errc::connection_reset;
  CO_EXPECT_ERROR(co_await ReadAll(duplex.b()), std::errc::connection_reset);
  duplex.b().script().read_limit = io::DuplexScript::kNever;
  CO_EXPECT_OK(co_await duplex.a().Shutdown());
  CO_EXPECT_EQ(co_await ReadAll(duplex.b()), "456789");
}

CO_TEST(DuplexTest, TheScriptFailsWritesAndShutdown) {
  io::Duplex duplex;
  duplex.a().script().write_limit = 4;
  std::size_t written = 99;
  CO_EXPECT_ERROR(co_await duplex.a().Write(Bytes("0123456789"), &written),
                  std::errc::broken_pipe);
  EXPECT_EQ(written, 4U);
  duplex.a().script().shutdown_error = std::errc::not_connected;
  CO_EXPECT_ERROR(co_await duplex.a().Shutdown(), std::errc::not_connected);
  duplex.a().script().shutdown_error.reset();
  CO_EXPECT_OK(co_await duplex.a().Shutdown());
  CO_EXPECT_EQ(co_await ReadAll(duplex.b()), "0123");
}

CO_TEST(DuplexTest, ADelayIsThatOfTheClock) {
  const VirtualClock clock;
  io::Duplex duplex;
  duplex.a().script().delay = 10s;
  const TimePoint start = Clock::now();
  std::array<std::byte, 8> buffer;
  CO_EXPECT_OK(co_await duplex.a().Write(Bytes("first")));
  CO_EXPECT_OK(co_await Sleep(3s));
  CO_EXPECT_OK(co_await duplex.a().Write(Bytes("second")));
  CO_EXPECT_OK(co_await duplex.a().Shutdown());
  EXPECT_EQ(Clock::now() - start, 3s);
  CO_EXPECT_EQ(co_await duplex.b().Read(buffer), 5U);
  EXPECT_EQ(Clock::now() - start, 10s);
  CO_EXPECT_ERROR(co_await WithTimeout(1s, duplex.b().Read(buffer)), kTimedOut);
  CO_EXPECT_EQ(co_await duplex.b().Read(buffer), 6U);
  EXPECT_EQ(Clock::now() - start, 13s);
  CO_EXPECT_EQ(co_await duplex.b().Read(buffer), 0U);
}

CO_TEST(DuplexTest, AClosedEndIsSeenByTheOther) {
  io::Duplex duplex(4);
  CO_EXPECT_OK(co_await duplex.a().Write(Bytes("bye")));
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      std::size_t written = 99;
      CO_EXPECT_ERROR(
          co_await duplex.b().Write(Bytes("is anyone there"), &written),
          std::errc::broken_pipe);
      EXPECT_EQ(written, 4U);
    });
    co_await Turn();
    duplex.a().Close();
  });
  CO_EXPECT_EQ(co_await ReadAll(duplex.b()), "bye");
  std::array<std::byte, 4> buffer;
  CO_EXPECT_ERROR(co_await duplex.a().Read(buffer),
                  std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(co_await duplex.a().Write(Bytes("x")),
                  std::errc::bad_file_descriptor);
}

CO_TEST(DuplexTest, AResetFailsWhatWaits) {
  io::Duplex duplex;
  std::array<std::byte, 4> buffer;
  CO_EXPECT_OK(co_await duplex.b().Write(Bytes("lost")));
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_ERROR(co_await duplex.b().Read(buffer),
                      std::errc::connection_reset);
    });
    co_await Turn();
    duplex.a().Reset();
  });
  CO_EXPECT_ERROR(co_await duplex.a().Read(buffer),
                  std::errc::connection_reset);
  CO_EXPECT_ERROR(co_await duplex.b().Write(Bytes("x")),
                  std::errc::connection_reset);
  CO_EXPECT_ERROR(co_await duplex.b().Shutdown(), std::errc::not_connected);
}

// A stop at any point loses nothing: what one wrote, the other has or can read.
Task<Result<void>> ThroughADuplex() {
  const VirtualClock clock;
  io::Duplex duplex(16);
  duplex.a().script().max_write = 10;
  duplex.a().script().delay = 1ms;
  duplex.b().script().max_read = 7;
  const std::vector<std::byte> data = Pattern(100);
  std::string got;
  const auto writes = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await duplex.a().Write(data));
    co_return co_await duplex.a().Shutdown();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(writes);
    std::array<std::byte, 8> buffer;
    while (true) {
      EDDY_CO_TRY(const std::size_t n, co_await duplex.b().Read(buffer));
      if (n == 0) co_return Result<void>();
      got += Text(std::span(buffer).first(n));
    }
  };
  const Result<void> result = co_await WithScope(body);
  EXPECT_EQ(got.size(), duplex.b().bytes_read());
  EXPECT_EQ(got, Text(data).substr(0, got.size()));
  if (result) {
    EXPECT_EQ(got, Text(data));
  }
  co_return result;
}

TEST(DuplexTest, StopsCleanlyAtEveryPoint) {
  const SweepReport report = StopAtEveryPoint(ThroughADuplex);
  EXPECT_EQ(report.failure, "");
  EXPECT_GE(report.points, 20U);
}

Task<void> ReadsTwice() {
  io::Duplex duplex;
  std::array<std::byte, 4> buffer;
  const auto reads = [&]() -> Task<void> {
    static_cast<void>(co_await duplex.a().Read(buffer));
  };
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn(reads);
    scope.Spawn(reads);
    co_return;
  });
}

TEST(DuplexDeathTest, TwoReadsAtATimeAreMisuse) {
  EXPECT_DEATH(SyncWait(ReadsTwice()), "two reads or two writes at a time");
}

Task<void> ClosesWhatReads() {
  io::Duplex duplex;
  std::array<std::byte, 4> buffer;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      static_cast<void>(co_await duplex.a().Read(buffer));
    });
    co_await Turn();
    duplex.a().Close();
  });
}

TEST(DuplexDeathTest, ClosingAnEndThatReadsIsMisuse) {
  EXPECT_DEATH(SyncWait(ClosesWhatReads()), "closed while a read or a write");
}

}  // namespace
}  // namespace eddy::io_test
