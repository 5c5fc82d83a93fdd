#include <eddy/io/buffered_reader.h>

#include "tests/io/io_test_util.h"

#include <eddy/io/close.h>
#include <eddy/io/fd_source.h>
#include <eddy/io/testing/duplex.h>
#include <eddy/runtime/testing/sweep.h>
#include <eddy/runtime/testing/virtual_clock.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/with_stop.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sweeps.h"

namespace eddy::io_test {
namespace {

using Reader = io::BufferedReader<io::DuplexEnd>;
static_assert(io::ByteSource<Reader>);

// The other end has written this, and no more.
Task<void> Provide(io::Duplex& duplex, std::string_view text) {
  CO_EXPECT_OK(co_await duplex.a().Write(Bytes(text)));
  CO_EXPECT_OK(co_await duplex.a().Shutdown());
}

CO_TEST(BufferedReaderTest, ReadsLinesThatEndInLfOrCrlf) {
  io::Duplex duplex;
  co_await Provide(duplex, "one\ntwo\r\n\n\r\n\rthree\r\r\nrest");
  Reader reader(duplex.b());
  constexpr std::string_view kLines[] = {"one", "two", "", "", "\rthree\r"};
  for (const std::string_view line : kLines) {
    CO_EXPECT_EQ(co_await reader.ReadLine(), line);
  }
  CO_EXPECT_ERROR(co_await reader.ReadLine(), kEndOfStream);
  // What no line end came for is there, and stays.
  CO_EXPECT_ERROR(co_await reader.ReadLine(), kEndOfStream);
  EXPECT_EQ(Text(reader.buffered()), "rest");
}

CO_TEST(BufferedReaderTest, ReadsTheSameInPartsOfAnySize) {
  const std::string text = "a\r\n" + std::string(50, 'b') + "\r\n\r\nlast\n";
  for (std::size_t part = 1; part <= text.size(); ++part) {
    for (const std::size_t capacity : {52U, 53U, 64U, 1000U}) {
      io::Duplex duplex;
      duplex.b().script().max_read = part;
      co_await Provide(duplex, text);
      Reader reader(duplex.b(), capacity);
      CO_EXPECT_EQ(co_await reader.ReadLine(), "a") << part;
      CO_EXPECT_EQ(co_await reader.ReadLine(), std::string(50, 'b')) << part;
      CO_EXPECT_EQ(co_await reader.ReadLine(), "") << part;
      CO_EXPECT_EQ(co_await reader.ReadLine(), "last") << part;
      CO_EXPECT_ERROR(co_await reader.ReadLine(), kEndOfStream) << part;
      EXPECT_TRUE(reader.buffered().empty());
    }
  }
}

CO_TEST(BufferedReaderTest, FindsADelimiterThatComesInParts) {
  io::Duplex duplex;
  duplex.b().script().max_read = 1;
  co_await Provide(duplex, "a: b\r\n\r\r\n\r\nbody");
  Reader reader(duplex.b());
  const Result<std::span<const std::byte>> head =
      co_await reader.ReadUntil("\r\n\r\n");
  CO_ASSERT_OK(head);
  EXPECT_EQ(Text(*head), "a: b\r\n\r\r\n\r\n");
  const Result<std::span<const std::byte>> none =
      co_await reader.ReadUntil("\r\n\r\n");
  CO_EXPECT_ERROR(none, kEndOfStream);
  EXPECT_EQ(Text(reader.buffered()), "body");
}

CO_TEST(BufferedReaderTest, ALineLongerThanTheLimitIsAnErrorAndNothingIsLost) {
  for (const std::size_t part : {1U, 3U, 100U}) {
    io::Duplex duplex;
    duplex.b().script().max_read = part;
    co_await Provide(duplex, "1234567\n12345678\nok\n");
    Reader reader(duplex.b());
    CO_EXPECT_EQ(co_await reader.ReadLine(8), "1234567");
    CO_EXPECT_ERROR(co_await reader.ReadLine(8), std::errc::message_size);
    CO_EXPECT_ERROR(co_await reader.ReadLine(8), std::errc::message_size);
    CO_EXPECT_EQ(co_await reader.ReadLine(9), "12345678");
    CO_EXPECT_EQ(co_await reader.ReadLine(), "ok");
  }
}

CO_TEST(BufferedReaderTest, ALineThatDoesNotFitTheBufferIsAnError) {
  io::Duplex duplex;
  co_await Provide(duplex, "0123456789\nnext\n");
  Reader reader(duplex.b(), 8);
  CO_EXPECT_ERROR(co_await reader.ReadLine(), std::errc::message_size);
  CO_EXPECT_ERROR(co_await reader.Fill(), std::errc::message_size);
  EXPECT_EQ(Text(reader.buffered()), "01234567");
  // What is in the way can be dropped.
  reader.Consume(8);
  CO_EXPECT_EQ(co_await reader.ReadLine(), "89");
  CO_EXPECT_EQ(co_await reader.ReadLine(), "next");
}

CO_TEST(BufferedReaderTest, PeekConsumesNothing) {
  io::Duplex duplex;
  duplex.b().script().max_read = 2;
  co_await Provide(duplex, "0123456789");
  Reader reader(duplex.b(), 8);
  const Result<std::span<const std::byte>> five = co_await reader.Peek(5);
  CO_ASSERT_OK(five);
  EXPECT_EQ(Text(*five), "012345");
  reader.Consume(4);
  // Those that are left move to make room.
  const Result<std::span<const std::byte>> six = co_await reader.Peek(6);
  CO_ASSERT_OK(six);
  EXPECT_EQ(Text(*six), "456789");
  CO_EXPECT_ERROR(co_await reader.Peek(7), kEndOfStream);
  CO_EXPECT_ERROR(co_await reader.Peek(9), std::errc::message_size);
  EXPECT_EQ(Text(reader.buffered()), "456789");
  const Result<std::span<const std::byte>> nothing = co_await reader.Peek(0);
  CO_ASSERT_OK(nothing);
  EXPECT_EQ(Text(*nothing), "456789");
}

CO_TEST(BufferedReaderTest, ReadGivesWhatIsBufferedFirst) {
  io::Duplex duplex;
  co_await Provide(duplex, "line\nand more than the buffer takes");
  Reader reader(duplex.b(), 8);
  CO_EXPECT_EQ(co_await reader.ReadLine(), "line");
  std::array<std::byte, 64> buffer;
  CO_EXPECT_EQ(co_await reader.Read({}), 0U);
  CO_EXPECT_EQ(co_await reader.Read(std::span(buffer).first(2)), 2U);
  CO_EXPECT_EQ(co_await reader.Read(std::span(buffer).subspan(2)), 1U);
  // Straight from the source.
  CO_EXPECT_EQ(co_await reader.Read(std::span(buffer).subspan(3)), 27U);
  EXPECT_EQ(Text(std::span(buffer).first(30)),
            "and more than the buffer takes");
  CO_EXPECT_EQ(co_await reader.Read(buffer), 0U);
  CO_EXPECT_EQ(co_await reader.Fill(), 0U);
}

CO_TEST(BufferedReaderTest, ReadExactlyFillsMoreThanTheBuffer) {
  io::Duplex duplex;
  duplex.b().script().max_read = 5;
  const std::vector<std::byte> data = Pattern(100);
  co_await Provide(duplex, Text(data));
  Reader reader(duplex.b(), 8);
  CO_EXPECT_OK(co_await reader.Peek(3));
  std::vector<std::byte> got(90);
  std::size_t transferred = 0;
  CO_EXPECT_OK(co_await reader.ReadExactly(got, &transferred));
  EXPECT_EQ(transferred, 90U);
  EXPECT_EQ(Text(got), Text(data).substr(0, 90));
  CO_EXPECT_ERROR(co_await reader.ReadExactly(got, &transferred), kEndOfStream);
  EXPECT_EQ(transferred, 10U);
  EXPECT_EQ(Text(std::span(got).first(10)), Text(data).substr(90));
}

CO_TEST(BufferedReaderTest, ALineThatTimedOutCanBeReadAgain) {
  const VirtualClock clock;
  io::Duplex duplex;
  Reader reader(duplex.b());
  CO_EXPECT_OK(co_await duplex.a().Write(Bytes("begun")));
  CO_EXPECT_ERROR(co_await WithTimeout(1s, reader.ReadLine()), kTimedOut);
  EXPECT_EQ(Text(reader.buffered()), "begun");
  CO_EXPECT_OK(co_await duplex.a().Write(Bytes(" and ended\nnext\nmore")));
  CO_EXPECT_EQ(co_await reader.ReadLine(), "begun and ended");
  // Also where it is stopped: what is there is given, and more is not read.
  StopSource source;
  source.RequestStop();
  CO_EXPECT_EQ(co_await WithStop(source.token(), reader.ReadLine()), "next");
  CO_EXPECT_ERROR(co_await WithStop(source.token(), reader.ReadLine()),
                  kCanceled);
  EXPECT_EQ(Text(reader.buffered()), "more");
}

CO_TEST(BufferedReaderTest, PassesErrorsOnAndKeepsWhatCameBefore) {
  io::Duplex duplex;
  CO_EXPECT_OK(co_await duplex.a().Write(Bytes("0123456789")));
  duplex.b().script().read_limit = 4;
  duplex.b().script().read_error = std::errc::connection_reset;
  Reader reader(duplex.b());
  CO_EXPECT_ERROR(co_await reader.ReadLine(), std::errc::connection_reset);
  CO_EXPECT_ERROR(co_await reader.Peek(5), std::errc::connection_reset);
  EXPECT_EQ(Text(reader.buffered()), "0123");
}

CO_TEST(BufferedReaderTest, ReadsLinesOfAFileAndOfAPipe) {
  const io::Fd file = AnonymousFile("first\nsecond\n");
  IO_TEST_CHECK(lseek(file.get(), 0, SEEK_SET));
  io::FdSource contents(file);
  io::BufferedReader lines(contents);
  CO_EXPECT_EQ(co_await lines.ReadLine(), "first");
  CO_EXPECT_EQ(co_await lines.ReadLine(), "second");
  CO_EXPECT_ERROR(co_await lines.ReadLine(), kEndOfStream);

  Pipe pipe;
  io::FdSource output(pipe.reader);
  io::BufferedReader reader(output);
  Put(pipe.writer, "from a pi");
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, reader.ReadLine()), kTimedOut);
  Put(pipe.writer, "pe\n");
  CO_EXPECT_EQ(co_await reader.ReadLine(), "from a pipe");
  CO_ASSERT_OK(co_await pipe.writer.Close());
  CO_EXPECT_ERROR(co_await reader.ReadLine(), kEndOfStream);
}

CO_TEST(BufferedReaderTest, MovesWithWhatItHolds) {
  io::Duplex duplex;
  co_await Provide(duplex, "one\ntwo\nthree\n");
  Reader first(duplex.b());
  CO_EXPECT_EQ(co_await first.ReadLine(), "one");
  Reader second(std::move(first));
  CO_EXPECT_EQ(co_await second.ReadLine(), "two");
  first = std::move(second);
  CO_EXPECT_EQ(co_await first.ReadLine(), "three");
}

// Lines whose parts come late, read under a stop: what was read and what is
// left are all there was, wherever it is stopped.
Task<Result<void>> Lines() {
  const VirtualClock clock;
  io::Duplex duplex(8);
  duplex.a().script().max_write = 5;
  duplex.b().script().max_read = 3;
  const std::string text = "one\r\ntwo\r\na longer line\r\nlast\r\n";
  std::string got;
  Reader reader(duplex.b(), 20);
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([&]() -> Task<Result<void>> {
      co_return co_await duplex.a().Write(Bytes(text));
    });
    while (got.size() < text.size()) {
      Result<std::string_view> line =
          co_await WithTimeout(1s, reader.ReadLine());
      if (!line) co_return Unexpected(line.error());
      got += std::string(*line) + "\r\n";
    }
    co_return Result<void>();
  };
  const Result<void> result = co_await WithScope(body);
  EXPECT_EQ(got + Text(reader.buffered()),
            text.substr(0, duplex.b().bytes_read()));
  co_return result;
}

TEST(BufferedReaderTest, LosesNothingStoppedAtEveryPoint) {
  const SweepReport report = StopAtEveryPoint(Lines);
  EXPECT_EQ(report.failure, "");
  EXPECT_GE(report.points, 20U);
}

// The same with the kernel's own reads, which fail too.
Task<Result<void>> LinesOfAPipe() {
  const Pipe pipe;
  const std::string text = "one\ntwo and\nthree\n";
  io::FdSource source(pipe.reader);
  io::BufferedReader reader(source, 16);
  std::string got;
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([&]() -> Task<void> {
      for (std::size_t i = 0; i < text.size(); i += 5) {
        co_await Turn();
        Put(pipe.writer, text.substr(i, 5));
      }
    });
    while (got.size() < text.size()) {
      EDDY_CO_TRY(const std::string_view line, co_await reader.ReadLine());
      got += std::string(line) + "\n";
    }
    co_return Result<void>();
  };
  const Result<void> result = co_await WithScope(body);
  const std::string all = got + Text(reader.buffered()) + Drain(pipe.reader);
  EXPECT_EQ(all, text.substr(0, all.size()));
  co_return result;
}

TEST(BufferedReaderTest, LosesNothingOfAPipeStoppedOrFailedAtEveryPoint) {
  test::ExpectCleanSweeps(LinesOfAPipe, {.stops = 10, .failures = 3});
}

TEST(BufferedReaderDeathTest, MisuseAborts) {
  io::Duplex duplex;
  Reader reader(duplex.b());
  EXPECT_DEATH(reader.Consume(1), "consume no more than buffered");
  EXPECT_DEATH(Reader(duplex.b(), 0), "has no bytes");
  const auto empty = [&]() -> Task<void> {
    static_cast<void>(co_await reader.ReadUntil(""));
  };
  EXPECT_DEATH(SyncWait(empty()), "empty delimiter");
}

}  // namespace
}  // namespace eddy::io_test
