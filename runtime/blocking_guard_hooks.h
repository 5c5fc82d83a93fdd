// How the runtime and a blocking guard know of each other: a table that the
// guard's library exports and that the runtime looks up once per process. Two
// binaries that were built apart may meet here, so it is C, with a version.
#ifndef EDDY_RUNTIME_BLOCKING_GUARD_HOOKS_H_
#define EDDY_RUNTIME_BLOCKING_GUARD_HOOKS_H_

#include <eddy/runtime/blocking_guard.h>

#include <cstddef>
#include <cstdint>

namespace eddy::internal {

// A coroutine and who awaits it, from the inside out, as it was resumed.
struct ResumedTask {
  struct Await {
    const char* file;
    const char* function;
    std::uint32_t line;  // 0: it has awaited nothing yet
  };
  static constexpr std::size_t kMostAwaits = 16;

  std::size_t count = 0;
  bool more = false;  // than kMostAwaits
  Await awaits[kMostAwaits] = {};
};

struct BlockingGuardHooks {
  // Changes with this struct and those that it mentions.
  static constexpr std::uint32_t kVersion = 1;
  static constexpr char kSymbol[] = "eddy_blocking_guard";

  std::uint32_t version;
  // A reactor's loop runs on this thread from begin_loop to end_loop, and a
  // coroutine in it from begin_task to end_task.
  void (*begin_loop)() noexcept;
  void (*end_loop)() noexcept;
  void (*begin_task)(const ResumedTask* task) noexcept;
  void (*end_task)() noexcept;
  // See AllowBlocking: returns what end_allow has to be given.
  std::uint64_t (*allow)(const char* why) noexcept;
  void (*end_allow)(std::uint64_t resumption) noexcept;
  // See BlockingGuard.
  void (*get_options)(BlockingGuardOptions* options) noexcept;
  void (*set_options)(const BlockingGuardOptions* options) noexcept;
  void (*forget_places)() noexcept;
};

// Null where there is no guard; set before main().
extern const BlockingGuardHooks* const blocking_guard;

}  // namespace eddy::internal

#endif  // EDDY_RUNTIME_BLOCKING_GUARD_HOOKS_H_
