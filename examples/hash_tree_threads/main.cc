// The hashing of a tree as it is with threads: what examples/hash_tree was
// ported from (see docs/porting.md).
// Run:  examples/run hash_tree_threads /usr/include
// See:  as hash_tree.
// Shows: a producer and its consumers with a bounded queue between them, made
//       of a mutex and two condition variables.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "examples/hash_tree_threads/hash_tree.h"
#include "examples/usage.h"

ABSL_FLAG(std::uint32_t, threads, 8, "how many threads read and hash");

int main(int argc, char** argv) {
  examples::SetUsage(
      "Prints what sha256sum prints of all files below a folder, sorted. "
      "hash_tree_threads [--threads N] FOLDER");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  hash_tree_threads::Options options;
  options.threads = absl::GetFlag(FLAGS_threads);
  if (words.size() != 2 || options.threads == 0) {
    std::fprintf(stderr, "hash_tree_threads: which folder? See --help\n");
    return 2;
  }
  try {
    const hash_tree::TreeHashes hashes =
        hash_tree_threads::HashTree(words[1], options);
    const std::string report = hash_tree::ReportOf(hashes);
    std::fwrite(report.data(), 1, report.size(), stdout);
    for (const std::string& problem : hashes.problems) {
      std::fprintf(stderr, "hash_tree_threads: %s\n", problem.c_str());
    }
    return hashes.problems.empty() && std::fflush(stdout) == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hash_tree_threads: %s\n", error.what());
    return 1;
  }
}
