#include <eddy/io/write_at.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/runtime/task_scope.h>

#include <signal.h>
#include <sys/resource.h>

#include <limits>

namespace eddy::io_test {
namespace {

class WriteAtVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    EDDY_CO_TRY(count_, co_await io::WriteAt(fd, 2, Bytes("data")));
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
INSTANTIATE_TEST_SUITE_P(WriteAt, OperationContractTest,
                         ::testing::Values(MakeVerb<WriteAtVerb>));

CO_TEST(WriteAtTest, WritesAtTheOffsetAndLeavesThePosition) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const io::Fd file = AnonymousFile("0123456789");
  CO_EXPECT_EQ(co_await io::WriteAt(file, 8, Bytes("abcd")), 4U);
  CO_EXPECT_EQ(co_await io::WriteAt(file, 14, Bytes("z")), 1U);
  EXPECT_EQ(lseek(file.get(), 0, SEEK_CUR), 0);
  using std::string_literals::operator""s;
  EXPECT_EQ(Drain(file), "01234567abcd\0\0z"s);
}

CO_TEST(WriteAtTest, WritesNothingOfEmptyData) {
  const io::Fd file = AnonymousFile("0123456789");
  CO_EXPECT_EQ(co_await io::WriteAt(file, 100, {}), 0U);
  EXPECT_EQ(lseek(file.get(), 0, SEEK_END), 10);
}

CO_TEST(WriteAtTest, RefusesOffsetsThatNoFileHas) {
  const io::Fd file = AnonymousFile("0123456789");
  IO_TEST_CHECK(lseek(file.get(), 5, SEEK_SET));
  constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
  for (const std::uint64_t offset :
       {kLargest, kLargest + 1, ~std::uint64_t{0} - 1, ~std::uint64_t{0}}) {
    CO_EXPECT_ERROR(co_await io::WriteAt(file, offset, Bytes("x")),
                    std::errc::invalid_argument)
        << offset;
  }
  EXPECT_EQ(lseek(file.get(), 0, SEEK_CUR), 5);
  IO_TEST_CHECK(lseek(file.get(), 0, SEEK_SET));
  EXPECT_EQ(Drain(file), "0123456789");
}

// Sets the largest size of a file, and takes the signal away that tells of it.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t size) {
    IO_TEST_CHECK(getrlimit(RLIMIT_FSIZE, &before_));
    const rlimit limit{size, before_.rlim_max};
    IO_TEST_CHECK(setrlimit(RLIMIT_FSIZE, &limit));
    action_ = signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    signal(SIGXFSZ, action_);
    setrlimit(RLIMIT_FSIZE, &before_);
  }

 private:
  rlimit before_{};
  sighandler_t action_;
};

CO_TEST(WriteAtTest, IsShortWhereTheFileMayNotGrowFurther) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const io::Fd file = AnonymousFile();
  const std::vector<std::byte> data = Pattern(10'000);
  const FileSizeLimit limit(6000);
  CO_EXPECT_EQ(co_await io::WriteAt(file, 0, data), 6000U);
  CO_EXPECT_ERROR(co_await io::WriteAt(file, 6000, data),
                  std::errc::file_too_large);
  EXPECT_EQ(Drain(file), Text(std::span(data).first(6000)));
}

CO_TEST(WriteAtTest, AppendsToAFileOpenedToAppend) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const TempDir dir;
  Store(dir / "log", "first");
  const io::Fd file(IO_TEST_CHECK(
      open((dir / "log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)));
  CO_EXPECT_EQ(co_await io::WriteAt(file, 0, Bytes("second")), 6U);
  EXPECT_EQ(Load(dir / "log"), "firstsecond");
}

CO_TEST(WriteAtTest, GivesTheErrorsOfTheSystemCall) {
  const io::Fd file(IO_TEST_CHECK(open("/proc/self/exe", O_RDONLY)));
  CO_EXPECT_ERROR(co_await io::WriteAt(file, 0, Bytes("x")),
                  std::errc::bad_file_descriptor);
}

CO_TEST(WriteAtTest, RunsManyOnOneFileAtOnce) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const std::vector<std::byte> contents = Pattern(64 * 1024);
  const io::Fd file = AnonymousFile();
  constexpr std::size_t kPart = 512;
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    for (std::size_t at = 0; at < contents.size(); at += kPart) {
      scope.Spawn([&, at]() -> Task<void> {
        CO_EXPECT_EQ(co_await io::WriteAt(
                         file, at, std::span(contents).subspan(at, kPart)),
                     kPart);
      });
    }
    co_return;
  });
  EXPECT_EQ(Drain(file), Text(contents));
}

}  // namespace
}  // namespace eddy::io_test
