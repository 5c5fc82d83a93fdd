// The echo benchmark: starts each server on one core, loads it from another,
// and compares requests per second, server CPU per request and latency with
// the hand-written liburing twin of the same run.
//
//   bench/run echo [--quick] [--json FILE] [--connections LIST] [--size LIST]
//                  [--pipeline N] [--rounds N] [--seconds S]
//                  [--subjects LIST] [--extra NAME=COMMAND,...]
//
// A round starts all servers afresh and loads them in turn, 50 ms each, over
// and over: a virtual machine's cores change their speed within a second, and
// so that hits all subjects alike. Who comes first rotates.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bench/echo/load.h"
#include "bench/lib/machine.h"
#include "bench/lib/options.h"
#include "bench/lib/process.h"
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

using std::chrono::nanoseconds;

constexpr char kFloor[] = "liburing";
constexpr nanoseconds kSlice = std::chrono::milliseconds(50);
constexpr nanoseconds kRamp = std::chrono::milliseconds(5);

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

struct Subject {
  std::string name;
  Words command;         // before the port
  bool only_when_alone;  // takes part only with a single connection
};

struct Plan {
  std::vector<Workload> workloads;
  std::vector<Subject> subjects;
  std::size_t rounds;
  std::size_t slices;  // of each subject in a round
  nanoseconds warm_up;
  Cores cores;
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
  const std::vector<Subject> known{
      {kFloor, {server("liburing")}, false},
      {"epoll", {server("epoll")}, false},
      {"eddy", {server("eddy")}, false},
      {"eddy-busy-poll", {server("eddy"), "--busy-poll"}, true},
  };
  std::vector<Subject> subjects;
  for (const Subject& subject : known) {
    if (subject.name != kFloor && !IsChosen(subject.name)) continue;
    if (std::filesystem::exists(subject.command.front())) {
      subjects.push_back(subject);
      continue;
    }
    std::fprintf(stderr, "%s is left out: %s is not built\n",
                 subject.name.c_str(), subject.command.front().c_str());
  }
  for (const std::string& extra : absl::GetFlag(FLAGS_extra)) {
    const Words parts = absl::StrSplit(extra, absl::MaxSplits('=', 1));
    if (parts.size() != 2) {
      std::fprintf(stderr, "--extra: '%s' is no NAME=COMMAND\n", extra.c_str());
      std::exit(2);
    }
    subjects.push_back(
        {parts[0], absl::StrSplit(parts[1], ' ', absl::SkipEmpty()), false});
  }
  return subjects;
}

Plan MakePlan() {
  const bool quick = absl::GetFlag(FLAGS_quick);
  double seconds = absl::GetFlag(FLAGS_seconds);
  if (seconds <= 0) seconds = quick ? 0.2 : 1;
  const double slices =
      std::round(seconds / std::chrono::duration<double>(kSlice).count());
  return {
      ChooseWorkloads(),
      ChooseSubjects(),
      Rounds(7, 3),
      static_cast<std::size_t>(std::max(1.0, slices)),
      std::chrono::milliseconds(quick ? 30 : 100),
      PickCores(),
  };
}

// A subject at work: its server, the connections to it, and what they have
// measured in this round.
struct Contender {
  const Subject* subject;
  std::optional<Process> server;
  std::unique_ptr<Load> load;
  LoadTotals totals;
  absl::Status status;

  absl::Status Run(nanoseconds ramp, nanoseconds window, LoadTotals& into) {
    return load->Run({ramp, window, [this] { return server->CpuTime(); }},
                     into);
  }
};

absl::Status Start(const Plan& plan, const Workload& workload, Contender& c) {
  Words command = c.subject->command;
  command.push_back("0");
  absl::StatusOr<Process> server = Process::Start(command, plan.cores.server);
  if (!server.ok()) return server.status();
  c.server.emplace(*std::move(server));
  const absl::StatusOr<std::string> line =
      c.server->ReadLine(std::chrono::seconds(20));
  if (!line.ok()) return line.status();
  int port = 0;
  if (!absl::SimpleAtoi(*line, &port) || port < 1 || port > 65535) {
    return absl::InternalError(
        absl::StrCat("its first line is no port: ", *line));
  }
  absl::StatusOr<std::unique_ptr<Load>> load =
      Load::Connect({static_cast<std::uint16_t>(port), workload.connections,
                     workload.size, workload.pipeline});
  if (!load.ok()) return load.status();
  c.load = *std::move(load);
  LoadTotals ignored;
  return c.Run(nanoseconds(0), plan.warm_up, ignored);
}

// Loads the contenders in turn, slice by slice.
void RunRound(const Plan& plan, std::size_t round,
              std::vector<Contender>& contenders) {
  for (std::size_t slice = 0; slice < plan.slices; ++slice) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      Contender& c = contenders[(round + slice + i) % contenders.size()];
      if (c.status.ok()) c.status = c.Run(kRamp, kSlice, c.totals);
    }
  }
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

// What went wrong, and how the server has ended.
absl::Status Both(const absl::Status& first, const absl::Status& end) {
  if (first.ok()) return end;
  if (end.ok()) return first;
  return absl::InternalError(
      absl::StrCat(first.message(), "; its server ", end.message()));
}

// Measures all and returns how many rounds of a subject have failed.
int Run(const Plan& plan, Report& report) {
  int failures = 0;
  for (const Workload& workload : plan.workloads) {
    for (std::size_t round = 0; round < plan.rounds; ++round) {
      std::vector<Contender> contenders;
      for (const Subject& subject : plan.subjects) {
        if (!subject.only_when_alone || workload.connections == 1) {
          contenders.push_back({&subject, {}, {}, {}, {}});
        }
      }
      for (Contender& c : contenders) c.status = Start(plan, workload, c);
      RunRound(plan, round, contenders);
      for (Contender& c : contenders) {
        c.load.reset();
        if (c.server) c.status = Both(c.status, c.server->Stop());
        if (c.status.ok()) {
          report.Add(workload.Name(), c.subject->name, Values(c.totals));
          continue;
        }
        ++failures;
        std::fprintf(stderr, "%s, %s: %s\n", workload.Name().c_str(),
                     c.subject->name.c_str(), c.status.ToString().c_str());
      }
    }
    report.PrintWorkload(workload.Name());
  }
  return failures;
}

int Main(int argc, char** argv) {
  ParseOptions("compares echo servers (see bench/echo/main.cc)", argc, argv);
  RaiseDescriptorLimit();
  const Plan plan = MakePlan();
  if (plan.subjects.empty() || plan.subjects.front().name != kFloor) return 1;
  const Facts facts = DescribeMachine(plan.cores);
  Report::PrintFacts(facts);
  PinThisThread(plan.cores.client);
  Report report(Metrics(), kFloor);
  const int failures = Run(plan, report);
  return Conclude(report, facts, failures);
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) { return eddy::bench::Main(argc, argv); }
