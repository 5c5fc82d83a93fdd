#include <eddy/io/write_all.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <eddy/io/close.h>
#include <eddy/io/iovec.h>
#include <eddy/io/read_exactly.h>
#include <eddy/io/write.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <sys/mman.h>

#include "tests/sweeps.h"

namespace eddy::io_test {
namespace {

CO_TEST(WriteAllTest, GoesOnAfterShortWrites) {
  const Pipe pipe(4096);
  const std::vector<std::byte> data = Pattern(100'000);
  std::string received;
  std::size_t transferred = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      while (received.size() < data.size()) {
        received += Drain(pipe.reader);
        co_await Turn();
      }
    });
    CO_EXPECT_OK(co_await io::WriteAll(pipe.writer, data, &transferred));
  });
  EXPECT_EQ(transferred, data.size());
  EXPECT_EQ(received, Text(data));
}

// More than one call of the kernel takes.
CO_TEST(WriteAllTest, WritesMoreThan2GiB) {
  constexpr std::size_t kSize = (std::size_t{5} << 30) + 1;
  void* memory = mmap(nullptr, kSize, PROT_READ,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) CO_SKIP("no 5 GiB of address space");
  const std::span data(static_cast<const std::byte*>(memory), kSize);
  const io::Fd null(IO_TEST_CHECK(open("/dev/null", O_WRONLY | O_CLOEXEC)));
  CO_EXPECT_EQ(co_await io::Write(null, data), std::size_t{0x7ffff000});
  std::size_t transferred = 0;
  CO_EXPECT_OK(co_await io::WriteAll(null, data, &transferred));
  EXPECT_EQ(transferred, kSize);
  munmap(memory, kSize);
}

CO_TEST(WriteAllTest, WritesNothingOfEmptyData) {
  const Pipe pipe;
  std::size_t transferred = 99;
  const std::uint64_t before = Submitted();
  CO_EXPECT_OK(co_await io::WriteAll(pipe.writer, std::span<const std::byte>(),
                                     &transferred));
  EXPECT_EQ(transferred, 0U);
  EXPECT_EQ(Submitted(), before);
}

// Buffers of many sizes, empty ones among them, through a pipe that takes less
// than one of them at once.
CO_TEST(WriteAllTest, WritesSeveralBuffersInOrder) {
  const std::vector<std::byte> data = Pattern(60'000);
  std::vector<iovec> buffers;
  std::size_t at = 0;
  for (std::size_t size = 0; at < data.size(); size = size * 2 + 1) {
    const std::size_t count = std::min(size, data.size() - at);
    buffers.push_back(io::ToIovec(std::span(data).subspan(at, count)));
    buffers.push_back(io::ToIovec(std::span<const std::byte>()));
    at += count;
  }
  const Pipe pipe(4096);
  std::string received;
  std::size_t transferred = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      while (received.size() < data.size()) {
        received += Drain(pipe.reader, 1000);
        co_await Turn();
      }
    });
    CO_EXPECT_OK(co_await io::WriteAll(pipe.writer, buffers, &transferred));
  });
  EXPECT_EQ(transferred, data.size());
  EXPECT_EQ(received, Text(data));
}

Task<Result<void>> SeveralBuffersThroughAPipe() {
  const Pipe pipe(4096);
  const std::vector<std::byte> data = Pattern(10'000);
  const iovec buffers[] = {io::ToIovec(std::span(data).first(3000)),
                           io::ToIovec(std::span(data).subspan(3000, 3000)),
                           io::ToIovec(std::span(data).subspan(6000))};
  std::vector<std::byte> got(data.size());
  std::size_t written = 0;
  std::size_t read = 0;
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn([&]() -> Task<Result<void>> {
      co_return co_await io::WriteAll(pipe.writer, buffers, &written);
    });
    co_return co_await io::ReadExactly(pipe.reader, got, &read);
  };
  const Result<void> result = co_await WithScope(body);
  EXPECT_EQ(written, read + Readable(pipe.reader));
  EXPECT_EQ(Text(std::span(got).first(read)), Text(data).substr(0, read));
  co_return result;
}

TEST(WriteAllTest, CountsRightStoppedOrFailedAtEveryPoint) {
  test::ExpectCleanSweeps(SeveralBuffersThroughAPipe,
                          {.stops = 10, .failures = 4});
}

CO_TEST(WriteAllTest, WritesMoreBuffersThanOneCallTakes) {
  const std::vector<std::byte> data = Pattern(5000);
  std::vector<iovec> buffers;
  for (const std::byte& byte : data) {
    buffers.push_back(io::ToIovec(std::span(&byte, 1)));
  }
  const io::Fd file = AnonymousFile();
  std::size_t transferred = 0;
  CO_EXPECT_OK(co_await io::WriteAll(file, buffers, &transferred));
  EXPECT_EQ(transferred, data.size());
  IO_TEST_CHECK(lseek(file.get(), 0, SEEK_SET));
  EXPECT_EQ(Drain(file), Text(data));
}

CO_TEST(WriteAllTest, WritesNothingOfNoBuffers) {
  const Pipe pipe;
  const iovec nothing[2] = {};
  std::size_t transferred = 99;
  CO_EXPECT_OK(co_await io::WriteAll(pipe.writer, nothing, &transferred));
  EXPECT_EQ(transferred, 0U);
  CO_EXPECT_OK(co_await io::WriteAll(pipe.writer, std::span<const iovec>()));
  EXPECT_EQ(Readable(pipe.reader), 0U);
}

CO_TEST(WriteAllTest, TellsWhatItWroteOfSeveralBuffersWhereStopped) {
  const Pipe pipe(4096);
  const std::vector<std::byte> data = Pattern(10'000);
  const iovec buffers[] = {io::ToIovec(std::span(data).first(3000)),
                           io::ToIovec(std::span(data).subspan(3000, 3000)),
                           io::ToIovec(std::span(data).subspan(6000))};
  std::size_t transferred = 0;
  CO_EXPECT_ERROR(co_await WithTimeout(
                      1ms, io::WriteAll(pipe.writer, buffers, &transferred)),
                  kTimedOut);
  EXPECT_GT(transferred, 0U);
  EXPECT_LT(transferred, data.size());
  EXPECT_EQ(Drain(pipe.reader), Text(std::span(data).first(transferred)));
}

CO_TEST(WriteAllTest, TellsWhatItWroteWhereStopped) {
  const Pipe pipe(4096);
  const std::vector<std::byte> data = Pattern(10'000);
  std::size_t transferred = 0;
  CO_EXPECT_ERROR(
      co_await WithTimeout(1ms, io::WriteAll(pipe.writer, data, &transferred)),
      kTimedOut);
  EXPECT_GT(transferred, 0U);
  EXPECT_LT(transferred, data.size());
  EXPECT_EQ(Drain(pipe.reader), Text(std::span(data).first(transferred)));
}

CO_TEST(WriteAllTest, TellsWhatItWroteWhereTheReaderGoes) {
  Pipe pipe(4096);
  const std::vector<std::byte> data = Pattern(10'000);
  std::size_t transferred = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (int i = 0; i < 3; ++i) co_await Turn();
      CO_EXPECT_OK(co_await pipe.reader.Close());
    });
    CO_EXPECT_ERROR(co_await io::WriteAll(pipe.writer, data, &transferred),
                    std::errc::broken_pipe);
  });
  // (Of less than a page, under chaos: the pipe has room for one.)
  EXPECT_TRUE(transferred == 4096U || test::InChaos()) << transferred;
}

}  // namespace
}  // namespace eddy::io_test
