// From /proc, and from the limits that pthread_create meets.

#include "bench/porting/footprint.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace eddy::bench {
namespace {

// The number after `key` in a file such as /proc/meminfo; 0 without it.
double NumberIn(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    double number = 0;
    if (word == key && file >> number) return number;
  }
  return 0;
}

// Of the whole machine.
std::size_t CountThreads() {
  std::ifstream file("/proc/loadavg");
  std::string word;
  for (int i = 0; i < 4; ++i) file >> word;  // "1/234"
  std::size_t threads = 0;
  if (!absl::SimpleAtoi(word.substr(word.find('/') + 1), &threads)) return 0;
  return threads;
}

// Of one kernel stack.
double StackBytes() {
  const std::size_t threads = CountThreads();
  if (threads == 0) return 0;
  return 1024 * NumberIn("/proc/meminfo", "KernelStack:") /
         static_cast<double>(threads);
}

std::size_t Setting(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  std::size_t value = 0;
  if (file >> word && absl::SimpleAtoi(word, &value)) return value;
  return std::numeric_limits<std::size_t>::max();
}

// Of the control group that this program is in, and of those that hold it.
std::size_t GroupLimit() {
  std::size_t limit = std::numeric_limits<std::size_t>::max();
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> parts = absl::StrSplit(line, ':');
    if (parts.size() != 3) continue;
    for (const char* const root : {"/sys/fs/cgroup", "/sys/fs/cgroup/pids"}) {
      for (std::string group = parts[2]; !group.empty();
           group.resize(group.rfind('/'))) {
        limit =
            std::min(limit, Setting(absl::StrCat(root, group, "/pids.max")));
        if (group.rfind('/') == group.npos) break;
      }
    }
  }
  return limit;
}

}  // namespace

Footprint FootprintOf(pid_t pid) {
  const std::string folder = absl::StrCat("/proc/", pid);
  Footprint footprint;
  footprint.pss_bytes = 1024 * NumberIn(folder + "/smaps_rollup", "Pss:");
  footprint.threads = NumberIn(folder + "/status", "Threads:");
  footprint.stack_bytes = footprint.threads * StackBytes();
  return footprint;
}

PeakFootprint::PeakFootprint(pid_t pid)
    : watcher_([this, status = absl::StrCat("/proc/", pid, "/status")] {
        while (!ended_) {
          resident_ =
              std::max(resident_.load(), 1024 * NumberIn(status, "VmHWM:"));
          threads_ = std::max(threads_.load(), NumberIn(status, "Threads:"));
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
      }) {}

PeakFootprint::~PeakFootprint() {
  ended_ = true;
  watcher_.join();
}

ThreadLimit FindThreadLimit() {
  const std::size_t running = CountThreads();
  const auto free = [running](std::size_t limit) {
    return limit > running ? limit - running : 0;
  };
  rlimit processes{};
  ::getrlimit(RLIMIT_NPROC, &processes);
  ThreadLimit least{free(Setting("/proc/sys/kernel/threads-max")),
                    "the setting kernel.threads-max"};
  for (const ThreadLimit& limit : {
           ThreadLimit{free(Setting("/proc/sys/kernel/pid_max")),
                       "the setting kernel.pid_max"},
           // A stack and its guard are an area each.
           ThreadLimit{Setting("/proc/sys/vm/max_map_count") / 2,
                       "the setting vm.max_map_count, with two for a thread"},
           ThreadLimit{free(GroupLimit()), "pids.max of the control group"},
           ThreadLimit{free(processes.rlim_cur), "ulimit -u"},
       }) {
    if (limit.threads < least.threads) least = limit;
  }
  return least;
}

}  // namespace eddy::bench
