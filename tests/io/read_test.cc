#include <eddy/io/read.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/io/close.h>
#include <eddy/io/fd_operation.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timer.h>

#include <sys/timerfd.h>

#include <array>

namespace eddy::io_test {
namespace {

class ReadVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(count_, co_await io::Read(fd, buffer_));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return pipe_.reader; }
  bool waits() const override { return true; }
  void Provide() override {
    Put(pipe_.writer, "data");
    provided_ = 4;
  }
  void ExpectDone() override {
    EXPECT_PRED2(test::IsAllOrShort, Text(std::span(buffer_).first(count_)),
                 "data");
    EXPECT_TRUE(IsUntouched(std::span(buffer_).subspan(count_)));
    EXPECT_EQ(Readable(pipe_.reader), 4 - count_);
  }
  void ExpectNoTrace() override {
    EXPECT_TRUE(IsUntouched(buffer_));
    EXPECT_EQ(Readable(pipe_.reader), provided_);
  }

 private:
  Pipe pipe_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(64, kUntouched);
  std::size_t provided_ = 0;
  std::size_t count_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Read, OperationContractTest,
                         ::testing::Values(MakeVerb<ReadVerb>));

CO_TEST(ReadTest, GivesWhatIsThere) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const Pipe pipe;
  Put(pipe.writer, "0123456789");
  std::array<std::byte, 4> small;
  CO_EXPECT_EQ(co_await io::Read(pipe.reader, small), 4U);
  EXPECT_EQ(Text(small), "0123");
  // Fewer than asked for.
  std::array<std::byte, 100> large;
  CO_EXPECT_EQ(co_await io::Read(pipe.reader, large), 6U);
  EXPECT_EQ(Text(std::span(large).first(6)), "456789");
}

CO_TEST(ReadTest, ReturnsZeroAtEndOfStream) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  Pipe pipe;
  Put(pipe.writer, "last");
  CO_ASSERT_OK(co_await pipe.writer.Close());
  std::array<std::byte, 8> buffer;
  CO_EXPECT_EQ(co_await io::Read(pipe.reader, buffer), 4U);
  CO_EXPECT_EQ(co_await io::Read(pipe.reader, buffer), 0U);
  CO_EXPECT_EQ(co_await io::Read(pipe.reader, buffer), 0U);
}

CO_TEST(ReadTest, ReturnsZeroForAnEmptyBuffer) {
  const Pipe pipe;
  CO_EXPECT_EQ(co_await io::Read(pipe.reader, {}), 0U);
  Put(pipe.writer, "x");
  CO_EXPECT_EQ(co_await io::Read(pipe.reader, {}), 0U);
  EXPECT_EQ(Readable(pipe.reader), 1U);
}

CO_TEST(ReadTest, ReadsAFileOnFromItsPosition) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const io::Fd file = AnonymousFile("abcdef");
  std::array<std::byte, 4> buffer;
  CO_EXPECT_EQ(co_await io::Read(file, buffer), 4U);
  EXPECT_EQ(Text(buffer), "abcd");
  CO_EXPECT_EQ(co_await io::Read(file, buffer), 2U);
  EXPECT_EQ(Text(std::span(buffer).first(2)), "ef");
  CO_EXPECT_EQ(co_await io::Read(file, buffer), 0U);
}

CO_TEST(ReadTest, WaitsAlsoWhereTheDescriptorIsNonBlocking) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const Pipe pipe;
  SetNonBlocking(pipe.reader, true);
  std::array<std::byte, 4> buffer;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      co_await Pause(1ms);
      Put(pipe.writer, "late");
    });
    CO_EXPECT_EQ(co_await io::Read(pipe.reader, buffer), 4U);
  });
  EXPECT_EQ(Text(buffer), "late");
}

CO_TEST(ReadTest, GivesTheErrorsOfTheSystemCall) {
  const Pipe pipe;
  std::array<std::byte, 4> buffer;
  CO_EXPECT_ERROR(co_await io::Read(pipe.writer, buffer),
                  std::errc::bad_file_descriptor);
  const io::Fd folder(IO_TEST_CHECK(open("/", O_RDONLY | O_CLOEXEC)));
  CO_EXPECT_ERROR(co_await io::Read(folder, buffer), std::errc::is_a_directory);
}

CO_TEST(ReadTest, WaitsForATimerOfTheKernel) {
  const io::Fd timer(
      IO_TEST_CHECK(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)));
  itimerspec soon{};
  soon.it_value.tv_nsec = 1'000'000;
  IO_TEST_CHECK(timerfd_settime(timer.get(), 0, &soon, nullptr));
  std::uint64_t expirations = 0;
  CO_EXPECT_EQ(co_await io::Read(
                   timer, std::as_writable_bytes(std::span(&expirations, 1))),
               sizeof expirations);
  EXPECT_GE(expirations, 1U);
}

TEST(FdOperationTest, ClampsWhatTheKernelsFieldsCannotHold) {
  EXPECT_EQ(io::ClampLength(0), 0U);
  EXPECT_EQ(io::ClampLength(io::kMaxTransfer), 0x7ffff000U);
  EXPECT_EQ(io::ClampLength(io::kMaxTransfer + 1), 0x7ffff000U);
  EXPECT_EQ(io::ClampLength(std::size_t{1} << 32), 0x7ffff000U);
  EXPECT_EQ(io::ClampLength(~std::size_t{0}), 0x7ffff000U);
  EXPECT_EQ(io::FileOffset(0), 0U);
  EXPECT_EQ(io::FileOffset(~std::uint64_t{0} - 1), ~std::uint64_t{0} - 1);
  // Never "the current position".
  EXPECT_EQ(io::FileOffset(~std::uint64_t{0}), ~std::uint64_t{0} - 1);
}

}  // namespace
}  // namespace eddy::io_test
