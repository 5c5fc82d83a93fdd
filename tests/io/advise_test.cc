#include <eddy/io/advise.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

namespace eddy::io_test {
namespace {

class AdviseVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    co_return co_await io::Advise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  const io::Fd& fd() const override { return file_; }
  void ExpectDone() override {}
  void ExpectNoTrace() override {}

 private:
  io::Fd file_ = AnonymousFile("0123456789");
};
INSTANTIATE_TEST_SUITE_P(Advise, OperationContractTest,
                         ::testing::Values(MakeVerb<AdviseVerb>));

CO_TEST(AdviseTest, TakesEveryAdviceThatThereIs) {
  const io::Fd file = AnonymousFile("0123456789");
  for (const int advice :
       {POSIX_FADV_NORMAL, POSIX_FADV_RANDOM, POSIX_FADV_SEQUENTIAL,
        POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE}) {
    CO_EXPECT_OK(co_await io::Advise(file, 0, 10, advice)) << advice;
    CO_EXPECT_OK(co_await io::Advise(file, 0, std::uint64_t{1} << 40, advice));
  }
  CO_EXPECT_ERROR(co_await io::Advise(file, 0, 10, 99),
                  std::errc::invalid_argument);
  const Pipe pipe;
  CO_EXPECT_ERROR(co_await io::Advise(pipe.reader, 0, 0, POSIX_FADV_NORMAL),
                  std::errc::invalid_seek);
}

}  // namespace
}  // namespace eddy::io_test
