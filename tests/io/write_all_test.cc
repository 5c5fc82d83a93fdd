#include <eddy/io/write_all.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <eddy/io/close.h>
#include <eddy/io/write.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <sys/mman.h>

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
  CO_EXPECT_OK(co_await io::WriteAll(pipe.writer, {}, &transferred));
  EXPECT_EQ(transferred, 0U);
  EXPECT_EQ(Submitted(), before);
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
