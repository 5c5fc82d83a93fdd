#include <eddy/runtime/granted_cores.h>

#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <utility>

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

thread_local std::optional<CoreMask> before_pin;

constexpr std::size_t kWordBits = 8 * sizeof(unsigned long);  // NOLINT

}  // namespace

CoreMask CoreMask::OfThread() {
  CoreMask mask;
  // The kernel wants room for all cores that it knows: EINVAL.
  for (std::size_t words = 16; words <= 16384; words *= 2) {
    mask.words_.assign(words, 0);
    const int got =
        sched_getaffinity(0, words * sizeof(unsigned long),  // NOLINT
                          reinterpret_cast<cpu_set_t*>(mask.words_.data()));
    if (got == 0) return mask;
    if (errno != EINVAL) break;
  }
  mask.words_.clear();
  return mask;
}

CoreMask CoreMask::Of(int core) {
  const auto bit = static_cast<std::size_t>(core);
  CoreMask mask;
  mask.words_.assign(bit / kWordBits + 1, 0);
  mask.words_.back() = 1UL << (bit % kWordBits);
  return mask;
}

Result<void> CoreMask::Apply() const noexcept {
  const std::size_t size = words_.size() * sizeof(unsigned long);  // NOLINT
  if (sched_setaffinity(
          0, size, reinterpret_cast<const cpu_set_t*>(words_.data())) != 0) {
    return Unexpected(Error::FromErrno(errno));
  }
  return {};
}

std::vector<int> CoreMask::cores() const {
  std::vector<int> cores;
  for (std::size_t bit = 0; bit < words_.size() * kWordBits; ++bit) {
    if ((words_[bit / kWordBits] >> (bit % kWordBits) & 1) != 0) {
      cores.push_back(static_cast<int>(bit));
    }
  }
  return cores;
}

std::vector<int> AllowedCores() {
  return (before_pin ? *before_pin : CoreMask::OfThread()).cores();
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

unsigned GrantedCores() {
  const std::size_t allowed = std::max<std::size_t>(AllowedCores().size(), 1);
  const std::optional<double> quota =
      CpuQuota(ReadAll("/proc/self/cgroup"), "/sys/fs/cgroup");
  const double most = std::max(quota.value_or(1e9), 1.0);
  return static_cast<unsigned>(
      std::min(static_cast<double>(allowed), std::floor(most)));
}

Result<ThreadPin> ThreadPin::To(int core) {
  CoreMask before = CoreMask::OfThread();
  if (Result<void> pinned = CoreMask::Of(core).Apply(); !pinned) {
    return Unexpected(pinned.error());
  }
  if (!before_pin) before_pin = std::move(before);
  return ThreadPin();
}

ThreadPin::~ThreadPin() {
  if (!owns_ || !before_pin) return;
  // (Where those cores are gone, it stays.)
  static_cast<void>(before_pin->Apply());
  before_pin.reset();
}

const std::optional<CoreMask>& ThreadPin::Unpinned() noexcept {
  return before_pin;
}

}  // namespace eddy::internal
