// Files that are read and written, stopped and failed at every point.
#include "tests/io/io_test_util.h"

#include <eddy/fs/file.h>
#include <eddy/fs/read_file.h>
#include <eddy/fs/write_file.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/timeout.h>
#include <eddy/runtime/when_all.h>
#include <eddy/runtime/when_any.h>
#include <eddy/runtime/yield.h>

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "tests/sweeps.h"

namespace eddy::fs {
namespace {

using namespace std::chrono_literals;
using io_test::Bytes;
using io_test::kUntouched;
using io_test::Load;
using io_test::Pattern;
using io_test::Store;
using io_test::TempDir;
using io_test::Text;
using test::ExpectCleanSweeps;

// What a scenario gives that has read something else than it should.
constexpr std::errc kWrong = std::errc::bad_message;

TEST(FsSweepTest, WriteFileAndReadFile) {
  const TempDir dir;
  const std::string path = dir / "file";
  const std::string contents = Text(Pattern(10'000));
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_CHECK(co_await WriteFile(path, contents));
    EDDY_CO_TRY(const std::string got, co_await ReadFile(path));
    if (got != contents) co_return Unexpected(kWrong);
    EDDY_CO_TRY(const std::string status, co_await ReadFile("/proc/self/stat"));
    co_return status.empty() ? Unexpected(kWrong) : Result<void>();
  };
  SweepOptions options;
  // What is there is a beginning, if anything.
  options.check = [&] {
    const std::string now = Load(path);
    return contents.starts_with(now) ? "" : "the file holds something else";
  };
  Store(path, "");
  ExpectCleanSweeps(scenario, {.stops = 20, .failures = 11}, options);
}

TEST(FsSweepTest, EveryVerbOfAFile) {
  const TempDir dir;
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(File file,
                co_await File::Open(dir / "all", OpenOptions::Rewrite()));
    EDDY_CO_CHECK(co_await file.WriteAllAt(0, Bytes("0123456789")));
    EDDY_CO_CHECK(co_await file.DataSync());
    EDDY_CO_TRY(const std::size_t written,
                co_await file.WriteAt(4, Bytes("X")));
    EDDY_CO_CHECK(co_await WithTimeout(1h, file.Sync()));
    EDDY_CO_TRY(const FileInfo info, co_await file.Stat());
    std::array<std::byte, 16> buffer;
    EDDY_CO_TRY(const std::size_t n, co_await file.ReadAllAt(2, buffer));
    EDDY_CO_TRY(const std::size_t at_end, co_await file.ReadAt(10, buffer));
    if (written != 1 || info.size != 10 || n != 8 || at_end != 0 ||
        Text(std::span(buffer).first(n)) != "23X56789") {
      co_return Unexpected(kWrong);
    }
    co_return co_await file.Close();
  };
  ExpectCleanSweeps(scenario, {.stops = 20, .failures = 9});
}

// Readers of one file at once, one of which wins.
TEST(FsSweepTest, SeveralReadersOfAFile) {
  const TempDir dir;
  Store(dir / "file", "contents");
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(const File file, co_await File::Open(dir / "file"));
    std::array<std::byte, 8> a;
    std::array<std::byte, 8> b;
    std::array<std::byte, 8> c;
    const auto [all, stat] =
        co_await WhenAll(file.ReadAllAt(0, a), file.Stat());
    EDDY_CO_CHECK(all);
    EDDY_CO_CHECK(stat);
    const auto first =
        co_await WhenAny(file.ReadAllAt(0, b), file.ReadAllAt(0, c));
    const auto* n = first.index() == 0 ? first.value<0>() : first.value<1>();
    EDDY_CO_CHECK(*n);
    const auto& read = first.index() == 0 ? b : c;
    if (Text(a) != "contents" || Text(read) != "contents") {
      co_return Unexpected(kWrong);
    }
    co_return Result<void>();
  };
  ExpectCleanSweeps(scenario, {.stops = 10, .failures = 4});
}

// --- Direct reads ------------------------------------------------------------

constexpr std::size_t kBlock = 16 * 1024;
constexpr std::align_val_t kAlignment{4096};

// Memory for a direct read. Freed while the device still writes to it, it would
// be what somebody else holds.
class Block {
 public:
  Block()
      : memory_(static_cast<std::byte*>(::operator new[](kBlock, kAlignment))) {
    std::ranges::fill(bytes(), kUntouched);
  }
  ~Block() {
    // A device that writes from now on is seen by who has the memory next.
    std::ranges::fill(bytes(), std::byte{0});
    ::operator delete[](memory_, kAlignment);
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  std::span<std::byte> bytes() const { return {memory_, kBlock}; }

 private:
  std::byte* memory_;
};

class DirectSweepTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Store(path(), Text(Pattern(4 * kBlock)));
    const int fd = open(path().c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
    if (fd < 0) GTEST_SKIP() << "no O_DIRECT on the file system of /tmp";
    close(fd);
  }

  std::string path() const { return dir_ / "file"; }
  Task<Result<File>> Open() const {
    OpenOptions options;
    options.direct = true;
    return File::Open(path(), options);
  }

  // A block is whole when its read has succeeded, and else was not touched. (A
  // read in parts, as under chaos, may have had its first ones.)
  static Result<void> Look(const Block& block, std::size_t at,
                           const Result<std::size_t>& n) {
    static const std::vector<std::byte> contents = Pattern(4 * kBlock);
    const auto expected = std::span(contents).subspan(at * kBlock, kBlock);
    if (!n) return Unexpected(n.error());
    if (*n != kBlock || !std::ranges::equal(block.bytes(), expected)) {
      return Unexpected(kWrong);
    }
    return Result<void>();
  }

 private:
  const TempDir dir_;
};

TEST_F(DirectSweepTest, ReadsOfAScopeThatIsStopped) {
  const auto scenario = [&]() -> Task<Result<void>> {
    EDDY_CO_TRY(const File file, co_await Open());
    const auto reads = [&](std::size_t at) -> Task<Result<void>> {
      const Block block;
      const Result<std::size_t> n =
          co_await file.ReadAllAt(at * kBlock, block.bytes());
      co_return Look(block, at, n);
    };
    // The first one stops the others, in flight as they are.
    const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
      for (std::size_t at = 1; at < 4; ++at) scope.Spawn(reads, at);
      EDDY_CO_CHECK(co_await reads(0));
      scope.RequestStop();
      co_return Result<void>();
    };
    EDDY_CO_CHECK(co_await WithScope(body));
    co_return co_await reads(2);
  };
  ExpectCleanSweeps(scenario, {.stops = 8, .failures = 3});
}

TEST_F(DirectSweepTest, ReadsInFlightAtTheReactorsEnd) {
  const auto scenario = [&]() -> Task<Result<void>> {
    TaskScope& scope = Reactor::Current()->scope();
    const auto reads = [this](std::size_t at) -> Task<void> {
      const Result<File> file = co_await Open();
      if (!file) co_return;
      const Block block;
      const Result<std::size_t> n =
          co_await file->ReadAllAt(at * kBlock, block.bytes());
      const Result<void> seen = Look(block, at, n);
      if (!seen) {
        EXPECT_NE(seen.error(), kWrong);
      }
    };
    for (std::size_t at = 0; at < 4; ++at) scope.Spawn(reads, at);
    for (int i = 0; i < 8; ++i) co_await io_test::Turn();
    co_return Result<void>();
  };
  ExpectCleanSweeps(scenario, {.stops = 8, .failures = 5});
}

}  // namespace
}  // namespace eddy::fs
