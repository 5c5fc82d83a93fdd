// BlockingGuard: what a program can ask of the guard that finds blocking calls,
// and set, where it is linked (eddy::blocking_guard) or preloaded.
// docs/blocking_guard.md tells what it watches and how to read its reports.
//
//   BlockingGuardOptions options = BlockingGuard::options();
//   options.at_least = 100us;
//   BlockingGuard::SetOptions(options);
//
// Thread safety: all may be called on any thread; SetOptions acts on the calls
// that begin after it.
#ifndef EDDY_RUNTIME_BLOCKING_GUARD_H_
#define EDDY_RUNTIME_BLOCKING_GUARD_H_

#include <chrono>

namespace eddy {

enum class BlockingGuardMode { kOff, kReport, kAbort };

// One report. The texts live until the handler returns.
struct BlockingCall {
  const char* name;      // "read"
  const char* argument;  // "fd 7 (pipe:[1234])"; may be empty
  const char* instead;   // "co_await io::Read"
  std::chrono::nanoseconds duration;
  const char* report;  // all of the above, the task and the stack, as printed
};

// What the environment sets before main(), and a program may change.
struct BlockingGuardOptions {
  // EDDY_BLOCKING_GUARD=off, report or abort.
  BlockingGuardMode mode = BlockingGuardMode::kReport;
  // EDDY_BLOCKING_GUARD_MIN_US: shorter calls are no matter. Where it is 0,
  // kAbort aborts before the call is made, so that one which would never return
  // is found too.
  std::chrono::nanoseconds at_least{0};
  // EDDY_BLOCKING_GUARD_STANDARD_STREAMS=1: writing to descriptors 1 and 2
  // counts as blocking. It can block; but programs log with it.
  bool standard_streams = false;
  // Gets each report in place of the file (EDDY_BLOCKING_GUARD_FILE, or else
  // standard error). It runs on the thread of the call, after the task has
  // suspended or ended, and may block.
  void (*handler)(const BlockingCall& call) = nullptr;
};

class BlockingGuard {
 public:
  // Whether there is one in this process. Where not, options() has the mode
  // kOff, and what sets something does nothing.
  static bool loaded() noexcept;

  static BlockingGuardOptions options() noexcept;
  static void SetOptions(const BlockingGuardOptions& options) noexcept;

  // Each place that was reported may be reported once more.
  static void ForgetPlaces() noexcept;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_BLOCKING_GUARD_H_
