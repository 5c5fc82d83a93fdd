#include <eddy/io/read_exactly.h>

#include "tests/io/io_test_util.h"

#include <eddy/io/close.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <array>

namespace eddy::io_test {
namespace {

CO_TEST(ReadExactlyTest, FillsTheBufferFromParts) {
  const Pipe pipe;
  std::array<std::byte, 10> buffer;
  std::size_t transferred = 99;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (const char* part : {"01", "2345", "6", "789+rest"}) {
        co_await Turn();
        Put(pipe.writer, part);
      }
    });
    CO_EXPECT_OK(co_await io::ReadExactly(pipe.reader, buffer, &transferred));
  });
  EXPECT_EQ(Text(buffer), "0123456789");
  EXPECT_EQ(transferred, 10U);
  EXPECT_EQ(Drain(pipe.reader), "+rest");
}

CO_TEST(ReadExactlyTest, ReadsNothingForAnEmptyBuffer) {
  const Pipe pipe;
  std::size_t transferred = 99;
  const std::uint64_t before = Submitted();
  CO_EXPECT_OK(co_await io::ReadExactly(pipe.reader, {}, &transferred));
  EXPECT_EQ(transferred, 0U);
  EXPECT_EQ(Submitted(), before);
}

CO_TEST(ReadExactlyTest, TellsOfAStreamThatEndsBefore) {
  Pipe pipe;
  Put(pipe.writer, "012");
  CO_ASSERT_OK(co_await pipe.writer.Close());
  std::array<std::byte, 10> buffer;
  buffer.fill(kUntouched);
  std::size_t transferred = 99;
  CO_EXPECT_ERROR(co_await io::ReadExactly(pipe.reader, buffer, &transferred),
                  kEndOfStream);
  EXPECT_EQ(transferred, 3U);
  EXPECT_EQ(Text(std::span(buffer).first(3)), "012");
  EXPECT_TRUE(IsUntouched(std::span(buffer).subspan(3)));
}

CO_TEST(ReadExactlyTest, TellsWhatItHasWhereStopped) {
  const Pipe pipe;
  Put(pipe.writer, "01234");
  std::array<std::byte, 10> buffer;
  buffer.fill(kUntouched);
  std::size_t transferred = 99;
  CO_EXPECT_ERROR(co_await WithTimeout(
                      1ms, io::ReadExactly(pipe.reader, buffer, &transferred)),
                  kTimedOut);
  EXPECT_EQ(transferred, 5U);
  EXPECT_EQ(Text(std::span(buffer).first(5)), "01234");
  EXPECT_TRUE(IsUntouched(std::span(buffer).subspan(5)));
  // Nothing is lost: the rest follows.
  Put(pipe.writer, "56789");
  CO_EXPECT_OK(
      co_await io::ReadExactly(pipe.reader, std::span(buffer).subspan(5)));
  EXPECT_EQ(Text(buffer), "0123456789");
}

CO_TEST(ReadExactlyTest, PassesErrorsOn) {
  std::array<std::byte, 10> buffer;
  std::size_t transferred = 99;
  CO_EXPECT_ERROR(co_await io::ReadExactly(io::Fd(), buffer, &transferred),
                  std::errc::bad_file_descriptor);
  EXPECT_EQ(transferred, 0U);
}

}  // namespace
}  // namespace eddy::io_test
