// The flags themselves, and their defaults.

#include "bench/lib/options.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

ABSL_FLAG(bool, quick, false,
          "a look in under 30 s: fewer workloads, fewer and shorter rounds");
ABSL_FLAG(std::string, json, "", "also write the rows to this file");
ABSL_FLAG(bool, markdown, false, "print the tables once more, in Markdown");
ABSL_FLAG(int, rounds, 0, "how often each subject is started and measured");
ABSL_FLAG(std::vector<std::string>, subjects, {}, "only these");

namespace eddy::bench {

void ParseOptions(const std::string& about, int argc, char** argv) {
  absl::SetProgramUsageMessage(about);
  // --help shows all flags of a benchmark, whatever its files are called.
  absl::FlagsUsageConfig usage;
  usage.contains_help_flags = [](absl::string_view file) {
    return absl::StrContains(file, "bench/");
  };
  absl::SetFlagsUsageConfig(usage);
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() < 2) return;
  std::fprintf(stderr, "unexpected argument: %s (see --help)\n", rest[1]);
  std::exit(2);
}

std::size_t Rounds(std::size_t usual, std::size_t quick) {
  const int asked = absl::GetFlag(FLAGS_rounds);
  if (asked > 0) return static_cast<std::size_t>(asked);
  return absl::GetFlag(FLAGS_quick) ? quick : usual;
}

bool IsChosen(const std::string& subject) {
  const std::vector<std::string> chosen = absl::GetFlag(FLAGS_subjects);
  return chosen.empty() ||
         std::find(chosen.begin(), chosen.end(), subject) != chosen.end();
}

std::vector<std::size_t> Numbers(const char* flag,
                                 const std::vector<std::string>& words,
                                 const std::vector<std::size_t>& usual) {
  if (words.empty()) return usual;
  std::vector<std::size_t> numbers;
  for (const std::string& word : words) {
    unsigned number = 0;
    if (!absl::SimpleAtoi(word, &number) || number == 0) {
      std::fprintf(stderr, "--%s: '%s' is no positive number\n", flag,
                   word.c_str());
      std::exit(2);
    }
    numbers.push_back(number);
  }
  return numbers;
}

int Conclude(const std::vector<const Report*>& reports, const Facts& facts,
             int failures) {
  for (const Report* report : reports) report->PrintGeometricMeans();
  if (absl::GetFlag(FLAGS_markdown)) {
    for (const Report* report : reports) report->PrintMarkdown();
  }
  if (const std::string path = absl::GetFlag(FLAGS_json); !path.empty()) {
    if (const absl::Status s = Report::WriteJson(path, facts, reports);
        !s.ok()) {
      std::fprintf(stderr, "--json: %s\n", s.ToString().c_str());
      return 1;
    }
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace eddy::bench
