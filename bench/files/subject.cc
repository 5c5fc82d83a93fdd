// What the subjects print, and what the kernel says of them.

#include "bench/files/subject.h"

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bench/lib/process.h"

namespace eddy::bench {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr std::chrono::minutes kPatience(5);

absl::Status NotUnderstood(const std::string& text) {
  return absl::InternalError(absl::StrCat("its output says nothing: ", text));
}

}  // namespace

absl::StatusOr<Outcome> RunOwn(const std::vector<std::string>& command,
                               int cpu) {
  absl::StatusOr<Process> process = Process::Start(command, cpu);
  if (!process.ok()) return process.status();
  const absl::StatusOr<std::string> line = process->ReadLine(kPatience);
  const auto end = process->Finish();
  if (!end.ok()) return end.status();
  if (!line.ok()) return line.status();
  Outcome outcome{};
  if (std::sscanf(line->c_str(), "%lf %lf %lf", &outcome.operations,
                  &outcome.seconds, &outcome.cpu_seconds) != 3) {
    return NotUnderstood(*line);
  }
  return outcome;
}

absl::StatusOr<Outcome> RunFio(std::vector<std::string> options, int cpu) {
  options.insert(options.begin(), {"fio", "--output-format=json"});
  absl::StatusOr<Process> process = Process::Start(options, cpu);
  if (!process.ok()) return process.status();
  std::string text;
  for (;;) {
    const absl::StatusOr<std::string> line = process->ReadLine(kPatience);
    if (!line.ok()) break;
    absl::StrAppend(&text, *line, "\n");
  }
  if (const auto end = process->Finish(); !end.ok()) return end.status();
  const nlohmann::json all =
      nlohmann::json::parse(text.substr(std::min(text.find('{'), text.size())),
                            nullptr, /*allow_exceptions=*/false);
  if (all.is_discarded()) return NotUnderstood(text);
  try {
    const nlohmann::json& job = all.at("jobs").at(0);
    const nlohmann::json& read = job.at("read");
    const double seconds = read.at("runtime").get<double>() / 1e3;
    const double busy =
        job.at("usr_cpu").get<double>() + job.at("sys_cpu").get<double>();
    return Outcome{read.at("iops").get<double>() * seconds, seconds,
                   busy / 100 * seconds};
  } catch (const nlohmann::json::exception& e) {
    return NotUnderstood(e.what());
  }
}

absl::StatusOr<Outcome> RunWhole(const std::vector<std::string>& command,
                                 int cpu, double operations) {
  const auto start = std::chrono::steady_clock::now();
  absl::StatusOr<Process> process = Process::Start(command, cpu);
  if (!process.ok()) return process.status();
  const auto used = process->Finish();
  const Seconds time = std::chrono::steady_clock::now() - start;
  if (!used.ok()) return used.status();
  return Outcome{operations, time.count(), Seconds(*used).count()};
}

}  // namespace eddy::bench
