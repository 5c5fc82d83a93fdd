#include <eddy/io/write_vector_at.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

namespace eddy::io_test {
namespace {

class WriteVectorAtVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    const iovec parts[] = {io::ToIovec(Bytes("da")), io::ToIovec(Bytes("ta"))};
    EDDY_CO_TRY(count_, co_await io::WriteVectorAt(fd, 2, parts));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return file_; }
  void ExpectDone() override {
    const std::string contents = Contents();
    EXPECT_PRED2(test::IsAllOrShort, contents.substr(2, count_), "data");
    EXPECT_EQ(contents.substr(2 + count_),
              std::string("23456789").substr(count_));
  }
  void ExpectNoTrace() override { EXPECT_EQ(Contents(), "0123456789"); }

 private:
  std::string Contents() const {
    std::string contents(100, 0);
    contents.resize(static_cast<std::size_t>(IO_TEST_CHECK(
        pread(file_.get(), contents.data(), contents.size(), 0))));
    return contents;
  }

  io::Fd file_ = AnonymousFile("0123456789");
  std::size_t count_ = 0;
};
INSTANTIATE_TEST_SUITE_P(WriteVectorAt, OperationContractTest,
                         ::testing::Values(MakeVerb<WriteVectorAtVerb>));

CO_TEST(WriteVectorAtTest, WritesOneBufferAfterTheOther) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const io::Fd file = AnonymousFile("0123456789");
  const iovec parts[] = {
      io::ToIovec(Bytes("ab")), {nullptr, 0}, io::ToIovec(Bytes("cd"))};
  CO_EXPECT_EQ(co_await io::WriteVectorAt(file, 8, parts), 4U);
  CO_EXPECT_EQ(co_await io::WriteVectorAt(file, 0, {}), 0U);
  EXPECT_EQ(lseek(file.get(), 0, SEEK_CUR), 0);
  EXPECT_EQ(Drain(file), "01234567abcd");
  CO_EXPECT_ERROR(co_await io::WriteVectorAt(file, ~std::uint64_t{0}, parts),
                  std::errc::invalid_argument);
}

}  // namespace
}  // namespace eddy::io_test
