// Rounds, slices, and who is loaded when.

#include "bench/lib/contest.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bench/lib/options.h"

namespace eddy::bench {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kSlice = std::chrono::milliseconds(50);
constexpr nanoseconds kRamp = std::chrono::milliseconds(5);

// A subject at work: its server, the connections to it, and what they have
// measured in this round.
struct Contender {
  const Subject* subject;
  std::optional<Server> server;
  std::unique_ptr<Load> load;
  LoadTotals totals;
  absl::Status status;

  absl::Status Run(nanoseconds ramp, nanoseconds window, const Process* helper,
                   LoadTotals& into) {
    Slice slice{ramp, window, [this] { return server->process.CpuTime(); }};
    if (helper != nullptr) {
      slice.helper_cpu = [helper] { return helper->CpuTime(); };
    }
    return load->Run(slice, into);
  }
};

absl::Status Start(const Contest& contest, const Pace& pace, Contender& c) {
  absl::StatusOr<Server> server = StartServer(*c.subject, pace.cores.server);
  if (!server.ok()) return server.status();
  c.server.emplace(*std::move(server));
  absl::StatusOr<std::unique_ptr<Load>> load = contest.connect(c.server->port);
  if (!load.ok()) return load.status();
  c.load = *std::move(load);
  LoadTotals ignored;
  return c.Run(nanoseconds(0), pace.warm_up, contest.helper, ignored);
}

// Loads the contenders in turn, slice by slice.
void RunRound(const Contest& contest, const Pace& pace, std::size_t round,
              std::vector<Contender>& contenders) {
  const std::size_t slices =
      std::max<std::size_t>(1, pace.slices / contest.stretch);
  for (std::size_t slice = 0; slice < slices; ++slice) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      Contender& c = contenders[(round + slice + i) % contenders.size()];
      if (!c.status.ok()) continue;
      c.status = c.Run(contest.stretch * kRamp, contest.stretch * kSlice,
                       contest.helper, c.totals);
    }
  }
}

bool Accepts(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool accepted =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address),
                sizeof address) == 0;
  ::close(fd);
  return accepted;
}

}  // namespace

std::vector<Subject> ChooseBuilt(std::vector<Subject> subjects,
                                 const std::string& floor) {
  std::erase_if(subjects, [&floor](const Subject& subject) {
    if (subject.name != floor && !IsChosen(subject.name)) return true;
    if (std::filesystem::exists(subject.command.front())) return false;
    std::fprintf(stderr, "%s is left out: %s is not built\n",
                 subject.name.c_str(), subject.command.front().c_str());
    return true;
  });
  return subjects;
}

absl::StatusOr<Server> StartServer(const std::vector<std::string>& command,
                                   int cpu) {
  absl::StatusOr<Process> process = Process::Start(command, cpu);
  if (!process.ok()) return process.status();
  const absl::StatusOr<std::string> line =
      process->ReadLine(std::chrono::seconds(20));
  if (!line.ok()) return line.status();
  int port = 0;
  if (!absl::SimpleAtoi(line->substr(line->rfind(':') + 1), &port) ||
      port < 1 || port > 65535) {
    return absl::InternalError(
        absl::StrCat("its first line ends in no port: ", *line));
  }
  return Server{*std::move(process), static_cast<std::uint16_t>(port)};
}

absl::StatusOr<Server> StartServer(const Subject& subject, int cpu) {
  if (subject.port == 0) return StartServer(subject.command, cpu);
  absl::StatusOr<Process> process = Process::Start(subject.command, cpu);
  if (!process.ok()) return process.status();
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!Accepts(subject.port)) {
    if (std::chrono::steady_clock::now() > deadline) {
      return absl::DeadlineExceededError("it does not listen");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return Server{*std::move(process), subject.port};
}

absl::Status Both(const absl::Status& first, const absl::Status& end) {
  if (first.ok()) return end;
  if (end.ok()) return first;
  return absl::InternalError(
      absl::StrCat(first.message(), "; its server ", end.message()));
}

std::size_t Slices(double seconds) {
  return static_cast<std::size_t>(std::max(
      1.0,
      std::round(seconds / std::chrono::duration<double>(kSlice).count())));
}

int Hold(const Contest& contest, const Pace& pace, Report& report) {
  int failures = 0;
  for (std::size_t round = 0; round < pace.rounds; ++round) {
    std::vector<Contender> contenders;
    for (const Subject& subject : contest.subjects) {
      contenders.push_back({&subject, {}, {}, {}, {}});
    }
    for (Contender& c : contenders) c.status = Start(contest, pace, c);
    RunRound(contest, pace, round, contenders);
    for (Contender& c : contenders) {
      c.load.reset();
      if (c.server) c.status = Both(c.status, c.server->process.Stop());
      if (c.status.ok()) {
        report.Add(contest.workload, c.subject->name, contest.values(c.totals));
        continue;
      }
      ++failures;
      std::fprintf(stderr, "%s, %s: %s\n", contest.workload.c_str(),
                   c.subject->name.c_str(), c.status.ToString().c_str());
    }
  }
  report.PrintWorkload(contest.workload);
  return failures;
}

}  // namespace eddy::bench
