// eddy's part in the files benchmark: one function for each mode (see
// plans.h).

#ifndef EDDY_BENCH_FILES_EDDY_H_
#define EDDY_BENCH_FILES_EDDY_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>

#include <cstdio>
#include <utility>

namespace eddy::bench::subject {

int Read(int argc, char** argv);
int Load(int argc, char** argv);
int Store(int argc, char** argv);
int Copy(int argc, char** argv);
int Create(int argc, char** argv);
int Walk(int argc, char** argv);
int Sync(int argc, char** argv);

// Runs a mode and returns the exit code.
inline int RunToEnd(Task<Result<void>> task) {
  const Result<void> done = SyncWait(std::move(task));
  if (done) return 0;
  std::fprintf(stderr, "%s\n", done.error().message().c_str());
  return 1;
}

}  // namespace eddy::bench::subject

#endif  // EDDY_BENCH_FILES_EDDY_H_
