// Searches all files below folders, as grep -r does.
// Run:  examples/run grep_tree mutex /usr/include
//       examples/run grep_tree --regex '^#define +E[A-Z]+' /usr/include
// See:  the lines that match, as `path:line`, in the order of the files' names.
//       The exit code is 0 if there was one, 1 if not, 2 if something could not
//       be searched.
// Shows: fs::Walk, many files in flight with memory that is bounded, output in
//       order. (The regular expressions need libre2-dev when this is built.)
#include <eddy/io/until_signal.h>
#include <eddy/runtime/sync_wait.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "examples/grep_tree/grep.h"
#include "examples/grep_tree/pattern.h"
#include "examples/usage.h"

ABSL_FLAG(bool, regex, false,
          "PATTERN is a regular expression, and not a fixed string");
ABSL_FLAG(int, jobs, 16, "how many files are searched at once");

namespace {

using eddy::Result;
using eddy::Task;
using grep_tree::Found;
using grep_tree::Pattern;

int Refuse(const std::string& why) {
  std::fprintf(stderr, "grep_tree: %s\n", why.c_str());
  return 2;
}

Task<Result<void>> Run(const Pattern& pattern,
                       const std::vector<std::string>& roots, int jobs,
                       const eddy::io::Fd& out, const eddy::io::Fd& messages,
                       std::optional<Found>& found) {
  EDDY_CO_TRY(found, co_await grep_tree::Grep(pattern, roots,
                                              static_cast<std::size_t>(jobs),
                                              out, messages));
  co_return Result<void>();
}

}  // namespace

int main(int argc, char** argv) {
  examples::SetUsage(
      "Searches all files below folders. grep_tree [--regex] [--jobs N] "
      "PATTERN PATH...");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  if (words.size() < 3) return Refuse("what, and where? See --help");
  const int jobs = absl::GetFlag(FLAGS_jobs);
  if (jobs < 1) return Refuse("--jobs has to be at least 1");
  std::string problem = "a fixed string has no line's end in it";
  const std::unique_ptr<Pattern> pattern =
      absl::GetFlag(FLAGS_regex)
          ? grep_tree::MakeRegexPattern(words[1], problem)
          : grep_tree::MakeFixedPattern(words[1]);
  if (pattern == nullptr) return Refuse("the pattern: " + problem);
  const std::vector<std::string> roots(words.begin() + 2, words.end());

  eddy::io::Fd out(fileno(stdout));
  eddy::io::Fd messages(fileno(stderr));
  std::optional<Found> found;
  const Result<void> ran = eddy::SyncWait(eddy::io::UntilSignal(
      Run(*pattern, roots, jobs, out, messages, found), SIGINT, SIGTERM));
  // They stay open for who comes after.
  out.Release();
  messages.Release();
  if (!ran) return Refuse(ran.error().message());
  return found ? found->exit_code() : 2;
}
