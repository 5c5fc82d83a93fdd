#include <eddy/io/read_vector.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/io/close.h>

#include <array>
#include <vector>

namespace eddy::io_test {
namespace {

class ReadVectorVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(count_, co_await io::ReadVector(fd, parts_));
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
  const std::array<iovec, 3> parts_ = {
      io::ToIovec(std::span(buffer_).first(1)),
      io::ToIovec(std::span(buffer_).subspan(1, 2)),
      io::ToIovec(std::span(buffer_).subspan(3))};
  std::size_t provided_ = 0;
  std::size_t count_ = 0;
};
INSTANTIATE_TEST_SUITE_P(ReadVector, OperationContractTest,
                         ::testing::Values(MakeVerb<ReadVectorVerb>));

CO_TEST(ReadVectorTest, FillsOneBufferAfterTheOther) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const Pipe pipe;
  Put(pipe.writer, "0123456789");
  std::array<std::byte, 3> first;
  std::array<std::byte, 100> second;
  second.fill(kUntouched);
  const iovec parts[] = {io::ToIovec(first), io::ToIovec({}),
                         io::ToIovec(second)};
  CO_EXPECT_EQ(co_await io::ReadVector(pipe.reader, parts), 10U);
  EXPECT_EQ(Text(first), "012");
  EXPECT_EQ(Text(std::span(second).first(7)), "3456789");
  EXPECT_TRUE(IsUntouched(std::span(second).subspan(7)));
}

CO_TEST(ReadVectorTest, GivesZeroAtTheEndAndWithoutRoom) {
  Pipe pipe;
  Put(pipe.writer, "x");
  std::array<std::byte, 3> buffer;
  const iovec parts[] = {io::ToIovec(buffer)};
  const iovec nothing[2] = {};
  CO_EXPECT_EQ(co_await io::ReadVector(pipe.reader, nothing), 0U);
  CO_EXPECT_EQ(co_await io::ReadVector(pipe.reader, {}), 0U);
  CO_EXPECT_EQ(co_await io::ReadVector(pipe.reader, parts), 1U);
  CO_ASSERT_OK(co_await pipe.writer.Close());
  CO_EXPECT_EQ(co_await io::ReadVector(pipe.reader, parts), 0U);
}

CO_TEST(ReadVectorTest, UsesTheFirstOfMoreBuffersThanTheKernelTakes) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const std::vector<std::byte> data = Pattern(3000);
  const io::Fd file = AnonymousFile(Text(data));
  IO_TEST_CHECK(lseek(file.get(), 0, SEEK_SET));
  std::vector<std::byte> got(3000, kUntouched);
  std::vector<iovec> parts;
  for (std::byte& byte : got) {
    parts.push_back(io::ToIovec(std::span(&byte, 1)));
  }
  CO_EXPECT_EQ(co_await io::ReadVector(file, parts), 1024U);
  EXPECT_EQ(Text(std::span(got).first(1024)), Text(data).substr(0, 1024));
  EXPECT_TRUE(IsUntouched(std::span(got).subspan(1024)));
}

}  // namespace
}  // namespace eddy::io_test
