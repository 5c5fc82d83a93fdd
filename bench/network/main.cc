// The network benchmark: eddy's sockets beside hand-written liburing and epoll,
// Asio (on epoll and on io_uring) and libuv, and for echo Go and a thread for
// each connection, all under the same loads.
//
//   bench/run network [--quick] [--json FILE] [--markdown] [--parts LIST]
//                     [--rounds N] [--seconds S] [--subjects LIST]
//
// Its parts:
//   echo          requests of 64 B and 4 KiB on 1, 64 and 1000 connections, and
//                 16 at once on each of 64
//   large         echo of 64 KiB: sent as usual, and zero-copy
//   stream        64 KiB blocks in one direction on four connections
//   accept        64 clients connect; the server accepts and closes
//   udp           echo of datagrams of 64 B and 1400 B, 64 under way
//   proxy         requests and a stream through a proxy to another server
//   memory        what 10,000 connections cost that have been used once
//
// A subject is left out where it is not built (Asio, libuv, Go) or where it has
// nothing of that kind. Ratios are those to the liburing program that does it
// the same way: with multishot operations and buffers that the kernel picks
// where the subject has those.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "bench/echo/load.h"
#include "bench/lib/contest.h"
#include "bench/lib/machine.h"
#include "bench/lib/options.h"
#include "bench/lib/process.h"
#include "bench/lib/report.h"
#include "bench/network/accept_load.h"
#include "bench/network/protocol.h"
#include "bench/network/udp_load.h"

using Words = std::vector<std::string>;

ABSL_FLAG(Words, parts, {}, "only these (see bench/network/main.cc)");
ABSL_FLAG(double, seconds, 0,
          "measured time of each subject in a round (default 0.3)");

namespace eddy::bench {
namespace {

using std::chrono::nanoseconds;

constexpr char kFloor[] = "liburing";
// Subjects whose floor does as they do.
const std::map<std::string, std::string> kTwins{
    {"eddy-leases", "liburing-multishot"},
    {"eddy-stream", "liburing-multishot"},
    {"eddy-incoming", "liburing-multishot"},
    {"eddy-bulk", "liburing-bulk"},
    {"eddy-zero-copy", "liburing-zero-copy"}};
constexpr std::size_t kStreams = 4;
constexpr std::size_t kClients = 64;
constexpr std::size_t kIdle = 10'000;
constexpr std::size_t kIdleQuick = 2'000;

// What a part counts: how the rate and the CPU time of a request are told.
struct Measure {
  std::string rate;  // as in "requests_per_second"
  std::string rate_title;
  std::string rate_unit;
  int rate_digits;
  double rate_scale;  // of requests per second
  std::string cpu;    // as in "server_cpu_per_request"
  std::string cpu_title;
  std::string cpu_unit;
  double cpu_scale;  // of seconds per request
};

Measure PerPiece(const std::string& piece, const std::string& title) {
  return {absl::StrCat(piece, "s_per_second"),
          absl::StrCat(title, "/s"),
          "1/s",
          0,
          1,
          absl::StrCat("server_cpu_per_", piece),
          absl::StrCat("CPU us/", title),
          "us",
          1e6};
}

Measure PerGigabyte() {
  constexpr double kGigabytes = static_cast<double>(kBatch) / 1e9;
  return {"gigabytes_per_second",
          "GB/s",
          "GB/s",
          2,
          kGigabytes,
          "server_cpu_per_gigabyte",
          "CPU ms/GB",
          "ms",
          1e3 / kGigabytes};
}

std::vector<Metric> Metrics(const Measure& m) {
  return {
      {m.rate, m.rate_title, m.rate_unit, m.rate_digits, true},
      {m.cpu, m.cpu_title, m.cpu_unit, 3, true},
      {"latency_p50", "p50 us", "us", 1, false},
      {"latency_p99", "p99 us", "us", 1, false},
      {"server_cpu_busy", "server %", "%", 0, false},
      {"client_cpu_busy", "client %", "%", 0, false},
  };
}

std::function<std::vector<double>(const LoadTotals&)> Values(const Measure& m) {
  return [m](const LoadTotals& t) -> std::vector<double> {
    return {m.rate_scale * t.window_requests / t.window_seconds,
            m.cpu_scale * t.server_cpu_seconds / t.all_requests,
            t.latencies.Quantile(0.50) / 1000,
            t.latencies.Quantile(0.99) / 1000,
            100 * t.server_cpu_seconds / t.all_seconds,
            100 * t.client_cpu_seconds / t.all_seconds};
  };
}

using Connect =
    std::function<absl::StatusOr<std::unique_ptr<Load>>(std::uint16_t port)>;

Connect Echo(std::size_t connections, std::size_t size, std::size_t answer = 0,
             std::size_t pipeline = 1) {
  return [=](std::uint16_t port) {
    return ConnectEcho({port, connections, size, pipeline, answer});
  };
}

// Command lines.
std::string Path(const std::string& program) {
  return absl::StrCat(ProgramFolder(), "/", program);
}
Subject Of(const std::string& name, const std::string& program,
           Words arguments = {}) {
  Words command{Path(program)};
  for (std::string& word : arguments) command.push_back(std::move(word));
  command.emplace_back("0");
  return {name, std::move(command)};
}

// Asio and libuv in one of the modes that all programs have.
void AddPeers(std::vector<Subject>& subjects, const Words& arguments) {
  subjects.push_back(Of("asio-epoll", "network_asio_epoll", arguments));
  subjects.push_back(Of("asio-uring", "network_asio_uring", arguments));
  subjects.push_back(Of("libuv", "network_libuv", arguments));
}

std::vector<Subject> EchoSubjects() {
  std::vector<Subject> subjects{
      Of(kFloor, "echo_liburing_server"),
      Of("liburing-multishot", "network_liburing", {"echo-multishot"}),
      Of("eddy", "echo_eddy_server"),
      Of("eddy-leases", "network_eddy", {"echo-leases"}),
      Of("epoll", "echo_epoll_server")};
  AddPeers(subjects, {"echo"});
  subjects.push_back(Of("go", "network_go", {"echo"}));
  subjects.push_back(Of("threads", "network_threads", {"echo"}));
  return subjects;
}

class Benchmark {
 public:
  explicit Benchmark(Pace pace) : pace_(pace) {}

  void Echo();
  void Large();
  void Stream();
  void Accept();
  void Udp();
  void Proxy();
  void Memory();

  int End(const Facts& facts) const {
    std::vector<const Report*> reports;
    for (const Report& report : reports_) reports.push_back(&report);
    return Conclude(reports, facts, failures_);
  }

 private:
  static bool quick() { return absl::GetFlag(FLAGS_quick); }

  Report& NewReport(std::vector<Metric> metrics) {
    return reports_.emplace_back(std::move(metrics), kFloor, kTwins);
  }

  void Run(const std::string& workload, const std::vector<Subject>& subjects,
           const Connect& connect, const Measure& measure, Report& report,
           const Process* helper = nullptr) {
    failures_ += Hold({workload, ChooseBuilt(subjects, kFloor), connect,
                       Values(measure), helper},
                      pace_, report);
  }

  const Pace pace_;
  std::list<Report> reports_;
  int failures_ = 0;
};

void Benchmark::Echo() {
  struct Workload {
    std::size_t size;
    std::size_t connections;
  };
  std::vector<Workload> workloads{{64, 1},   {64, 64},   {64, 1000},
                                  {4096, 1}, {4096, 64}, {4096, 1000}};
  if (quick()) workloads = {{64, 64}, {4096, 1000}};
  const Measure measure = PerPiece("request", "req");
  Report& report = NewReport(Metrics(measure));
  for (const auto& [size, connections] : workloads) {
    Run(absl::StrCat("echo ", size, " B x ", connections), EchoSubjects(),
        bench::Echo(connections, size), measure, report);
  }
  constexpr std::size_t kPipeline = 16;
  Run(absl::StrCat("echo 64 B x ", kClients, ", pipeline ", kPipeline),
      EchoSubjects(), bench::Echo(kClients, 64, 0, kPipeline), measure, report);
}

void Benchmark::Large() {
  const Measure measure = PerPiece("request", "req");
  Report& report = NewReport(Metrics(measure));
  Run("echo 64 KiB x 16",
      {Of(kFloor, "network_liburing", {"echo-large"}),
       Of("liburing-zero-copy", "network_liburing", {"echo-zero-copy"}),
       Of("eddy", "network_eddy", {"echo-large"}),
       Of("eddy-zero-copy", "network_eddy", {"echo-zero-copy"})},
      bench::Echo(16, kBlock), measure, report);
}

void Benchmark::Stream() {
  const Measure measure = PerGigabyte();
  Report& report = NewReport(Metrics(measure));
  std::vector<Subject> receive{
      Of(kFloor, "network_liburing", {"receive"}),
      Of("liburing-multishot", "network_liburing", {"receive-multishot"}),
      Of("eddy", "network_eddy", {"receive"}),
      Of("eddy-leases", "network_eddy", {"receive-leases"})};
  AddPeers(receive, {"receive"});
  Run(absl::StrCat("server receives x ", kStreams), receive,
      bench::Echo(kStreams, kBatch, 1), measure, report);
  std::vector<Subject> send{Of(kFloor, "network_liburing", {"send"}),
                            Of("eddy", "network_eddy", {"send"})};
  AddPeers(send, {"send"});
  Run(absl::StrCat("server sends x ", kStreams), send,
      bench::Echo(kStreams, 1, kBatch), measure, report);
}

void Benchmark::Accept() {
  const Measure measure = PerPiece("connection", "conn");
  Report& report = NewReport(Metrics(measure));
  std::vector<Subject> subjects{
      Of(kFloor, "network_liburing", {"accept"}),
      Of("liburing-multishot", "network_liburing", {"accept-multishot"}),
      Of("eddy", "network_eddy", {"accept"}),
      Of("eddy-incoming", "network_eddy", {"accept-incoming"})};
  AddPeers(subjects, {"accept"});
  Run(
      absl::StrCat("accept and close x ", kClients), subjects,
      [](std::uint16_t port) { return MakeAcceptLoad(port, kClients); },
      measure, report);
}

void Benchmark::Udp() {
  const Measure measure = PerPiece("datagram", "packet");
  Report& report = NewReport(Metrics(measure));
  std::vector<Subject> subjects{
      Of(kFloor, "network_liburing", {"udp"}),
      Of("liburing-multishot", "network_liburing", {"udp-multishot"}),
      Of("liburing-bulk", "network_liburing", {"udp-bulk"}),
      Of("eddy", "network_eddy", {"udp"}),
      Of("eddy-stream", "network_eddy", {"udp-stream"}),
      Of("eddy-bulk", "network_eddy", {"udp-bulk"})};
  AddPeers(subjects, {"udp"});
  for (const std::size_t size : {std::size_t{64}, std::size_t{1400}}) {
    if (quick() && size != 64) continue;
    Run(
        absl::StrCat("udp ", size, " B"), subjects,
        [size](std::uint16_t port) { return MakeUdpLoad(port, size); }, measure,
        report);
  }
}

void Benchmark::Proxy() {
  struct Workload {
    std::string name;
    Words backend;
    Connect connect;
    Measure measure;
  };
  const std::vector<Workload> workloads{
      {"proxy, 64 B x 64",
       {Path("echo_liburing_server"), "0"},
       bench::Echo(kClients, 64),
       PerPiece("request", "req")},
      {absl::StrCat("proxy, stream x ", kStreams),
       {Path("network_liburing"), "drain", "0"},
       bench::Echo(kStreams, kBatch, 1),
       PerGigabyte()},
  };
  for (const Workload& workload : workloads) {
    const absl::StatusOr<Server> backend =
        StartServer(workload.backend, pace_.cores.client);
    if (!backend.ok()) {
      std::fprintf(stderr, "%s: %s\n", workload.name.c_str(),
                   backend.status().ToString().c_str());
      ++failures_;
      continue;
    }
    const Words arguments{"proxy", absl::StrCat(backend->port)};
    std::vector<Subject> subjects{
        Of(kFloor, "network_liburing", arguments),
        {"eddy",
         {Path("../examples/tcp_proxy"), "127.0.0.1:0",
          absl::StrCat("127.0.0.1:", backend->port)}}};
    AddPeers(subjects, arguments);
    Report& report = NewReport(Metrics(workload.measure));
    Run(workload.name, subjects, workload.connect, workload.measure, report,
        &backend->process);
  }
}

// The server's memory that is its own alone.
double PrivateBytes(const Process& process) {
  std::ifstream file(absl::StrCat("/proc/", process.pid(), "/smaps_rollup"));
  double bytes = 0;
  for (std::string key; file >> key;) {
    double value = 0;
    if (key == "Private_Dirty:" && file >> value) bytes += 1024 * value;
  }
  return bytes;
}

absl::StatusOr<double> BytesPerConnection(const Subject& subject,
                                          const Cores& cores,
                                          std::size_t connections) {
  absl::StatusOr<Server> server = StartServer(subject.command, cores.server);
  if (!server.ok()) return server.status();
  const auto use =
      [&](std::size_t number) -> absl::StatusOr<std::unique_ptr<Load>> {
    absl::StatusOr<std::unique_ptr<Load>> load =
        ConnectEcho({server->port, number, 64});
    if (!load.ok()) return load;
    LoadTotals ignored;
    const Slice once{nanoseconds(0), nanoseconds(0),
                     [] { return nanoseconds(0); }};
    if (absl::Status s = (*load)->Run(once, ignored); !s.ok()) return s;
    return load;
  };
  // What a server allocates once is none of the connections'.
  const absl::StatusOr<std::unique_ptr<Load>> first = use(1);
  if (!first.ok()) return first.status();
  const double before = PrivateBytes(server->process);
  absl::StatusOr<std::unique_ptr<Load>> load = use(connections);
  if (!load.ok()) return load.status();
  const double after = PrivateBytes(server->process);
  load->reset();
  if (absl::Status s = server->process.Stop(); !s.ok()) return s;
  return (after - before) / static_cast<double>(connections);
}

void Benchmark::Memory() {
  // Some descriptors are for other things.
  const std::size_t possible = RaiseDescriptorLimit() - 64;
  const std::size_t connections =
      std::min(possible, quick() ? kIdleQuick : kIdle);
  const std::string workload = absl::StrCat("idle x ", connections);
  Report& report =
      NewReport({{"bytes_per_connection", "B/connection", "B", 0, true}});
  const std::vector<Subject> subjects = ChooseBuilt(EchoSubjects(), kFloor);
  for (std::size_t round = 0; round < pace_.rounds; ++round) {
    for (const Subject& subject : subjects) {
      const absl::StatusOr<double> bytes =
          BytesPerConnection(subject, pace_.cores, connections);
      if (bytes.ok()) {
        report.Add(workload, subject.name, {*bytes});
        continue;
      }
      ++failures_;
      std::fprintf(stderr, "%s, %s: %s\n", workload.c_str(),
                   subject.name.c_str(), bytes.status().ToString().c_str());
    }
  }
  report.PrintWorkload(workload);
}

bool IsPart(const std::string& name) {
  const Words parts = absl::GetFlag(FLAGS_parts);
  return parts.empty() ||
         std::find(parts.begin(), parts.end(), name) != parts.end();
}

int Main(int argc, char** argv) {
  ParseOptions("compares servers (see bench/network/main.cc)", argc, argv);
  const std::vector<std::pair<std::string, void (Benchmark::*)()>> parts{
      {"echo", &Benchmark::Echo},     {"large", &Benchmark::Large},
      {"stream", &Benchmark::Stream}, {"accept", &Benchmark::Accept},
      {"udp", &Benchmark::Udp},       {"proxy", &Benchmark::Proxy},
      {"memory", &Benchmark::Memory}};
  RaiseDescriptorLimit();
  const bool quick = absl::GetFlag(FLAGS_quick);
  double seconds = absl::GetFlag(FLAGS_seconds);
  if (seconds <= 0) seconds = quick ? 0.1 : 0.3;
  const Pace pace{Rounds(5, 3), Slices(seconds),
                  std::chrono::milliseconds(quick ? 20 : 50), PickCores()};
  const Facts facts = DescribeMachine(pace.cores);
  Report::PrintFacts(facts);
  PinThisThread(pace.cores.client);
  Benchmark benchmark(pace);
  for (const auto& [name, run] : parts) {
    if (IsPart(name)) (benchmark.*run)();
  }
  return benchmark.End(facts);
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) { return eddy::bench::Main(argc, argv); }
