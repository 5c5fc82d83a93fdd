// The echo benchmark: starts each server on one core, loads it from another,
// and compares requests per second, server CPU per request and latency with
// the hand-written liburing twin of the same run.
//
//   bench/run echo [--quick] [--json FILE] [--connections LIST] [--size LIST]
//                  [--pipeline N] [--rounds N] [--seconds S]
//                  [--subjects LIST] [--extra NAME=COMMAND,...]

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bench/echo/load.h"
#include "bench/lib/contest.h"
#include "bench/lib/machine.h"
#include "bench/lib/options.h"
#include "bench/lib/report.h"

using Words = std::vector<std::string>;

ABSL_FLAG(Words, connections, {}, "numbers of connections (default 1,64,1000)");
ABSL_FLAG(Words, size, {}, "bytes of a request (default 64,4096)");
ABSL_FLAG(int, pipeline, 0,
          "requests sent together on a connection (default: 1, and one more "
          "workload of 64 B on 64 connections with 16)");
ABSL_FLAG(double, seconds, 0,
          "measured time of each subject in a round (default 1)");
ABSL_FLAG(Words, extra, {},
          "further subjects as NAME=COMMAND: a server that takes a port "
          "(0: any) as its last argument and prints the one it listens on");

namespace eddy::bench {
namespace {

constexpr char kFloor[] = "liburing";
// Takes part only with a single connection.
constexpr char kAlone[] = "eddy-busy-poll";
// Connections that all have several turns in a slice of usual length.
constexpr std::size_t kInASlice = 1000;

struct Workload {
  std::size_t connections;
  std::size_t size;
  std::size_t pipeline;

  std::string Name() const {
    return absl::StrCat(
        size, " B x ", connections,
        pipeline > 1 ? absl::StrCat(", pipeline ", pipeline) : std::string());
  }
};

std::vector<Workload> ChooseWorkloads() {
  const Words connections = absl::GetFlag(FLAGS_connections);
  const Words sizes = absl::GetFlag(FLAGS_size);
  const int pipeline = absl::GetFlag(FLAGS_pipeline);
  const bool usual = connections.empty() && sizes.empty() && pipeline < 1;
  if (usual && absl::GetFlag(FLAGS_quick)) {
    return {{1, 64, 1}, {64, 64, 1}, {1000, 4096, 1}, {64, 64, 16}};
  }
  const auto depth = static_cast<std::size_t>(std::max(1, pipeline));
  std::vector<Workload> workloads;
  for (const std::size_t size : Numbers("size", sizes, {64, 4096})) {
    for (const std::size_t number :
         Numbers("connections", connections, {1, 64, 1000})) {
      workloads.push_back({number, size, depth});
    }
  }
  if (usual) workloads.push_back({64, 64, 16});
  return workloads;
}

std::vector<Subject> ChooseSubjects() {
  const auto server = [folder = ProgramFolder()](const char* name) {
    return absl::StrCat(folder, "/echo_", name, "_server");
  };
  std::vector<Subject> subjects =
      ChooseBuilt({{kFloor, {server("liburing"), "0"}},
                   {"epoll", {server("epoll"), "0"}},
                   {"eddy", {server("eddy"), "0"}},
                   {kAlone, {server("eddy"), "--busy-poll", "0"}}},
                  kFloor);
  for (const std::string& extra : absl::GetFlag(FLAGS_extra)) {
    const Words parts = absl::StrSplit(extra, absl::MaxSplits('=', 1));
    if (parts.size() != 2) {
      std::fprintf(stderr, "--extra: '%s' is no NAME=COMMAND\n", extra.c_str());
      std::exit(2);
    }
    Words command = absl::StrSplit(parts[1], ' ', absl::SkipEmpty());
    command.push_back("0");
    subjects.push_back({parts[0], std::move(command)});
  }
  return subjects;
}

Pace MakePace() {
  const bool quick = absl::GetFlag(FLAGS_quick);
  double seconds = absl::GetFlag(FLAGS_seconds);
  if (seconds <= 0) seconds = quick ? 0.2 : 1;
  return {Rounds(7, 3), Slices(seconds),
          std::chrono::milliseconds(quick ? 30 : 100), PickCores()};
}

std::vector<Metric> Metrics() {
  return {
      {"requests_per_second", "req/s", "1/s", 0, true},
      {"server_cpu_per_request", "CPU us/req", "us", 3, true},
      {"latency_p50", "p50 us", "us", 1, true},
      {"latency_p99", "p99 us", "us", 1, true},
      {"server_cpu_busy", "server %", "%", 0, false},
      {"client_cpu_busy", "client %", "%", 0, false},
  };
}

std::vector<double> Values(const LoadTotals& t) {
  return {t.window_requests / t.window_seconds,
          1e6 * t.server_cpu_seconds / t.all_requests,
          t.latencies.Quantile(0.50) / 1000,
          t.latencies.Quantile(0.99) / 1000,
          100 * t.server_cpu_seconds / t.all_seconds,
          100 * t.client_cpu_seconds / t.all_seconds};
}

// Measures all and returns how many rounds of a subject have failed.
int Run(const std::vector<Subject>& subjects, const Pace& pace,
        Report& report) {
  int failures = 0;
  for (const Workload& w : ChooseWorkloads()) {
    Contest contest{
        w.Name(), subjects,
        [&w](std::uint16_t port) {
          return ConnectEcho({port, w.connections, w.size, w.pipeline});
        },
        Values};
    contest.stretch = std::max<std::size_t>(1, w.connections / kInASlice);
    if (w.connections > 1) {
      std::erase_if(contest.subjects,
                    [](const Subject& s) { return s.name == kAlone; });
    }
    failures += Hold(contest, pace, report);
  }
  return failures;
}

int Main(int argc, char** argv) {
  ParseOptions("compares echo servers (see bench/echo/main.cc)", argc, argv);
  RaiseDescriptorLimit();
  const Pace pace = MakePace();
  const std::vector<Subject> subjects = ChooseSubjects();
  if (subjects.empty() || subjects.front().name != kFloor) return 1;
  const Facts facts = DescribeMachine(pace.cores);
  Report::PrintFacts(facts);
  PinThisThread(pace.cores.client);
  Report report(Metrics(), kFloor);
  const int failures = Run(subjects, pace, report);
  return Conclude({&report}, facts, failures);
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) { return eddy::bench::Main(argc, argv); }
