// The load generator.
//
//   bench/run load --target=echo://127.0.0.1:7000 [--size=64]
//   bench/run load --target=http://127.0.0.1:8080/index.html
//   bench/run load --target=redis://127.0.0.1:6379 [--command=get|set|ping]
//                  [--keys=1000] [--size=64]
//
// and for each of them
//
//   --connections=64 --pipeline=1   how many requests may be under way
//   --rate=20000                    open loop: so many requests a second, at
//                                   even distances, whatever the server does
//                                   (default: closed loop, as many as it takes)
//   --warm_up=1s --duration=5s      not measured, and measured
//   --timeout=10s                   for connections, and for the last answers
//   --cores=1                       that it runs on; 1: where it was started
//   --json=FILE                     the result as rows
//
// It prints requests a second, latencies, how many requests went out late, and
// what went wrong; the exit code is 0 only if nothing did. In the open loop,
// latency counts from the time at which a request was due, so a pause of the
// server counts for all that fell due meanwhile. Requests that never went out
// show that the server does not take that rate.
//
// Without --target it measures echo servers, eddy's and others, in turn:
//
//   bench/run load [--quick] [--json=FILE] [--markdown] [--rounds=N]
//                  [--subjects=LIST] [--rates=LIST] [--parts=curves,beside]
//
//   curves        latency by load: open loops of rising rates
//   beside        this generator beside wrk and redis-benchmark

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "bench/lib/machine.h"
#include "bench/lib/options.h"
#include "bench/lib/report.h"
#include "bench/load/beside.h"
#include "bench/load/curves.h"
#include "bench/load/generate.h"
#include "bench/load/result.h"

using Words = std::vector<std::string>;

ABSL_FLAG(std::string, target, "",
          "the server: echo://ADDRESS:PORT, http://ADDRESS:PORT/PATH or "
          "redis://ADDRESS:PORT");
ABSL_FLAG(int, connections, 64, "how many");
ABSL_FLAG(int, pipeline, 1,
          "requests that may be under way on a connection; a closed loop sends "
          "them together");
ABSL_FLAG(int, size, 64,
          "bytes of an echo's request, or of a value that is set");
ABSL_FLAG(double, rate, 0,
          "requests a second in all: an open loop (default: a closed loop)");
ABSL_FLAG(absl::Duration, warm_up, absl::Seconds(1), "not measured");
ABSL_FLAG(absl::Duration, duration, absl::Seconds(5), "measured");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(10),
          "for connections, and for answers after the end");
ABSL_FLAG(int, cores, 1, "that the generator runs on");
ABSL_FLAG(std::string, command, "get", "of redis://: get, set or ping");
ABSL_FLAG(int, keys, 1000, "of redis://: how many different ones");
ABSL_FLAG(Words, parts, {}, "without a target, only these: curves, beside");

namespace eddy::bench {
namespace {

// A negative number is as wrong as 0.
std::size_t Positive(int value) {
  return static_cast<std::size_t>(std::max(0, value));
}

absl::StatusOr<LoadOptions> ReadOptions() {
  LoadOptions o;
  absl::StatusOr<Target> target = ParseTarget(absl::GetFlag(FLAGS_target));
  if (!target.ok()) return target.status();
  o.target = *std::move(target);
  absl::StatusOr<RedisCommand> command =
      ParseRedisCommand(absl::GetFlag(FLAGS_command));
  if (!command.ok()) return command.status();
  o.command = *command;
  o.connections = Positive(absl::GetFlag(FLAGS_connections));
  o.pipeline = Positive(absl::GetFlag(FLAGS_pipeline));
  o.size = Positive(absl::GetFlag(FLAGS_size));
  o.keys = Positive(absl::GetFlag(FLAGS_keys));
  o.cores = static_cast<unsigned>(Positive(absl::GetFlag(FLAGS_cores)));
  if (absl::GetFlag(FLAGS_rate) != 0) o.rate = absl::GetFlag(FLAGS_rate);
  o.warm_up = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_warm_up));
  o.duration = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_duration));
  o.timeout = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_timeout));
  if (absl::Status s = Check(o); !s.ok()) return s;
  return o;
}

double OwnCpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) +
           (1e-6 * static_cast<double>(t.tv_usec));
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void Print(const LoadOptions& o, const Totals& t, double cpu_busy) {
  const auto count = [](std::uint64_t n) {
    return static_cast<unsigned long long>(n);
  };
  std::printf("target        %s\n", o.target.host.c_str());
  std::printf("load          %s, %s loop, %u core%s\n", Describe(o).c_str(),
              o.rate ? "open" : "closed", o.cores, o.cores == 1 ? "" : "s");
  std::printf("requests/s    %.0f\n",
              static_cast<double>(t.answers) /
                  std::chrono::duration<double>(o.duration).count());
  std::printf(
      "latency us    p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f\n",
      t.latencies.Quantile(0.5) / 1000, t.latencies.Quantile(0.9) / 1000,
      t.latencies.Quantile(0.99) / 1000, t.latencies.Quantile(0.999) / 1000,
      static_cast<double>(t.latencies.Max()) / 1000);
  std::printf("in all        %llu sent, %llu answered\n", count(t.sent),
              count(t.answered));
  if (o.rate) {
    std::printf("late          %llu sent over %lld ms after their time\n",
                count(t.late), static_cast<long long>(Totals::kLate.count()));
    // What is due in the last moment is never sent at any rate.
    const bool too_much = t.unsent > (t.sent + t.unsent) / 100;
    std::printf("never sent    %llu%s\n", count(t.unsent),
                too_much ? ": the server does not take this rate" : "");
  }
  if (o.target.protocol == Protocol::kRedis &&
      o.command == RedisCommand::kGet) {
    std::printf("misses        %llu\n", count(t.misses));
  }
  std::printf("errors        %llu refused, %llu unanswered\n", count(t.refused),
              count(t.unanswered));
  if (t.reconnects > 0) {
    std::printf("reconnects    %llu\n", count(t.reconnects));
  }
  std::printf("own CPU       %.0f %% of a core\n", cpu_busy);
}

int LoadTarget() {
  const absl::StatusOr<LoadOptions> options = ReadOptions();
  if (!options.ok()) {
    std::fprintf(stderr, "%s\n",
                 std::string(options.status().message()).c_str());
    return 2;
  }
  const Facts facts = DescribeMachine(PickCores());
  const double cpu_before = OwnCpuSeconds();
  const auto start = std::chrono::steady_clock::now();
  const absl::StatusOr<Totals> totals = Generate(*options);
  if (!totals.ok()) {
    std::fprintf(stderr, "%s\n",
                 std::string(totals.status().message()).c_str());
    return 1;
  }
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - start;
  Print(*options, *totals, 100 * (OwnCpuSeconds() - cpu_before) / took.count());
  if (!totals->failure.empty()) {
    std::fprintf(stderr, "%s: %s\n", options->target.host.c_str(),
                 totals->failure.c_str());
  }
  Report report(ResultMetrics(), "");
  report.Add(Describe(*options), options->target.host,
             ResultValues(*options, *totals,
                          std::chrono::duration<double>(std::nan(""))));
  const bool well = totals->failure.empty() && totals->Errors() == 0;
  return Conclude({&report}, facts, well ? 0 : 1);
}

int CompareServers() {
  const Words parts = absl::GetFlag(FLAGS_parts);
  for (const std::string& part : parts) {
    if (part == "curves" || part == "beside") continue;
    std::fprintf(stderr, "--parts: '%s' is neither curves nor beside\n",
                 part.c_str());
    return 2;
  }
  const auto chosen = [&parts](const char* part) {
    return parts.empty() ||
           std::find(parts.begin(), parts.end(), part) != parts.end();
  };
  const Cores cores = PickCores();
  const Facts facts = DescribeMachine(cores);
  Report::PrintFacts(facts);
  PinThisThread(cores.client);
  int failures = 0;
  Report curves = MakeCurvesReport();
  Report wrk = MakeBesideReport(kWrk);
  Report redis = MakeBesideReport(kRedisBenchmark);
  if (chosen("curves")) failures += MeasureCurves(cores, curves);
  if (chosen("beside")) {
    failures += MeasureBesideWrk(cores, wrk);
    failures += MeasureBesideRedisBenchmark(cores, redis);
  }
  return Conclude({&curves, &wrk, &redis}, facts, failures);
}

int Main(int argc, char** argv) {
  ParseOptions("loads a server, or compares servers (see bench/load/main.cc)",
               argc, argv);
  RaiseDescriptorLimit();
  return absl::GetFlag(FLAGS_target).empty() ? CompareServers() : LoadTarget();
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) { return eddy::bench::Main(argc, argv); }
