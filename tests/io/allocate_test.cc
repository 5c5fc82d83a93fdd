#include <eddy/io/allocate.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <sys/mman.h>

namespace eddy::io_test {
namespace {

class AllocateVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    co_return co_await io::Allocate(fd, 0, 8192);
  }
  const io::Fd& fd() const override { return file_; }
  void ExpectDone() override { EXPECT_EQ(Size(), 8192U); }
  void ExpectNoTrace() override { EXPECT_EQ(Size(), 0U); }

 private:
  std::uint64_t Size() const {
    return static_cast<std::uint64_t>(
        IO_TEST_CHECK(lseek(file_.get(), 0, SEEK_END)));
  }

  io::Fd file_{IO_TEST_CHECK(memfd_create("allocate", MFD_CLOEXEC))};
};
INSTANTIATE_TEST_SUITE_P(Allocate, OperationContractTest,
                         ::testing::Values(MakeVerb<AllocateVerb>));

CO_TEST(AllocateTest, MakesSpaceAndGivesItBack) {
  const io::Fd file = AnonymousFile("0123456789");
  const auto blocks = [&] {
    struct stat info {};
    IO_TEST_CHECK(fstat(file.get(), &info));
    return info.st_blocks;
  };
  const auto before = blocks();
  CO_ASSERT_OK(co_await io::Allocate(file, 0, 1 << 20, FALLOC_FL_KEEP_SIZE));
  EXPECT_EQ(lseek(file.get(), 0, SEEK_END), 10);
  EXPECT_GE(blocks(), before + (1 << 20) / 512 - 8);
  CO_ASSERT_OK(co_await io::Allocate(file, 0, 1 << 20));
  EXPECT_EQ(lseek(file.get(), 0, SEEK_END), 1 << 20);
  CO_EXPECT_OK(co_await io::Allocate(
      file, 0, 1 << 20, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE));
  EXPECT_LE(blocks(), before);
  EXPECT_EQ(lseek(file.get(), 0, SEEK_END), 1 << 20);
}

CO_TEST(AllocateTest, RefusesWhatMakesNoSense) {
  const io::Fd file = AnonymousFile();
  CO_EXPECT_ERROR(co_await io::Allocate(file, 0, 0),
                  std::errc::invalid_argument);
  CO_EXPECT_ERROR(co_await io::Allocate(file, ~std::uint64_t{0}, 1),
                  std::errc::invalid_argument);
  const Pipe pipe;
  CO_EXPECT_ERROR(co_await io::Allocate(pipe.writer, 0, 1),
                  std::errc::invalid_seek);
}

}  // namespace
}  // namespace eddy::io_test
