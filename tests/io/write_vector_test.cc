#include <eddy/io/write_vector.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/io/close.h>

#include <gmock/gmock.h>

#include <array>
#include <string_view>
#include <vector>

namespace eddy::io_test {
namespace {

// The pipe is full until Provide() drains it.
class WriteVectorVerb final : public Verb {
 public:
  WriteVectorVerb() { Fill(pipe_.writer); }

  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(count_, co_await io::WriteVector(fd, parts_));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return pipe_.writer; }
  bool waits() const override { return true; }
  void Provide() override { Drain(pipe_.reader, 4096); }
  void ExpectDone() override {
    EXPECT_EQ(count_, 4U);
    EXPECT_EQ(Drain(pipe_.reader), "data");
  }
  void ExpectNoTrace() override {
    EXPECT_THAT(Readable(pipe_.reader), ::testing::AnyOf(0U, 4096U));
  }

 private:
  Pipe pipe_{4096};
  const std::array<iovec, 3> parts_ = {io::ToIovec(Bytes("d")),
                                       io::ToIovec(Bytes("at")),
                                       io::ToIovec(Bytes("a"))};
  std::size_t count_ = 0;
};
INSTANTIATE_TEST_SUITE_P(WriteVector, OperationContractTest,
                         ::testing::Values(MakeVerb<WriteVectorVerb>));

CO_TEST(WriteVectorTest, WritesOneBufferAfterTheOther) {
  const Pipe pipe;
  const iovec parts[] = {io::ToIovec(Bytes("head ")),
                         io::ToIovec(std::span<const std::byte>()),
                         io::ToIovec(Bytes("body"))};
  CO_EXPECT_EQ(co_await io::WriteVector(pipe.writer, parts), 9U);
  EXPECT_EQ(Drain(pipe.reader), "head body");
  CO_EXPECT_EQ(co_await io::WriteVector(pipe.writer, {}), 0U);
  EXPECT_EQ(Readable(pipe.reader), 0U);
}

CO_TEST(WriteVectorTest, WritesThePartThatTheStreamTakes) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const Pipe pipe(4096);
  const std::vector<std::byte> data = Pattern(10'000);
  const iovec parts[] = {io::ToIovec(std::span(data).first(3000)),
                         io::ToIovec(std::span(data).subspan(3000))};
  CO_EXPECT_EQ(co_await io::WriteVector(pipe.writer, parts), 4096U);
  EXPECT_EQ(Drain(pipe.reader), Text(std::span(data).first(4096)));
}

CO_TEST(WriteVectorTest, UsesTheFirstOfMoreBuffersThanTheKernelTakes) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const std::vector<std::byte> data = Pattern(3000);
  std::vector<iovec> parts;
  for (const std::byte& byte : data) {
    parts.push_back(io::ToIovec(std::span(&byte, 1)));
  }
  const Pipe pipe;
  CO_EXPECT_EQ(co_await io::WriteVector(pipe.writer, parts), 1024U);
  EXPECT_EQ(Drain(pipe.reader), Text(std::span(data).first(1024)));
}

CO_TEST(WriteVectorTest, AnswersBrokenPipeAndRaisesNoSignal) {
  Pipe pipe;
  CO_ASSERT_OK(co_await pipe.reader.Close());
  const iovec parts[] = {io::ToIovec(Bytes("x"))};
  CO_EXPECT_ERROR(co_await io::WriteVector(pipe.writer, parts),
                  std::errc::broken_pipe);
}

}  // namespace
}  // namespace eddy::io_test
