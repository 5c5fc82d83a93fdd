#include <eddy/runtime/granted_cores.h>

#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <new>
#include <sstream>

namespace eddy::internal {
namespace {

std::string ReadAll(const std::string& path) {
  const std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

// Of "QUOTA PERIOD"; "max" and -1 are no quota.
std::optional<double> Ratio(const std::string& text) {
  std::istringstream words(text);
  double quota = 0;
  double period = 0;
  if (!(words >> quota >> period) || quota <= 0 || period <= 0) return {};
  return quota / period;
}

void Limit(std::optional<double>& least, std::optional<double> other) {
  if (other) least = std::min(least.value_or(*other), *other);
}

}  // namespace

std::vector<int> AllowedCores() {
  std::vector<int> cores;
  // The kernel's mask may be longer than a cpu_set_t: EINVAL.
  for (std::size_t count = CPU_SETSIZE; count <= std::size_t{1} << 20;
       count *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(
        CPU_ALLOC(count), [](cpu_set_t* s) { CPU_FREE(s); });
    if (set == nullptr) break;
    const std::size_t size = CPU_ALLOC_SIZE(count);
    if (sched_getaffinity(0, size, set.get()) != 0) {
      if (errno == EINVAL) continue;
      break;
    }
    for (std::size_t core = 0; core < count; ++core) {
      if (CPU_ISSET_S(core, size, set.get())) {
        cores.push_back(static_cast<int>(core));
      }
    }
    break;
  }
  return cores;
}

std::optional<double> CpuQuota(const std::string& proc_self_cgroup,
                               const std::string& root) {
  std::optional<double> least;
  for (const absl::string_view line :
       absl::StrSplit(proc_self_cgroup, '\n', absl::SkipEmpty())) {
    // HIERARCHY:CONTROLLERS:PATH; of version 2 there is one, 0::PATH.
    const std::vector<std::string> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    const std::vector<std::string> controllers = absl::StrSplit(parts[1], ',');
    const bool v2 = parts[1].empty();
    if (!v2 && std::find(controllers.begin(), controllers.end(), "cpu") ==
                   controllers.end()) {
      continue;
    }
    const std::string mount = v2 ? root : root + "/" + parts[1];
    // (In a container the path may be one of the host's, which is not there;
    // its own group is then the root.)
    std::string path = parts[2];
    while (true) {
      const std::string group = mount + (path == "/" ? "" : path);
      if (v2) {
        Limit(least, Ratio(ReadAll(group + "/cpu.max")));
      } else {
        Limit(least, Ratio(ReadAll(group + "/cpu.cfs_quota_us") + " " +
                           ReadAll(group + "/cpu.cfs_period_us")));
      }
      if (path.empty() || path == "/") break;
      path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
  }
  return least;
}

std::vector<int> GrantedCores() {
  std::vector<int> cores = AllowedCores();
  const std::optional<double> quota =
      CpuQuota(ReadAll("/proc/self/cgroup"), "/sys/fs/cgroup");
  if (quota) {
    const double most = std::max(*quota, 1.0);
    if (static_cast<double>(cores.size()) > most) {
      cores.resize(static_cast<std::size_t>(most));
    }
  }
  return cores;
}

namespace {

std::atomic<const cpu_set_t*> before_first_pin = nullptr;

}  // namespace

Result<ThreadPin> ThreadPin::To(int core) noexcept {
  cpu_set_t before;
  if (sched_getaffinity(0, sizeof before, &before) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  if (before_first_pin.load(std::memory_order_acquire) == nullptr) {
    // One for the process, which keeps it.
    auto* const first = new (std::nothrow) cpu_set_t(before);
    const cpu_set_t* none = nullptr;
    if (first != nullptr && !before_first_pin.compare_exchange_strong(
                                none, first, std::memory_order_acq_rel)) {
      delete first;
    }
  }
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<unsigned>(core), &only);
  if (sched_setaffinity(0, sizeof only, &only) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return ThreadPin(before);
}

ThreadPin::~ThreadPin() {
  if (before_) sched_setaffinity(0, sizeof *before_, &*before_);
}

void ThreadPin::UndoInherited() noexcept {
  if (const cpu_set_t* set = before_first_pin.load(std::memory_order_acquire)) {
    sched_setaffinity(0, sizeof *set, set);
  }
}

}  // namespace eddy::internal
