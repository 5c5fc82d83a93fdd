// Prints what sha256sum prints, of all files below a folder, sorted.
// Run:  examples/run hash_tree /usr/include
// See:  a line for each file; what could not be read on standard error, and
//       then the exit code 1. `sha256sum --check` takes what it prints.
// Shows: a producer and its consumers with a Channel between them; hashing in
//       the loop where it takes no time, by Blocking where it does. It is the
//       port of hash_tree_threads (see docs/porting.md).
#include <eddy/io/until_signal.h>
#include <eddy/runtime/sync_wait.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "examples/hash_tree/hash_tree.h"
#include "examples/hash_tree/sha256.h"
#include "examples/usage.h"

ABSL_FLAG(std::uint32_t, tasks, 8, "how many files are read at once");
ABSL_FLAG(std::uint32_t, pool_from, 64 * 1024,
          "bytes of a file from which on another thread reads and hashes it");

namespace {

using eddy::Result;
using eddy::Task;
using hash_tree::TreeHashes;

Task<Result<void>> Run(std::string root, hash_tree::Options options,
                       std::optional<TreeHashes>& hashes) {
  EDDY_CO_TRY(hashes, co_await hash_tree::HashTree(std::move(root), options));
  co_return Result<void>();
}

int Refuse(const std::string& why) {
  std::fprintf(stderr, "hash_tree: %s\n", why.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  examples::SetUsage(
      "Prints what sha256sum prints of all files below a folder, sorted. "
      "hash_tree [--tasks N] FOLDER");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  hash_tree::Options options;
  options.tasks = absl::GetFlag(FLAGS_tasks);
  options.pool_from = absl::GetFlag(FLAGS_pool_from);
  if (words.size() != 2 || options.tasks == 0) {
    return Refuse("which folder? See --help");
  }
  // OpenSSL reads its settings at the first use: before a task would do it.
  const hash_tree::Sha256 first;
  std::optional<TreeHashes> hashes;
  const Result<void> ran = eddy::SyncWait(
      eddy::io::UntilSignal(Run(words[1], options, hashes), SIGINT, SIGTERM));
  if (!ran) return Refuse(ran.error().message());
  if (!hashes) return Refuse("interrupted");
  const std::string report = hash_tree::ReportOf(*hashes);
  std::fwrite(report.data(), 1, report.size(), stdout);
  for (const std::string& problem : hashes->problems) {
    std::fprintf(stderr, "hash_tree: %s\n", problem.c_str());
  }
  return hashes->problems.empty() && std::fflush(stdout) == 0 ? 0 : 1;
}
