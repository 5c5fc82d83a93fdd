#include <eddy/runtime/fifo.h>

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

namespace eddy::internal {
namespace {

TEST(FifoTest, GivesWhatWasPushedInOrder) {
  Fifo<int> fifo;
  EXPECT_TRUE(fifo.empty());
  for (int i = 0; i < 100; ++i) fifo.Push(i);
  EXPECT_EQ(fifo.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(fifo.Pop(), i);
  EXPECT_TRUE(fifo.empty());
}

TEST(FifoTest, HoldsMoveOnlyValues) {
  Fifo<std::unique_ptr<int>> fifo;
  fifo.Push(std::make_unique<int>(1));
  fifo.Push(std::make_unique<int>(2));
  EXPECT_EQ(*fifo.Pop(), 1);
  EXPECT_EQ(*fifo.Pop(), 2);
}

TEST(FifoTest, IsLikeADequeWhateverTheOrder) {
  std::mt19937 random(1);
  Fifo<unsigned> fifo;
  std::deque<unsigned> expected;
  for (unsigned i = 0; i < 100'000; ++i) {
    // Now more pushes, now more pops.
    const bool pushes = random() % 16 < ((i / 1000) % 2 == 0 ? 9u : 7u);
    if (pushes) {
      fifo.Push(i);
      expected.push_back(i);
    } else if (!expected.empty()) {
      ASSERT_EQ(fifo.Pop(), expected.front());
      expected.pop_front();
    }
    ASSERT_EQ(fifo.size(), expected.size());
    ASSERT_EQ(fifo.empty(), expected.empty());
  }
}

}  // namespace
}  // namespace eddy::internal
