// GrantedCores: the affinity mask and the quotas of control groups.
#include <eddy/runtime/granted_cores.h>

#include <gtest/gtest.h>
#include <sched.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace eddy::internal {
namespace {

// A tree of control groups as files.
class Groups {
 public:
  Groups() {
    std::string path = testing::TempDir() + "eddy_cgroup_XXXXXX";
    root_ = mkdtemp(path.data());
  }
  ~Groups() { std::filesystem::remove_all(root_); }
  Groups(const Groups&) = delete;
  Groups& operator=(const Groups&) = delete;

  const std::string& root() const { return root_; }
  void Write(const std::string& file, const std::string& text) {
    const std::filesystem::path path = root_ + "/" + file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

 private:
  std::string root_;
};

TEST(CpuQuotaTest, IsTheLeastOfTheGroupsOfVersion2) {
  Groups groups;
  groups.Write("cpu.max", "max 100000\n");
  groups.Write("a/cpu.max", "250000 100000\n");
  groups.Write("a/b/cpu.max", "400000 100000\n");
  EXPECT_EQ(CpuQuota("0::/a/b\n", groups.root()), 2.5);
  EXPECT_EQ(CpuQuota("0::/\n", groups.root()), std::nullopt);
  groups.Write("a/b/cpu.max", "50000 100000\n");
  EXPECT_EQ(CpuQuota("0::/a/b\n", groups.root()), 0.5);
}

TEST(CpuQuotaTest, ReadsVersion1) {
  Groups groups;
  groups.Write("cpu,cpuacct/a/cpu.cfs_quota_us", "300000\n");
  groups.Write("cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  groups.Write("cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  groups.Write("cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(CpuQuota("5:memory:/m\n3:cpu,cpuacct:/a\n", groups.root()), 3.0);
  EXPECT_EQ(CpuQuota("3:cpu,cpuacct:/\n", groups.root()), std::nullopt);
}

// The path of a container may be one of the host's.
TEST(CpuQuotaTest, AGroupThatIsNotThereHasNoQuota) {
  Groups groups;
  groups.Write("cpu.max", "150000 100000\n");
  EXPECT_EQ(CpuQuota("0::/elsewhere/b\n", groups.root()), 1.5);
}

TEST(CpuQuotaTest, UnreadableTextIsNoQuota) {
  Groups groups;
  groups.Write("cpu.max", "many\n");
  EXPECT_EQ(CpuQuota("0::/\n", groups.root()), std::nullopt);
  EXPECT_EQ(CpuQuota("", groups.root()), std::nullopt);
  EXPECT_EQ(CpuQuota("0\n::\n0::", groups.root()), std::nullopt);
  groups.Write("cpu.max", "100000 0\n");
  EXPECT_EQ(CpuQuota("0::/\n", groups.root()), std::nullopt);
}

TEST(GrantedCoresTest, AreWithinTheAffinityMask) {
  const std::vector<int> allowed = AllowedCores();
  EXPECT_GE(GrantedCores(), 1U);
  EXPECT_LE(GrantedCores(), allowed.size());
  std::thread([&] {
    ASSERT_TRUE(CoreMask::Of(allowed.back()).Apply());
    EXPECT_EQ(AllowedCores(), std::vector<int>{allowed.back()});
    EXPECT_EQ(GrantedCores(), 1U);
  }).join();
}

TEST(CoreMaskTest, HasRoomForAnyCore) {
  EXPECT_EQ(CoreMask::Of(5000).cores(), std::vector<int>{5000});
  const Result<void> applied = CoreMask::Of(5000).Apply();
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error(), std::errc::invalid_argument);
}

TEST(ThreadPinTest, IsTakenBack) {
  std::thread([] {
    const std::vector<int> before = CoreMask::OfThread().cores();
    {
      const Result<ThreadPin> pin = ThreadPin::To(before.front());
      ASSERT_TRUE(pin);
      EXPECT_EQ(CoreMask::OfThread().cores(), std::vector<int>{before.front()});
      // What it was before still counts.
      EXPECT_EQ(AllowedCores(), before);
      ASSERT_TRUE(ThreadPin::Unpinned());
      EXPECT_EQ(ThreadPin::Unpinned()->cores(), before);
    }
    EXPECT_EQ(CoreMask::OfThread().cores(), before);
    EXPECT_FALSE(ThreadPin::Unpinned());
  }).join();
}

TEST(ThreadPinTest, ACoreThatIsNotThereIsRefused) {
  const Result<ThreadPin> pin = ThreadPin::To(5000);
  ASSERT_FALSE(pin);
  EXPECT_EQ(pin.error(), std::errc::invalid_argument);
  EXPECT_FALSE(ThreadPin::Unpinned());
}

}  // namespace
}  // namespace eddy::internal
