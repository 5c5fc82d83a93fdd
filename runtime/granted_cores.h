// GrantedCores: how many cores this process may use, and which.
//
// Those of its affinity mask (taskset, cpusets), and of these no more than its
// control groups give it time for (cpu.max of cgroup v2, cpu.cfs_quota_us of
// v1, from its own group up to the root): 250% of a core are two. At least one.
// See sched_setaffinity(2), cgroups(7).
#ifndef EDDY_RUNTIME_GRANTED_CORES_H_
#define EDDY_RUNTIME_GRANTED_CORES_H_

#include <eddy/runtime/result.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace eddy::internal {

unsigned GrantedCores();

// The kernel's numbers, ascending, of the cores where this thread may run, or
// might before it was pinned.
std::vector<int> AllowedCores();

// The least number of cores that a quota says, of the group that the text of
// /proc/self/cgroup names and of those above it; none: no quota. `root` is
// where the control groups are mounted.
std::optional<double> CpuQuota(const std::string& proc_self_cgroup,
                               const std::string& root);

// Cores where a thread may run; of any number, unlike a cpu_set_t.
class CoreMask {
 public:
  // Of this thread; empty where the kernel does not tell.
  static CoreMask OfThread();
  static CoreMask Of(int core);

  // Lets this thread run there. Errors: EINVAL where there is none of them.
  Result<void> Apply() const noexcept;
  std::vector<int> cores() const;

 private:
  std::vector<unsigned long> words_;  // NOLINT: the kernel's type
};

// Keeps this thread on a core. Its end, on the same thread, takes that back.
class ThreadPin {
 public:
  // Errors: EINVAL where the core is gone.
  static Result<ThreadPin> To(int core);

  ThreadPin(ThreadPin&& other) noexcept
      : owns_(std::exchange(other.owns_, false)) {}
  ThreadPin& operator=(ThreadPin&&) = delete;
  ~ThreadPin();

  // Where this thread might run before it was pinned; none where it is not.
  // Threads that it starts inherit its core, and may take that instead.
  static const std::optional<CoreMask>& Unpinned() noexcept;

 private:
  ThreadPin() noexcept = default;

  bool owns_ = true;
};

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_GRANTED_CORES_H_
