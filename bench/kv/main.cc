// The key-value benchmark: eddy's kv_server, redis-server and memcached, in
// turn on one core under the same load from another.
//
//   bench/run kv [--quick] [--json FILE] [--markdown] [--parts LIST]
//                [--rounds N] [--seconds S] [--subjects LIST]
//                [--kv_server PATH]
//
// Its parts:
//   load             GET, SET and INCR of random ones of 10,000 keys, values of
//                    64 bytes, 50 clients with 1 and 16 commands under way
//                    each; a round loads all servers in turn, 50 ms each
//   redis-benchmark  the same by that program, which knows no memcached; each
//                    server for a second or so at a time
//   shared           the load, with servers of one thread and of two, and the
//                    load, on the same two cores
//
// kv_server-busy-poll looks for work for 50 us before it sleeps. No server
// writes to a disk. What is not installed or not built is left out.

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "bench/kv/load.h"
#include "bench/lib/contest.h"
#include "bench/lib/machine.h"
#include "bench/lib/options.h"
#include "bench/lib/process.h"
#include "bench/lib/report.h"

using Words = std::vector<std::string>;

ABSL_FLAG(Words, parts, {}, "only these (see bench/kv/main.cc)");
ABSL_FLAG(double, seconds, 0,
          "measured time of each subject in a round (default 0.5)");
ABSL_FLAG(std::string, kv_server, "",
          "the kv_server to measure (default: the one built beside this)");

namespace eddy::bench {
namespace {

using std::chrono::nanoseconds;

constexpr char kRedis[] = "redis-server";
constexpr char kMemcached[] = "memcached";
constexpr std::size_t kClients = 50;
constexpr std::size_t kKeys = 10'000;
constexpr std::size_t kValueSize = 64;

struct Command {
  const char* name;
  KvCommand command;
};
constexpr Command kCommands[] = {{"GET", KvCommand::kGet},
                                 {"SET", KvCommand::kSet},
                                 {"INCR", KvCommand::kIncrement}};

std::vector<Metric> Metrics() {
  return {
      {"requests_per_second", "req/s", "1/s", 0, true},
      {"server_cpu_per_request", "CPU us/req", "us", 3, true},
      {"latency_p50", "p50 us", "us", 0, false},
      {"latency_p99", "p99 us", "us", 0, true},
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

// --- The servers -------------------------------------------------------------

Subject RedisServer() {
  const std::uint16_t port = FreePort();
  return {
      kRedis,
      {FindProgram(kRedis), "--bind", "127.0.0.1", "--port", absl::StrCat(port),
       "--save", "", "--appendonly", "no", "--loglevel", "warning"},
      port};
}

Subject MemcachedOf(const std::string& name, unsigned threads) {
  const std::uint16_t port = FreePort();
  Words command{
      FindProgram(kMemcached), "-l", "127.0.0.1",          "-U", "0", "-p",
      absl::StrCat(port),      "-t", absl::StrCat(threads)};
  if (::geteuid() == 0) command.insert(command.end(), {"-u", "root"});
  return {name, std::move(command), port};
}

Subject KvServerOf(const std::string& name, unsigned cores,
                   const Words& options = {}) {
  std::string server = absl::GetFlag(FLAGS_kv_server);
  if (server.empty()) server = ProgramFolder() + "/../examples/kv_server";
  Words command{server, "--listen", "127.0.0.1:0", "--cores",
                absl::StrCat(cores)};
  command.insert(command.end(), options.begin(), options.end());
  return {name, std::move(command)};
}

// Longer than a client needs from an answer to its next command.
Subject PollingKvServer() {
  return KvServerOf("kv_server-busy-poll", 1, {"--busy_poll", "50us"});
}

// Those that are there. An empty path is a program that is not installed.
std::vector<Subject> Choose(std::vector<Subject> subjects) {
  std::erase_if(subjects, [](const Subject& subject) {
    if (!subject.command.front().empty()) return false;
    std::fprintf(stderr, "%s is left out: it is not installed\n",
                 subject.name.c_str());
    return true;
  });
  return ChooseBuilt(std::move(subjects), kRedis);
}

KvProtocol ProtocolOf(const std::string& subject) {
  return subject.starts_with(kMemcached) ? KvProtocol::kMemcached
                                         : KvProtocol::kRedis;
}

// --- redis-benchmark ---------------------------------------------------------

struct Outcome {
  double requests_per_second;
  double p50_us;
  double p99_us;
};

// The line of a command in its CSV: "GET","64516.13","0.395",... with average,
// least, p50, p95, p99 and most in milliseconds.
absl::StatusOr<Outcome> ParseCsv(Process& process) {
  constexpr std::size_t kRate = 1;
  constexpr std::size_t kP50 = 4;
  constexpr std::size_t kP99 = 6;
  for (;;) {
    const absl::StatusOr<std::string> line =
        process.ReadLine(std::chrono::seconds(120));
    if (!line.ok()) return line.status();
    std::vector<double> cells;
    for (absl::string_view cell : absl::StrSplit(*line, ',')) {
      absl::ConsumePrefix(&cell, "\"");
      absl::ConsumeSuffix(&cell, "\"");
      double value = 0;
      // The first one is a name.
      if (!absl::SimpleAtod(cell, &value) && !cells.empty()) break;
      cells.push_back(value);
    }
    if (cells.size() <= kP99) continue;
    return Outcome{cells[kRate], 1000 * cells[kP50], 1000 * cells[kP99]};
  }
}

absl::StatusOr<Outcome> RunRedisBenchmark(const std::string& command,
                                          std::uint16_t port,
                                          std::size_t pipeline,
                                          std::size_t requests, int cpu) {
  absl::StatusOr<Process> process = Process::Start(
      {FindProgram("redis-benchmark"), "-h", "127.0.0.1", "-p",
       absl::StrCat(port), "-t", absl::AsciiStrToLower(command), "-c",
       absl::StrCat(kClients), "-P", absl::StrCat(pipeline), "-n",
       absl::StrCat(requests), "-r", absl::StrCat(kKeys), "-d",
       absl::StrCat(kValueSize), "--csv"},
      cpu);
  if (!process.ok()) return process.status();
  absl::StatusOr<Outcome> outcome = ParseCsv(*process);
  if (!outcome.ok()) return outcome;
  if (absl::Status s = process->Wait(std::chrono::seconds(20)); !s.ok()) {
    return s;
  }
  return outcome;
}

// -----------------------------------------------------------------------------

class Benchmark {
 public:
  explicit Benchmark(const Pace& pace) : pace_(pace) {}

  void Loads() {
    PinThisThread(pace_.cores.client);
    Report& report = reports_.emplace_back(Metrics(), kRedis);
    const std::vector<Subject> subjects =
        Choose({RedisServer(), MemcachedOf(kMemcached, 1),
                KvServerOf("kv_server", 1), PollingKvServer()});
    LoadAll(subjects, pace_, "", report);
  }

  void RedisBenchmark();

  void Shared() {
    UseBothCores();
    Report& report = reports_.emplace_back(
        Metrics(), kRedis,
        std::map<std::string, std::string>{{"kv_server x 2", "kv_server"}});
    const std::vector<Subject> subjects =
        Choose({RedisServer(), MemcachedOf("memcached x 2", 2),
                KvServerOf("kv_server", 1), KvServerOf("kv_server x 2", 2)});
    Pace pace = pace_;
    pace.cores.server = Process::kAnyCore;
    LoadAll(subjects, pace, ", shared", report);
  }

  int End(const Facts& facts) const {
    std::vector<const Report*> reports;
    for (const Report& report : reports_) reports.push_back(&report);
    return Conclude(reports, facts, failures_);
  }

 private:
  static bool quick() { return absl::GetFlag(FLAGS_quick); }

  static std::string Workload(const char* command, std::size_t pipeline) {
    return absl::StrCat(command, " x ", kClients, ", pipeline ", pipeline);
  }

  void LoadAll(const std::vector<Subject>& subjects, const Pace& pace,
               const std::string& suffix, Report& report) {
    if (subjects.empty()) return;
    for (const std::size_t pipeline : {1U, 16U}) {
      for (const Command& c : kCommands) {
        if (quick() && c.command != KvCommand::kGet) continue;
        failures_ +=
            Hold(ContestOf(c, pipeline, subjects, suffix), pace, report);
      }
    }
  }

  // The protocol depends on the port, which only those have that say nothing.
  static Contest ContestOf(const Command& c, std::size_t pipeline,
                           const std::vector<Subject>& subjects,
                           const std::string& suffix) {
    std::uint16_t memcached = 0;
    for (const Subject& s : subjects) {
      if (ProtocolOf(s.name) == KvProtocol::kMemcached) memcached = s.port;
    }
    const auto connect = [=](std::uint16_t port) {
      KvOptions options;
      options.port = port;
      options.protocol =
          port == memcached ? KvProtocol::kMemcached : KvProtocol::kRedis;
      options.command = c.command;
      options.clients = kClients;
      options.pipeline = pipeline;
      options.keys = kKeys;
      options.value_size = kValueSize;
      return ConnectKv(options);
    };
    return {Workload(c.name, pipeline) + suffix, subjects, connect, Values};
  }

  absl::StatusOr<std::vector<double>> Measure(const Command& c,
                                              std::size_t pipeline,
                                              const Subject& subject) const;
  void UseBothCores() const {
    cpu_set_t both;
    CPU_ZERO(&both);
    CPU_SET(static_cast<unsigned>(pace_.cores.client), &both);
    CPU_SET(static_cast<unsigned>(pace_.cores.server), &both);
    ::sched_setaffinity(0, sizeof both, &both);
  }

  const Pace pace_;
  std::list<Report> reports_;
  int failures_ = 0;
};

absl::StatusOr<std::vector<double>> Benchmark::Measure(
    const Command& c, std::size_t pipeline, const Subject& subject) const {
  absl::StatusOr<Server> server = StartServer(subject, pace_.cores.server);
  if (!server.ok()) return server.status();
  // Every key is there.
  constexpr std::size_t kFillPipeline = 16;
  if (const auto filled = RunRedisBenchmark("SET", server->port, kFillPipeline,
                                            5 * kKeys, pace_.cores.client);
      !filled.ok()) {
    return filled.status();
  }
  const auto requests = static_cast<std::size_t>((quick() ? 0.2 : 1) *
                                                 (pipeline > 1 ? 1e6 : 1e5));
  const nanoseconds before = server->process.CpuTime();
  const absl::StatusOr<Outcome> o = RunRedisBenchmark(
      c.name, server->port, pipeline, requests, pace_.cores.client);
  if (!o.ok()) return o.status();
  // The kernel's account of another process is exact only while that sleeps.
  ::usleep(5000);
  const double cpu =
      std::chrono::duration<double>(server->process.CpuTime() - before).count();
  if (absl::Status s = server->process.Stop(); !s.ok()) return s;
  const auto count = static_cast<double>(requests);
  return std::vector<double>{o->requests_per_second, 1e6 * cpu / count,
                             o->p50_us, o->p99_us,
                             100 * cpu * o->requests_per_second / count};
}

void Benchmark::RedisBenchmark() {
  if (FindProgram("redis-benchmark").empty()) {
    std::fprintf(stderr, "redis-benchmark is left out: not installed\n");
    return;
  }
  std::vector<Metric> metrics = Metrics();
  metrics.pop_back();  // the client's CPU
  Report& report = reports_.emplace_back(std::move(metrics), kRedis);
  const std::vector<Subject> subjects =
      Choose({RedisServer(), KvServerOf("kv_server", 1), PollingKvServer()});
  for (const std::size_t pipeline : {1U, 16U}) {
    for (const Command& c : kCommands) {
      if (quick() && c.command != KvCommand::kGet) continue;
      const std::string workload =
          "redis-benchmark, " + Workload(c.name, pipeline);
      for (std::size_t round = 0; round < pace_.rounds; ++round) {
        for (std::size_t i = 0; i < subjects.size(); ++i) {
          const Subject& s = subjects[(round + i) % subjects.size()];
          const auto values = Measure(c, pipeline, s);
          if (values.ok()) {
            report.Add(workload, s.name, *values);
            continue;
          }
          ++failures_;
          std::fprintf(stderr, "%s, %s: %s\n", workload.c_str(), s.name.c_str(),
                       values.status().ToString().c_str());
        }
      }
      report.PrintWorkload(workload);
    }
  }
}

bool IsPart(const std::string& name) {
  const Words parts = absl::GetFlag(FLAGS_parts);
  return parts.empty() ||
         std::find(parts.begin(), parts.end(), name) != parts.end();
}

int Main(int argc, char** argv) {
  ParseOptions("compares key-value servers (see bench/kv/main.cc)", argc, argv);
  const std::vector<std::pair<std::string, void (Benchmark::*)()>> parts{
      {"load", &Benchmark::Loads},
      {"redis-benchmark", &Benchmark::RedisBenchmark},
      {"shared", &Benchmark::Shared}};
  RaiseDescriptorLimit();
  const bool quick = absl::GetFlag(FLAGS_quick);
  double seconds = absl::GetFlag(FLAGS_seconds);
  if (seconds <= 0) seconds = quick ? 0.2 : 0.5;
  const Pace pace{Rounds(5, 3), Slices(seconds),
                  std::chrono::milliseconds(quick ? 20 : 50), PickCores()};
  const Facts facts = DescribeMachine(pace.cores);
  Report::PrintFacts(facts);
  Benchmark benchmark(pace);
  for (const auto& [name, run] : parts) {
    if (IsPart(name)) (benchmark.*run)();
  }
  return benchmark.End(facts);
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) { return eddy::bench::Main(argc, argv); }
