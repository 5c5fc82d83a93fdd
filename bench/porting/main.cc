// The porting benchmark: programs of threads beside their ports to eddy, the
// examples that docs/porting.md tells of.
//
//   bench/run porting [--quick] [--json FILE] [--markdown] [--parts LIST]
//                     [--rounds N] [--seconds S] [--subjects LIST]
//                     [--clients LIST] [--folder PATH]
//
// Its parts:
//   chat        rooms of 10; in each, one client says a line and all others
//               hear it, one after the other, as fast as that goes. A request
//               is a line that nine have heard.
//   hash        trees of files, hashed from start to end, on all cores. The
//               files are in the page cache.
//   sqlite      each client has one request under way: nine GET for one PUT.
//               The database is in --folder; by default that is memory, so that
//               not the disk is measured.
//
// The servers have one core, the clients another one. Each round starts each of
// them afresh; who comes first rotates. Memory is what the server has in use
// (Pss) with all clients connected and after the load, in all and with the
// kernel's stacks of its threads; of `hash`, the most that was resident.
//
// With 100, 1,000 and 10,000 clients. Where there cannot be as many threads as
// a server needs, this says what limits them and leaves it out.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "bench/lib/contest.h"
#include "bench/lib/machine.h"
#include "bench/lib/options.h"
#include "bench/lib/process.h"
#include "bench/lib/report.h"
#include "bench/lib/scratch.h"
#include "bench/porting/footprint.h"
#include "bench/porting/line_load.h"

using Words = std::vector<std::string>;

ABSL_FLAG(Words, parts, {}, "only these (see bench/porting/main.cc)");
ABSL_FLAG(Words, clients, {},
          "numbers of clients (default 100,1000,10000; 100 if --quick)");
ABSL_FLAG(
    double, seconds, 0,
    "measured time of each server in a round (default 2; 0.2 if --quick)");
ABSL_FLAG(std::string, folder, "",
          "where the files are made (default: /dev/shm for the database, "
          "/var/tmp for trees)");

namespace eddy::bench {
namespace {

using std::chrono::nanoseconds;

constexpr char kFloor[] = "threads";
constexpr std::size_t kRoom = 10;
constexpr std::size_t kKeys = 1000;
constexpr double kMiB = 1024 * 1024;

// A server of either kind.
struct Candidate {
  Subject subject;
  // How many threads it has for so many clients; 0: a few.
  std::function<std::size_t(std::size_t clients)> threads;
};

class Benchmark {
 public:
  void Chat();
  void Hash();
  void Sqlite();

  int End(const Facts& facts) const {
    std::vector<const Report*> reports;
    for (const Report& report : reports_) reports.push_back(&report);
    return Conclude(reports, facts, failures_);
  }

  const Cores& cores() const { return cores_; }

 private:
  static bool quick() { return absl::GetFlag(FLAGS_quick); }
  static nanoseconds MeasuredTime() {
    const double seconds = absl::GetFlag(FLAGS_seconds);
    return std::chrono::duration_cast<nanoseconds>(
        std::chrono::duration<double>(seconds > 0 ? seconds
                                      : quick()   ? 0.2
                                                  : 2));
  }
  static std::vector<std::size_t> Clients() {
    std::vector<std::size_t> usual{100, 1000, 10'000};
    if (quick()) usual = {100};
    return Numbers("clients", absl::GetFlag(FLAGS_clients), usual);
  }
  static std::string Folder(const std::string& usual) {
    const std::string folder = absl::GetFlag(FLAGS_folder);
    if (!folder.empty()) return folder;
    return std::filesystem::is_directory(usual) ? usual : "/tmp";
  }
  static std::string Example(const std::string& name) {
    return absl::StrCat(ProgramFolder(), "/../examples/", name);
  }

  void Serve(const std::string& name, const std::vector<Candidate>& candidates,
             const std::function<LineTalk(std::size_t clients)>& talk,
             const std::function<void()>& prepare);
  absl::StatusOr<std::vector<double>> Measure(const Subject& subject,
                                              LineTalk talk) const;
  void HashTree(const std::string& workload, const std::string& tree,
                double files, Report& report);
  void Fail(const std::string& workload, const std::string& subject,
            const absl::Status& status) {
    ++failures_;
    std::fprintf(stderr, "%s, %s: %s\n", workload.c_str(), subject.c_str(),
                 status.ToString().c_str());
  }

  const Cores cores_ = PickCores();
  const std::uint64_t descriptors_ = RaiseDescriptorLimit();
  std::list<Report> reports_;
  int failures_ = 0;
};

absl::StatusOr<std::vector<double>> Benchmark::Measure(const Subject& subject,
                                                       LineTalk talk) const {
  absl::StatusOr<Server> server = StartServer(subject.command, cores_.server);
  if (!server.ok()) return server.status();
  LoadTotals totals;
  Footprint footprint;
  const auto run = [&]() -> absl::Status {
    absl::StatusOr<std::unique_ptr<Load>> load =
        ConnectLines(server->port, std::move(talk));
    if (!load.ok()) return load.status();
    const nanoseconds time = MeasuredTime();
    const Slice slice{time / 4, time,
                      [&] { return server->process.CpuTime(); }};
    if (absl::Status s = (*load)->Run(slice, totals); !s.ok()) return s;
    footprint = FootprintOf(server->process.pid());
    return absl::OkStatus();
  };
  const absl::Status ran = run();
  const absl::Status ended = Both(ran, server->process.Stop());
  if (!ended.ok()) return ended;
  return std::vector<double>{
      totals.window_requests / totals.window_seconds,
      1e6 * totals.server_cpu_seconds / totals.all_requests,
      totals.latencies.Quantile(0.5) / 1e6,
      totals.latencies.Quantile(0.99) / 1e6,
      footprint.pss_bytes / kMiB,
      (footprint.pss_bytes + footprint.stack_bytes) / kMiB,
      footprint.threads};
}

void Benchmark::Serve(const std::string& name,
                      const std::vector<Candidate>& candidates,
                      const std::function<LineTalk(std::size_t clients)>& talk,
                      const std::function<void()>& prepare) {
  Report& report = reports_.emplace_back(
      std::vector<Metric>{
          {"requests_per_second", "req/s", "1/s", 0, true},
          {"cpu_per_request", "CPU us/req", "us", 2, true},
          {"latency_p50", "p50 ms", "ms", 2, false},
          {"latency_p99", "p99 ms", "ms", 2, false},
          {"memory", "MiB", "MiB", 1, true},
          {"memory_with_kernel_stacks", "MiB+stacks", "MiB", 1, true},
          {"threads", "threads", "1", 0, false}},
      kFloor);
  // Some descriptors are for other things.
  const std::size_t possible = descriptors_ - 64;
  for (const std::size_t clients : Clients()) {
    const std::string workload = absl::StrCat(name, " x ", clients);
    if (clients > possible) {
      std::fprintf(stderr,
                   "%s is left out: ulimit -n allows %zu clients here\n",
                   workload.c_str(), possible);
      continue;
    }
    const std::size_t rounds = Rounds(clients < 10'000 ? 5 : 3, 3);
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < candidates.size(); ++i) {
        const Candidate& c = candidates[(round + i) % candidates.size()];
        const std::size_t threads = c.threads ? c.threads(clients) : 0;
        if (const ThreadLimit limit = FindThreadLimit();
            threads > limit.threads) {
          std::fprintf(stderr,
                       "%s, %s is left out: it needs %zu threads, and %s "
                       "allows %zu more here\n",
                       workload.c_str(), c.subject.name.c_str(), threads,
                       limit.name.c_str(), limit.threads);
          continue;
        }
        if (prepare) prepare();
        const absl::StatusOr<std::vector<double>> values =
            Measure(c.subject, talk(clients));
        if (values.ok()) {
          report.Add(workload, c.subject.name, *values);
        } else {
          Fail(workload, c.subject.name, values.status());
        }
      }
    }
    report.PrintWorkload(workload);
  }
}

// Those that are built and chosen.
std::vector<Candidate> Choose(std::vector<Candidate> candidates) {
  std::vector<Subject> subjects;
  for (const Candidate& c : candidates) subjects.push_back(c.subject);
  subjects = ChooseBuilt(std::move(subjects), kFloor);
  std::erase_if(candidates, [&](const Candidate& c) {
    return std::none_of(
        subjects.begin(), subjects.end(),
        [&](const Subject& s) { return s.name == c.subject.name; });
  });
  return candidates;
}

void Benchmark::Chat() {
  const Words flags{"--listen=127.0.0.1:0", "--line_interval=0",
                    "--max_clients=20000"};
  const auto command = [&](const std::string& program) {
    Words words{Example(program)};
    words.insert(words.end(), flags.begin(), flags.end());
    return words;
  };
  const auto talk = [](std::size_t clients) {
    LineTalk t;
    t.clients = clients;
    t.group = kRoom;
    t.others_hear = true;
    t.hello = [](std::size_t client) {
      return absl::StrCat("NICK n", client, "\nJOIN r", client / kRoom);
    };
    // OK twice, and that the later ones have come.
    t.heard_of_hello = [](std::size_t, std::size_t size) {
      return 2 * size + size * (size - 1) / 2;
    };
    t.say = [](std::size_t, std::uint64_t turn) {
      return absl::StrCat("MSG something that is said for the ", turn,
                          "th time in this room");
    };
    t.good = "<";
    return t;
  };
  Serve("chat",
        Choose({{{kFloor, command("chat_server_threads")},
                 [](std::size_t clients) { return 2 * clients + 2; }},
                {{"eddy", command("chat_server")}, {}}}),
        talk, {});
}

void Benchmark::Sqlite() {
  const Scratch scratch(Folder("/dev/shm"));
  const std::string database = scratch.Path("database/notes.db");
  const auto command = [&](const std::string& program) {
    return Words{Example(program), "--listen=127.0.0.1:0",
                 "--max_clients=20000", "--patience=1m",
                 absl::StrCat("--database=", database)};
  };
  const auto talk = [](std::size_t clients) {
    LineTalk t;
    t.clients = clients;
    // Every key is there before it is asked for.
    t.hello = [clients](std::size_t client) {
      std::string lines;
      for (std::size_t key = client; key < kKeys; key += clients) {
        absl::StrAppend(&lines, lines.empty() ? "" : "\n", "PUT k", key,
                        " a text that is worth to be kept");
      }
      if (lines.empty()) lines = "GET k0";
      return lines;
    };
    t.heard_of_hello = [clients](std::size_t client, std::size_t) {
      return client < kKeys ? (kKeys - client + clients - 1) / clients : 1;
    };
    t.say = [](std::size_t client, std::uint64_t turn) {
      const std::uint64_t mixed = client * 7919 + turn * 104'729;
      const std::string key = absl::StrCat("k", mixed % kKeys);
      if (turn % 10 != 9) return absl::StrCat("GET ", key);
      return absl::StrCat("PUT ", key, " a text that was written in turn ",
                          turn);
    };
    return t;
  };
  Serve("sqlite",
        Choose({{{kFloor, command("sqlite_service_threads")},
                 [](std::size_t clients) { return clients + 2; }},
                {{"eddy", command("sqlite_service")}, {}}}),
        talk, [&] { scratch.Renew("database"); });
}

void Benchmark::HashTree(const std::string& workload, const std::string& tree,
                         double files, Report& report) {
  // What is printed is of no interest, and a pipe would have to be read.
  const auto silent = [&](const std::string& program) {
    return Words{"sh", "-c", R"sh(exec "$0" "$1" > /dev/null)sh",
                 Example(program), tree};
  };
  std::vector<Subject> subjects{{kFloor, silent("hash_tree_threads")},
                                {"eddy", silent("hash_tree")}};
  std::erase_if(subjects, [](const Subject& s) {
    return s.name != kFloor && !IsChosen(s.name);
  });
  const std::size_t rounds = Rounds(7, 3);
  // The first one brings the files into the page cache.
  for (std::size_t round = 0; round <= rounds; ++round) {
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      const Subject& subject = subjects[(round + i) % subjects.size()];
      const auto start = std::chrono::steady_clock::now();
      absl::StatusOr<Process> process =
          Process::Start(subject.command, Process::kAnyCore);
      if (!process.ok()) {
        Fail(workload, subject.name, process.status());
        continue;
      }
      const PeakFootprint peak(process->pid());
      const absl::StatusOr<nanoseconds> cpu = process->Finish();
      const std::chrono::duration<double> time =
          std::chrono::steady_clock::now() - start;
      if (!cpu.ok()) {
        Fail(workload, subject.name, cpu.status());
      } else if (round > 0) {
        report.Add(
            workload, subject.name,
            {files / time.count(),
             std::chrono::duration<double, std::micro>(*cpu).count() / files,
             peak.resident_bytes() / kMiB, peak.threads()});
      }
    }
  }
  report.PrintWorkload(workload);
}

void Benchmark::Hash() {
  for (const char* const name : {"hash_tree_threads", "hash_tree"}) {
    if (std::filesystem::exists(Example(name))) continue;
    std::fprintf(stderr, "hash is left out: %s is not built\n", name);
    return;
  }
  const Scratch scratch(Folder("/var/tmp"));
  Report& report = reports_.emplace_back(
      std::vector<Metric>{{"files_per_second", "files/s", "1/s", 0, true},
                          {"cpu_per_file", "CPU us/file", "us", 1, true},
                          {"peak_memory", "peak MiB", "MiB", 1, true},
                          {"threads", "threads", "1", 0, false}},
      kFloor);
  struct Tree {
    std::size_t folders;
    std::size_t bytes;
  };
  const std::vector<Tree> trees =
      quick() ? std::vector<Tree>{{20, 4096}, {1, 1 << 20}}
              : std::vector<Tree>{{20, 4096},
                                  {200, 4096},
                                  {2000, 4096},
                                  {20, 64 << 10},
                                  {4, 4 << 20}};
  for (const Tree& tree : trees) {
    const std::size_t files = tree.folders * Scratch::kFilesPerFolder;
    const absl::Status room = scratch.CheckRoom(files * tree.bytes);
    const absl::StatusOr<std::string> made =
        room.ok() ? scratch.MakeTree("tree", tree.folders, tree.bytes) : room;
    if (!made.ok()) {
      Fail("hash", "tree", made.status());
      continue;
    }
    HashTree(absl::StrCat("hash, ", files, " of ", tree.bytes >> 10, " KiB"),
             *made, static_cast<double>(files), report);
    scratch.Remove("tree");
  }
}

bool IsPart(const std::string& name) {
  const Words parts = absl::GetFlag(FLAGS_parts);
  return parts.empty() ||
         std::find(parts.begin(), parts.end(), name) != parts.end();
}

int Main(int argc, char** argv) {
  ParseOptions("compares threads and their ports (see bench/porting/main.cc)",
               argc, argv);
  const std::vector<std::pair<std::string, void (Benchmark::*)()>> parts{
      {"hash", &Benchmark::Hash},
      {"chat", &Benchmark::Chat},
      {"sqlite", &Benchmark::Sqlite}};
  Benchmark benchmark;
  const Facts facts = DescribeMachine(benchmark.cores());
  Report::PrintFacts(facts);
  for (const auto& [name, run] : parts) {
    // The trees are hashed on all cores, before this has one of its own.
    if (name != "hash") PinThisThread(benchmark.cores().client);
    if (IsPart(name)) (benchmark.*run)();
  }
  return benchmark.End(facts);
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) { return eddy::bench::Main(argc, argv); }
