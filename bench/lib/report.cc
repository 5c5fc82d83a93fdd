// Medians, pairing of rounds, and the two ways of writing them down.

#include "bench/lib/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/lib/stats.h"

namespace eddy::bench {
namespace {

constexpr int kNameWidth = 25;
constexpr int kRatioWidth = 7;

// Returns the element called `name`, appended if it is new.
template <typename Named>
Named& Find(std::vector<Named>& all, const std::string& name) {
  for (Named& named : all) {
    if (named.name == name) return named;
  }
  all.push_back(Named{name, {}});
  return all.back();
}

nlohmann::ordered_json NumberOrNull(double value) {
  if (std::isfinite(value)) return value;
  return nullptr;
}

void PrintRatio(double ratio) {
  if (std::isfinite(ratio)) {
    std::printf("%*.3f", kRatioWidth, ratio);
  } else {
    std::printf("%*s", kRatioWidth, "-");
  }
}

}  // namespace

int Metric::Width() const {
  return std::max(9, static_cast<int>(title.size()) + 2);
}

Report::Report(std::vector<Metric> metrics, std::string floor,
               std::map<std::string, std::string> twins)
    : metrics_(std::move(metrics)),
      floor_(std::move(floor)),
      twins_(std::move(twins)) {}

void Report::Add(const std::string& workload, const std::string& subject,
                 const std::vector<double>& values) {
  Subject& found = Find(Find(workloads_, workload).subjects, subject);
  found.metrics.resize(metrics_.size());
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    found.metrics[i].push_back(values[i]);
  }
}

const std::string& Report::FloorOf(const std::string& subject) const {
  const auto twin = twins_.find(subject);
  return twin == twins_.end() ? floor_ : twin->second;
}

double Report::RatioToFloor(const Workload& workload, const Subject& subject,
                            std::size_t metric) const {
  const double nothing = std::nan("");
  if (!metrics_[metric].compare) return nothing;
  const auto floor =
      std::find_if(workload.subjects.begin(), workload.subjects.end(),
                   [&name = FloorOf(subject.name)](const Subject& s) {
                     return s.name == name;
                   });
  if (floor == workload.subjects.end()) return nothing;
  const Samples& mine = subject.metrics[metric];
  const Samples& base = floor->metrics[metric];
  // A failed round leaves no pairs.
  if (mine.size() != base.size()) return Median(mine) / Median(base);
  Samples ratios;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    ratios.push_back(mine[i] / base[i]);
  }
  return Median(ratios);
}

void Report::PrintFacts(const Facts& facts) {
  for (const auto& [key, value] : facts) {
    std::printf("%-13s %s\n", (key + ":").c_str(), value.c_str());
  }
  std::fflush(stdout);
}

void Report::PrintWorkload(const std::string& name) const {
  const auto found =
      std::find_if(workloads_.begin(), workloads_.end(),
                   [&name](const Workload& w) { return w.name == name; });
  if (found == workloads_.end()) return;
  const Workload& workload = *found;
  std::printf("\n%-*s", kNameWidth, workload.name.c_str());
  for (const Metric& metric : metrics_) {
    std::printf("%*s", metric.Width(), metric.title.c_str());
    if (metric.compare) std::printf("%*s", kRatioWidth, "ratio");
  }
  std::printf("   spread  rounds\n");
  for (const Subject& subject : workload.subjects) {
    std::printf("  %-*s", kNameWidth - 2, subject.name.c_str());
    for (std::size_t i = 0; i < metrics_.size(); ++i) {
      std::printf("%*.*f", metrics_[i].Width(), metrics_[i].digits,
                  Median(subject.metrics[i]));
      if (metrics_[i].compare) PrintRatio(RatioToFloor(workload, subject, i));
    }
    const double spread = 100 * Spread(subject.metrics.front());
    if (std::isfinite(spread)) {
      std::printf("  %5.1f %%", spread);
    } else {
      std::printf("  %7s", "-");
    }
    std::printf("  %6zu", subject.metrics.front().size());
    if (const std::string& floor = FloorOf(subject.name); floor != floor_) {
      std::printf("  (ratios to %s)", floor.c_str());
    }
    std::printf("\n");
  }
  std::fflush(stdout);
}

void Report::PrintGeometricMeans() const {
  if (workloads_.size() < 2) return;
  std::printf("\n%-*s", kNameWidth, absl::StrCat("all / ", floor_).c_str());
  for (const Metric& metric : metrics_) {
    std::printf("%*s%*s", metric.Width(), "", metric.compare ? kRatioWidth : 0,
                metric.compare ? "ratio" : "");
  }
  std::printf("   (geometric means)\n");
  for (const Subject& candidate : workloads_.front().subjects) {
    std::vector<Samples> ratios(metrics_.size());
    for (const Workload& workload : workloads_) {
      for (const Subject& subject : workload.subjects) {
        if (subject.name != candidate.name) continue;
        for (std::size_t i = 0; i < metrics_.size(); ++i) {
          ratios[i].push_back(RatioToFloor(workload, subject, i));
        }
      }
    }
    if (ratios.front().size() != workloads_.size()) continue;
    std::printf("  %-*s", kNameWidth - 2, candidate.name.c_str());
    for (std::size_t i = 0; i < metrics_.size(); ++i) {
      std::printf("%*s", metrics_[i].Width(), "");
      if (metrics_[i].compare) PrintRatio(GeometricMean(ratios[i]));
    }
    std::printf("\n");
  }
}

void Report::PrintMarkdown() const {
  std::vector<std::string> subjects;
  for (const Workload& workload : workloads_) {
    for (const Subject& subject : workload.subjects) {
      if (std::find(subjects.begin(), subjects.end(), subject.name) ==
          subjects.end()) {
        subjects.push_back(subject.name);
      }
    }
  }
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    if (!metrics_[i].compare) continue;
    std::printf("\n| %s |", metrics_[i].title.c_str());
    std::string line = "|---|";
    for (const std::string& subject : subjects) {
      const std::string& floor = FloorOf(subject);
      std::printf(" %s%s |", subject.c_str(),
                  floor == floor_ ? "" : (" / " + floor).c_str());
      line += "---|";
    }
    std::printf("\n%s\n", line.c_str());
    for (const Workload& workload : workloads_) {
      std::printf("| %s |", workload.name.c_str());
      for (const std::string& name : subjects) {
        const auto found =
            std::find_if(workload.subjects.begin(), workload.subjects.end(),
                         [&name](const Subject& s) { return s.name == name; });
        if (found == workload.subjects.end()) {
          std::printf(" - |");
          continue;
        }
        std::printf(" %.*f", metrics_[i].digits, Median(found->metrics[i]));
        const double ratio = RatioToFloor(workload, *found, i);
        if (name != floor_ && std::isfinite(ratio)) {
          std::printf(" (%.2f)", ratio);
        }
        std::printf(" |");
      }
      std::printf("\n");
    }
  }
}

absl::Status Report::WriteJson(const std::string& path, const Facts& facts,
                               const std::vector<const Report*>& reports) {
  nlohmann::ordered_json document;
  for (const auto& [key, value] : facts) document["context"][key] = value;
  document["context"]["floor"] = reports.front()->floor_;
  document["rows"] = nlohmann::ordered_json::array();
  for (const Report* report : reports) {
    for (const Workload& workload : report->workloads_) {
      for (const Subject& subject : workload.subjects) {
        const std::string& floor = report->FloorOf(subject.name);
        for (std::size_t i = 0; i < report->metrics_.size(); ++i) {
          const Metric& metric = report->metrics_[i];
          const Samples& samples = subject.metrics[i];
          document["rows"].push_back({
              {"workload", workload.name},
              {"subject", subject.name},
              {"metric", metric.name},
              {"value", NumberOrNull(Median(samples))},
              {"unit", metric.unit},
              {"ratio_to_floor",
               NumberOrNull(report->RatioToFloor(workload, subject, i))},
              {"rounds", samples.size()},
              {"spread", NumberOrNull(Spread(samples))},
          });
          if (floor != reports.front()->floor_) {
            document["rows"].back()["floor"] = floor;
          }
        }
      }
    }
  }
  std::ofstream file(path);
  file << document.dump(2) << '\n';
  file.flush();
  if (!file) return absl::UnavailableError("cannot write " + path);
  return absl::OkStatus();
}

}  // namespace eddy::bench
