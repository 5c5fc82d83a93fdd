#include <eddy/io/write.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/io/close.h>
#include <eddy/runtime/task_scope.h>

#include <gmock/gmock.h>
#include <signal.h>

namespace eddy::io_test {
namespace {

// The pipe is full until Provide() drains it.
class WriteVerb final : public Verb {
 public:
  WriteVerb() { Fill(pipe_.writer); }

  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(count_, co_await io::Write(fd, Bytes("data")));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return pipe_.writer; }
  bool waits() const override { return true; }
  void Provide() override {
    // No more: on some kernels the write goes on while this reads.
    Drain(pipe_.reader, 4096);
  }
  void ExpectDone() override {
    EXPECT_EQ(count_, 4U);
    EXPECT_EQ(Drain(pipe_.reader), "data");
  }
  void ExpectNoTrace() override {
    EXPECT_THAT(Readable(pipe_.reader), ::testing::AnyOf(0U, 4096U));
  }

 private:
  Pipe pipe_{4096};
  std::size_t count_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Write, OperationContractTest,
                         ::testing::Values(MakeVerb<WriteVerb>));

CO_TEST(WriteTest, WritesWhatTheStreamTakes) {
  const Pipe pipe(4096);
  const std::vector<std::byte> data = Pattern(10'000);
  CO_EXPECT_EQ(co_await io::Write(pipe.writer, std::span(data).first(100)),
               100U);
  // Short: the pipe takes what there is room for.
  const Result<std::size_t> n = co_await io::Write(pipe.writer, data);
  CO_ASSERT_OK(n);
  EXPECT_GT(*n, 0U);
  EXPECT_LT(*n, data.size());
  EXPECT_EQ(Readable(pipe.reader), 100 + *n);
  EXPECT_EQ(Drain(pipe.reader),
            Text(std::span(data).first(100)) + Text(std::span(data).first(*n)));
}

CO_TEST(WriteTest, WritesNothingOfEmptyData) {
  const Pipe pipe;
  CO_EXPECT_EQ(co_await io::Write(pipe.writer, {}), 0U);
  EXPECT_EQ(Readable(pipe.reader), 0U);
}

CO_TEST(WriteTest, AnswersBrokenPipeAndRaisesNoSignal) {
  Pipe pipe;
  CO_ASSERT_OK(co_await pipe.reader.Close());
  CO_EXPECT_ERROR(co_await io::Write(pipe.writer, Bytes("x")),
                  std::errc::broken_pipe);
}

TEST(WriteTest, LeavesNoSigpipeBehind) {
  // Would end the process here if it were still pending.
  SyncWait([]() -> Task<void> {
    Pipe pipe;
    CO_ASSERT_OK(co_await pipe.reader.Close());
    CO_EXPECT_ERROR(co_await io::Write(pipe.writer, Bytes("x")),
                    std::errc::broken_pipe);
  }());
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

CO_TEST(WriteTest, WritesAFileOnFromItsPosition) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const io::Fd file = AnonymousFile("0123456789");
  IO_TEST_CHECK(lseek(file.get(), 4, SEEK_SET));
  CO_EXPECT_EQ(co_await io::Write(file, Bytes("ab")), 2U);
  CO_EXPECT_EQ(co_await io::Write(file, Bytes("cd")), 2U);
  EXPECT_EQ(lseek(file.get(), 0, SEEK_SET), 0);
  EXPECT_EQ(Drain(file), "0123abcd89");
}

CO_TEST(WriteTest, GivesTheErrorsOfTheSystemCall) {
  const io::Fd full(IO_TEST_CHECK(open("/dev/full", O_WRONLY | O_CLOEXEC)));
  CO_EXPECT_ERROR(co_await io::Write(full, Bytes("x")),
                  std::errc::no_space_on_device);
  const Pipe pipe;
  CO_EXPECT_ERROR(co_await io::Write(pipe.reader, Bytes("x")),
                  std::errc::bad_file_descriptor);
}

CO_TEST(WriteTest, EndsWhereTheReaderGoes) {
  Pipe pipe(4096);
  Fill(pipe.writer);
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    scope.Spawn([&]() -> Task<void> {
      co_await Turn();
      CO_EXPECT_OK(co_await pipe.reader.Close());
    });
    CO_EXPECT_ERROR(co_await io::Write(pipe.writer, Bytes("x")),
                    std::errc::broken_pipe);
  });
}

}  // namespace
}  // namespace eddy::io_test
