#include <eddy/io/sync_range.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <sys/mman.h>

namespace eddy::io_test {
namespace {

class SyncRangeVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    co_return co_await io::SyncRange(fd, 0, 10);
  }
  const io::Fd& fd() const override { return file_; }
  void ExpectDone() override {}
  void ExpectNoTrace() override {}

 private:
  // In memory: hundreds of these would keep a disk busy.
  io::Fd file_{IO_TEST_CHECK(memfd_create("sync", MFD_CLOEXEC))};
};
INSTANTIATE_TEST_SUITE_P(SyncRange, OperationContractTest,
                         ::testing::Values(MakeVerb<SyncRangeVerb>));

CO_TEST(SyncRangeTest, WritesAPart) {
  const io::Fd file = AnonymousFile(Text(Pattern(100'000)));
  CO_EXPECT_OK(co_await io::SyncRange(file, 0, 50'000));
  CO_EXPECT_OK(co_await io::SyncRange(file, 4096, std::uint64_t{1} << 40));
  CO_EXPECT_OK(co_await io::SyncRange(file, 0, 10, SYNC_FILE_RANGE_WRITE));
  CO_EXPECT_ERROR(co_await io::SyncRange(file, 0, 10, 99),
                  std::errc::invalid_argument);
  const Pipe pipe;
  CO_EXPECT_ERROR(co_await io::SyncRange(pipe.writer, 0, 10),
                  std::errc::invalid_seek);
}

}  // namespace
}  // namespace eddy::io_test
