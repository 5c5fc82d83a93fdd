#include <eddy/io/truncate.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

namespace eddy::io_test {
namespace {

class TruncateVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    co_return co_await io::Truncate(fd, 3);
  }
  const io::Fd& fd() const override { return file_; }
  void ExpectDone() override { EXPECT_EQ(Size(), 3U); }
  void ExpectNoTrace() override { EXPECT_EQ(Size(), 10U); }

 private:
  std::uint64_t Size() const {
    return static_cast<std::uint64_t>(
        IO_TEST_CHECK(lseek(file_.get(), 0, SEEK_END)));
  }

  io::Fd file_ = AnonymousFile("0123456789");
};
INSTANTIATE_TEST_SUITE_P(Truncate, OperationContractTest,
                         ::testing::Values(MakeVerb<TruncateVerb>));

CO_TEST(TruncateTest, ShrinksAndGrows) {
  if (!Reactor::Current()->ring().Supports(io::Truncate::kOpcode)) {
    CO_SKIP("no such operation");
  }
  const io::Fd file = AnonymousFile("0123456789");
  CO_EXPECT_OK(co_await io::Truncate(file, 4));
  CO_EXPECT_OK(co_await io::Truncate(file, 6));
  using std::string_literals::operator""s;
  IO_TEST_CHECK(lseek(file.get(), 0, SEEK_SET));
  EXPECT_EQ(Drain(file), "0123\0\0"s);
  CO_EXPECT_OK(co_await io::Truncate(file, std::uint64_t{5} << 30));
  EXPECT_EQ(lseek(file.get(), 0, SEEK_END), off_t{5} << 30);
  CO_EXPECT_ERROR(co_await io::Truncate(file, ~std::uint64_t{0}),
                  std::errc::invalid_argument);
  const io::Fd read_only(IO_TEST_CHECK(open("/proc/self/exe", O_RDONLY)));
  CO_EXPECT_ERROR(co_await io::Truncate(read_only, 0),
                  std::errc::invalid_argument);
}

}  // namespace
}  // namespace eddy::io_test
