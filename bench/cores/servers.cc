// Echo servers on one core and on two, loaded from the same ones.

#include "bench/cores/servers.h"

#include <unistd.h>

#include <barrier>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "bench/echo/load.h"
#include "bench/lib/contest.h"
#include "bench/lib/load.h"
#include "bench/lib/options.h"
#include "bench/lib/process.h"

namespace eddy::bench {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kConnectionsEach = 64;
constexpr std::size_t kSize = 64;

struct Candidate {
  std::string name;
  unsigned cores;
  bool is_eddy;
};

std::string Path(const char* program) {
  return absl::StrCat(ProgramFolder(), "/", program);
}

absl::StatusOr<std::vector<Server>> StartServers(const Candidate& candidate,
                                                 const std::vector<int>& cpus) {
  std::vector<Server> servers;
  if (candidate.is_eddy) {
    absl::StatusOr<Server> server = StartServer(
        {Path("cores_eddy_server"), absl::StrCat(candidate.cores), "0"},
        cpus.size() == 1 ? cpus.front() : Process::kAnyCore);
    if (!server.ok()) return server.status();
    servers.push_back(*std::move(server));
    return servers;
  }
  for (const int cpu : cpus) {
    const int port = servers.empty() ? 0 : servers.front().port;
    absl::StatusOr<Server> server =
        StartServer({Path("echo_liburing_server"), absl::StrCat(port)}, cpu);
    if (!server.ok()) return server.status();
    servers.push_back(*std::move(server));
  }
  return servers;
}

// What one core's load has seen, and how it has ended.
struct Seen {
  LoadTotals totals;
  absl::Status status;

  void Run(Load& load, nanoseconds ramp, nanoseconds window) {
    const Slice slice{ramp, window, [] { return nanoseconds(0); }};
    LoadTotals now;
    if (status.ok()) status = load.Run(slice, now);
    totals = now;
  }
};

double CpuSeconds(const std::vector<Server>& servers) {
  double seconds = 0;
  for (const Server& server : servers) {
    seconds += std::chrono::duration<double>(server.process.CpuTime()).count();
  }
  return seconds;
}

absl::StatusOr<std::vector<double>> Measure(const Candidate& candidate,
                                            const EchoPlan& plan) {
  std::vector<int> cpus{plan.cores.server};
  if (candidate.cores > 1) cpus.push_back(plan.cores.client);
  absl::StatusOr<std::vector<Server>> servers = StartServers(candidate, cpus);
  if (!servers.ok()) return servers.status();
  std::vector<Seen> seen(cpus.size());
  std::barrier together(static_cast<std::ptrdiff_t>(cpus.size()) + 1);
  const auto load_from = [&](std::size_t i) {
    PinThisThread(cpus[i]);
    absl::StatusOr<std::unique_ptr<Load>> load =
        ConnectEcho({servers->front().port, kConnectionsEach, kSize});
    seen[i].status = load.status();
    if (load.ok()) seen[i].Run(**load, nanoseconds(0), plan.time / 5);
    together.arrive_and_wait();
    if (load.ok()) seen[i].Run(**load, plan.time / 20, plan.time);
    together.arrive_and_wait();
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    threads.emplace_back(load_from, i);
  }
  together.arrive_and_wait();
  const double before = CpuSeconds(*servers);
  together.arrive_and_wait();
  const double cpu = CpuSeconds(*servers) - before;
  threads.clear();
  double rate = 0;
  double requests = 0;
  absl::Status status;
  for (const Seen& s : seen) {
    status.Update(s.status);
    rate += s.totals.window_requests / s.totals.window_seconds;
    requests += s.totals.all_requests;
  }
  for (Server& server : *servers) {
    status = Both(status, server.process.Stop());
  }
  if (!status.ok()) return status;
  const Histogram& latencies = seen.front().totals.latencies;
  return std::vector<double>{rate, 1e6 * cpu / requests,
                             latencies.Quantile(0.5) / 1000,
                             latencies.Quantile(0.99) / 1000};
}

}  // namespace

std::vector<Metric> EchoMetrics() {
  return {{"requests_per_second", "req/s", "1/s", 0, true},
          {"server_cpu_per_request", "CPU us/req", "us", 3, true},
          {"latency_p50", "p50 us", "us", 0, false},
          {"latency_p99", "p99 us", "us", 0, false}};
}

std::map<std::string, std::string> EchoFloors() {
  return {{"liburing x 2", "liburing x 1"}, {"eddy x 2", "eddy x 1"}};
}

int CompareEcho(const EchoPlan& plan, Report& report) {
  const std::vector<Candidate> candidates{{"liburing x 1", 1, false},
                                          {"liburing x 2", 2, false},
                                          {"eddy x 1", 1, true},
                                          {"eddy x 2", 2, true}};
  const std::string workload =
      absl::StrCat("echo ", kSize, " B x ", kConnectionsEach, " a core");
  int failures = 0;
  for (std::size_t round = 0; round < plan.rounds; ++round) {
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const Candidate& c = candidates[(round + i) % candidates.size()];
      const absl::StatusOr<std::vector<double>> values = Measure(c, plan);
      if (values.ok()) {
        report.Add(workload, c.name, *values);
        continue;
      }
      ++failures;
      std::fprintf(stderr, "%s, %s: %s\n", workload.c_str(), c.name.c_str(),
                   values.status().ToString().c_str());
    }
  }
  report.PrintWorkload(workload);
  return failures;
}

}  // namespace eddy::bench
