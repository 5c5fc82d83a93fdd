// The HTTP benchmark: servers in turn on the same core answer wrk on another
// core. Compares requests per second and server CPU per request with those of
// the floor in the same run.
//
//   bench/run http [--quick] [--json FILE] [--connections LIST] [--size LIST]
//                  [--rounds N] [--seconds S] [--subjects LIST]
//                  [--file_server PATH]
//
// Two know their answer beforehand:
//   canned       the floor: hand-written on liburing, does not parse requests
//   eddy-hello   eddy's twin of it; parses requests with llhttp
// and the others serve a file of the same text:
//   nginx        as one usually sets it up for files
//   nginx-open-file-cache
//   eddy         examples/file_server
//
// A round starts each server afresh and loads it; who comes first rotates.
// Where wrk or nginx are missing, this says so and does what is left to do.

#include <signal.h>
#include <unistd.h>

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
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "bench/http/site.h"
#include "bench/lib/machine.h"
#include "bench/lib/options.h"
#include "bench/lib/process.h"
#include "bench/lib/report.h"

using Words = std::vector<std::string>;

ABSL_FLAG(Words, connections, {}, "numbers of connections (default 64)");
ABSL_FLAG(Words, size, {}, "bytes of the file (default 1024)");
ABSL_FLAG(double, seconds, 0,
          "measured time of each subject in a round (default 2)");
ABSL_FLAG(std::string, file_server, "",
          "the file_server to measure (default: the one built beside this)");

namespace eddy::bench {
namespace {

constexpr char kFloor[] = "canned";

struct Workload {
  std::size_t connections;
  std::size_t size;

  std::string Name() const {
    return absl::StrCat("GET ", size, " B x ", connections);
  }
};

struct Subject {
  std::string name;
  std::function<Words(int port, const std::string& file)> command;
};

struct Plan {
  std::vector<Workload> workloads;
  std::vector<Subject> subjects;
  std::size_t rounds;
  std::chrono::duration<double> time;
  Cores cores;
  std::string wrk;
  std::string wrk_script;
};

// What one run of wrk has seen.
struct Outcome {
  double requests;
  double seconds;
  double errors;
  double p50_us;
  double p99_us;
};

// Makes wrk end its output with one line for machines.
constexpr char kWrkScript[] = R"lua(
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("outcome %d %d %d %d %d\n",
    summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
)lua";

// One worker, the file sent with sendfile, no logs, connections kept for ever.
std::string NginxConfiguration(const Site& site, int port, bool cache) {
  return absl::StrCat(::geteuid() == 0 ? "user root;\n" : "",
                      "daemon off;\n"
                      "worker_processes 1;\n"
                      "pid nginx.pid;\n"
                      "error_log stderr error;\n"
                      "events { worker_connections 8192; use epoll; }\n"
                      "http {\n"
                      "  access_log off;\n"
                      "  sendfile on;\n"
                      "  tcp_nodelay on;\n"
                      "  keepalive_requests 1000000000;\n"
                      "  keepalive_timeout 600;\n",
                      cache ? "  open_file_cache max=1000 inactive=600s;\n"
                              "  open_file_cache_valid 600s;\n"
                            : "",
                      "  client_body_temp_path body;\n"
                      "  proxy_temp_path proxy;\n"
                      "  fastcgi_temp_path fastcgi;\n"
                      "  uwsgi_temp_path uwsgi;\n"
                      "  scgi_temp_path scgi;\n"
                      "  server {\n"
                      "    listen 127.0.0.1:",
                      port,
                      " backlog=4096;\n"
                      "    root \"",
                      site.Root(),
                      "\";\n"
                      "  }\n"
                      "}\n");
}

void AddBuilt(const std::string& program, Subject subject,
              std::vector<Subject>& subjects) {
  if (subject.name != kFloor && !IsChosen(subject.name)) return;
  if (std::filesystem::exists(program)) {
    subjects.push_back(std::move(subject));
    return;
  }
  std::fprintf(stderr, "%s is left out: %s is not built\n",
               subject.name.c_str(), program.c_str());
}

// A program that answers everything with one file's text.
void AddCanned(const std::string& name, const std::string& program,
               const Site& site, std::vector<Subject>& subjects) {
  AddBuilt(program,
           {name,
            [program, &site](int port, const std::string& file) {
              return Words{program, absl::StrCat(port), site.Path(file)};
            }},
           subjects);
}

void AddNginx(const std::string& name, bool cache, Site& site,
              std::vector<Subject>& subjects) {
  if (!IsChosen(name)) return;
  const std::string nginx = FindProgram("nginx");
  if (nginx.empty()) {
    std::fprintf(stderr, "%s is left out: nginx is not installed\n",
                 name.c_str());
    return;
  }
  subjects.push_back(
      {name, [&site, nginx, name, cache](int port, const std::string&) {
         const std::string configuration =
             site.Write(absl::StrCat(name, ".conf"),
                        NginxConfiguration(site, port, cache));
         return Words{nginx,         "-p", site.Folder(), "-c",
                      configuration, "-e", "stderr"};
       }});
}

void AddFileServer(const Site& site, std::vector<Subject>& subjects) {
  std::string server = absl::GetFlag(FLAGS_file_server);
  if (server.empty()) server = ProgramFolder() + "/../examples/file_server";
  AddBuilt(server,
           {"eddy",
            [server, &site](int port, const std::string&) {
              return Words{server, "--root", site.Root(), "--listen",
                           absl::StrCat("127.0.0.1:", port)};
            }},
           subjects);
}

std::vector<Subject> ChooseSubjects(Site& site) {
  const std::string folder = ProgramFolder();
  std::vector<Subject> subjects;
  AddCanned(kFloor, folder + "/http_canned_server", site, subjects);
  AddCanned("eddy-hello", folder + "/http_hello_server", site, subjects);
  AddNginx("nginx", false, site, subjects);
  AddNginx("nginx-open-file-cache", true, site, subjects);
  AddFileServer(site, subjects);
  return subjects;
}

std::vector<Workload> ChooseWorkloads() {
  std::vector<Workload> workloads;
  for (const std::size_t size :
       Numbers("size", absl::GetFlag(FLAGS_size), {1024})) {
    for (const std::size_t connections :
         Numbers("connections", absl::GetFlag(FLAGS_connections), {64})) {
      workloads.push_back({connections, size});
    }
  }
  return workloads;
}

absl::StatusOr<Outcome> ParseOutcome(Process& wrk) {
  for (;;) {
    const absl::StatusOr<std::string> line =
        wrk.ReadLine(std::chrono::seconds(1));
    if (!line.ok()) return line.status();
    Outcome o{};
    double microseconds = 0;
    if (std::sscanf(line->c_str(), "outcome %lf %lf %lf %lf %lf", &o.requests,
                    &microseconds, &o.errors, &o.p50_us, &o.p99_us) != 5) {
      continue;
    }
    o.seconds = microseconds / 1e6;
    return o;
  }
}

// wrk itself counts in whole seconds; it also ends, and well, when it is
// interrupted.
absl::StatusOr<Outcome> RunWrk(const Plan& plan, const Workload& workload,
                               int port, const std::string& file) {
  const auto at_most = static_cast<int>(std::ceil(plan.time.count())) + 1;
  absl::StatusOr<Process> wrk = Process::Start(
      {plan.wrk, "-t1", absl::StrCat("-c", workload.connections),
       absl::StrCat("-d", at_most, "s"), "--timeout", "20s", "-s",
       plan.wrk_script, absl::StrCat("http://127.0.0.1:", port, "/", file)},
      plan.cores.client);
  if (!wrk.ok()) return wrk.status();
  std::this_thread::sleep_for(plan.time);
  if (absl::Status s = wrk->Stop(SIGINT); !s.ok()) return s;
  absl::StatusOr<Outcome> outcome = ParseOutcome(*wrk);
  if (!outcome.ok()) return outcome;
  if (outcome->errors > 0 || outcome->requests < 1) {
    return absl::InternalError(absl::StrCat("wrk counts ", outcome->requests,
                                            " answers and ", outcome->errors,
                                            " errors"));
  }
  return outcome;
}

std::vector<Metric> Metrics() {
  return {
      {"requests_per_second", "req/s", "1/s", 0, true},
      {"server_cpu_per_request", "CPU us/req", "us", 3, true},
      {"latency_p50", "p50 us", "us", 0, true},
      {"latency_p99", "p99 us", "us", 0, true},
      {"server_cpu_busy", "server %", "%", 0, false},
  };
}

// One server, one wrk, one clean end.
absl::StatusOr<std::vector<double>> Measure(const Plan& plan, const Site& site,
                                            const Workload& workload,
                                            const Subject& subject,
                                            const std::string& file) {
  const int port = FreePort();
  absl::StatusOr<Process> server =
      Process::Start(subject.command(port, file), plan.cores.server);
  if (!server.ok()) return server.status();
  if (absl::Status s = site.Check(port, file); !s.ok()) return s;
  const std::chrono::nanoseconds cpu_before = server->CpuTime();
  const absl::StatusOr<Outcome> o = RunWrk(plan, workload, port, file);
  if (!o.ok()) return o.status();
  // The kernel's account of another process is exact only while that sleeps.
  ::usleep(5000);
  const double cpu =
      std::chrono::duration<double>(server->CpuTime() - cpu_before).count();
  if (absl::Status s = server->Stop(); !s.ok()) return s;
  return std::vector<double>{o->requests / o->seconds, 1e6 * cpu / o->requests,
                             o->p50_us, o->p99_us, 100 * cpu / o->seconds};
}

// Measures all and returns how many measurements have failed.
int Run(const Plan& plan, Site& site, Report& report) {
  int failures = 0;
  const std::size_t count = plan.subjects.size();
  for (const Workload& workload : plan.workloads) {
    const std::string file = site.AddFile(workload.size);
    for (std::size_t round = 0; round < plan.rounds; ++round) {
      std::vector<std::vector<double>> values(count);
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t who = (round + i) % count;
        const Subject& subject = plan.subjects[who];
        absl::StatusOr<std::vector<double>> measured =
            Measure(plan, site, workload, subject, file);
        if (measured.ok()) {
          values[who] = *std::move(measured);
          continue;
        }
        ++failures;
        std::fprintf(stderr, "%s, %s: %s\n", workload.Name().c_str(),
                     subject.name.c_str(),
                     measured.status().ToString().c_str());
      }
      for (std::size_t i = 0; i < count; ++i) {
        if (!values[i].empty()) {
          report.Add(workload.Name(), plan.subjects[i].name, values[i]);
        }
      }
    }
    report.PrintWorkload(workload.Name());
  }
  return failures;
}

int Main(int argc, char** argv) {
  ParseOptions("compares HTTP servers (see bench/http/main.cc)", argc, argv);
  RaiseDescriptorLimit();
  Site site;
  Plan plan;
  plan.workloads = ChooseWorkloads();
  plan.subjects = ChooseSubjects(site);
  plan.rounds = Rounds(9, 3);
  double seconds = absl::GetFlag(FLAGS_seconds);
  if (seconds <= 0) seconds = absl::GetFlag(FLAGS_quick) ? 0.4 : 2;
  plan.time = std::chrono::duration<double>(seconds);
  plan.cores = PickCores();
  plan.wrk = FindProgram("wrk");
  plan.wrk_script = site.Write("outcome.lua", kWrkScript);
  if (plan.wrk.empty()) {
    std::fprintf(stderr, "nothing is measured: wrk is not installed\n");
    plan.workloads.clear();
  }

  const Facts facts = DescribeMachine(plan.cores);
  Report::PrintFacts(facts);
  Report report(Metrics(), kFloor);
  const int failures = Run(plan, site, report);
  return Conclude({&report}, facts, failures);
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) { return eddy::bench::Main(argc, argv); }
