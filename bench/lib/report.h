// What every side-by-side benchmark says in the end: one table for people, one
// JSON file for machines, both with the ratio to the floor of the same run.

#ifndef EDDY_BENCH_LIB_REPORT_H_
#define EDDY_BENCH_LIB_REPORT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/lib/machine.h"

namespace eddy::bench {

struct Metric {
  std::string name;   // in the JSON file
  std::string title;  // of the table's column
  std::string unit;
  int digits;    // after the decimal point
  bool compare;  // whether a ratio to the floor says something

  int Width() const;  // of the column
};

class Report {
 public:
  // `floor` is the subject that the others are divided by, but for those that
  // `twins` names a floor of their own for.
  Report(std::vector<Metric> metrics, std::string floor,
         std::map<std::string, std::string> twins = {});

  // One round of one subject: a value per metric, in their order. Call it in
  // the order of the rounds, because ratios pair what was measured together.
  void Add(const std::string& workload, const std::string& subject,
           const std::vector<double>& values);

  // The parts of the table, in the order in which a run comes to know them.
  static void PrintFacts(const Facts& facts);
  void PrintWorkload(const std::string& name) const;
  // How far each subject that is in every workload is from the floor on the
  // whole. Nothing for a single workload.
  void PrintGeometricMeans() const;
  // A Markdown table for each metric that is compared: workloads down, subjects
  // across, medians with their ratios.
  void PrintMarkdown() const;

  // {"context": {...}, "rows": [{workload, subject, metric, value, unit,
  // ratio_to_floor, rounds, spread}, ...]}, the rows of all `reports`. The
  // value is the median of the rounds, the spread their interquartile range
  // divided by it (null for a single round), and the ratio the median of the
  // rounds' own ratios (null where it says nothing). A row names its floor
  // where that is not the context's.
  static absl::Status WriteJson(const std::string& path, const Facts& facts,
                                const std::vector<const Report*>& reports);

 private:
  using Samples = std::vector<double>;
  struct Subject {
    std::string name;
    std::vector<Samples> metrics;  // parallel to metrics_
  };
  struct Workload {
    std::string name;
    std::vector<Subject> subjects;
  };

  const std::string& FloorOf(const std::string& subject) const;
  double RatioToFloor(const Workload& workload, const Subject& subject,
                      std::size_t metric) const;

  std::vector<Metric> metrics_;
  std::string floor_;
  std::map<std::string, std::string> twins_;
  std::vector<Workload> workloads_;
};

}  // namespace eddy::bench

#endif  // EDDY_BENCH_LIB_REPORT_H_
