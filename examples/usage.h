// SetUsage: what --help prints: a message, and all flags of the example.
#ifndef EDDY_EXAMPLES_USAGE_H_
#define EDDY_EXAMPLES_USAGE_H_

#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace examples {

inline void SetUsage(absl::string_view message) {
  absl::SetProgramUsageMessage(message);
  // Without this, those of a file with the program's name, which main.cc has
  // not.
  absl::FlagsUsageConfig config;
  config.contains_help_flags = [](absl::string_view file) {
    return absl::StrContains(file, "examples/");
  };
  absl::SetFlagsUsageConfig(config);
}

}  // namespace examples

#endif  // EDDY_EXAMPLES_USAGE_H_
