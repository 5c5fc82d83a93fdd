// Copies a tree of files, many files at once.
// Run:  examples/run copy_tree [--in_flight 16] [--progress] FROM TO
// See:  on a terminal a line of progress, at the end a summary, and what could
//       not be copied. The exit code is 0 if all was copied, 1 if not, 2 if
//       nothing was tried. Ctrl-C stops it: no file is half there, and a second
//       run goes on where the first one was stopped. In folders of TO that it
//       copies to it removes what a copy left that was killed, and so every
//       file named .eddy-*.tmp (fs::IsTemporaryName): no other copy may write
//       there meanwhile.
// Shows: fs::Walk as a bounded source of work, fs::CopyFile, several system
//       calls in one trip to the blocking pool, a task that prints beside.
#include <eddy/io/until_signal.h>
#include <eddy/runtime/interval.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task_scope.h>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "examples/copy_tree/tree_copy.h"
#include "examples/usage.h"

ABSL_FLAG(std::size_t, in_flight, 16, "how many files are copied at once");
ABSL_FLAG(bool, progress, false,
          "print progress though standard error is no terminal");

namespace {

using copy_tree::Report;
using eddy::Result;
using eddy::Task;
using eddy::TaskScope;

class Meter {
 public:
  explicit Meter(const Report& report) : report_(report) {}

  std::string Line() const {
    const double seconds =
        std::chrono::duration<double>(eddy::Clock::now() - begin_).count();
    const double megabytes = static_cast<double>(report_.bytes) / 1e6;
    char text[256];
    std::snprintf(
        text, sizeof text,
        "%llu files, %llu links, %llu folders, %llu unchanged; %.1f MB, "
        "%.1f MB/s, %.2f s",
        static_cast<unsigned long long>(report_.files),
        static_cast<unsigned long long>(report_.links),
        static_cast<unsigned long long>(report_.folders),
        static_cast<unsigned long long>(report_.unchanged), megabytes,
        seconds > 0 ? megabytes / seconds : 0, seconds);
    return text;
  }

 private:
  const Report& report_;
  const eddy::TimePoint begin_ = eddy::Clock::now();
};

// Until it is stopped.
Task<void> PrintProgress(const Meter& meter) {
  constexpr auto kPeriod = std::chrono::milliseconds(200);
  while (true) {
    const Result<void> slept = co_await eddy::Sleep(kPeriod);
    if (!slept) break;
    std::fprintf(stderr, "\r\x1b[K%s", meter.Line().c_str());
  }
  std::fprintf(stderr, "\r\x1b[K");
}

Task<Result<void>> Copy(std::string from, std::string to, const Meter& meter,
                        Report& report) {
  const auto body = [&](TaskScope& scope) -> Task<Result<void>> {
    if (absl::GetFlag(FLAGS_progress) || isatty(STDERR_FILENO) != 0) {
      scope.Spawn(PrintProgress(meter));
    }
    const Result<void> copied = co_await copy_tree::CopyTree(
        from, to, absl::GetFlag(FLAGS_in_flight), report);
    scope.RequestStop();
    co_return copied;
  };
  co_return co_await eddy::WithScope(body);
}

bool HasBegun(const Report& report) {
  return report.files + report.folders + report.links + report.unchanged != 0 ||
         !report.failures.empty();
}

}  // namespace

int main(int argc, char** argv) {
  examples::SetUsage(
      "copies a tree of files\n\n  copy_tree FROM TO\n\n"
      "In folders of TO that it copies to it removes all files that are named "
      "as its temporaries are, .eddy-*.tmp: what a copy left that was killed.");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  if (words.size() != 3) {
    std::fprintf(stderr, "usage: copy_tree [--help] FROM TO\n");
    return 2;
  }
  Report report;
  const Meter meter(report);
  const Result<void> copied = eddy::SyncWait(eddy::io::UntilSignal(
      Copy(words[1], words[2], meter, report), SIGINT, SIGTERM));
  for (const copy_tree::Failure& failure : report.failures) {
    std::fprintf(stderr, "copy_tree: %s: %s\n", failure.path.c_str(),
                 failure.error.message().c_str());
  }
  if (copied || HasBegun(report)) {
    std::printf("%s%s\n", meter.Line().c_str(),
                report.complete ? "" : "; stopped: run it again to go on");
  }
  if (!copied) {
    std::fprintf(stderr, "copy_tree: %s\n", copied.error().message().c_str());
    return HasBegun(report) ? 1 : 2;
  }
  return report.complete && report.failures.empty() ? 0 : 1;
}
