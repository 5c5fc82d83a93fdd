// Memory that is faulted in and locked before the loop runs.
#include <eddy/runtime/frame_arena.h>
#include <eddy/runtime/frame_pool.h>
#include <eddy/runtime/reactor.h>
#include <eddy/runtime/resident_memory.h>
#include <eddy/runtime/task.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/runtime/heap_count.h"

namespace eddy::internal {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

#define SKIP_WITHOUT_POOL()                                         \
  if (!EDDY_INTERNAL_POOL_FRAMES) {                                 \
    GTEST_SKIP() << "frames are not pooled under AddressSanitizer"; \
  }                                                                 \
  static_assert(true, "")

// Sanitizers make mlock(2) do nothing, and AddressSanitizer has stacks of its
// own.
#define SKIP_UNDER_SANITIZERS()                                   \
  if (test::kAsan || test::kTsan) {                               \
    GTEST_SKIP() << "the sanitizer has its own mlock and stacks"; \
  }                                                               \
  static_assert(true, "")

// Page faults of this thread so far.
long Faults() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

// Bytes of this process that are locked.
std::size_t Locked() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "VmLck:") continue;
    std::size_t kib = 0;
    status >> kib;
    return kib * 1024;
  }
  return 0;
}

bool IsMapped(void* memory) {
  unsigned char pages[1];
  const auto address = reinterpret_cast<std::uintptr_t>(memory) & ~4095UL;
  return mincore(reinterpret_cast<void*>(address), 1, pages) == 0;
}

// Runs `f` in a child without privileges; true if it returned true there.
template <class F>
bool WithoutPrivileges(const F& f) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) _exit(2);
    if (getuid() == 0 && setuid(65534) != 0) _exit(2);
    _exit(f() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Not inlined: its memory lies below its caller's frame, not in it.
[[gnu::noinline]] void TouchStack(std::size_t size) {
  auto* memory = static_cast<volatile char*>(__builtin_alloca(size));
  for (std::size_t i = 0; i < size; i += 4096) memory[i] = 1;
}

TEST(FrameArenaTest, GivesBlocksUntilItIsUsedUp) {
  FrameArena* arena = FrameArena::Create(1, /*lock=*/false).value();
  EXPECT_EQ(arena->size(), 4096U);
  auto* first = static_cast<std::byte*>(arena->Take(1024));
  auto* second = static_cast<std::byte*>(arena->Take(3072));
  EXPECT_EQ(second, first + 1024);
  EXPECT_EQ(arena->Take(64), nullptr);
  EXPECT_TRUE(arena->Contains(first));
  EXPECT_TRUE(arena->Contains(second + 3071));
  EXPECT_FALSE(arena->Contains(second + 3072));
  EXPECT_TRUE(FrameArena::Return(first));
  EXPECT_TRUE(FrameArena::Return(second));
  EXPECT_TRUE(IsMapped(first));
  arena->LetGo();
  EXPECT_FALSE(IsMapped(first));
  EXPECT_FALSE(FrameArena::Return(first));
}

TEST(FrameArenaTest, StaysWhileABlockIsOut) {
  FrameArena* arena = FrameArena::Create(kMiB, /*lock=*/false).value();
  void* block = arena->Take(128);
  arena->LetGo();
  std::memset(block, 1, 128);
  std::thread([&] { EXPECT_TRUE(FrameArena::Return(block)); }).join();
  EXPECT_FALSE(IsMapped(block));
}

TEST(FrameArenaTest, CannotBeLargerThanMemory) {
  EXPECT_EQ(FrameArena::Create(~std::size_t{0}, false).error(),
            std::errc::not_enough_memory);
  EXPECT_EQ(FrameArena::Create(std::size_t{1} << 60, false).error(),
            std::errc::not_enough_memory);
}

TEST(FrameArenaTest, IsLockedOrSaysWhatToChange) {
  SKIP_UNDER_SANITIZERS();
  const std::size_t before = Locked();
  Result<FrameArena*> arena = FrameArena::Create(kMiB, /*lock=*/true);
  if (arena) {
    EXPECT_EQ(Locked(), before + kMiB);
    (*arena)->LetGo();
  } else {
    EXPECT_EQ(arena.error(), kMemoryLockLimit);
  }
  EXPECT_EQ(Locked(), before);
  EXPECT_TRUE(WithoutPrivileges([] {
    const Result<FrameArena*> refused = FrameArena::Create(kMiB, true);
    return !refused && refused.error() == kMemoryLockLimit;
  }));
  EXPECT_NE(kMemoryLockLimit.message().find("RLIMIT_MEMLOCK"),
            std::string::npos);
}

TEST(FramePoolTest, PrefaultedBlocksFaultNeverAndAllocateNothing) {
  SKIP_WITHOUT_POOL();
  std::thread([] {
    ASSERT_TRUE(FramePool::Prefault(kMiB, /*lock=*/false));
    constexpr std::size_t kSize = 1024;
    std::vector<void*> blocks(kMiB / kSize);
    const long faults = Faults();
    const test::HeapCount count;
    for (void*& block : blocks) {
      block = FramePool::Allocate(kSize);
      std::memset(block, 1, kSize);
    }
    EXPECT_EQ(count.allocations(), 0U);
    EXPECT_LT(Faults() - faults, 16);  // of 256 pages
    EXPECT_EQ(FramePool::Live(), std::ptrdiff_t(blocks.size()));
    // From here on the heap.
    void* more = FramePool::Allocate(kSize);
    FramePool::Free(more, kSize);
    for (void* block : blocks) FramePool::Free(block, kSize);
    FramePool::Trim();
    EXPECT_EQ(FramePool::Live(), 0);
    // What is prefaulted is there still.
    void* again = FramePool::Allocate(kSize);
    EXPECT_NE(std::find(blocks.begin(), blocks.end(), again), blocks.end());
    FramePool::Free(again, kSize);
  }).join();
}

TEST(FramePoolTest, PrefaultedBlocksMayBeFreedByAnotherThreadLater) {
  SKIP_WITHOUT_POOL();
  void* block = nullptr;
  std::thread([&] {
    ASSERT_TRUE(FramePool::Prefault(kMiB, /*lock=*/false));
    ASSERT_TRUE(FramePool::Prefault(kMiB / 2, /*lock=*/false));  // is there
    block = FramePool::Allocate(256);
    ASSERT_TRUE(FramePool::Prefault(2 * kMiB, /*lock=*/false));
  }).join();
  std::memset(block, 1, 256);
  EXPECT_TRUE(IsMapped(block));
  std::thread([&] {
    FramePool::TrimAtThreadExit();
    FramePool::Free(block, 256);
  }).join();
  EXPECT_FALSE(IsMapped(block));
}

TEST(PrefaultStackTest, TakesTheFaultsOfLaterCalls) {
  SKIP_UNDER_SANITIZERS();
  std::thread([] {
    ASSERT_TRUE(PrefaultStack(2 * kMiB, /*lock=*/false));
    const long faults = Faults();
    TouchStack(kMiB);
    EXPECT_LT(Faults() - faults, 16);  // of 256 pages
  }).join();
}

TEST(PrefaultStackTest, TakesWhatThereIs) {
  SKIP_UNDER_SANITIZERS();
  std::thread([] {
    EXPECT_TRUE(PrefaultStack(std::size_t{1} << 40, /*lock=*/false));
    EXPECT_TRUE(PrefaultStack(1, /*lock=*/false));
    EXPECT_TRUE(PrefaultStack(0, /*lock=*/true));
  }).join();
  EXPECT_TRUE(PrefaultStack(kMiB, /*lock=*/false));
  EXPECT_TRUE(WithoutPrivileges([] {
    const Result<void> refused = PrefaultStack(kMiB, true);
    return !refused && refused.error() == kMemoryLockLimit;
  }));
}

TEST(ReactorMemoryTest, IsPrefaultedAndLocked) {
  SKIP_UNDER_SANITIZERS();
  ReactorOptions options;
  options.prefault_frames = kMiB;
  options.prefault_stack = kMiB;
  std::thread([&] {
    const Result<std::unique_ptr<Reactor>> plain = Reactor::Create(options);
    ASSERT_TRUE(plain) << plain.error();
    EXPECT_FALSE((*plain)->locks_memory());
    options.lock_memory = true;
    const std::size_t before = Locked();
    const Result<std::unique_ptr<Reactor>> locked = Reactor::Create(options);
    if (!locked) {
      EXPECT_EQ(locked.error(), kMemoryLockLimit);
      return;
    }
    EXPECT_TRUE((*locked)->locks_memory());
    EXPECT_GE(Locked(), before + kMiB);
  }).join();
  EXPECT_TRUE(WithoutPrivileges([&] {
    options.lock_memory = true;
    const Result<std::unique_ptr<Reactor>> refused = Reactor::Create(options);
    return !refused && refused.error() == kMemoryLockLimit;
  }));
}

}  // namespace
}  // namespace eddy::internal
