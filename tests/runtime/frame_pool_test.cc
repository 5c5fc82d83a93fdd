// FramePool: blocks come back, on any thread, and go with it.
#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "tests/runtime/heap_count.h"

namespace eddy::internal {
namespace {

#define SKIP_WITHOUT_POOL()                                         \
  if (!EDDY_INTERNAL_POOL_FRAMES) {                                 \
    GTEST_SKIP() << "frames are not pooled under AddressSanitizer"; \
  }                                                                 \
  static_assert(true, "")

#define SKIP_WITHOUT_COUNT()                                          \
  if (!test::CountsAllocations()) {                                   \
    GTEST_SKIP() << "the sanitizer's operator new cannot be counted"; \
  }                                                                   \
  static_assert(true, "")

TEST(FramePoolTest, GivesAlignedMemoryOfTheSize) {
  for (std::size_t size = 1; size <= 70'000; size = size * 3 / 2 + 1) {
    void* block = FramePool::Allocate(size);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(
        reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t),
        0u);
    std::memset(block, 0xab, size);  // all of it is ours
    FramePool::Free(block, size);
  }
}

TEST(FramePoolTest, GivesTheBlockThatWasFreedLast) {
  SKIP_WITHOUT_POOL();
  void* first = FramePool::Allocate(200);
  void* second = FramePool::Allocate(200);
  EXPECT_NE(first, second);
  FramePool::Free(first, 200);
  FramePool::Free(second, 200);
  EXPECT_EQ(FramePool::Allocate(200), second);
  EXPECT_EQ(FramePool::Allocate(200), first);
  FramePool::Free(first, 200);
  FramePool::Free(second, 200);
}

TEST(FramePoolTest, SizesOfOneClassShareBlocks) {
  SKIP_WITHOUT_POOL();
  void* block = FramePool::Allocate(65);
  FramePool::Free(block, 65);
  void* again = FramePool::Allocate(128);
  EXPECT_EQ(again, block);
  FramePool::Free(again, 128);
  void* other = FramePool::Allocate(129);
  EXPECT_NE(other, block);
  FramePool::Free(other, 129);
}

TEST(FramePoolTest, LargeBlocksGoToTheHeap) {
  SKIP_WITHOUT_COUNT();
  FramePool::Free(FramePool::Allocate(32 * 1024), 32 * 1024);
  test::HeapCount count;
  FramePool::Free(FramePool::Allocate(32 * 1024), 32 * 1024);
  EXPECT_EQ(count.allocations(), 0u);
  FramePool::Free(FramePool::Allocate(32 * 1024 + 1), 32 * 1024 + 1);
  EXPECT_EQ(count.allocations(), 1u);
  EXPECT_EQ(count.frees(), 1u);
}

TEST(FramePoolTest, TrimGivesFreeBlocksBack) {
  SKIP_WITHOUT_COUNT();
  FramePool::Trim();
  std::vector<void*> blocks(100);
  for (void*& block : blocks) block = FramePool::Allocate(500);
  for (void* block : blocks) FramePool::Free(block, 500);
  test::HeapCount count;
  FramePool::Trim();
  EXPECT_EQ(count.frees(), 100u);
  FramePool::Trim();
  EXPECT_EQ(count.frees(), 100u);
}

TEST(FramePoolTest, TheEndOfAThreadGivesItsBlocksBack) {
  SKIP_WITHOUT_COUNT();
  test::HeapCount count;
  std::thread([] {
    std::vector<void*> blocks(1000);
    for (void*& block : blocks) block = FramePool::Allocate(300);
    for (void* block : blocks) FramePool::Free(block, 300);
  }).join();
  EXPECT_EQ(count.frees(), count.allocations());
}

TEST(FramePoolTest, ABlockMayBeFreedOnAnotherThread) {
  SKIP_WITHOUT_COUNT();
  FramePool::Trim();
  test::HeapCount count;
  {
    std::vector<void*> blocks(1000);
    for (void*& block : blocks) block = FramePool::Allocate(300);
    std::thread([&] {
      void* own = FramePool::Allocate(300);
      for (void* block : blocks) FramePool::Free(block, 300);
      FramePool::Free(own, 300);
    }).join();
  }
  EXPECT_EQ(count.frees(), count.allocations());
}

TEST(FramePoolTest, TheEndOfAThreadWithAReactorGivesBackWhatItFreed) {
  SKIP_WITHOUT_COUNT();
  FramePool::Trim();
  test::HeapCount count;
  {
    std::vector<void*> blocks(1000);
    for (void*& block : blocks) block = FramePool::Allocate(300);
    std::thread([&] {
      const Result<std::unique_ptr<Reactor>> reactor = Reactor::Create();
      EXPECT_TRUE(reactor.has_value());
      for (void* block : blocks) FramePool::Free(block, 300);
    }).join();
  }
  EXPECT_EQ(count.frees(), count.allocations());
}

TEST(FramePoolTest, LiveIsWhatWasAllocatedAndNotFreed) {
  const std::ptrdiff_t before = FramePool::Live();
  void* small = FramePool::Allocate(100);
  void* same = FramePool::Allocate(100);
  void* other = FramePool::Allocate(5000);
  void* large = FramePool::Allocate(100'000);
  EXPECT_EQ(FramePool::Live() - before, 4);
  FramePool::Free(same, 100);
  FramePool::Free(large, 100'000);
  EXPECT_EQ(FramePool::Live() - before, 2);
  same = FramePool::Allocate(100);  // from the free list
  EXPECT_EQ(FramePool::Live() - before, 3);
  FramePool::Free(small, 100);
  FramePool::Free(same, 100);
  FramePool::Free(other, 5000);
  EXPECT_EQ(FramePool::Live(), before);
  FramePool::Trim();
  EXPECT_EQ(FramePool::Live(), before);
}

TEST(FramePoolTest, LiveIsOfTheThread) {
  const std::ptrdiff_t before = FramePool::Live();
  void* block = FramePool::Allocate(100);
  void* large = FramePool::Allocate(100'000);
  std::thread([&] {
    EXPECT_EQ(FramePool::Live(), 0);
    FramePool::Free(block, 100);
    FramePool::Free(large, 100'000);
    EXPECT_EQ(FramePool::Live(), -2);
    block = FramePool::Allocate(100);
    EXPECT_EQ(FramePool::Live(), -1);
    FramePool::Free(block, 100);
    FramePool::Trim();
    EXPECT_EQ(FramePool::Live(), -2);
  }).join();
  EXPECT_EQ(FramePool::Live() - before, 2);
}

TEST(FramePoolTest, LiveCountsTheFramesOfTasks) {
  const std::ptrdiff_t before = FramePool::Live();
  {
    const auto nothing = []() -> Task<void> { co_return; };
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 2; ++i) tasks.push_back(nothing());
    EXPECT_EQ(FramePool::Live() - before, 2);
  }
  EXPECT_EQ(FramePool::Live(), before);
}

}  // namespace
}  // namespace eddy::internal
