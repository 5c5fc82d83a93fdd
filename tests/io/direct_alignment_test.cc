#include <eddy/io/direct_alignment.h>
#include <gtest/gtest.h>

#include <cstddef>

namespace eddy::io {
namespace {

TEST(DirectAlignmentTest, NamesWhatIsMissed) {
  alignas(512) static std::byte memory[1024];
  const DirectAlignment alignment{.memory = 4, .offset = 512};
  EXPECT_EQ(alignment.Missed(512, memory + 4, 512), 0);
  EXPECT_EQ(alignment.Missed(0, memory, 0), 0);
  EXPECT_EQ(alignment.Missed(513, memory, 512), kMisalignedOffset.code());
  EXPECT_EQ(alignment.Missed(512, memory, 511), kMisalignedLength.code());
  EXPECT_EQ(alignment.Missed(512, memory + 2, 512), kMisalignedMemory.code());
  EXPECT_EQ(alignment.Missed(1, memory + 2, 1), kMisalignedOffset.code());
}

TEST(DirectAlignmentTest, DemandsNothingWhereItIsNotKnown) {
  EXPECT_FALSE(DirectAlignment{}.known());
  EXPECT_EQ(DirectAlignment{}.Missed(1, nullptr, 1), 0);
}

}  // namespace
}  // namespace eddy::io
