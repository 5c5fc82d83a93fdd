#include <eddy/io/copy.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <eddy/io/close.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

namespace eddy::io_test {
namespace {

CO_TEST(CopyTest, CopiesAFileThroughAShortPipe) {
  const std::vector<std::byte> data = Pattern(300'000);
  const io::Fd from = AnonymousFile(Text(data));
  const Pipe pipe(4096);
  std::string received;
  std::uint64_t copied = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      while (received.size() < data.size()) {
        received += Drain(pipe.reader);
        co_await Turn();
      }
    });
    CO_EXPECT_EQ(co_await io::Copy(from, pipe.writer, &copied), data.size());
  });
  EXPECT_EQ(copied, data.size());
  EXPECT_EQ(received, Text(data));
}

CO_TEST(CopyTest, CopiesWithABufferOfAnySize) {
  const std::vector<std::byte> data = Pattern(1000);
  constexpr std::size_t kSizes[] = {1, 7, 999, 1000, 1001, 1 << 20};
  for (const std::size_t size : kSizes) {
    const io::Fd from = AnonymousFile(Text(data));
    const io::Fd to = AnonymousFile();
    CO_EXPECT_EQ(co_await io::Copy(from, to, nullptr, size), 1000U) << size;
    IO_TEST_CHECK(lseek(to.get(), 0, SEEK_SET));
    EXPECT_EQ(Drain(to), Text(data)) << size;
  }
}

CO_TEST(CopyTest, CopiesNothingOfAnEmptyStream) {
  const io::Fd from = AnonymousFile();
  const Pipe pipe;
  std::uint64_t copied = 99;
  CO_EXPECT_EQ(co_await io::Copy(from, pipe.writer, &copied), 0U);
  EXPECT_EQ(copied, 0U);
}

CO_TEST(CopyTest, LeavesBothEndsOpen) {
  Pipe in;
  const Pipe out;
  Put(in.writer, "first");
  CO_ASSERT_OK(co_await in.writer.Close());
  CO_EXPECT_EQ(co_await io::Copy(in.reader, out.writer), 5U);
  Put(out.writer, "+second");
  EXPECT_EQ(Drain(out.reader), "first+second");
}

CO_TEST(CopyTest, TellsWhatItCopiedWhereStopped) {
  const Pipe in;
  const Pipe out;
  Put(in.writer, "0123456789");
  std::uint64_t copied = 99;
  CO_EXPECT_ERROR(
      co_await WithTimeout(2ms, io::Copy(in.reader, out.writer, &copied)),
      kTimedOut);
  EXPECT_EQ(copied, 10U);
  EXPECT_EQ(Drain(out.reader), "0123456789");
}

CO_TEST(CopyTest, TellsWhatReachedAnEndThatTakesNoMore) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const std::vector<std::byte> data = Pattern(300'000);
  const io::Fd from = AnonymousFile(Text(data));
  const Pipe out(4096);
  std::uint64_t copied = 99;
  CO_EXPECT_ERROR(
      co_await WithTimeout(2ms, io::Copy(from, out.writer, &copied)),
      kTimedOut);
  EXPECT_EQ(copied, 4096U);
  EXPECT_EQ(Drain(out.reader), Text(std::span(data).first(4096)));
}

CO_TEST(CopyTest, PassesTheErrorsOfBothEndsOn) {
  const io::Fd from = AnonymousFile("0123456789");
  const io::Fd to = AnonymousFile();
  std::uint64_t copied = 99;
  CO_EXPECT_ERROR(co_await io::Copy(io::Fd(), to, &copied),
                  std::errc::bad_file_descriptor);
  EXPECT_EQ(copied, 0U);
  const io::Fd full(IO_TEST_CHECK(open("/dev/full", O_WRONLY | O_CLOEXEC)));
  copied = 99;
  CO_EXPECT_ERROR(co_await io::Copy(from, full, &copied),
                  std::errc::no_space_on_device);
  EXPECT_EQ(copied, 0U);
}

CO_TEST(CopyTest, RefusesToGoWithoutABuffer) {
  const io::Fd from = AnonymousFile("0123456789");
  const io::Fd to = AnonymousFile();
  CO_EXPECT_ERROR(co_await io::Copy(from, to, nullptr, 0),
                  std::errc::invalid_argument);
}

}  // namespace
}  // namespace eddy::io_test
