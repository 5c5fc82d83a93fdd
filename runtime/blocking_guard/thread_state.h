// What a guard knows of a thread, and what is set for the process.
#ifndef EDDY_RUNTIME_BLOCKING_GUARD_THREAD_STATE_H_
#define EDDY_RUNTIME_BLOCKING_GUARD_THREAD_STATE_H_

#include <eddy/runtime/blocking_guard_hooks.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace eddy::internal::guard {

struct ThreadState {
  bool in_loop = false;
  // The guard is at work, or a watched call is, whose own calls are part of it.
  bool busy = false;
  // Open AllowBlocking scopes: now, and when the task was resumed.
  std::uint32_t allowed = 0;
  std::uint32_t allowed_before = 0;
  // Their reasons, from the outside in: those of the first so many.
  static constexpr std::uint32_t kMostReasons = 8;
  const char* why[kMostReasons] = {};
  // Counts what is resumed on this thread; 0 while no task runs.
  std::uint64_t resumption = 0;
  std::uint64_t resumptions = 0;
  const ResumedTask* task = nullptr;
  // The frames of the task lie below this address.
  std::uintptr_t stack_end = 0;
  // Reports to print when the task has suspended.
  std::uint32_t pending = 0;
};

// With the tls model that needs no call, which could allocate: the library is
// there from the start of the program.
[[gnu::tls_model(
    "initial-exec")]] inline constinit thread_local ThreadState thread;

struct Settings {
  std::atomic<BlockingGuardMode> mode{BlockingGuardMode::kReport};
  std::atomic<std::int64_t> at_least_ns{0};
  std::atomic<bool> standard_streams{false};
  std::atomic<void (*)(const BlockingCall&)> handler{nullptr};
  // Where reports go; opened at the first one if `file` is set.
  const char* file = nullptr;
};
inline constinit Settings settings;

// Whether a call that begins now on this thread is of interest.
inline bool Watching() noexcept {
  return thread.in_loop && thread.allowed == 0 && !thread.busy &&
         settings.mode.load(std::memory_order_relaxed) !=
             BlockingGuardMode::kOff;
}

// The guard's own calls are not watched.
class Busy {
 public:
  Busy() noexcept : before_(thread.busy) { thread.busy = true; }
  ~Busy() { thread.busy = before_; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  const bool before_;
};

// What the guard asks of the kernel leaves errno as it was.
class KeepErrno {
 public:
  KeepErrno() noexcept : before_(errno) {}
  ~KeepErrno() { errno = before_; }
  KeepErrno(const KeepErrno&) = delete;
  KeepErrno& operator=(const KeepErrno&) = delete;

 private:
  const int before_;
};

}  // namespace eddy::internal::guard

#endif  // EDDY_RUNTIME_BLOCKING_GUARD_THREAD_STATE_H_
