#include "bench/load/beside.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bench/http/site.h"
#include "bench/lib/options.h"
#include "bench/lib/process.h"
#include "bench/load/generate.h"

namespace eddy::bench {
namespace {

using Words = std::vector<std::string>;
using Values = std::vector<double>;
using Measure = std::function<absl::StatusOr<Values>()>;

constexpr std::size_t kConnections = 64;
constexpr std::chrono::seconds kPatience{60};

// Rate, then the latencies in us.
absl::StatusOr<Values> RunOurs(const std::string& target, RedisCommand command,
                               double seconds) {
  absl::StatusOr<Target> parsed = ParseTarget(target);
  if (!parsed.ok()) return parsed.status();
  LoadOptions options;
  options.target = *std::move(parsed);
  options.connections = kConnections;
  options.size = 3;  // of a value, as redis-benchmark has it
  options.command = command;
  options.warm_up = std::chrono::milliseconds(100);
  options.duration = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(seconds));
  const absl::StatusOr<Totals> totals = Generate(options);
  if (!totals.ok()) return totals.status();
  if (!totals->failure.empty()) return absl::InternalError(totals->failure);
  if (totals->Errors() > 0) return absl::InternalError("answers are errors");
  return Values{static_cast<double>(totals->answers) / seconds,
                totals->latencies.Quantile(0.5) / 1000,
                totals->latencies.Quantile(0.99) / 1000};
}

// Makes wrk end its output with one line for machines.
constexpr char kWrkScript[] = R"lua(
done = function(summary, latency, requests)
  io.write(string.format("outcome %d %d %d %d\n", summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99)))
end
)lua";

absl::StatusOr<Values> RunWrk(const Words& command, int cpu) {
  absl::StatusOr<Process> wrk = Process::Start(command, cpu);
  if (!wrk.ok()) return wrk.status();
  for (;;) {
    const absl::StatusOr<std::string> line = wrk->ReadLine(kPatience);
    if (!line.ok()) return line.status();
    double requests = 0;
    double us = 0;
    Values values(3);
    if (std::sscanf(line->c_str(), "outcome %lf %lf %lf %lf", &requests, &us,
                    &values[1], &values[2]) == 4) {
      values[0] = requests / us * 1e6;
      if (absl::Status s = wrk->Wait(kPatience); !s.ok()) return s;
      return values;
    }
  }
}

// Of its lines of CSV the one that has numbers: "test","rps","avg","min",
// "p50","p95","p99","max", in ms.
absl::StatusOr<Values> RunRedisBenchmark(const Words& command, int cpu) {
  absl::StatusOr<Process> tool = Process::Start(command, cpu);
  if (!tool.ok()) return tool.status();
  for (;;) {
    const absl::StatusOr<std::string> line = tool->ReadLine(kPatience);
    if (!line.ok()) return line.status();
    Values fields;
    for (const absl::string_view field :
         absl::StrSplit(*line, absl::ByAnyChar("\",\r"), absl::SkipEmpty())) {
      double value = 0;
      if (absl::SimpleAtod(field, &value)) fields.push_back(value);
    }
    if (fields.size() != 7) continue;
    if (absl::Status s = tool->Wait(kPatience); !s.ok()) return s;
    return Values{fields[0], 1000 * fields[3], 1000 * fields[5]};
  }
}

class Beside {
 public:
  Beside(const Cores& cores, Report& report)
      : cores_(cores),
        report_(report),
        seconds_(absl::GetFlag(FLAGS_quick) ? 1 : 3) {}

  void Http();
  void Redis();
  int failures() const { return failures_; }

 private:
  // In turn, round after round.
  void Compare(const std::string& workload, const std::string& tool,
               const Measure& other, const Measure& ours) {
    const std::size_t rounds = Rounds(5, 3);
    for (std::size_t round = 0; round < rounds; ++round) {
      Keep(workload, tool, other());
      Keep(workload, "load", ours());
    }
    report_.PrintWorkload(workload);
  }

  void Keep(const std::string& workload, const std::string& subject,
            const absl::StatusOr<Values>& values) {
    if (values.ok()) return report_.Add(workload, subject, *values);
    ++failures_;
    std::fprintf(stderr, "%s, %s: %s\n", workload.c_str(), subject.c_str(),
                 values.status().ToString().c_str());
  }

  void Failed(const std::string& workload, const absl::Status& status) {
    ++failures_;
    std::fprintf(stderr, "%s: %s\n", workload.c_str(),
                 status.ToString().c_str());
  }

  const Cores cores_;
  Report& report_;
  const int seconds_;
  int failures_ = 0;
};

void Beside::Http() {
  const std::string wrk = FindProgram(kWrk);
  const std::string server_program =
      ProgramFolder() + "/../examples/file_server";
  if (wrk.empty() || !std::filesystem::exists(server_program)) {
    std::fprintf(stderr, "beside wrk: wrk or file_server is not there\n");
    return;
  }
  Site site;
  const std::string file = site.AddFile(1024);
  const std::string script = site.Write("outcome.lua", kWrkScript);
  const int port = FreePort();
  absl::StatusOr<Process> server =
      Process::Start({server_program, "--root", site.Root(), "--listen",
                      absl::StrCat("127.0.0.1:", port)},
                     cores_.server);
  if (!server.ok()) return Failed("file_server", server.status());
  if (absl::Status s = site.Check(port, file); !s.ok()) {
    return Failed("file_server", s);
  }
  const std::string url = absl::StrCat("http://127.0.0.1:", port, "/", file);
  Compare(
      absl::StrCat("GET 1024 B x ", kConnections, ", beside wrk"), kWrk,
      [&] {
        return RunWrk({wrk, "-t1", absl::StrCat("-c", kConnections),
                       absl::StrCat("-d", seconds_, "s"), "-s", script, url},
                      cores_.client);
      },
      [&] { return RunOurs(url, RedisCommand::kGet, seconds_); });
  if (absl::Status s = server->Stop(); !s.ok()) Failed("file_server", s);
}

// Until the server answers on its port.
absl::Status AwaitRedis(const std::string& target) {
  absl::Status last;
  for (int i = 0; i < 200; ++i) {
    const absl::StatusOr<Target> parsed = ParseTarget(target);
    LoadOptions options;
    options.target = *parsed;
    options.connections = 1;
    options.command = RedisCommand::kPing;
    options.warm_up = std::chrono::nanoseconds(0);
    options.duration = std::chrono::milliseconds(1);
    last = Generate(options).status();
    if (last.ok()) return last;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return last;
}

void Beside::Redis() {
  const std::string tool = FindProgram(kRedisBenchmark);
  const std::string server_program = FindProgram("redis-server");
  if (tool.empty() || server_program.empty()) {
    std::fprintf(stderr,
                 "beside redis-benchmark: it or redis-server is not there\n");
    return;
  }
  Site site;  // its folder is the server's
  const std::string port = absl::StrCat(FreePort());
  absl::StatusOr<Process> server = Process::Start(
      {server_program, "--port", port, "--bind", "127.0.0.1", "--save", "",
       "--appendonly", "no", "--loglevel", "warning", "--dir", site.Folder()},
      cores_.server);
  if (!server.ok()) return Failed("redis-server", server.status());
  const std::string target = absl::StrCat("redis://127.0.0.1:", port);
  if (absl::Status s = AwaitRedis(target); !s.ok()) {
    return Failed("redis-server", s);
  }
  // Some requests a second more or less: it counts requests, not time.
  const std::string requests = absl::StrCat(50'000 * seconds_);
  const auto compare = [&](const std::string& name, RedisCommand command) {
    Compare(
        absl::StrCat(name, " x ", kConnections, ", beside redis-benchmark"),
        kRedisBenchmark,
        [&] {
          return RunRedisBenchmark(
              {tool, "-p", port, "-t", name, "-c", absl::StrCat(kConnections),
               "-n", requests, "-r", "1000", "--csv"},
              cores_.client);
        },
        [&] { return RunOurs(target, command, seconds_); });
  };
  compare("set", RedisCommand::kSet);
  compare("get", RedisCommand::kGet);
  if (absl::Status s = server->Stop(); !s.ok()) Failed("redis-server", s);
}

}  // namespace

Report MakeBesideReport(const std::string& tool) {
  return Report({{"requests_per_second", "req/s", "1/s", 0, true},
                 {"latency_p50", "p50 us", "us", 0, true},
                 {"latency_p99", "p99 us", "us", 0, true}},
                tool);
}

int MeasureBesideWrk(const Cores& cores, Report& report) {
  Beside beside(cores, report);
  beside.Http();
  return beside.failures();
}

int MeasureBesideRedisBenchmark(const Cores& cores, Report& report) {
  Beside beside(cores, report);
  beside.Redis();
  return beside.failures();
}

}  // namespace eddy::bench
