#include <eddy/io/registered_memory.h>

#include "tests/chaos.h"
#include "tests/io/operation_contract.h"

#include <eddy/io/read_at.h>
#include <eddy/io/write_at.h>
#include <eddy/runtime/sync_wait.h>

#include <sys/mman.h>

#include <array>
#include <memory>
#include <thread>

namespace eddy::io_test {
namespace {

using io::RegisteredMemory;
using io::RegisteredSpan;

// A read into registered memory; its registration is made before, as the first
// thing of the await.
class ReadRegisteredVerb final : public Verb {
 public:
  Task<Result<void>> RunOn(const io::Fd& fd) override {
    if (!memory_.valid()) {
      EDDY_CO_TRY(memory_, RegisteredMemory::Register(bytes_));
    }
    EDDY_CO_TRY(count_, co_await io::ReadAt(fd, 2, memory_.Part(1, 5)));
    co_return Result<void>();
  }
  const io::Fd& fd() const override { return file_; }
  void ExpectDone() override {
    EXPECT_PRED2(test::IsAllOrShort, Text(std::span(bytes_).subspan(1, count_)),
                 "23456");
    EXPECT_EQ(bytes_[0], kUntouched);
    EXPECT_TRUE(IsUntouched(std::span(bytes_).subspan(1 + count_)));
  }
  void ExpectNoTrace() override { EXPECT_TRUE(IsUntouched(bytes_)); }

 private:
  io::Fd file_ = AnonymousFile("0123456789");
  std::vector<std::byte> bytes_ = std::vector<std::byte>(64, kUntouched);
  RegisteredMemory memory_;
  std::size_t count_ = 0;
};
INSTANTIATE_TEST_SUITE_P(ReadRegistered, OperationContractTest,
                         ::testing::Values(MakeVerb<ReadRegisteredVerb>));

CO_TEST(RegisteredMemoryTest, IsReadIntoAndWrittenFrom) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const io::Fd file = AnonymousFile("0123456789");
  std::vector<std::byte> bytes(8192, kUntouched);
  Result<RegisteredMemory> memory = RegisteredMemory::Register(bytes);
  if (!memory && memory.error() == std::errc::function_not_supported) {
    CO_SKIP("the kernel registers no memory");
  }
  CO_ASSERT_OK(memory);
  CO_EXPECT_EQ(co_await io::ReadAt(file, 2, memory->Part(100, 4)), 4U);
  EXPECT_EQ(Text(std::span(bytes).subspan(100, 4)), "2345");
  CO_EXPECT_EQ(co_await io::WriteAt(file, 8, memory->Part(100, 4)), 4U);
  // Moved, it is registered still.
  RegisteredMemory moved = std::move(*memory);
  EXPECT_FALSE(memory->valid());
  CO_EXPECT_EQ(co_await io::ReadAt(file, 0, moved.Part(0, 12)), 12U);
  EXPECT_EQ(Text(std::span(bytes).first(12)), "012345672345");
  // As plain memory too.
  CO_EXPECT_EQ(co_await io::ReadAt(file, 0, std::span(bytes).first(3)), 3U);
  moved = RegisteredMemory();
  EXPECT_FALSE(moved.valid());
}

CO_TEST(RegisteredMemoryTest, RefusesWhatIsNoMemory) {
  CO_EXPECT_ERROR(RegisteredMemory::Register({}), std::errc::invalid_argument);
  void* hole =
      mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CO_EXPECT_ERROR(RegisteredMemory::Register(
                      {static_cast<std::byte*>(hole), std::size_t{4096}}),
                  std::errc::bad_address);
  munmap(hole, 4096);
  co_return;
}

CO_TEST(RegisteredMemoryTest, GivesItsSlotBack) {
  std::array<std::byte, 64> bytes;
  for (int i = 0; i < 5000; ++i) {
    CO_ASSERT_OK(RegisteredMemory::Register(bytes));
  }
  std::vector<RegisteredMemory> all;
  while (true) {
    Result<RegisteredMemory> memory = RegisteredMemory::Register(bytes);
    if (!memory) {
      CO_EXPECT_ERROR(memory, std::errc::too_many_files_open_in_system);
      break;
    }
    all.push_back(*std::move(memory));
  }
  EXPECT_EQ(all.size(), 4096U);
  all.pop_back();
  CO_EXPECT_OK(RegisteredMemory::Register(bytes));
}

// The slot's number may mean other memory there; the kernel compares addresses.
TEST(RegisteredMemoryTest, OfAnotherReactorIsRefused) {
  std::vector<std::byte> mine(4096, kUntouched);
  std::vector<std::byte> others(4096, kUntouched);
  RegisteredMemory kept;
  SyncWait(
      [](std::span<std::byte> bytes, RegisteredMemory& made) -> Task<void> {
        Result<RegisteredMemory> memory = RegisteredMemory::Register(bytes);
        CO_ASSERT_OK(memory);
        made = *std::move(memory);
      }(mine, kept));
  // It has outlived its reactor.
  SyncWait([](std::span<std::byte> bytes, RegisteredMemory& old) -> Task<void> {
    const io::Fd file = AnonymousFile("0123456789");
    CO_EXPECT_ERROR(co_await io::ReadAt(file, 0, old.Part(0, 4)),
                    std::errc::bad_address);
    const Result<RegisteredMemory> memory = RegisteredMemory::Register(bytes);
    CO_ASSERT_OK(memory);
    CO_EXPECT_ERROR(co_await io::ReadAt(file, 0, old.Part(0, 4)),
                    std::errc::bad_address);
  }(others, kept));
  EXPECT_TRUE(IsUntouched(mine));
  EXPECT_TRUE(IsUntouched(others));
}

TEST(RegisteredMemoryDeathTest, NeedsAReactor) {
  std::array<std::byte, 64> bytes;
  EXPECT_DEATH(static_cast<void>(RegisteredMemory::Register(bytes)),
               "where no reactor runs");
}

}  // namespace
}  // namespace eddy::io_test
