// The files benchmark: eddy's files beside hand-written liburing, the blocking
// calls, fio, dd, cp and find, in interleaved rounds of one run.
//
//   bench/run files [--quick] [--json FILE] [--markdown] [--parts LIST]
//                   [--rounds N] [--seconds S] [--subjects LIST]
//                   [--folder PATH] [--size MIB]
//
// Its parts:
//   direct      random reads of 4 KiB past the page cache, 1, 32 and 128 under
//               way; beside fio and, one at a time, beside pread
//   cached      the same from the page cache
//   stream      a whole file read, written and copied; beside dd and cp
//   names       small files made, and a tree of 20,000 names walked; beside
//               blocking calls and find
//   sync        records that are durable, one by one and in batches
//
// The file is made once, by default 1 GiB in /var/tmp, and goes at the end. All
// of a part's subjects do the same in turn; who comes first rotates. CPU time
// is that of all threads, the kernel's workers too. All but the part stream
// runs on one core, as a thread of eddy's does that has one to itself: with the
// kernel's workers beside it, no other core has to be woken for them.
//
// "-registered" has buffers registered with the ring, "-files" the file;
// "-patient" waits for half of its reads instead of for one.
// "fio-default" is fio without what makes it submit many reads at once.
// "-allocated" allocates the space first and has larger transfers.
//
// A scheduling class that keeps other programs away (chrt -f 1) steadies the
// reads; where files are written, it keeps the kernel's own threads away, too.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "bench/files/subject.h"
#include "bench/lib/machine.h"
#include "bench/lib/options.h"
#include "bench/lib/process.h"
#include "bench/lib/report.h"
#include "bench/lib/scratch.h"

using Words = std::vector<std::string>;

ABSL_FLAG(Words, parts, {}, "only these (see bench/files/main.cc)");
ABSL_FLAG(double, seconds, 0,
          "measured time of each subject in a round (default 0.3)");
ABSL_FLAG(std::string, folder, "/var/tmp",
          "where the files are made; a folder on the disk to measure");
ABSL_FLAG(int, size, 0, "MiB of the large file (default 1024; 64 if --quick)");

namespace eddy::bench {
namespace {

volatile sig_atomic_t interrupted = 0;

// What a part counts.
struct Measure {
  std::vector<Metric> metrics;
  double rate_scale;  // of operations per second
  double cpu_scale;   // of CPU seconds per operation
};

Measure PerPiece(const std::string& piece, const std::string& title) {
  return {{{absl::StrCat(piece, "s_per_second"), absl::StrCat(title, "s/s"),
            "1/s", 0, true},
           {absl::StrCat("cpu_per_", piece), absl::StrCat("CPU us/", title),
            "us", 2, true},
           {"cpu_busy", "CPU %", "%", 0, false}},
          1,
          1e6};
}

// Operations are bytes.
Measure PerGigabyte() {
  return {{{"gigabytes_per_second", "GB/s", "GB/s", 2, true},
           {"cpu_per_gigabyte", "CPU ms/GB", "ms", 0, true},
           {"cpu_busy", "CPU %", "%", 0, false}},
          1e-9,
          1e3 / 1e-9};
}

std::vector<double> Values(const Measure& m, const Outcome& o) {
  return {m.rate_scale * o.operations / o.seconds,
          m.cpu_scale * o.cpu_seconds / o.operations,
          100 * o.cpu_seconds / o.seconds};
}

class Benchmark {
 public:
  Benchmark(const Scratch& scratch, std::string file, std::uint64_t bytes)
      : scratch_(scratch), file_(std::move(file)), bytes_(bytes) {}

  void Direct() { Reads("direct", {"direct"}); }
  void Cached() { Reads("cached", {}); }

  void Stream();
  void Names();
  void Sync();

  int End(const Facts& facts) const {
    std::vector<const Report*> reports;
    for (const Report& report : reports_) reports.push_back(&report);
    return Conclude(reports, facts, failures_);
  }

 private:
  static bool quick() { return absl::GetFlag(FLAGS_quick); }
  static double Seconds() {
    const double seconds = absl::GetFlag(FLAGS_seconds);
    return seconds > 0 ? seconds : quick() ? 0.1 : 0.3;
  }

  Report& NewReport(const Measure& measure, const std::string& floor,
                    const std::map<std::string, std::string>& twins = {}) {
    return reports_.emplace_back(measure.metrics, floor, twins);
  }

  // A program that is built beside this one.
  static Words Own(const std::string& program, const Words& arguments) {
    Words command{absl::StrCat(ProgramFolder(), "/files_", program)};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
  }

  void Hold(const std::string& workload, std::vector<Subject> subjects,
            std::size_t rounds, const Measure& measure, Report& report);

  void Reads(const std::string& how, const Words& flags);
  Subject Reading(const std::string& name, const std::string& program,
                  std::size_t depth, Words flags) const;
  // Measured from its start to its end, as dd and cp are.
  Subject Streaming(const std::string& name, const Words& command,
                    std::function<void()> prepare) const;
  Subject FioReading(const std::string& name, std::size_t depth, bool direct,
                     const Words& options) const;

  // A subject that has a folder for itself, anew each time.
  Subject InFolder(const std::string& name, const std::string& program,
                   Words arguments) const;

  const Scratch& scratch_;
  const std::string file_;
  const std::uint64_t bytes_;
  const Cores cores_ = PickCores();
  std::list<Report> reports_;
  int failures_ = 0;
};

void Benchmark::Hold(const std::string& workload, std::vector<Subject> subjects,
                     std::size_t rounds, const Measure& measure,
                     Report& report) {
  std::erase_if(subjects, [](const Subject& s) { return !IsChosen(s.name); });
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < subjects.size() && interrupted == 0; ++i) {
      const Subject& subject = subjects[(round + i) % subjects.size()];
      if (subject.prepare) subject.prepare();
      const absl::StatusOr<Outcome> outcome = subject.run();
      if (outcome.ok()) {
        report.Add(workload, subject.name, Values(measure, *outcome));
        continue;
      }
      ++failures_;
      std::fprintf(stderr, "%s, %s: %s\n", workload.c_str(),
                   subject.name.c_str(), outcome.status().ToString().c_str());
    }
  }
  report.PrintWorkload(workload);
}

Subject Benchmark::Reading(const std::string& name, const std::string& program,
                           std::size_t depth, Words flags) const {
  Words arguments{"read", file_, absl::StrCat(depth), absl::StrCat(Seconds())};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  const Words command = Own(program, arguments);
  return {name,
          [command, cpu = cores_.server] { return RunOwn(command, cpu); }};
}

Subject Benchmark::FioReading(const std::string& name, std::size_t depth,
                              bool direct, const Words& options) const {
  Words all{"--name=read",
            "--rw=randread",
            "--bs=4k",
            "--ioengine=io_uring",
            "--readonly",
            "--norandommap",
            "--randrepeat=0",
            "--invalidate=0",
            "--gtod_reduce=1",
            "--time_based",
            "--ramp_time=100ms",
            absl::StrCat("--filename=", file_),
            absl::StrCat("--direct=", direct ? 1 : 0),
            absl::StrCat("--iodepth=", depth),
            absl::StrCat("--runtime=", std::lround(1e3 * Seconds()), "ms")};
  all.insert(all.end(), options.begin(), options.end());
  return {name, [all, cpu = cores_.server] { return RunFio(all, cpu); }};
}

void Benchmark::Reads(const std::string& how, const Words& flags) {
  const bool direct = !flags.empty();
  const bool has_fio = !FindProgram("fio").empty();
  if (!has_fio) std::fprintf(stderr, "fio is left out: it is not installed\n");
  const Measure measure = PerPiece("read", "read");
  const std::size_t rounds = Rounds(11, 3);
  const auto with = [&flags](Words more) {
    more.insert(more.end(), flags.begin(), flags.end());
    return more;
  };

  // A kernel may take from the page cache what was not used for a while.
  const auto hold = [&](const std::string& workload,
                        std::vector<Subject> subjects, Report& report) {
    for (Subject& subject : subjects) {
      if (!direct) subject.prepare = [this] { Warm(file_); };
    }
    Hold(absl::StrCat(how, ", ", workload), std::move(subjects), rounds,
         measure, report);
  };

  hold("one at a time",
       {Reading("pread", "posix", 1, flags),
        Reading("liburing", "liburing", 1, flags),
        Reading("eddy", "eddy", 1, flags)},
       NewReport(measure, "pread"));

  Report& report = NewReport(measure, "fio",
                             {{"fio-registered", "fio"},
                              {"liburing-registered", "fio-registered"},
                              {"eddy-registered", "fio-registered"},
                              {"liburing-files", "liburing"},
                              {"liburing-patient", "liburing"}});
  for (const std::size_t depth : {1U, 32U, 128U}) {
    // What makes fio fastest: up to half of the reads go with one system call.
    const Words batch{absl::StrCat("--iodepth_batch_submit=",
                                   std::max<std::size_t>(depth / 2, 1)),
                      "--iodepth_batch_complete_min=1",
                      absl::StrCat("--iodepth_batch_complete_max=", depth)};
    Words registered = batch;
    registered.emplace_back("--fixedbufs");
    std::vector<Subject> subjects;
    if (has_fio) {
      subjects = {FioReading("fio", depth, direct, batch),
                  FioReading("fio-registered", depth, direct, registered),
                  FioReading("fio-default", depth, direct, {})};
    }
    subjects.insert(
        subjects.end(),
        {Reading("liburing", "liburing", depth, flags),
         Reading("liburing-registered", "liburing", depth, with({"buffers"})),
         Reading("liburing-files", "liburing", depth, with({"files"})),
         Reading("liburing-patient", "liburing", depth, with({"patient"})),
         Reading("eddy", "eddy", depth, flags),
         Reading("eddy-registered", "eddy", depth, with({"buffers"}))});
    if (depth == 1) {
      std::erase_if(subjects, [](const Subject& s) {
        return s.name == "fio-default" || s.name == "liburing-patient";
      });
    }
    // What the others are worth is to be seen at one depth.
    if (quick() && depth != 32) {
      std::erase_if(subjects, [](const Subject& s) {
        return s.name.find("-") != std::string::npos && s.name != "fio-default";
      });
    }
    hold(absl::StrCat(depth, " under way"), std::move(subjects), report);
  }
}

Subject Benchmark::Streaming(const std::string& name, const Words& command,
                             std::function<void()> prepare) const {
  return {name,
          [command, bytes = static_cast<double>(bytes_)] {
            return RunWhole(command, Process::kAnyCore, bytes);
          },
          std::move(prepare)};
}

void Benchmark::Stream() {
  const Measure measure = PerGigabyte();
  const std::size_t rounds = Rounds(7, 3);
  const std::string copy = scratch_.Path("copy");
  const std::string from = absl::StrCat("if=", file_);
  const std::string to = absl::StrCat("of=", copy);
  const std::string count = absl::StrCat("count=", bytes_ >> 20);
  const auto warm = [this] { Warm(file_); };
  const auto chill = [this] { Chill(file_); };
  const auto remove = [this] {
    scratch_.Remove("copy");
    ::sync();  // what a subject leaves to be done is not the next one's
  };

  struct Loading {
    std::string name;
    Words dd_flags;
    Words flags;
    std::function<void()> prepare;
  };
  Report& report = NewReport(measure, "dd");
  for (const Loading& l : std::vector<Loading>{
           {"read, direct", {"iflag=direct"}, {"direct"}, chill},
           {"read, not cached", {}, {}, chill},
           {"read, cached", {}, {}, warm}}) {
    Words dd{"dd", from, "of=/dev/null", "bs=1M", "status=none"};
    dd.insert(dd.end(), l.dd_flags.begin(), l.dd_flags.end());
    Words load{"load", file_};
    load.insert(load.end(), l.flags.begin(), l.flags.end());
    Hold(l.name,
         {Streaming("dd", dd, l.prepare),
          Streaming("liburing", Own("liburing", load), l.prepare),
          Streaming("eddy", Own("eddy", load), l.prepare)},
         rounds, measure, report);
  }
  for (const bool direct : {true, false}) {
    Words dd{"dd",  "if=/dev/zero",   to,           "bs=1M",
             count, "conv=fdatasync", "status=none"};
    Words store{"store", copy, absl::StrCat(bytes_)};
    if (direct) {
      dd.emplace_back("oflag=direct");
      store.emplace_back("direct");
    }
    std::vector<Subject> subjects{
        Streaming("dd", dd, remove),
        Streaming("liburing", Own("liburing", store), remove),
        Streaming("eddy", Own("eddy", store), remove)};
    if (direct) {
      store.emplace_back("allocated");
      subjects.push_back(
          Streaming("liburing-allocated", Own("liburing", store), remove));
      subjects.push_back(
          Streaming("eddy-allocated", Own("eddy", store), remove));
    }
    Hold(direct ? "write, direct" : "write", std::move(subjects), rounds,
         measure, report);
  }
  Report& copies = NewReport(measure, "cp");
  const auto copying = [&](const std::string& name, const Words& command) {
    return Streaming(name, command, [=] {
      remove();
      warm();
    });
  };
  Hold("copy, cached",
       {copying("cp", {"cp", file_, copy}),
        copying("eddy", Own("eddy", {"copy", file_, copy}))},
       rounds, measure, copies);
  remove();
}

Subject Benchmark::InFolder(const std::string& name, const std::string& program,
                            Words arguments) const {
  const Words command = Own(program, arguments);
  return {name, [command, cpu = cores_.server] { return RunOwn(command, cpu); },
          [this] { scratch_.Renew("folder"); }};
}

void Benchmark::Names() {
  const Measure measure = PerPiece("file", "file");
  const std::size_t rounds = Rounds(7, 3);
  Report& report = NewReport(measure, "liburing");
  const std::string files = quick() ? "1000" : "10000";
  for (const std::string writers : {"1", "32"}) {
    const Words create{"create", scratch_.Path("folder"), files, writers};
    std::vector<Subject> subjects{InFolder("liburing", "liburing", create),
                                  InFolder("eddy", "eddy", create)};
    if (writers == "1") subjects.push_back(InFolder("posix", "posix", create));
    Hold(absl::StrCat("make files, ", writers, " at once"), subjects, rounds,
         measure, report);
  }
  scratch_.Remove("folder");

  const std::size_t folders = quick() ? 40 : 400;
  const absl::StatusOr<std::string> tree = scratch_.MakeTree("tree", folders);
  if (!tree.ok()) {
    ++failures_;
    std::fprintf(stderr, "%s\n", tree.status().ToString().c_str());
    return;
  }
  const auto walking = [&](const std::string& name, const Words& command) {
    const auto names =
        static_cast<double>(folders * (Scratch::kFilesPerFolder + 1));
    return Subject{name, [=, cpu = cores_.server] {
                     return RunWhole(command, cpu, names);
                   }};
  };
  const Measure per_name = PerPiece("name", "name");
  Report& walks = NewReport(per_name, "find");
  Hold("walk",
       {walking("find", {"find", *tree, "-false"}),
        walking("eddy", Own("eddy", {"walk", *tree}))},
       rounds, per_name, walks);
  // No file is that large, and find has to look at each.
  Hold("walk with sizes",
       {walking("find", {"find", *tree, "-size", "+9999G"}),
        walking("eddy", Own("eddy", {"walk", *tree, "sizes"}))},
       rounds, per_name, walks);
  scratch_.Remove("tree");
}

void Benchmark::Sync() {
  const Measure measure = PerPiece("record", "record");
  const std::size_t rounds = Rounds(7, 3);
  const std::string path = scratch_.Path("folder/log");
  Report& report = NewReport(measure, "liburing");
  struct Logging {
    std::string name;
    std::string writers;
    std::string batch;
  };
  for (const Logging& l :
       std::vector<Logging>{{"1 writer, each synced", "1", "1"},
                            {"64 writers, each synced", "64", "1"},
                            {"1 writer, 64 a sync", "1", "64"}}) {
    const Words sync{"sync", path, l.writers, l.batch, absl::StrCat(Seconds())};
    std::vector<Subject> subjects{InFolder("liburing", "liburing", sync),
                                  InFolder("eddy", "eddy", sync)};
    if (l.writers == "1") subjects.push_back(InFolder("posix", "posix", sync));
    Hold(l.name, subjects, rounds, measure, report);
  }
  scratch_.Remove("folder");
}

bool IsPart(const std::string& name) {
  const Words parts = absl::GetFlag(FLAGS_parts);
  return parts.empty() ||
         std::find(parts.begin(), parts.end(), name) != parts.end();
}

int Main(int argc, char** argv) {
  ParseOptions("compares file I/O (see bench/files/main.cc)", argc, argv);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    ::sigaction(signal, &action, nullptr);
  }
  const Scratch scratch(absl::GetFlag(FLAGS_folder));
  Facts facts = DescribeMachine(PickCores());
  std::erase_if(facts, [](const auto& fact) {
    return fact.first == "tcp" || fact.first == "pinned";
  });
  for (auto& fact : scratch.Describe()) facts.push_back(std::move(fact));
  int mebibytes = absl::GetFlag(FLAGS_size);
  if (mebibytes <= 0) mebibytes = absl::GetFlag(FLAGS_quick) ? 64 : 1024;
  facts.emplace_back("file", absl::StrCat(mebibytes, " MiB"));
  Report::PrintFacts(facts);

  const std::uint64_t bytes = static_cast<std::uint64_t>(mebibytes) << 20;
  absl::Status room = scratch.CheckRoom(2 * bytes);  // a copy, too
  const absl::StatusOr<std::string> file =
      room.ok() ? scratch.MakeFile("file", bytes) : room;
  if (!file.ok()) {
    std::fprintf(stderr, "%s\n", file.status().ToString().c_str());
    return 1;
  }
  Benchmark benchmark(scratch, *file, bytes);
  const std::vector<std::pair<std::string, void (Benchmark::*)()>> parts{
      {"direct", &Benchmark::Direct},
      {"cached", &Benchmark::Cached},
      {"stream", &Benchmark::Stream},
      {"names", &Benchmark::Names},
      {"sync", &Benchmark::Sync}};
  for (const auto& [name, run] : parts) {
    if (IsPart(name) && interrupted == 0) (benchmark.*run)();
  }
  return benchmark.End(facts);
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) { return eddy::bench::Main(argc, argv); }
