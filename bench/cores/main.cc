// The benchmark of many cores: what it costs to ask another one, and what a
// second one is worth. Two pinned threads.
//
//   bench/run cores [--quick] [--json FILE] [--markdown] [--parts LIST]
//                   [--rounds N] [--seconds S] [--subjects LIST]
//                   [--in_flight LIST]
//
// Its parts:
//   sleeping      calls to a core that sleeps in the kernel when it has nothing
//                 to do: 1, 64 and 1024 under way
//   spinning      the same where both look for messages without end
//                 (ReactorOptions::busy_poll)
//   channel       values in one direction through a bounded queue
//   echo          a TCP echo server, with its load on the same core, or on the
//                 same two cores
//   distribution  how 1,000 connections spread over listeners with SO_REUSEPORT
//
// A call is a message there and one back. The hand-written twins are two
// threads with a queue in each direction and a ring each:
//   msg-ring        who finds the other one asleep wakes it by
//                   IORING_OP_MSG_RING, submitted when it waits itself
//   msg-ring-now    the same, by a system call of its own
//   eventfd         by a write to an eventfd that the other one's ring reads,
//                   which is what eddy's Inbox does
//   msg-ring-data   no queue: each message is a MSG_RING
//   atomic          nobody sleeps
// eddy is SubmitTo of a function, eddy-task that of a task, eddy-remote
// Remote::Spawn from a task, and eddy-channel two SharedChannels.
//
// CPU is that of both threads, for each call. Wake-ups are those of sleeping
// threads; system calls are those that the program makes.

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "bench/cores/calls.h"
#include "bench/cores/servers.h"
#include "bench/lib/machine.h"
#include "bench/lib/options.h"
#include "bench/lib/report.h"

using Words = std::vector<std::string>;

ABSL_FLAG(Words, parts, {}, "only these (see bench/cores/main.cc)");
ABSL_FLAG(Words, in_flight, {},
          "calls under way, or values that a channel holds (default "
          "1,64,1024)");
ABSL_FLAG(double, seconds, 0,
          "measured time of each subject in a round (default 0.2)");

namespace eddy::bench {
namespace {

using std::chrono::nanoseconds;

std::vector<Metric> CallMetrics(const char* piece) {
  return {
      {absl::StrCat("time_per_", piece), absl::StrCat("ns/", piece), "ns", 1,
       true},
      {absl::StrCat("cpu_per_", piece), "CPU ns", "ns", 1, true},
      {absl::StrCat("system_calls_per_", piece), "system calls", "1", 3, false},
      {absl::StrCat("wake_ups_per_", piece), "wake-ups", "1", 3, false}};
}

std::vector<double> Values(const CallOutcome& o) {
  return {1e9 * o.seconds / o.calls, 1e9 * o.cpu_seconds / o.calls,
          o.system_calls / o.all_calls, o.wake_ups / o.all_calls};
}

class Benchmark {
 public:
  void Sleeping() {
    Calls("sleeping", SleepingTwins(), EddyCalls(/*spins=*/false));
  }
  void Spinning() {
    Calls("spinning", SpinningTwins(), EddyCalls(/*spins=*/true));
  }
  void Channel();
  void Echo();
  void Distribution();

  int End(const Facts& facts) const {
    std::vector<const Report*> reports;
    for (const Report& report : reports_) reports.push_back(&report);
    return Conclude(reports, facts, failures_);
  }

  const Cores& cores() const { return cores_; }

 private:
  static bool quick() { return absl::GetFlag(FLAGS_quick); }
  static std::vector<std::size_t> InFlight() {
    std::vector<std::size_t> usual{1, 64, 1024};
    if (quick()) usual = {1, 64};
    return Numbers("in_flight", absl::GetFlag(FLAGS_in_flight), usual);
  }
  static nanoseconds MeasuredTime() {
    const double seconds = absl::GetFlag(FLAGS_seconds);
    return std::chrono::duration_cast<nanoseconds>(
        std::chrono::duration<double>(seconds > 0 ? seconds
                                      : quick()   ? 0.03
                                                  : 0.2));
  }

  void Calls(const std::string& name, std::vector<CallSubject> subjects,
             const std::vector<CallSubject>& eddy);
  void Measure(const std::string& workload,
               const std::vector<CallSubject>& subjects, std::size_t number,
               Report& report) const;

  const Cores cores_ = PickCores();
  std::list<Report> reports_;
  int failures_ = 0;
};

// Those that are chosen; the floor is the first.
std::vector<CallSubject> Choose(std::vector<CallSubject> subjects) {
  const std::string floor = subjects.front().name;
  std::erase_if(subjects, [&](const CallSubject& s) {
    return s.name != floor && !IsChosen(s.name);
  });
  return subjects;
}

void Benchmark::Measure(const std::string& workload,
                        const std::vector<CallSubject>& subjects,
                        std::size_t number, Report& report) const {
  const nanoseconds time = MeasuredTime();
  const Window window{time / 8, time, cores_};
  for (std::size_t round = 0; round < Rounds(11, 3); ++round) {
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      const CallSubject& s = subjects[(round + i) % subjects.size()];
      report.Add(workload, s.name, Values(s.run(window, number)));
    }
  }
  report.PrintWorkload(workload);
}

void Benchmark::Calls(const std::string& name,
                      std::vector<CallSubject> subjects,
                      const std::vector<CallSubject>& eddy) {
  subjects.insert(subjects.end(), eddy.begin(), eddy.end());
  subjects = Choose(std::move(subjects));
  Report& report =
      reports_.emplace_back(CallMetrics("call"), subjects.front().name);
  for (const std::size_t in_flight : InFlight()) {
    Measure(absl::StrCat(name, " x ", in_flight), subjects, in_flight, report);
  }
}

void Benchmark::Channel() {
  for (const bool spins : {false, true}) {
    std::vector<CallSubject> subjects = ChannelTwins(spins);
    subjects.push_back(EddyChannel(spins));
    subjects = Choose(std::move(subjects));
    Report& report =
        reports_.emplace_back(CallMetrics("value"), subjects.front().name);
    for (const std::size_t capacity : InFlight()) {
      Measure(absl::StrCat("channel of ", capacity,
                           spins ? ", spinning" : ", sleeping"),
              subjects, capacity, report);
    }
  }
}

void Benchmark::Echo() {
  Report& report =
      reports_.emplace_back(EchoMetrics(), "liburing x 1", EchoFloors());
  failures_ += CompareEcho(
      {Rounds(7, 3),
       quick() ? nanoseconds(200'000'000) : nanoseconds(1'000'000'000), cores_},
      report);
}

void Benchmark::Distribution() {
  Report& report = reports_.emplace_back(DistributionMetrics(), "chance");
  for (const unsigned listeners : {2U, 4U, 8U}) {
    if (quick() && listeners != 2) continue;
    failures_ += Distribute(listeners, Rounds(20, 3), report);
  }
}

bool IsPart(const std::string& name) {
  const Words parts = absl::GetFlag(FLAGS_parts);
  return parts.empty() ||
         std::find(parts.begin(), parts.end(), name) != parts.end();
}

// What takes all cores that it may use is to take these.
void UseOnly(const Cores& cores) {
  cpu_set_t both;
  CPU_ZERO(&both);
  CPU_SET(static_cast<unsigned>(cores.client), &both);
  CPU_SET(static_cast<unsigned>(cores.server), &both);
  sched_setaffinity(0, sizeof both, &both);
}

int Main(int argc, char** argv) {
  ParseOptions("measures what cores say to each other (bench/cores/main.cc)",
               argc, argv);
  const std::vector<std::pair<std::string, void (Benchmark::*)()>> parts{
      {"sleeping", &Benchmark::Sleeping},
      {"spinning", &Benchmark::Spinning},
      {"channel", &Benchmark::Channel},
      {"echo", &Benchmark::Echo},
      {"distribution", &Benchmark::Distribution}};
  RaiseDescriptorLimit();
  Benchmark benchmark;
  const Facts facts = DescribeMachine(benchmark.cores());
  Report::PrintFacts(facts);
  if (benchmark.cores().client == benchmark.cores().server) {
    std::fprintf(stderr, "nothing is measured: there is one core only\n");
    return 0;
  }
  UseOnly(benchmark.cores());
  for (const auto& [name, run] : parts) {
    if (IsPart(name)) (benchmark.*run)();
  }
  return benchmark.End(facts);
}

}  // namespace
}  // namespace eddy::bench

int main(int argc, char** argv) { return eddy::bench::Main(argc, argv); }
