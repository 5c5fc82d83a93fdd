#include <eddy/runtime/bounded_fifo.h>

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <limits>
#include <memory>
#include <new>
#include <random>

namespace eddy::internal {
namespace {

TEST(BoundedFifoTest, GivesWhatWasPushedInOrder) {
  BoundedFifo<int> fifo(3);
  EXPECT_EQ(fifo.capacity(), 3u);
  EXPECT_TRUE(fifo.empty());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(fifo.full());
    fifo.Push(i);
  }
  EXPECT_TRUE(fifo.full());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(fifo[2 - static_cast<std::size_t>(i)], 2);
    EXPECT_EQ(fifo.front(), i);
    fifo.Pop();
  }
  EXPECT_TRUE(fifo.empty());
}

TEST(BoundedFifoTest, OfNoCapacityIsEmptyAndFull) {
  const BoundedFifo<int> fifo(0);
  EXPECT_TRUE(fifo.empty());
  EXPECT_TRUE(fifo.full());
}

TEST(BoundedFifoTest, DestroysWhatIsLeft) {
  const auto shared = std::make_shared<int>(1);
  {
    BoundedFifo<std::shared_ptr<int>> fifo(2);
    fifo.Push(shared);
    fifo.Push(shared);
    fifo.Pop();
    EXPECT_EQ(shared.use_count(), 2);
    fifo.Push(shared);
    EXPECT_EQ(shared.use_count(), 3);
    while (!fifo.empty()) static_cast<void>(fifo.Take());
    EXPECT_EQ(shared.use_count(), 1);
    fifo.Push(shared);
  }
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(BoundedFifoTest, ThrowsWhereThereIsNoMemoryForIt) {
  constexpr std::size_t kTooMany = std::numeric_limits<std::size_t>::max();
  EXPECT_THROW(BoundedFifo<int> fifo(kTooMany), std::bad_alloc);
}

TEST(BoundedFifoTest, IsLikeADequeWhateverTheOrder) {
  std::mt19937 random(1);
  for (const std::size_t capacity : {1u, 2u, 7u, 64u}) {
    BoundedFifo<unsigned> fifo(capacity);
    std::deque<unsigned> expected;
    for (unsigned i = 0; i < 20'000; ++i) {
      // Now more pushes, now more pops.
      const bool pushes = random() % 16 < ((i / 1000) % 2 == 0 ? 9u : 7u);
      if (pushes && !fifo.full()) {
        fifo.Push(i);
        expected.push_back(i);
      } else if (!expected.empty()) {
        ASSERT_EQ(fifo.front(), expected.front());
        fifo.Pop();
        expected.pop_front();
      }
      ASSERT_EQ(fifo.size(), expected.size());
      ASSERT_EQ(fifo.empty(), expected.empty());
      ASSERT_EQ(fifo.full(), expected.size() == capacity);
      if (!expected.empty()) {
        const std::size_t index = random() % expected.size();
        ASSERT_EQ(fifo[index], expected[index]);
      }
    }
  }
}

}  // namespace
}  // namespace eddy::internal
