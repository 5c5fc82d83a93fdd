// Under EDDY_CHAOS_SEED a test's reactors have the same seeds whether it runs
// alone or after others.
#include <eddy/runtime/chaos_ring.h>

#include <gtest/gtest.h>

namespace eddy {
namespace {

class ChaosSeeds final : public ::testing::EmptyTestEventListener {
 public:
  void OnTestStart(const ::testing::TestInfo&) override {
    internal::RestartChaosSeeds();
  }
};

[[maybe_unused]] const bool registered = [] {
  ::testing::UnitTest::GetInstance()->listeners().Append(new ChaosSeeds);
  return true;
}();

}  // namespace
}  // namespace eddy
