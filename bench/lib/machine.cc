// Reads the machine's facts from /proc and the compiler's from its macros.

#include "bench/lib/machine.h"

#include <netinet/in.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

// The build passes its flags, which no macro of the compiler tells.
#ifndef EDDY_BENCH_CXX_FLAGS
#define EDDY_BENCH_CXX_FLAGS "unknown"
#endif

namespace eddy::bench {
namespace {

std::string CpuModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

// The first word of a file, such as a kernel setting.
std::string FirstWord(const char* path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word.empty() ? "unknown" : word;
}

std::string Compiler() {
#if defined(__clang__)
  return __VERSION__;
#else
  return std::string("g++ ") + __VERSION__;
#endif
}

// What a system call costs that does nothing: on virtual machines with
// mitigations that can be a microsecond, which makes batching them worth more.
std::string SystemCallCost() {
  constexpr int kCalls = 20'000;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kCalls; ++i) ::syscall(SYS_getppid);
  const auto time = std::chrono::steady_clock::now() - start;
  return std::to_string(std::chrono::nanoseconds(time).count() / kCalls) +
         " ns";
}

}  // namespace

Cores PickCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  ::sched_getaffinity(0, sizeof set, &set);
  Cores cores{0, 0};
  bool found = false;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &set)) continue;
    cores.client = found ? cores.server : cpu;
    cores.server = cpu;
    found = true;
  }
  return cores;
}

void PinThisThread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  if (::sched_setaffinity(0, sizeof set, &set) == 0) return;
  std::perror("cannot pin to a core (see taskset, cpuset)");
  std::exit(1);
}

std::uint64_t RaiseDescriptorLimit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

Facts DescribeMachine(const Cores& cores) {
  utsname system{};
  ::uname(&system);
  Facts facts{
      {"cpu", CpuModel()},
      {"cores", std::to_string(std::thread::hardware_concurrency())},
      {"kernel", std::string(system.sysname) + " " + system.release + " " +
                     system.machine},
      {"compiler", Compiler()},
      {"flags", EDDY_BENCH_CXX_FLAGS},
      {"pinned", "server on core " + std::to_string(cores.server) +
                     ", load on core " + std::to_string(cores.client)},
      {"tcp", FirstWord("/proc/sys/net/ipv4/tcp_congestion_control")},
      {"system call", SystemCallCost()},
      {"load average", FirstWord("/proc/loadavg")},
  };
  if (cores.server == cores.client) {
    facts.emplace_back("warning", "one core only: both sides share it");
  }
  return facts;
}

std::uint16_t FreePort() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    std::perror("bind");
    std::exit(1);
  }
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(fd);
  return ntohs(address.sin_port);
}

std::string ProgramFolder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace eddy::bench
