// GrantedCores: the cores that this process may use.
//
// Those of its affinity mask (taskset, cpusets), and of these no more than its
// control groups give it time for (cpu.max of cgroup v2, cpu.cfs_quota_us of
// v1, from its own group up to the root): 250% of a core are two. At least one.
// See sched_setaffinity(2), cgroups(7).
#ifndef EDDY_RUNTIME_GRANTED_CORES_H_
#define EDDY_RUNTIME_GRANTED_CORES_H_

#include <eddy/runtime/result.h>

#include <sched.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace eddy::internal {

// The numbers of the kernel for them, in ascending order.
std::vector<int> GrantedCores();

// Those of the affinity mask of this thread.
std::vector<int> AllowedCores();

// The least number of cores that a quota says, of the group that the text of
// /proc/self/cgroup names and of those above it; none: no quota. `root` is
// where the control groups are mounted.
std::optional<double> CpuQuota(const std::string& proc_self_cgroup,
                               const std::string& root);

// Keeps this thread on a core. Its end takes that back; REQUIRES: on the same
// thread.
class ThreadPin {
 public:
  // Errors: EINVAL where the core is gone.
  static Result<ThreadPin> To(int core) noexcept;

  ThreadPin(ThreadPin&& other) noexcept
      : before_(std::exchange(other.before_, std::nullopt)) {}
  ThreadPin& operator=(ThreadPin&&) = delete;
  ~ThreadPin();

  // Where some thread of this process was pinned: lets this one, which has
  // inherited that, run where the first one might before.
  static void UndoInherited() noexcept;

 private:
  explicit ThreadPin(const cpu_set_t& before) noexcept : before_(before) {}

  std::optional<cpu_set_t> before_;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_GRANTED_CORES_H_
