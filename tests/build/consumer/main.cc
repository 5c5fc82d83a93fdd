// A user's program: runs tasks, in a chain so long that the stack overflows
// unless the flags that eddy's coroutines need have reached it.

#include <eddy/runtime/status.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>

#include <cstdio>

namespace {

constexpr long kAwaits = 1'000'000;

eddy::Task<long> One() { co_return 1; }

eddy::Task<long> Count() {
  long count = 0;
  for (long i = 0; i < kAwaits; ++i) count += co_await One();
  co_return count;
}

}  // namespace

int main() {
  if (eddy::SyncWait(Count()) != kAwaits) return 1;
  std::puts("eddy works");
}
