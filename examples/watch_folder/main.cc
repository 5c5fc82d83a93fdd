// Prints what changes in a folder, a line for each change.
// Run:  examples/run watch_folder --recursive .
// Try:  touch, mv, rm and mkdir in that folder, from another shell.
// See:  "created notes.txt", "moved a/b to c/b", ... Ctrl-C or SIGTERM ends it;
//       the exit code is 0 then, and 1 where the folder cannot be watched.
// Shows: fs::Watch, a program that ends well.
#include <eddy/io/until_signal.h>
#include <eddy/runtime/sync_wait.h>

#include <csignal>
#include <cstdio>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "examples/usage.h"
#include "examples/watch_folder/lines.h"

ABSL_FLAG(bool, recursive, false, "what changes in the folders below too");

int main(int argc, char** argv) {
  examples::SetUsage(
      "Prints what changes in a folder. watch_folder [--recursive] FOLDER");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  if (words.size() != 2) {
    std::fprintf(stderr, "watch_folder: which folder? See --help\n");
    return 2;
  }
  eddy::fs::WatchOptions options;
  options.recursive = absl::GetFlag(FLAGS_recursive);
  eddy::io::Fd out(fileno(stdout));
  const eddy::Result<void> watched = eddy::SyncWait(eddy::io::UntilSignal(
      watch_folder::WriteChanges(words[1], options, out), SIGINT, SIGTERM));
  // It stays open for who comes after.
  out.Release();
  if (watched) return 0;
  std::fprintf(stderr, "watch_folder: %s: %s\n", words[1],
               watched.error().message().c_str());
  return 1;
}
