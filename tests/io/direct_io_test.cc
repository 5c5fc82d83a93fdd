// Transfers that a device carries out into the caller's memory: they cannot be
// interrupted, so a stop, a timeout and the reactor's end have to wait for
// them, or the memory is written after it was given back.
#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <eddy/io/read_at.h>
#include <eddy/io/statx.h>
#include <eddy/io/sync.h>
#include <eddy/io/write_at.h>
#include <eddy/runtime/stop.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <memory>
#include <new>
#include <thread>

namespace eddy::io_test {
namespace {

constexpr std::size_t kBlock = 64 * 1024;
constexpr std::size_t kBlocks = 32;
constexpr std::align_val_t kAlignment{4096};

struct AlignedDelete {
  void operator()(std::byte* memory) const {
    ::operator delete[](memory, kAlignment);
  }
};
using Block = std::unique_ptr<std::byte[], AlignedDelete>;

std::span<std::byte> SpanOf(const Block& block) {
  return {block.get(), kBlock};
}
Block NewBlock() {
  Block block(static_cast<std::byte*>(::operator new[](kBlock, kAlignment)));
  std::ranges::fill(SpanOf(block), kUntouched);
  return block;
}

// A file of kBlocks blocks on a device, opened with O_DIRECT.
class DirectIoTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<std::byte> contents = Pattern(kBlocks * kBlock);
    Store(dir_ / "file", Text(contents));
    const int fd = open((dir_ / "file").c_str(), O_RDWR | O_DIRECT | O_CLOEXEC);
    if (fd < 0) GTEST_SKIP() << "no O_DIRECT on the file system of /tmp";
    file_ = io::Fd(fd);
    IO_TEST_CHECK(fsync(fd));
    // The alignment is asked for, not guessed.
    struct statx info {};
    IO_TEST_CHECK(statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &info));
    if ((info.stx_mask & STATX_DIOALIGN) == 0) {
      GTEST_SKIP() << "the file system does not tell its alignment";
    }
    offset_align_ = info.stx_dio_offset_align;
    if (info.stx_dio_mem_align > 4096 || offset_align_ == 0 ||
        kBlock % offset_align_ != 0) {
      GTEST_SKIP() << "unusual alignment";
    }
  }

  // Every block as it is, or as it was read; nothing half-way.
  static bool IsUntouchedOrRead(const Block& block, std::size_t at) {
    static const std::vector<std::byte> contents = Pattern(kBlocks * kBlock);
    return IsUntouched(SpanOf(block)) ||
           std::ranges::equal(SpanOf(block),
                              std::span(contents).subspan(at * kBlock, kBlock));
  }

  TempDir dir_;
  io::Fd file_;
  std::size_t offset_align_ = 0;
};

// Reads all blocks at once and calls stop(scope); after each read returns, its
// buffer belongs to the caller, who writes to it.
template <class F>
Task<void> ReadAndReuse(const io::Fd& file, std::vector<Block>& blocks,
                        F stop) {
  co_await InScope([&](TaskScope& scope) -> Task<void> {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      scope.Spawn([&file, &block = blocks[i], i]() -> Task<void> {
        const Result<std::size_t> n =
            co_await io::ReadAt(file, i * kBlock, SpanOf(block));
        if (n) {
          EXPECT_TRUE(*n == kBlock || (test::InChaos() && *n < kBlock)) << *n;
        } else {
          CO_EXPECT_ERROR(n, kCanceled);
          EXPECT_TRUE(IsUntouched(SpanOf(block)));
        }
        std::ranges::fill(SpanOf(block), kUntouched);
      });
    }
    co_await stop(scope);
  });
}

TEST_F(DirectIoTest, NothingIsWrittenAfterAStoppedReadReturned) {
  for (int turns = 0; turns < 8; ++turns) {
    std::vector<Block> blocks(kBlocks);
    std::ranges::generate(blocks, NewBlock);
    SyncWait(
        ReadAndReuse(file_, blocks, [turns](TaskScope& scope) -> Task<void> {
          for (int i = 0; i < turns; ++i) co_await Turn();
          scope.RequestStop();
        }));
    // What the device wrote late would show up here.
    std::this_thread::sleep_for(5ms);
    for (const Block& block : blocks) {
      EXPECT_TRUE(IsUntouched(SpanOf(block)));
    }
  }
}

TEST_F(DirectIoTest, NothingIsWrittenAfterATimeout) {
  SyncWait([](const io::Fd& file) -> Task<void> {
    for (std::size_t i = 0; i < 100; ++i) {
      const Block block = NewBlock();
      const Result<std::size_t> n = co_await WithTimeout(
          (i % 5) * 20us,
          io::ReadAt(file, i % kBlocks * kBlock, SpanOf(block)));
      if (!n) {
        CO_EXPECT_ERROR(n, kTimedOut);
        EXPECT_TRUE(IsUntouched(SpanOf(block)));
      }
      // Freed here: a late write is a use after free.
    }
  }(file_));
}

TEST_F(DirectIoTest, ReactorEndsAfterReadsInFlight) {
  for (int turns = 0; turns < 3; ++turns) {
    std::vector<Block> blocks(kBlocks);
    std::ranges::generate(blocks, NewBlock);
    SyncWait([](const io::Fd& file, std::vector<Block>& all,
                int count) -> Task<void> {
      for (std::size_t i = 0; i < all.size(); ++i) {
        Reactor::Current()->scope().Spawn(
            [&file, &block = all[i], i]() -> Task<void> {
              (void)co_await io::ReadAt(file, i * kBlock, SpanOf(block));
              std::ranges::fill(SpanOf(block), kUntouched);
            });
      }
      for (int i = 0; i < count; ++i) co_await Turn();
    }(file_, blocks, turns));
    std::this_thread::sleep_for(5ms);
    for (const Block& block : blocks) {
      EXPECT_TRUE(IsUntouched(SpanOf(block)));
    }
  }
}

TEST_F(DirectIoTest, ReadsAreWholeOrDidNotHappen) {
  EDDY_SKIP_IN_CHAOS(test::kShort);
  std::vector<Block> blocks(kBlocks);
  std::ranges::generate(blocks, NewBlock);
  SyncWait([](const io::Fd& file, std::vector<Block>& all) -> Task<void> {
    co_await InScope([&](TaskScope& scope) -> Task<void> {
      for (std::size_t i = 0; i < all.size(); ++i) {
        scope.Spawn([&file, &block = all[i], i]() -> Task<void> {
          (void)co_await io::ReadAt(file, i * kBlock, SpanOf(block));
        });
      }
      co_await Turn();
      scope.RequestStop();
    });
  }(file_, blocks));
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_TRUE(IsUntouchedOrRead(blocks[i], i)) << i;
  }
}

TEST_F(DirectIoTest, RefusesWhatIsNotAligned) {
  SyncWait([](const io::Fd& file, std::size_t align) -> Task<void> {
    const Block block = NewBlock();
    CO_EXPECT_EQ(co_await io::ReadAt(file, 0, SpanOf(block).first(align)),
                 align);
    CO_EXPECT_ERROR(co_await io::ReadAt(file, 1, SpanOf(block)),
                    std::errc::invalid_argument);
    CO_EXPECT_ERROR(co_await io::WriteAt(file, align / 2, SpanOf(block)),
                    std::errc::invalid_argument);
  }(file_, offset_align_));
}

TEST_F(DirectIoTest, WritesReadBack) {
  EDDY_SKIP_IN_CHAOS(test::kShort);
  SyncWait([](const io::Fd& file) -> Task<void> {
    const Block block = NewBlock();
    std::ranges::copy(Pattern(kBlock, 7), block.get());
    CO_EXPECT_EQ(co_await io::WriteAt(file, 3 * kBlock, SpanOf(block)), kBlock);
    CO_EXPECT_OK(co_await io::Sync(file));
    const Block copy = NewBlock();
    CO_EXPECT_EQ(co_await io::ReadAt(file, 3 * kBlock, SpanOf(copy)), kBlock);
    EXPECT_TRUE(std::ranges::equal(SpanOf(block), SpanOf(copy)));
  }(file_));
}

}  // namespace
}  // namespace eddy::io_test
