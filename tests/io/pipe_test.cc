#include <eddy/io/pipe.h>

#include "tests/io/io_test_util.h"

#include <eddy/io/buffered_reader.h>
#include <eddy/io/copy.h>
#include <eddy/io/open_at.h>
#include <eddy/io/poll.h>
#include <eddy/runtime/timeout.h>

#include <sys/stat.h>

#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>

#include "tests/io/descriptor_limit.h"
#include "tests/sweeps.h"

namespace eddy::io_test {
namespace {

using test::ExpectCleanSweeps;

CO_TEST(PipeTest, CarriesBytesToTheEnd) {
  Result<io::Pipe> pipe = io::Pipe::Create();
  CO_ASSERT_OK(pipe);
  CO_EXPECT_OK(co_await pipe->writer.Write(Bytes("one\ntwo\n")));
  CO_EXPECT_OK(co_await pipe->writer.Shutdown());
  EXPECT_FALSE(pipe->writer.valid());
  io::BufferedReader<io::PipeReader> lines(pipe->reader);
  for (const char* line : {"one", "two"}) {
    const Result<std::string_view> got = co_await lines.ReadLine();
    CO_ASSERT_OK(got);
    EXPECT_EQ(*got, line);
  }
  CO_EXPECT_ERROR(co_await lines.ReadLine(), kEndOfStream);
}

CO_TEST(PipeTest, WritesMoreThanItHolds) {
  io::PipeOptions options;
  options.capacity = 4096;
  Result<io::Pipe> from = io::Pipe::Create(options);
  Result<io::Pipe> to = io::Pipe::Create();
  CO_ASSERT_OK(from);
  CO_ASSERT_OK(to);
  EXPECT_EQ(fcntl(from->reader.fd().get(), F_GETPIPE_SZ), 4096);
  const std::vector<std::byte> sent = Pattern(300'000);
  std::vector<std::byte> got;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await from->writer.Write(sent));
      CO_EXPECT_OK(co_await from->writer.Shutdown());
    });
    scope.Spawn([&]() -> Task<void> {
      CO_EXPECT_OK(co_await io::Copy(from->reader, to->writer));
      CO_EXPECT_OK(co_await to->writer.Shutdown());
    });
    std::vector<std::byte> part(5000);
    while (true) {
      const Result<std::size_t> n = co_await to->reader.Read(part);
      CO_ASSERT_OK(n);
      if (*n == 0) break;
      got.insert(got.end(), part.begin(),
                 part.begin() + static_cast<std::ptrdiff_t>(*n));
    }
  });
  EXPECT_EQ(got, sent);
}

CO_TEST(PipeTest, SaysHowMuchWasWrittenBeforeTheReaderLeft) {
  io::PipeOptions options;
  options.capacity = 4096;
  Result<io::Pipe> pipe = io::Pipe::Create(options);
  CO_ASSERT_OK(pipe);
  std::size_t written = 99;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      const std::vector<std::byte> data = Pattern(10'000);
      CO_EXPECT_ERROR(co_await pipe->writer.Write(data, &written),
                      std::errc::broken_pipe);
    });
    co_await Pause(1ms);
    CO_EXPECT_OK(co_await pipe->reader.Close());
  });
  EXPECT_GT(written, 0U);
  EXPECT_LE(written, 4096U);
}

CO_TEST(PipeTest, ItsEndsAreClosedOnExec) {
  Result<io::Pipe> pipe = io::Pipe::Create();
  CO_ASSERT_OK(pipe);
  for (const io::Fd* fd : {&pipe->reader.fd(), &pipe->writer.fd()}) {
    EXPECT_EQ(fcntl(fd->get(), F_GETFD), FD_CLOEXEC);
  }
}

CO_TEST(PipeTest, GivesTheErrorsOfTheSystemCalls) {
  io::PipeOptions options;
  options.capacity = std::numeric_limits<std::size_t>::max();
  CO_EXPECT_ERROR(io::Pipe::Create(options), std::errc::invalid_argument);
  EDDY_CO_SKIP_WHERE_DESCRIPTORS_ARE_NEEDED();
  const DescriptorLimit limit(1);
  CO_EXPECT_ERROR(io::Pipe::Create(), std::errc::too_many_files_open);
}

CO_TEST(PipeTest, WithoutDescriptorAllAnswerEbadf) {
  io::PipeReader reader;
  io::PipeWriter writer;
  std::array<std::byte, 4> buffer{};
  CO_EXPECT_ERROR(co_await reader.Read(buffer), std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(co_await writer.Write(buffer),
                  std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(co_await writer.Shutdown(), std::errc::bad_file_descriptor);
  CO_EXPECT_ERROR(co_await reader.Close(), std::errc::bad_file_descriptor);
}

// What the header says of a FIFO.
CO_TEST(PipeTest, AFifoIsOpenAtOnceAndWaitsForItsFirstWriter) {
  const TempDir dir;
  const std::string path = dir / "fifo";
  IO_TEST_CHECK(mkfifo(path.c_str(), 0600));
  io::OpenHow how;
  how.flags = O_WRONLY | O_NONBLOCK;
  CO_EXPECT_ERROR(co_await io::OpenAt(io::Fd::CurrentDirectory(), path, how),
                  std::errc::no_such_device_or_address);
  how.flags = O_RDONLY | O_NONBLOCK;
  Result<io::Fd> reader =
      co_await io::OpenAt(io::Fd::CurrentDirectory(), path, how);
  CO_ASSERT_OK(reader);
  CO_EXPECT_ERROR(co_await WithTimeout(1ms, io::Poll(*reader, POLLIN)),
                  kTimedOut);
  how.flags = O_WRONLY | O_NONBLOCK;
  Result<io::Fd> writer =
      co_await io::OpenAt(io::Fd::CurrentDirectory(), path, how);
  CO_ASSERT_OK(writer);
  io::PipeWriter out(*std::move(writer));
  CO_EXPECT_OK(co_await out.Write(Bytes("hello")));
  CO_EXPECT_OK(co_await out.Shutdown());
  CO_EXPECT_OK(co_await io::Poll(*reader, POLLIN));
  io::PipeReader in(*std::move(reader));
  std::array<std::byte, 16> buffer{};
  io::BufferedReader<io::PipeReader> all(in);
  const Result<std::span<const std::byte>> got = co_await all.Peek(5);
  CO_ASSERT_OK(got);
  EXPECT_EQ(Text(*got), "hello");
  all.Consume(5);
  CO_EXPECT_EQ(*co_await all.Read(buffer), 0U);
}

Task<Result<void>> ThroughAPipe() {
  io::PipeOptions options;
  options.capacity = 4096;
  EDDY_CO_TRY(io::Pipe pipe, io::Pipe::Create(options));
  const std::vector<std::byte> sent = Pattern(10'000);
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([&]() -> Task<Result<void>> {
      EDDY_CO_CHECK(co_await pipe.writer.Write(sent));
      co_return co_await pipe.writer.Shutdown();
    });
    std::vector<std::byte> part(4096);
    while (true) {
      EDDY_CO_TRY(const std::size_t n, co_await pipe.reader.Read(part));
      if (n == 0) co_return Result<void>();
    }
  };
  co_return co_await WithScope(body);
}

TEST(PipeTest, LeavesNothingBehind) {
  ExpectCleanSweeps(ThroughAPipe, {.stops = 8, .failures = 5});
}

}  // namespace
}  // namespace eddy::io_test
