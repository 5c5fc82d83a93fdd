#include <eddy/io/read_vector_at.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <array>

namespace eddy::io_test {
namespace {

class ReadVectorAtVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    const iovec parts[] = {io::ToIovec(std::span(first_)),
                           io::ToIovec(std::span(second_))};
    EDDY_CO_TRY(count_, co_await io::ReadVectorAt(fd, 2, parts));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return file_; }
  void ExpectDone() override {
    const std::string all = Text(first_) + Text(second_);
    EXPECT_PRED2(test::IsAllOrShort, all.substr(0, count_), "23456");
  }
  void ExpectNoTrace() override {
    EXPECT_TRUE(IsUntouched(first_));
    EXPECT_TRUE(IsUntouched(second_));
  }

 private:
  io::Fd file_ = AnonymousFile("0123456789");
  std::array<std::byte, 3> first_{kUntouched, kUntouched, kUntouched};
  std::array<std::byte, 2> second_{kUntouched, kUntouched};
  std::size_t count_ = 0;
};
INSTANTIATE_TEST_SUITE_P(ReadVectorAt, OperationContractTest,
                         ::testing::Values(MakeVerb<ReadVectorAtVerb>));

CO_TEST(ReadVectorAtTest, FillsOneBufferAfterTheOther) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const io::Fd file = AnonymousFile("0123456789");
  std::array<std::byte, 3> a;
  std::array<std::byte, 100> b;
  const iovec parts[] = {
      io::ToIovec(std::span(a)), {nullptr, 0}, io::ToIovec(std::span(b))};
  CO_EXPECT_EQ(co_await io::ReadVectorAt(file, 4, parts), 6U);
  EXPECT_EQ(Text(a), "456");
  EXPECT_EQ(Text(std::span(b).first(3)), "789");
  CO_EXPECT_EQ(co_await io::ReadVectorAt(file, 10, parts), 0U);
  CO_EXPECT_EQ(co_await io::ReadVectorAt(file, 0, {}), 0U);
  EXPECT_EQ(lseek(file.get(), 0, SEEK_CUR), 0);
  CO_EXPECT_ERROR(co_await io::ReadVectorAt(file, ~std::uint64_t{0}, parts),
                  std::errc::invalid_argument);
}

CO_TEST(ReadVectorAtTest, UsesTheFirst1024Buffers) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const io::Fd file = AnonymousFile(Text(Pattern(2000)));
  std::vector<std::byte> bytes(2000, kUntouched);
  std::vector<iovec> parts;
  for (std::byte& byte : bytes) parts.push_back({&byte, 1});
  CO_EXPECT_EQ(co_await io::ReadVectorAt(file, 0, parts), 1024U);
  EXPECT_TRUE(IsUntouched(std::span(bytes).subspan(1024)));
}

}  // namespace
}  // namespace eddy::io_test
