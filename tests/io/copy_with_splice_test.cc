#include <eddy/io/copy_with_splice.h>

#include "tests/io/io_test_util.h"

#include <eddy/io/close.h>
#include <eddy/io/read.h>
#include <eddy/runtime/timeout.h>

#include <array>
#include <string>
#include <vector>

#include "tests/sweeps.h"

namespace eddy::io_test {
namespace {

io::Fd FileOf(std::span<const std::byte> data) {
  io::Fd file = AnonymousFile(Text(data));
  IO_TEST_CHECK(lseek(file.get(), 0, SEEK_SET));
  return file;
}

// Reads `from` to its end.
Task<Result<void>> ReadAll(const io::Fd& from, std::string& all) {
  std::array<std::byte, 4096> block;
  while (true) {
    EDDY_CO_TRY(const std::size_t n, co_await io::Read(from, block));
    if (n == 0) co_return Result<void>();
    all += Text(std::span(block).first(n));
  }
}

// A file to a socket whose reader is slow, through a pipe that takes a part.
Task<Result<void>> FileToSocket() {
  SocketPair sockets;
  const std::vector<std::byte> data = Pattern(300'000);
  const io::Fd file = FileOf(data);
  std::string got;
  std::uint64_t copied = 0;
  const auto copies = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(const std::uint64_t n,
                co_await io::CopyWithSplice(file, sockets.a, &copied, 65536));
    EXPECT_EQ(n, copied);
    co_return co_await sockets.a.Close();
  };
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    scope.Spawn(copies);
    co_return co_await ReadAll(sockets.b, got);
  };
  const Result<void> result = co_await WithScope(body);
  got += Drain(sockets.b);
  EXPECT_EQ(copied, got.size());
  EXPECT_EQ(got, Text(data).substr(0, got.size()));
  if (result) {
    EXPECT_EQ(got.size(), data.size());
  }
  co_return result;
}

CO_TEST(CopyWithSpliceTest, CopiesAFileToASocket) {
  CO_EXPECT_OK(co_await FileToSocket());
}

TEST(CopyWithSpliceTest, CountsRightAndLeavesNoPipeStoppedOrFailedAnywhere) {
  test::ExpectCleanSweeps(FileToSocket, {.stops = 10, .failures = 6});
}

CO_TEST(CopyWithSpliceTest, GoesOnAsCopyWhereTheKernelCannotSplice) {
  const std::vector<std::byte> data = Pattern(200'000);
  // A file that is only appended to takes no splice.
  const TempDir dir;
  const std::string path = dir / "appended";
  const io::Fd file = FileOf(data);
  const io::Fd appended(IO_TEST_CHECK(
      open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)));
  std::uint64_t copied = 99;
  CO_EXPECT_EQ(co_await io::CopyWithSplice(file, appended, &copied, 65536),
               data.size());
  EXPECT_EQ(copied, data.size());
  EXPECT_EQ(Load(path), Text(data));
  // From a folder nothing is read, nor spliced.
  const io::Fd folder(
      IO_TEST_CHECK(open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
  CO_EXPECT_ERROR(co_await io::CopyWithSplice(folder, appended, &copied),
                  std::errc::is_a_directory);
  EXPECT_EQ(copied, 0U);
}

CO_TEST(CopyWithSpliceTest, CopiesNothingOfAnEmptyFile) {
  const io::Fd file = AnonymousFile();
  const Pipe pipe;
  std::uint64_t copied = 99;
  CO_EXPECT_EQ(co_await io::CopyWithSplice(file, pipe.writer, &copied), 0U);
  EXPECT_EQ(copied, 0U);
  CO_EXPECT_ERROR(co_await io::CopyWithSplice(file, pipe.writer, nullptr, 0),
                  std::errc::invalid_argument);
}

CO_TEST(CopyWithSpliceTest, TellsWhatReachedAPeerThatGoes) {
  SocketPair sockets;
  const std::vector<std::byte> data = Pattern(3'000'000);
  const io::Fd file = FileOf(data);
  std::uint64_t copied = 0;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      for (int i = 0; i < 3; ++i) co_await Turn();
      CO_EXPECT_OK(co_await sockets.b.Close());
    });
    CO_EXPECT_ERROR(co_await io::CopyWithSplice(file, sockets.a, &copied),
                    std::errc::broken_pipe);
  });
  EXPECT_LT(copied, data.size());
}

}  // namespace
}  // namespace eddy::io_test
