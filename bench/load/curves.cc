#include "bench/load/curves.h"

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "bench/lib/contest.h"
#include "bench/lib/options.h"
#include "bench/load/generate.h"
#include "bench/load/result.h"

using Words = std::vector<std::string>;

ABSL_FLAG(Words, rates, {},
          "requests a second of the curves (default 5000,20000,...)");

namespace eddy::bench {
namespace {

constexpr char kFloor[] = "liburing";

std::vector<Subject> Subjects() {
  const auto of = [](const char* name, const char* program,
                     const char* mode = nullptr) {
    Subject subject{name, {absl::StrCat(ProgramFolder(), "/", program)}};
    if (mode != nullptr) subject.command.emplace_back(mode);
    subject.command.emplace_back("0");
    return subject;
  };
  return ChooseBuilt(
      {of(kFloor, "echo_liburing_server"), of("eddy", "echo_eddy_server"),
       of("epoll", "echo_epoll_server"),
       of("asio-epoll", "network_asio_epoll", "echo"),
       of("asio-uring", "network_asio_uring", "echo"),
       of("libuv", "network_libuv", "echo"), of("go", "network_go", "echo"),
       of("threads", "network_threads", "echo")},
      kFloor);
}

std::vector<std::size_t> Rates() {
  std::vector<std::size_t> usual{5'000,  20'000, 40'000,
                                 60'000, 80'000, 100'000};
  if (absl::GetFlag(FLAGS_quick)) usual = {5'000, 20'000, 40'000, 60'000};
  return Numbers("rates", absl::GetFlag(FLAGS_rates), usual);
}

struct Contender {
  Subject subject;
  std::optional<Server> server;
  absl::Status status;
};

// One rate, one subject.
absl::Status Measure(Contender& c, LoadOptions options, const Cores&,
                     Report& report) {
  const std::string host = absl::StrCat("127.0.0.1:", c.server->port);
  absl::StatusOr<Target> target = ParseTarget(absl::StrCat("echo://", host));
  if (!target.ok()) return target.status();
  options.target = *std::move(target);
  const std::chrono::nanoseconds before = c.server->process.CpuTime();
  const absl::StatusOr<Totals> totals = Generate(options);
  if (!totals.ok()) return totals.status();
  if (!totals->failure.empty()) return absl::InternalError(totals->failure);
  report.Add(
      Describe(options), c.subject.name,
      ResultValues(options, *totals, c.server->process.CpuTime() - before));
  return absl::OkStatus();
}

}  // namespace

Report MakeCurvesReport() { return Report(ResultMetrics(), kFloor); }

int MeasureCurves(const Cores& cores, Report& report) {
  const bool quick = absl::GetFlag(FLAGS_quick);
  const std::size_t rounds = Rounds(5, 3);
  LoadOptions options;
  options.warm_up = std::chrono::milliseconds(quick ? 50 : 200);
  options.duration = std::chrono::milliseconds(quick ? 300 : 1000);
  const std::vector<std::size_t> rates = Rates();
  const std::vector<Subject> subjects = Subjects();
  int failures = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    std::vector<Contender> contenders;
    for (const Subject& subject : subjects) {
      Contender& c = contenders.emplace_back(Contender{subject, {}, {}});
      absl::StatusOr<Server> server =
          StartServer(subject.command, cores.server);
      c.status = server.status();
      if (server.ok()) c.server.emplace(*std::move(server));
    }
    for (const std::size_t rate : rates) {
      options.rate = static_cast<double>(rate);
      for (std::size_t i = 0; i < contenders.size(); ++i) {
        Contender& c = contenders[(round + i) % contenders.size()];
        if (c.status.ok()) c.status = Measure(c, options, cores, report);
      }
    }
    for (Contender& c : contenders) {
      if (c.server) c.status = Both(c.status, c.server->process.Stop());
      if (c.status.ok()) continue;
      ++failures;
      std::fprintf(stderr, "%s: %s\n", c.subject.name.c_str(),
                   c.status.ToString().c_str());
    }
  }
  for (const std::size_t rate : rates) {
    options.rate = static_cast<double>(rate);
    report.PrintWorkload(Describe(options));
  }
  return failures;
}

}  // namespace eddy::bench
