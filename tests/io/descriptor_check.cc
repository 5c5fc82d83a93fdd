// Every test of a program that this file is linked into leaves as many open
// descriptors as it found.
#include "tests/io/io_test_util.h"

#include <gtest/gtest.h>

#include <cstddef>

namespace eddy::io_test {
namespace {

class DescriptorCheck final : public ::testing::EmptyTestEventListener {
 public:
  void OnTestStart(const ::testing::TestInfo&) override {
    before_ = OpenDescriptors();
  }
  void OnTestEnd(const ::testing::TestInfo&) override {
    EXPECT_EQ(OpenDescriptors(), before_) << "descriptors leaked";
  }

 private:
  std::size_t before_ = 0;
};

[[maybe_unused]] const bool registered = [] {
  ::testing::UnitTest::GetInstance()->listeners().Append(new DescriptorCheck);
  return true;
}();

}  // namespace
}  // namespace eddy::io_test
