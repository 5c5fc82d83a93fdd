// A user's program with eddy::blocking_guard: a task blocks and is reported.

#include <eddy/runtime/allow_blocking.h>
#include <eddy/runtime/blocking_guard.h>
#include <eddy/runtime/sync_wait.h>
#include <eddy/runtime/task.h>

#include <chrono>
#include <cstdio>
#include <string_view>
#include <thread>

namespace {

int reports = 0;

eddy::Task<void> Main() {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const eddy::AllowBlocking allow("this one is meant");
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  co_return;
}

}  // namespace

int main() {
  if (!eddy::BlockingGuard::loaded()) return 1;
  eddy::BlockingGuardOptions options = eddy::BlockingGuard::options();
  options.handler = [](const eddy::BlockingCall& call) {
    // By way of nanosleep or of clock_nanosleep.
    const std::string_view name = call.name;
    if (name.find("nanosleep") != std::string_view::npos) ++reports;
  };
  eddy::BlockingGuard::SetOptions(options);
  eddy::SyncWait(Main());
  if (reports != 1) return 2;
  std::puts("eddy works");
}
