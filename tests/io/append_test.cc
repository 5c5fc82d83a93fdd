#include <eddy/io/append.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/runtime/task_scope.h>

namespace eddy::io_test {
namespace {

class AppendVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(count_, co_await io::Append(fd, Bytes("data")));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return file_; }
  void ExpectDone() override {
    EXPECT_PRED2(test::IsAllOrShort, Contents().substr(4), "data");
    EXPECT_EQ(Contents().size(), 4 + count_);
  }
  void ExpectNoTrace() override { EXPECT_EQ(Contents(), "0123"); }

 private:
  std::string Contents() const {
    std::string contents(100, 0);
    contents.resize(static_cast<std::size_t>(IO_TEST_CHECK(
        pread(file_.get(), contents.data(), contents.size(), 0))));
    return contents;
  }

  io::Fd file_ = AnonymousFile("0123");
  std::size_t count_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Append, OperationContractTest,
                         ::testing::Values(MakeVerb<AppendVerb>));

CO_TEST(AppendTest, GoesToTheEndWhereverThatIs) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const io::Fd file = AnonymousFile("01");
  CO_EXPECT_EQ(co_await io::Append(file, Bytes("23")), 2U);
  IO_TEST_CHECK(ftruncate(file.get(), 1));
  CO_EXPECT_EQ(co_await io::Append(file, Bytes("45")), 2U);
  CO_EXPECT_EQ(co_await io::Append(file, {}), 0U);
  IO_TEST_CHECK(lseek(file.get(), 0, SEEK_SET));
  EXPECT_EQ(Drain(file), "045");
}

CO_TEST(AppendTest, ManyAtOnceDoNotTearEachOther) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const io::Fd file = AnonymousFile();
  constexpr std::size_t kRecord = 1000;
  constexpr int kRecords = 50;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    for (int i = 0; i < kRecords; ++i) {
      scope.Spawn([&, i]() -> Task<void> {
        const std::vector<std::byte> record(
            kRecord, static_cast<std::byte>('a' + i % 26));
        CO_EXPECT_EQ(co_await io::Append(file, record), kRecord);
      });
    }
    co_return;
  });
  IO_TEST_CHECK(lseek(file.get(), 0, SEEK_SET));
  const std::string all = Drain(file);
  CO_ASSERT_EQ(all.size(), kRecord * kRecords);
  for (std::size_t at = 0; at < all.size(); at += kRecord) {
    EXPECT_EQ(all.substr(at, kRecord), std::string(kRecord, all[at]));
  }
}

}  // namespace
}  // namespace eddy::io_test
