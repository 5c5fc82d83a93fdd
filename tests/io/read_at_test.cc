#include <eddy/io/read_at.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/runtime/task_scope.h>

#include <array>
#include <limits>

namespace eddy::io_test {
namespace {

class ReadAtVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(count_, co_await io::ReadAt(fd, 2, buffer_));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return file_; }
  void ExpectDone() override {
    EXPECT_PRED2(test::IsAllOrShort, Text(std::span(buffer_).first(count_)),
                 "cdef");
    EXPECT_TRUE(IsUntouched(std::span(buffer_).subspan(count_)));
  }
  void ExpectNoTrace() override { EXPECT_TRUE(IsUntouched(buffer_)); }

 private:
  io::Fd file_ = AnonymousFile("abcdef");
  std::vector<std::byte> buffer_ = std::vector<std::byte>(64, kUntouched);
  std::size_t count_ = 0;
};
INSTANTIATE_TEST_SUITE_P(ReadAt, OperationContractTest,
                         ::testing::Values(MakeVerb<ReadAtVerb>));

CO_TEST(ReadAtTest, ReadsFromTheOffsetAndLeavesThePosition) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const io::Fd file = AnonymousFile("0123456789");
  std::array<std::byte, 3> buffer;
  CO_EXPECT_EQ(co_await io::ReadAt(file, 7, buffer), 3U);
  EXPECT_EQ(Text(buffer), "789");
  CO_EXPECT_EQ(co_await io::ReadAt(file, 0, buffer), 3U);
  EXPECT_EQ(Text(buffer), "012");
  EXPECT_EQ(lseek(file.get(), 0, SEEK_CUR), 0);
}

CO_TEST(ReadAtTest, IsShortOnlyAtTheEndOfTheFile) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const io::Fd file = AnonymousFile("0123456789");
  std::array<std::byte, 8> buffer;
  CO_EXPECT_EQ(co_await io::ReadAt(file, 6, buffer), 4U);
  EXPECT_EQ(Text(std::span(buffer).first(4)), "6789");
  CO_EXPECT_EQ(co_await io::ReadAt(file, 10, buffer), 0U);
  CO_EXPECT_EQ(co_await io::ReadAt(file, 1'000'000, buffer), 0U);
}

CO_TEST(ReadAtTest, ReturnsZeroForAnEmptyBuffer) {
  const io::Fd file = AnonymousFile("0123456789");
  CO_EXPECT_EQ(co_await io::ReadAt(file, 3, {}), 0U);
}

CO_TEST(ReadAtTest, RefusesOffsetsThatNoFileHas) {
  const io::Fd file = AnonymousFile("0123456789");
  IO_TEST_CHECK(lseek(file.get(), 5, SEEK_SET));
  std::array<std::byte, 8> buffer;
  buffer.fill(kUntouched);
  constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
  for (const std::uint64_t offset :
       {kLargest + 1, ~std::uint64_t{0} - 1, ~std::uint64_t{0}}) {
    CO_EXPECT_ERROR(co_await io::ReadAt(file, offset, buffer),
                    std::errc::invalid_argument)
        << offset;
  }
  EXPECT_TRUE(IsUntouched(buffer));
  EXPECT_EQ(lseek(file.get(), 0, SEEK_CUR), 5);
}

CO_TEST(ReadAtTest, GivesTheErrorsOfTheSystemCall) {
  std::array<std::byte, 8> buffer;
  const io::Fd folder(IO_TEST_CHECK(open("/", O_RDONLY | O_CLOEXEC)));
  CO_EXPECT_ERROR(co_await io::ReadAt(folder, 0, buffer),
                  std::errc::is_a_directory);
  const io::Fd file(
      IO_TEST_CHECK(open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600)));
  CO_EXPECT_ERROR(co_await io::ReadAt(file, 0, buffer),
                  std::errc::bad_file_descriptor);
}

CO_TEST(ReadAtTest, RunsManyOnOneFileAtOnce) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const std::vector<std::byte> contents = Pattern(64 * 1024);
  const io::Fd file = AnonymousFile(Text(contents));
  constexpr std::size_t kPart = 512;
  std::vector<std::byte> copy(contents.size());
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    for (std::size_t at = 0; at < copy.size(); at += kPart) {
      scope.Spawn([&, at]() -> Task<void> {
        CO_EXPECT_EQ(
            co_await io::ReadAt(file, at, std::span(copy).subspan(at, kPart)),
            kPart);
      });
    }
    co_return;
  });
  EXPECT_EQ(copy, contents);
}

}  // namespace
}  // namespace eddy::io_test
