// The library's beginning and end, and what the runtime calls.

#include <eddy/runtime/blocking_guard/real_function.h>
#include <eddy/runtime/blocking_guard/report.h>
#include <eddy/runtime/blocking_guard/stack.h>
#include <eddy/runtime/blocking_guard/thread_state.h>
#include <eddy/runtime/blocking_guard_hooks.h>

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace eddy::internal::guard {
namespace {

const char* const kModes[] = {"off", "report", "abort"};
constinit const char* wrong_mode = nullptr;

void BeginLoop() noexcept {
  if (wrong_mode != nullptr) {
    std::fprintf(stderr,
                 "eddy: EDDY_BLOCKING_GUARD=%s is none of off, report, abort\n",
                 wrong_mode);
    std::abort();
  }
  thread.in_loop = true;
}

void EndLoop() noexcept {
  thread.in_loop = false;
  if (thread.pending != 0) PrintReports();
}

void BeginTask(const ResumedTask* task) noexcept {
  thread.task = task;
  thread.resumption = ++thread.resumptions;
  thread.allowed_before = thread.allowed;
  // The frame of who calls this begins behind the return address.
  thread.stack_end =
      reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) +
      2 * sizeof(void*);
}

void EndTask() noexcept {
  thread.resumption = 0;
  thread.stack_end = 0;
  if (thread.allowed > thread.allowed_before) {
    // The innermost that is open, as far as reasons are kept.
    const char* const why =
        thread.why[std::min(thread.allowed, ThreadState::kMostReasons) - 1];
    thread.allowed = thread.allowed_before;
    ReportScope(why, *thread.task);
  }
  thread.task = nullptr;
  if (thread.pending != 0) PrintReports();
}

std::uint64_t Allow(const char* why) noexcept {
  if (thread.allowed < ThreadState::kMostReasons) {
    thread.why[thread.allowed] = why;
  }
  ++thread.allowed;
  return thread.resumption;
}

// A scope of a task that has suspended since is not counted any more.
void EndAllow(std::uint64_t resumption) noexcept {
  if (resumption == thread.resumption && thread.allowed != 0) --thread.allowed;
}

void GetOptions(BlockingGuardOptions* options) noexcept {
  options->mode = settings.mode.load(std::memory_order_relaxed);
  options->at_least = std::chrono::nanoseconds(
      settings.at_least_ns.load(std::memory_order_relaxed));
  options->standard_streams =
      settings.standard_streams.load(std::memory_order_relaxed);
  options->handler = settings.handler.load(std::memory_order_relaxed);
}

void SetOptions(const BlockingGuardOptions* options) noexcept {
  settings.at_least_ns.store(options->at_least.count(),
                             std::memory_order_relaxed);
  settings.standard_streams.store(options->standard_streams,
                                  std::memory_order_relaxed);
  settings.handler.store(options->handler, std::memory_order_relaxed);
  settings.mode.store(options->mode, std::memory_order_relaxed);
}

void ReadEnvironment() noexcept {
  if (const char* mode = std::getenv("EDDY_BLOCKING_GUARD")) {
    wrong_mode = mode;
    for (int i = 0; i < 3; ++i) {
      if (std::strcmp(mode, kModes[i]) != 0) continue;
      settings.mode = static_cast<BlockingGuardMode>(i);
      wrong_mode = nullptr;
    }
  }
  if (const char* least = std::getenv("EDDY_BLOCKING_GUARD_MIN_US")) {
    settings.at_least_ns = std::strtol(least, nullptr, 10) * 1000;
  }
  if (const char* on = std::getenv("EDDY_BLOCKING_GUARD_STANDARD_STREAMS")) {
    settings.standard_streams = std::strcmp(on, "1") == 0;
  }
  settings.file = std::getenv("EDDY_BLOCKING_GUARD_FILE");
}

void InChild() noexcept {
  // The scopes that are open are so in the child too.
  thread.in_loop = false;
  thread.pending = 0;
  ForgetReports();
}

[[gnu::constructor]] void Begin() noexcept {
  RealFunction::FindAll();
  ReadEnvironment();
  // The unwinder finds its library at the first call.
  Stack stack;
  stack.Take(0);
  pthread_atfork(nullptr, nullptr, &InChild);
}

// A task may have ended the program.
[[gnu::destructor]] void End() noexcept { PrintAllReports(); }

}  // namespace
}  // namespace eddy::internal::guard

extern "C" {
[[gnu::visibility("default")]] extern const eddy::internal::BlockingGuardHooks
    eddy_blocking_guard;
constinit const eddy::internal::BlockingGuardHooks eddy_blocking_guard = {
    eddy::internal::BlockingGuardHooks::kVersion,
    &eddy::internal::guard::BeginLoop,
    &eddy::internal::guard::EndLoop,
    &eddy::internal::guard::BeginTask,
    &eddy::internal::guard::EndTask,
    &eddy::internal::guard::Allow,
    &eddy::internal::guard::EndAllow,
    &eddy::internal::guard::GetOptions,
    &eddy::internal::guard::SetOptions,
    &eddy::internal::guard::ForgetPlaces,
};
}
