#include <eddy/io/splice.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/io/close.h>
#include <eddy/runtime/timeout.h>

#include <string>
#include <vector>

namespace eddy::io_test {
namespace {

// (It waits on a worker, which one cancel need not reach: how it stops is a
// test of its own.)
class SpliceVerb final : public Verb {
 public:
  SpliceVerb() { Put(from_.writer, "data"); }

  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(count_, co_await io::Splice(fd, to_.writer, 64));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return from_.reader; }
  void ExpectDone() override {
    EXPECT_EQ(count_, 4U);
    EXPECT_EQ(Readable(from_.reader), 0U);
    EXPECT_EQ(Drain(to_.reader), "data");
  }
  void ExpectNoTrace() override {
    EXPECT_EQ(Readable(from_.reader), 4U);
    EXPECT_EQ(Readable(to_.reader), 0U);
  }

 private:
  Pipe from_;
  Pipe to_;
  std::size_t count_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Splice, OperationContractTest,
                         ::testing::Values(MakeVerb<SpliceVerb>));

CO_TEST(SpliceTest, StopsWhileItWaitsWithoutATrace) {
  const Pipe from;
  const Pipe to;
  CO_EXPECT_ERROR(
      co_await WithTimeout(1ms, io::Splice(from.reader, to.writer, 64)),
      kTimedOut);
  Put(from.writer, "data");
  for (int i = 0; i < 3; ++i) co_await Turn();
  EXPECT_EQ(Readable(from.reader), 4U);
  EXPECT_EQ(Readable(to.reader), 0U);
  CO_EXPECT_EQ(co_await io::Splice(from.reader, to.writer, 64), 4U);
  EXPECT_EQ(Drain(to.reader), "data");
}

CO_TEST(SpliceTest, MovesAFilesBytesFromItsPosition) {
  const io::Fd file = AnonymousFile("0123456789");
  IO_TEST_CHECK(lseek(file.get(), 0, SEEK_SET));
  const Pipe pipe;
  CO_EXPECT_EQ(co_await io::Splice(file, pipe.writer, 4), 4U);
  CO_EXPECT_EQ(co_await io::Splice(file, pipe.writer, 64), 6U);
  CO_EXPECT_EQ(co_await io::Splice(file, pipe.writer, 64), 0U);
  EXPECT_EQ(Drain(pipe.reader), "0123456789");
}

CO_TEST(SpliceTest, GivesTheErrorsOfTheSystemCall) {
  Pipe pipe;
  const io::Fd one = AnonymousFile("0123456789");
  const io::Fd other = AnonymousFile();
  CO_EXPECT_ERROR(co_await io::Splice(one, other, 64),
                  std::errc::invalid_argument);
  IO_TEST_CHECK(lseek(one.get(), 0, SEEK_SET));
  CO_ASSERT_OK(co_await pipe.reader.Close());
  CO_EXPECT_ERROR(co_await io::Splice(one, pipe.writer, 64),
                  std::errc::broken_pipe);
}

}  // namespace
}  // namespace eddy::io_test
